"""LoRA weights on tiny pipelines: they change what is drawn, or one line says why they don't."""

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from imagerag.errors import UserError
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.lora import apply_loras, lora_file
from imagerag.generators.diffusion.memory import place
from imagerag.generators.registry import load_generator
from testing import tiny_models
from testing.diffusion_requests import draw, pixels, preset

CACHED = "snapshots/0123456789012345678901234567890123456789"


def generator(folder: Path, *loras: str, kind: str = "sd15", **changes: Any) -> DiffusionGenerator:
    return DiffusionGenerator(preset(folder, kind, steps=2, **changes), loras=loras)


@pytest.fixture
def lora(folder: Path, tmp_path: Path) -> Path:
    return tiny_models.save_lora(tmp_path / "style.safetensors", tiny_models.unet_of(folder / "sd15"))


class TestApplied:
    @pytest.fixture(autouse=True)
    def peft(self) -> None:
        pytest.importorskip("peft")

    @pytest.mark.slow
    @pytest.mark.parametrize("count", [0, 2], ids=["words", "references"])
    def test_it_changes_what_is_drawn_by_its_weight(self, folder: Path, lora: Path, count: int) -> None:
        plain, none, half, whole = (
            generator(folder, *named) for named in ((), (f"{lora}:0",), (f"{lora}:0.5",), (str(lora),))
        )
        drawn = [pixels(draw(each, count)) for each in (plain, none, half, whole)]
        assert np.abs(drawn[0] - drawn[1]).max() <= 1
        assert np.abs(drawn[0] - drawn[2]).mean() > 0
        assert np.abs(drawn[2] - drawn[3]).max() > 0
        assert len({each.revision for each in (plain, none, half, whole)}) == 4
        assert plain.loras == ()
        assert [(each.name, each.weight) for each in half.loras] == [("style.safetensors", 0.5)]
        assert np.array_equal(drawn[3], pixels(draw(generator(folder, str(lora)), count)))

    @pytest.mark.slow
    def test_several_add_up_in_any_memory_mode(self, folder: Path, lora: Path, tmp_path: Path) -> None:
        other = tiny_models.save_lora(tmp_path / "other.safetensors", tiny_models.unet_of(folder / "sd15"), seed=1)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*peft_config")
            one, both = generator(folder, str(lora)), generator(folder, str(lora), f"{other}:-0.7")
        drawn = pixels(draw(both))
        assert np.abs(drawn - pixels(draw(one))).max() > 0
        place(both.pipeline, torch.device("cpu"), "sequential")
        assert np.abs(drawn - pixels(draw(both))).max() <= 1

    @pytest.mark.parametrize("kind", ["sdxl", "nothing"])
    def test_one_for_another_family_is_refused(self, folder: Path, tmp_path: Path, kind: str) -> None:
        file = tmp_path / "other.safetensors"
        if kind == "sdxl":
            tiny_models.save_lora(file, tiny_models.unet_of(folder / "sdxl"))
        else:
            save_file({"lora_te_of_nobody.lora_down.weight": torch.zeros(2, 3)}, file)
        with pytest.raises(UserError, match=r"^lora '.*other.safetensors' does not fit '.*sd15' \(.*leave it out$"):
            generator(folder, str(file))

    @pytest.mark.parametrize("half", ["lora_A", "lora_B"])
    def test_one_that_lacks_a_weight_is_refused(self, folder: Path, lora: Path, tmp_path: Path, half: str) -> None:
        weights = load_file(lora)
        gone = next(name for name in weights if half in name)
        save_file({name: value for name, value in weights.items() if name != gone}, tmp_path / "half.safetensors")
        with pytest.raises(
            UserError, match=rf"half.safetensors' lacks 1 of its .* weights, .*{half}.*; fetch it again"
        ):
            generator(folder, str(tmp_path / "half.safetensors"))

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_one_whose_weights_are_no_numbers_is_refused(
        self, folder: Path, lora: Path, tmp_path: Path, value: float
    ) -> None:
        weights = load_file(lora)
        weights[next(iter(weights))].fill_(value)
        save_file(weights, tmp_path / "broken.safetensors")
        with pytest.raises(UserError, match=r"broken.safetensors' has weights that are no numbers"):
            generator(folder, str(tmp_path / "broken.safetensors"))

    @pytest.mark.parametrize(
        ("weights", "form"), [("lokr_w1", "LoKr"), ("hada_w1_a", "LoHa"), ("diff", "of full differences")]
    )
    def test_a_form_that_diffusers_does_not_read_is_named(
        self, folder: Path, tmp_path: Path, weights: str, form: str
    ) -> None:
        file = tmp_path / "lycoris.safetensors"
        layer = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
        save_file({f"{layer}.{weights}": torch.zeros(2, 2)}, file)
        with pytest.raises(UserError, match=rf"does not fit '.*sd15' \(weights of the form {form}, which diffusers"):
            generator(folder, str(file))

    def test_weights_that_have_no_place_are_told(self, folder: Path, lora: Path, tmp_path: Path) -> None:
        weights = load_file(lora)
        elsewhere = {name.replace("down_blocks.1", "down_blocks.9"): value.clone() for name, value in weights.items()}
        save_file({**weights, **elsewhere}, tmp_path / "larger.safetensors")
        larger = generator(folder, str(tmp_path / "larger.safetensors"))
        notes = draw(larger).facts["notes"]
        assert any("larger.safetensors' does not fit" in note and "down_blocks.9" in note for note in notes), notes
        assert not any("does not fit" in note for note in draw(generator(folder, str(lora))).facts.get("notes", ()))

    def test_weights_for_parts_that_it_does_not_have_are_counted(
        self, folder: Path, lora: Path, tmp_path: Path
    ) -> None:
        weights = load_file(lora)
        other = {f"text_encoder_{n}.layers.0.lora_{ab}.weight": torch.zeros(2, 2) for n in (2, 3) for ab in "AB"}
        save_file({**weights, **other}, tmp_path / "more.safetensors")
        notes = draw(generator(folder, str(tmp_path / "more.safetensors"))).facts["notes"]
        (told,) = [note for note in notes if "does not fit" in note]
        assert (
            f"of {len(weights) + 4} weights it has no place for 4, which are left out: 2 for 'text_encoder_2'" in told
        )

    def test_a_refusal_is_one_line(self, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        file = tiny_models.save_lora(tmp_path / "xl.safetensors", tiny_models.unet_of(folder / "sdxl"))
        with pytest.raises(UserError, match=r"does not fit '.*sd15' \(weights of other shapes\)"):
            generator(folder, str(file))
        assert "unsuccessful" not in capfd.readouterr().err

    def test_one_that_is_not_there_is_told_before_the_model_is_loaded(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr("imagerag.generators.diffusion.loading._pipeline")
        with pytest.raises(UserError, match=r"lora 'nowhere\.safetensors' is no file here"):
            generator(folder, "nowhere.safetensors:0.5")


def test_a_mistyped_file_in_a_folder_is_not_looked_for_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loras" / "of-mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for where in ("loras/stile.safetensors", "loras/of-mine/stile.safetensors"):
        with pytest.raises(UserError, match=f"lora '{where}' is no file here"):
            lora_file(where)


@pytest.mark.parametrize("content", [b"", b"\0" * 64, b'{"a": 1}'])
def test_a_damaged_file_is_told(folder: Path, tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("peft")
    file = tmp_path / "bad.safetensors"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"^lora '.*bad.safetensors' can't be read"):
        generator(folder, str(file))


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("style.bin", r"is no .safetensors file, and others can run any code"),
        ("nowhere.safetensors", "is no file here"),
        ("/nowhere/style.safetensors", "is no file here"),
        ("owner/name/weights.pt", r"is no .safetensors file"),
        ("owner/several", r"has 2 .safetensors files; give --lora one of them: owner/several/a.safetensors, owner/sev"),
        ("owner/unknown", "is not on this machine and can't be downloaded"),
    ],
)
def test_what_can_not_be_had_is_told(
    where: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lora: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "style.bin").write_bytes(b"")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    cached = tmp_path / "hub" / "models--owner--several" / CACHED
    cached.mkdir(parents=True)
    for name in ("a", "b"):
        shutil.copy(lora, cached / f"{name}.safetensors")
    if where == "owner/several":
        monkeypatch.setattr("huggingface_hub.list_repo_files", lambda _: ["a.safetensors", "b.safetensors", "x.txt"])
    with pytest.raises(UserError, match=told):
        lora_file(where)


def test_the_one_file_of_a_repository_in_the_cache_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lora: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    model = tmp_path / "models--owner--style"
    (model / CACHED / "sub").mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(CACHED.partition("/")[2])
    shutil.copy(lora, model / CACHED / "sub" / "style.safetensors")
    assert load_file(lora_file("owner/style")).keys() == load_file(lora).keys()


@pytest.mark.parametrize("name", ["patchwork", "openai:gpt-image-1", "comfyui:http://127.0.0.1:9"])
def test_a_generator_that_takes_none_says_so(name: str) -> None:
    with pytest.raises(UserError, match=rf"^generator '{name}' takes no LoRA, so --lora 'a:0.5' is of no use"):
        load_generator(name, None, ("a:0.5",))


def test_a_pipeline_that_takes_none_says_so() -> None:
    with pytest.raises(UserError, match=r"^'some/model' takes no LoRA \(object of diffusers\)"):
        apply_loras(object(), ["a"], "some/model")
