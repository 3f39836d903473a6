"""``imagerag replay`` of a file that may be anybody's: nothing it names is loaded or asked unless it is said again."""

import shlex
from pathlib import Path

import pytest
from PIL import Image

from imagerag.cli.main import run
from imagerag.credentials import without_credentials
from imagerag.generators.registry import load_generator
from imagerag.places import without_place
from imagerag.store.images import ImageStore
from imagerag.store.manifest import Manifest, ManifestReference
from testing.remote_servers import comfy_server, images_server

EMBEDDED = "patchwork"


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

    def load(name: str, settings: object = None) -> None:
        loaded.append(name)
        raise AssertionError(f"{name} is loaded")

    monkeypatch.setattr("imagerag.graphs.components.load_generator", load)
    return loaded


@pytest.mark.parametrize(
    "named",
    [
        "openai:gpt-image-1", "openai:m@http://127.0.0.1:9/v1", "google_genai:gemini-2.5-flash-image",
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
