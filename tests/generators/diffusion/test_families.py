"""Every family, by how references go in: none, one, the most, and one too many; loaded as any checkpoint is."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagerag.device_settings import DeviceSettings
from imagerag.errors import InvalidArgument
from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.loading import preset_of
from imagerag.generators.diffusion.presets import Preset, load_presets
from testing import tiny_families as tiny
from testing import tiny_models

SAVED: dict[str, Callable[[Path], Path]] = {
    "sd15": tiny_models.save_sd15,
    "sdxl": tiny_models.save_sdxl,
    "kolors": tiny.save_kolors,
    "sd35": tiny.save_sd3,
    "flux": tiny.save_flux,
    "omnigen": tiny.save_omnigen,
    "qwen-edit": tiny.save_qwen,
    "kontext": tiny.save_kontext,
    "flux2": tiny.save_flux2,
    "flux2-klein": tiny.save_klein,
}
"""By the preset whose pipeline class it is."""

COLOURS = ("red", "blue", "green", "yellow", "pink", "black", "white")
PROMPT = "an owl"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("families")


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Qwen-Image's pipeline see references at 64 x 64: at its megapixel, a CPU convolves for minutes."""
    module = importlib.import_module("diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus")
    monkeypatch.setattr(module, "VAE_IMAGE_SIZE", 64 * 64)


def load(root: Path, name: str, memory: Any = "auto", **changes: Any) -> DiffusionGenerator:
    """The bundled preset of that name, with a tiny checkpoint of its pipeline class in it."""
    folder = root / name
    if not folder.exists():
        SAVED[name](folder)
    changes = {"model": str(folder), "width": 32, "height": 32, "steps": 2, "variant": None, **changes}
    preset = load_presets({})[name]
    if preset.adapter is not None:
        adapter = root / f"{name}-adapter"
        if name == "flux":
            file = tiny.save_flux_adapter(adapter) / preset.adapter.file
        elif name == "sd35":
            file = tiny.save_sd3_adapter(adapter) / "ip-adapter.safetensors"
        else:
            file = tiny_models.save_adapter(adapter, tiny_models.unet_of(folder), plus=True)
        where = {"model": str(adapter), "subfolder": "", "file": file.name, "revision": None, "encoder": str(adapter)}
        changes["adapter"] = preset.adapter.model_copy(update={**where, "encoder_subfolder": "image_encoder"})
    return DiffusionGenerator(preset.model_copy(update=changes), DeviceSettings(memory=memory))


def references(count: int) -> tuple[Reference, ...]:
    return tuple(Reference(Image.new("RGB", (40, 30), COLOURS[k % 7]), f"thing {k + 1}") for k in range(count))


def drawn(generator: DiffusionGenerator, count: int, scale: float = 0.6) -> tuple[np.ndarray, dict[str, Any]]:
    drawing = generator.draw(DrawRequest(PROMPT, (7,), references(count), scale))[0]
    return np.asarray(drawing.image, np.int16), dict(drawing.facts)


@pytest.mark.parametrize("name", SAVED)
def test_none_one_most_and_one_too_many(root: Path, name: str) -> None:
    generator = load(root, name)
    most = generator.max_references
    assert most == load_presets({})[name].max_references >= 1
    pictures = {count: drawn(generator, count)[0] for count in sorted({0, 1, most})}
    assert all(picture.shape == (32, 32, 3) for picture in pictures.values())
    before = None
    for picture in pictures.values():
        assert before is None or not (picture == before).all()
        before = picture
    assert (drawn(generator, 0)[0] == pictures[0]).all()
    assert (drawn(generator, 1)[0] == pictures[1]).all()
    with pytest.raises(InvalidArgument, match=f"{most + 1} references; '{name}' takes at most {most}"):
        drawn(generator, most + 1)


@pytest.mark.parametrize("memory", ["offload", "sequential"])
@pytest.mark.parametrize("name", ["sd35", "flux", "omnigen", "qwen-edit", "flux2-klein"])
def test_memory_modes_draw_the_same_picture(root: Path, name: str, memory: str) -> None:
    usual, saving = load(root, name), load(root, name, memory)
    for count in (0, 1):
        # Weights that lie elsewhere are added up in another order: a value may be rounded to its neighbour.
        off = abs(drawn(usual, count)[0] - drawn(saving, count)[0])
        assert off.max() <= 1
        assert (off > 0).mean() < 0.01


def test_plain_text_to_image_takes_none(root: Path) -> None:
    folder = tiny_models.save_sdxl(root / "plain")
    preset = load_presets({})["sdxl-turbo"].model_copy(update={"model": str(folder), "width": 32, "height": 32})
    generator = DiffusionGenerator(preset.model_copy(update={"variant": None}))
    assert generator.max_references == 0
    assert drawn(generator, 0)[0].shape == (32, 32, 3)
    with pytest.raises(InvalidArgument, match="1 references; 'sdxl-turbo' takes at most 0"):
        drawn(generator, 1)


class TestWords:
    def test_omnigen_gets_a_placeholder_for_each_image(self, root: Path) -> None:
        _, facts = drawn(load(root, "omnigen"), 2)
        assert facts["words"] == (
            "According to these images of thing 1: <img><|image_1|></img>, thing 2: <img><|image_2|></img>, "
            "generate an owl"
        )

    def test_edit_models_are_told_which_image_is_what(self, root: Path) -> None:
        _, facts = drawn(load(root, "flux2-klein"), 2)
        assert facts["words"] == "According to these images of thing 1 (image 1), thing 2 (image 2), generate an owl"

    def test_a_stitched_sheet_is_read_from_the_left(self, root: Path) -> None:
        _, facts = drawn(load(root, "kontext"), 2)
        assert "thing 2 (picture 2 from the left)" in facts["words"]

    def test_a_conditioned_prompt_is_not_conditioned_twice(self, root: Path) -> None:
        generator = load(root, "sd15")
        request = DrawRequest("According to these images of thing 1, generate an owl", (7,), references(1), 0.5)
        assert generator.draw(request)[0].facts["words"] == "According to this image of thing 1, generate an owl"

    def test_the_longest_text_encoder_counts(self, root: Path) -> None:
        prompt = "o" * 200  # beyond CLIP's 77, within T5's 256
        assert load(root, "sd35").draw(DrawRequest(prompt, (7,)))[0].facts["notes"] == []
        notes = load(root, "sd35").draw(DrawRequest("o" * 300, (7,)))[0].facts["notes"]
        assert "not read: 'ooooo" in str(notes)


class TestUnknownCheckpoints:
    def test_a_folder_is_asked_like_its_pipeline_class(self, root: Path) -> None:
        folder = tiny.save_kontext(root / "someones-kontext")
        preset = preset_of(str(folder))
        assert (preset.family, preset.max_references, preset.model) == ("edit", 3, str(folder))
        assert preset.name == f"diffusers:{folder}"

    def test_a_class_without_references_draws_from_words(self, root: Path) -> None:
        from diffusers import PixArtSigmaPipeline, PixArtTransformer2DModel

        encoder, tokenizer = tiny.t5()
        transformer = PixArtTransformer2DModel(
            sample_size=32, num_layers=1, patch_size=2, attention_head_dim=8, num_attention_heads=3, in_channels=4,
            caption_channels=32, cross_attention_dim=24, out_channels=8, norm_type="ada_norm_single",
        )  # fmt: skip
        folder = root / "pixart"
        PixArtSigmaPipeline(
            transformer=transformer, scheduler=tiny_models.scheduler(), vae=tiny_models.vae(), text_encoder=encoder,
            tokenizer=tokenizer,
        ).save_pretrained(folder)  # fmt: skip
        preset = preset_of(str(folder))
        assert (preset.family, preset.max_references) == ("text", 0)
        small = Preset.model_validate({**preset.model_dump(), "width": 32, "height": 32, "steps": 2})
        assert drawn(DiffusionGenerator(small), 0)[0].shape == (32, 32, 3)
