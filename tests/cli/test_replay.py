"""``imagerag replay`` of a file that may be anybody's: nothing it names is loaded or asked unless it is said again."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.cli.main import run
from imagerag.credentials import without_credentials
from imagerag.generators.base import DrawRequest, DrawsWithLoras
from imagerag.generators.registry import load_generator
from imagerag.graphs import Settings, build_graph
from imagerag.places import without_place
from imagerag.store.images import ImageStore
from imagerag.store.manifest import Manifest, ManifestReference, read_manifest
from testing.remote_servers import comfy_server, images_server
from testing.scripted import ScriptedCritic, Squares

EMBEDDED = "patchwork"
ONE: Any = {"configurable": {"thread_id": "1"}}


def drawn_by(generator: str, folder: Path, reference: str = "") -> Path:
    """Return the PNG of somebody who says that a generator drew it, with a subject picture if one is given."""
    references = (
        [ManifestReference(sha256=reference, concept="owl", kind="subject", caption="me", source="", licence="")]
        if reference
        else []
    )
    manifest = Manifest.new(
        prompt="an owl", seed=1, generator=generator, generator_revision="1", references=references, reference_scale=0.5
    )
    return ImageStore(folder / "theirs").put(Image.new("RGB", (32, 32), "red"), manifest).path


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_SERVER_KEY", "sk-of-the-server")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    monkeypatch.setenv("GOOGLE_API_KEY", "sk-of-google")
    monkeypatch.setenv("IMAGERAG_COMFYUI_CHECKPOINT", "sdxl.safetensors")


@pytest.fixture
def never_loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of generators that were loaded; none really is."""
    loaded: list[str] = []

    def load(name: str, *more: object) -> None:
        loaded.append(name)
        raise AssertionError(f"{name} is loaded")

    monkeypatch.setattr("imagerag.graphs.components.load_generator", load)
    return loaded


@pytest.mark.parametrize(
    "named",
    [
        "openai:gpt-image-1", "openai:m@http://127.0.0.1:9/v1", "google_genai:gemini-2.5-flash-image",
        "bfl:flux-2-pro", "fal:owner/model", "replicate:owner/model:1", "together:owner/model", "stability:ultra",
        "recraft:recraftv3",
        "comfyui:http://127.0.0.1:9", "comfyui:/tmp/workflow.json@http://127.0.0.1:9", "diffusers:somebody/model",
        "diffusers:/tmp/model", "sd15", "sdxl",
    ],
)  # fmt: skip
@pytest.mark.parametrize("by", ["nothing", "variable", "another"])
def test_only_what_is_embedded_is_loaded_unasked(
    named: str,
    by: str,
    never_loaded: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = drawn_by(named, tmp_path)
    more = ["--generator", EMBEDDED] if by == "another" else []
    if by == "variable":
        monkeypatch.setenv("IMAGERAG_GENERATOR", named)
    assert run(["replay", str(file), "--home", str(tmp_path), *more]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    recorded = without_place(named)
    assert repr(recorded) in told
    assert not never_loaded
    command = shlex.split(told.partition("imagerag replay ")[2])
    assert command == [str(file), "--generator", recorded]


def test_a_foreign_file_gets_no_key_and_no_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = ImageStore(tmp_path).put(
        Image.new("RGB", (32, 32), "blue"), Manifest.new(prompt="", seed=0, generator="", generator_revision="")
    )
    with images_server() as server:
        file = drawn_by(f"openai:m@{server.url}", tmp_path, mine.sha256)
        assert run(["replay", str(file), "--home", str(tmp_path)]) == 2
        assert not server.asked
        command = shlex.split(capsys.readouterr().err.partition("imagerag replay ")[2])
        assert run(["replay", *command, "--home", str(tmp_path)]) in (0, 1)
        assert len(server.asked) == 1


def test_a_foreign_file_reaches_no_comfyui(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with comfy_server() as (comfy, url):
        file = drawn_by(f"comfyui:{url}", tmp_path)
        assert run(["replay", str(file), "--home", str(tmp_path)]) == 2
        assert not comfy.asked
        command = shlex.split(capsys.readouterr().err.partition("imagerag replay ")[2])
        assert run(["replay", *command, "--home", str(tmp_path)]) == 1, capsys.readouterr().err
        assert comfy.prompts


@pytest.mark.parametrize(
    ("recorded", "given"),
    [
        ("openai:m@http://127.0.0.1:9/v1", "openai:m@http://me:secret@127.0.0.1:9/v1?key=K"),
        ("comfyui:flow.json@http://127.0.0.1:9", "comfyui:/home/me/flow.json@http://me:secret@127.0.0.1:9"),
        ("comfyui:/home/me/flow.json@http://127.0.0.1:9", "comfyui:flow.json@http://127.0.0.1:9"),
        ("diffusers:my-model", "diffusers:/models/my-model"),
    ],
)
def test_what_is_said_is_used_where_the_manifest_left_places_and_secrets_out(
    recorded: str, given: str, tmp_path: Path, never_loaded: list[str]
) -> None:
    file = drawn_by(recorded, tmp_path)
    with pytest.raises(AssertionError, match="is loaded"):
        run(["replay", str(file), "--home", str(tmp_path), "--generator", given])
    assert never_loaded == [given]


@pytest.mark.parametrize(
    ("recorded", "given"),
    [
        ("openai:m@http://127.0.0.1:9/v1", "openai:m@http://127.0.0.1:10/v1"),
        ("openai:m@http://127.0.0.1:9/v1", "openai:m"),
        ("openai:m@http://127.0.0.1:9/v1", "openai:m@http://127.0.0.1:9@elsewhere.example/v1"),
        ("comfyui:flow.json@http://127.0.0.1:9", "comfyui:other.json@http://127.0.0.1:9"),
        ("diffusers:good/model", "diffusers:other/model"),
        ("sd15", "sdxl"),
        (EMBEDDED, "sd15"),
    ],
)
def test_another_generator_is_refused(
    recorded: str, given: str, tmp_path: Path, never_loaded: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = drawn_by(recorded, tmp_path)
    assert run(["replay", str(file), "--home", str(tmp_path), "--generator", given]) == 2
    told = capsys.readouterr().err
    assert repr(recorded) in told
    assert repr(without_credentials(given)) in told
    assert not never_loaded


@pytest.mark.parametrize("more", [[], ["--generator", EMBEDDED]])
def test_the_embedded_generator_needs_no_word(more: list[str], tmp_path: Path) -> None:
    assert load_generator(EMBEDDED)
    assert run(["replay", str(drawn_by(EMBEDDED, tmp_path)), "--home", str(tmp_path), *more]) == 1


class TestLora:
    @pytest.fixture
    def drawn(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> tuple[Path, Path]:
        """A picture that a tiny model with a LoRA drew, and the LoRA's file."""
        pytest.importorskip("peft")
        from testing import tiny_models

        model = tiny_models.save_sd15(tmp_path / "sd15")
        lora = tiny_models.save_lora(tmp_path / "style.safetensors", tiny_models.unet_of(model))
        presets = tmp_path / "presets.toml"
        presets.write_text(f"[tiny]\nmodel = '{model}'\nfamily = 'text'\nwidth = 32\nheight = 32\nsteps = 2\n")
        monkeypatch.setenv("IMAGERAG_PRESETS", str(presets))
        generator = load_generator("tiny", None, (f"{lora}:0.5",))
        assert isinstance(generator, DrawsWithLoras)
        manifest = Manifest.new(
            prompt="an owl", seed=1, generator="tiny", generator_revision=generator.revision, loras=generator.loras
        )
        image = generator.draw(DrawRequest("an owl", (1,)))[0].image
        capsys.readouterr()
        return ImageStore(tmp_path / "theirs").put(image, manifest).path, lora

    @pytest.mark.slow
    def test_it_is_loaded_only_where_it_is_said_again(
        self, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file, lora = drawn
        assert str(tmp_path) not in Manifest.model_validate_json(read_manifest(file).text()).text()
        asked = ["replay", str(file), "--home", str(tmp_path), "--generator", "tiny"]
        assert run(asked) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        command = shlex.split(told.partition("imagerag replay ")[2])
        assert command == [str(file), "--generator", "tiny", "--lora=style.safetensors:0.5"]
        assert run([*asked, "--lora", str(lora)]) == 2  # of another weight
        assert run([*asked, "--lora", f"{lora}:0.5"]) == 0
        assert "identical" in capsys.readouterr().out

    @pytest.mark.slow
    def test_another_file_of_that_name_is_refused(
        self, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from testing import tiny_models

        file, lora = drawn
        (tmp_path / "other").mkdir()
        other = tiny_models.save_lora(tmp_path / "other" / lora.name, tiny_models.unet_of(tmp_path / "sd15"), seed=1)
        asked = ["replay", str(file), "--home", str(tmp_path), "--generator", "tiny", "--lora", f"{other}:0.5"]
        assert run(asked) == 2
        assert "was drawn with a LoRA 'style.safetensors' of sha256 " in capsys.readouterr().err


@pytest.mark.slow
def test_another_checkpoint_of_that_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import diffusers

    from testing import tiny_models, tiny_single_files

    model = tiny_models.save_sd15(tmp_path / "sd15")
    pipeline = diffusers.DiffusionPipeline.from_pretrained(model)
    file = tiny_single_files.save_single_sd15(tmp_path / "mine.safetensors", pipeline)
    presets = tmp_path / "presets.toml"
    presets.write_text(f"[tiny]\nmodel = '{model}'\nfamily = 'text'\nwidth = 32\nheight = 32\nsteps = 2\n")
    monkeypatch.setenv("IMAGERAG_PRESETS", str(presets))
    generator = load_generator(f"file:{file}@tiny")
    drawing = generator.draw(DrawRequest("an owl", (1,)))[0]
    manifest = Manifest.new(
        prompt="an owl", seed=1, generator=generator.name, generator_revision=generator.revision, facts=drawing.facts
    )
    assert str(tmp_path) not in manifest.text()
    image = ImageStore(tmp_path / "theirs").put(drawing.image, manifest).path
    asked = ["replay", str(image), "--home", str(tmp_path)]
    capsys.readouterr()
    assert run(asked) == 2
    assert "--generator file:mine.safetensors@tiny" in capsys.readouterr().err
    assert run([*asked, "--generator", f"file:{file}@tiny"]) == 0
    (tmp_path / "other").mkdir()
    pipeline.unet.conv_out.bias.data += 1
    other = tiny_single_files.save_single_sd15(tmp_path / "other" / file.name, pipeline)
    assert run([*asked, "--generator", f"file:{other}@tiny"]) == 2
    assert "was drawn by a checkpoint of sha256 " in capsys.readouterr().err


class TestBatch:
    @pytest.fixture
    def tiny_model(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from testing import tiny_models

        model = tiny_models.save_sd15(tmp_path / "sd15")
        presets = tmp_path / "presets.toml"
        presets.write_text(f"[tiny]\nmodel = '{model}'\nfamily = 'text'\nwidth = 32\nheight = 32\nsteps = 2\n")
        monkeypatch.setenv("IMAGERAG_PRESETS", str(presets))
        load_generator.cache_clear()

    @pytest.mark.slow
    @pytest.mark.usefixtures("tiny_model")
    def test_an_image_of_a_batch_is_drawn_again_with_the_others(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        graph = build_graph(generator=load_generator("tiny"), critic=ScriptedCritic([0.99] * 3))
        settings = Settings(home=str(tmp_path / "home"), seed=5, n=3, batch=True)
        images = graph.invoke({"prompt": "an owl"}, ONE, context=settings)["images"]
        assert len(images) == 3
        assert read_manifest(Path(images[2]["path"])).facts["batch"] == [5, 6, 7]
        asked = ["replay", images[2]["path"], "--home", str(tmp_path), "--generator", "tiny"]
        assert run(asked) == 0
        assert "identical" in capsys.readouterr().out

    @pytest.mark.slow
    @pytest.mark.usefixtures("tiny_model")
    @pytest.mark.parametrize("batch", [[1, 2], "5", [5, "6"], list(range(100))])
    def test_seeds_that_make_no_sense_are_refused(
        self, batch: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        manifest = Manifest.new(
            prompt="an owl", seed=5, generator="tiny", generator_revision="1", facts={"batch": batch}
        )
        image = ImageStore(tmp_path / "theirs").put(Image.new("RGB", (32, 32)), manifest).path
        assert run(["replay", str(image), "--home", str(tmp_path), "--generator", "tiny"]) == 2
        assert "the file is damaged" in capsys.readouterr().err


def offer_tiny_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``--generator tiny`` load a small model that is saved in a folder."""
    from testing import tiny_models

    model = tiny_models.save_sd15(folder / "sd15")
    presets = folder / "presets.toml"
    presets.write_text(f"[tiny]\nmodel = '{model}'\nfamily = 'text'\nwidth = 32\nheight = 32\nsteps = 3\n")
    monkeypatch.setenv("IMAGERAG_PRESETS", str(presets))


@pytest.mark.slow
def test_what_was_drawn_fast_is_drawn_fast_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer_tiny_model(tmp_path, monkeypatch)
    home = tmp_path / "home"
    out = ["--out", str(tmp_path / "out"), "--critic", "clip", "--mode", "no_lookup", "--max-generations", "1"]
    assert run(["an owl", "--generator", "tiny", "--fast", "--seed", "5", "--home", str(home), *out]) == 0
    told = capsys.readouterr()
    assert "--fast took channels last: " in told.out
    (file,) = (tmp_path / "out").glob("*.png")
    manifest = read_manifest(file)
    fact: Any = manifest.facts["fast"]
    assert fact["takes"] == ["channels last"]
    assert (home / "fast.json").is_file()
    assert run(["replay", str(file), "--home", str(home), "--generator", "tiny", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["identical"]
    assert told["versions"] == {}


@pytest.mark.slow
def test_numbers_are_those_that_it_was_drawn_in_or_told_to_be_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer_tiny_model(tmp_path, monkeypatch)
    home, drawn = tmp_path / "home", tmp_path / "out"
    out = ["--out", str(drawn), "--critic", "clip", "--mode", "no_lookup", "--max-generations", "1"]
    assert run(["an owl", "--generator", "tiny", "--dtype", "bfloat16", "--seed", "5", "--home", str(home), *out]) == 0
    (file,) = drawn.glob("*.png")
    again = ["--home", str(home), "--generator", "tiny"]
    capsys.readouterr()
    assert run(["replay", str(file), *again, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["identical"], told["versions"]) == (True, {})
    manifest = read_manifest(file)
    elsewhere = manifest.model_copy(update={"facts": {**manifest.facts, "device": "cuda", "attention": "_flash_3"}})
    other = ImageStore(tmp_path / "theirs").put(Image.open(file), elsewhere).path
    assert run(["replay", str(other), *again]) == 1
    said = capsys.readouterr().out
    for name, then, now in (
        ("device", "cuda", "cpu"),
        ("dtype", "bfloat16", "float32"),
        ("attention", "_flash_3", "native"),
    ):
        assert f"  {name} was {then}, is {now}" in said
    assert "memory was" not in said


def test_a_generator_with_no_faster_way_says_so(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path), fast=True, max_generations=1)
    graph = build_graph(generator=Squares(), critic=ScriptedCritic([0.99]))
    events = list(graph.stream({"prompt": "an owl"}, ONE, context=settings, stream_mode="custom"))
    notes = [event["text"] for event in events if event["event"] == "note"]
    assert any("--fast is ignored" in note for note in notes)


def test_a_generator_that_draws_no_batches_says_so(tmp_path: Path) -> None:
    notes: list[str] = []
    settings = Settings(home=str(tmp_path), n=2, batch=True, max_generations=1)
    graph = build_graph(generator=Squares(), critic=ScriptedCritic([0.99] * 2))
    for event in graph.stream({"prompt": "an owl"}, ONE, context=settings, stream_mode="custom"):
        if event["event"] == "note":
            notes.append(event["text"])
    assert any("--batch is ignored" in note for note in notes)


def test_a_prompt_that_no_run_takes_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = Manifest.new(prompt="owl, " * 20_000, seed=1, generator=EMBEDDED, generator_revision="1")
    image = ImageStore(tmp_path / "theirs").put(Image.new("RGB", (32, 32)), manifest).path
    assert run(["replay", str(image), "--home", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "characters; shorten it to at most" in told
    assert told.count("\n") == 1


def test_a_negative_prompt_is_drawn_with_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Guided(Squares):
        name, takes_negatives = EMBEDDED, True

    squares = Guided()
    graph = build_graph(generator=squares, critic=ScriptedCritic([0.9]))
    drawn = graph.invoke(
        {"prompt": "an owl"}, ONE, context=Settings(home=str(tmp_path), negative="a dog", max_generations=1)
    )
    monkeypatch.setattr("imagerag.graphs.components.load_generator", lambda *named: squares)
    assert run(["replay", drawn["image"]["path"], "--home", str(tmp_path)]) == 0
    assert [request.negative for request in squares.requests] == ["a dog", "a dog"]
