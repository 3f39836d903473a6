"""Local models of diffusers: real pipelines with tiny random weights, loaded from disk as any checkpoint is."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from imagerag.device_settings import DeviceSettings
from imagerag.errors import Cancelled, DrawingRefused, InvalidArgument, UserError
from imagerag.generators.base import Drawing, DrawRequest, Reference
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.memory import choose_mode
from imagerag.generators.diffusion.presets import Adapter, Preset, load_presets
from testing import tiny_models as tiny

STEPS = 4
REFERENCES = tuple(
    Reference(Image.new("RGB", (48, 32), colour), concept)
    for colour, concept in (("red", "owl"), ("blue", "moon"), ("green", "tree"), ("yellow", "house"), ("pink", "hat"))
)
PROMPT = "an owl and a moon"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    tiny.save_sd15(root / "sd15")
    tiny.save_sdxl(root / "sdxl")
    for kind in ("sd15", "sdxl"):
        model = tiny.unet_of(root / kind)
        for plus in (False, True):
            tiny.save_adapter(root / f"{kind}-adapter", model, plus)
    return root


def preset(folder: Path, kind: str, plus: bool = True, **changes: Any) -> Preset:
    adapter = Adapter(
        model=str(folder / f"{kind}-adapter"),
        file="ip-adapter-plus.safetensors" if plus else "ip-adapter.safetensors",
        encoder=str(folder / f"{kind}-adapter"),
        encoder_subfolder="image_encoder",
    )
    known = {"name": kind, "model": str(folder / kind), "family": "ip-adapter", "steps": STEPS, "width": 32}
    return Preset.model_validate(
        {**known, "height": 32, "max_references": 4, "adapter": adapter, "negative_prompt": "blurry", **changes}
    )


def draw(generator: DiffusionGenerator, count: int = 0, seed: int = 3, scale: float = 0.6, **more: Any) -> Drawing:
    return generator.draw(DrawRequest(PROMPT, (seed,), REFERENCES[:count], scale), **more)[0]


def pixels(drawing: Drawing) -> np.ndarray:
    return np.asarray(drawing.image, np.int16)


class TestAdapter:
    @pytest.mark.parametrize("kind", ["sd15", "sdxl"])
    @pytest.mark.parametrize("plus", [False, True])
    def test_none_one_most_and_one_too_many(self, folder: Path, kind: str, plus: bool) -> None:
        generator = DiffusionGenerator(preset(folder, kind, plus))
        drawn = [pixels(draw(generator, count)) for count in (0, 1, 4)]
        assert all(picture.shape == (32, 32, 3) for picture in drawn)
        assert not (drawn[0] == drawn[1]).all()
        assert not (drawn[1] == drawn[2]).all()
        with pytest.raises(InvalidArgument, match=f"5 references; '{kind}' takes at most 4"):
            draw(generator, 5)

    def test_without_references_it_draws_what_the_bare_pipeline_draws(self, folder: Path) -> None:
        from diffusers import StableDiffusionXLPipeline

        generator = DiffusionGenerator(preset(folder, "sdxl"))
        draw(generator, 1)  # what an earlier drawing has set must not last
        bare: Any = StableDiffusionXLPipeline.from_pretrained(folder / "sdxl")
        bare.set_progress_bar_config(disable=True)
        image = bare(
            PROMPT,
            negative_prompt="blurry",
            width=32,
            height=32,
            num_inference_steps=STEPS,
            guidance_scale=5.0,
            generator=torch.Generator().manual_seed(3),
        ).images[0]
        assert (pixels(draw(generator)) == np.asarray(image)).all()

    def test_scale_nought_ignores_the_reference_but_not_the_words(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        one = generator.draw(DrawRequest(PROMPT, (3,), REFERENCES[:1], 0.0))[0]
        other = Reference(REFERENCES[1].image, "owl")
        assert (pixels(one) == pixels(generator.draw(DrawRequest(PROMPT, (3,), (other,), 0.0))[0])).all()

    def test_a_reference_is_encoded_once(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        calls: list[int] = []
        generator.pipeline.image_encoder.register_forward_hook(lambda *_: calls.append(1))
        draw(generator, 1)
        first = len(calls)
        assert first > 0
        draw(generator, 1, seed=4, scale=0.9)
        assert len(calls) == first
        draw(generator, 2)
        assert len(calls) == 2 * first

    def test_a_reference_with_a_scale_of_its_own(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        owl, moon = REFERENCES[:2]
        silent = Reference(moon.image, moon.concept, scale=0.0)
        loud = Reference(moon.image, moon.concept, scale=1.0)
        quietly, loudly, alone = (
            pixels(generator.draw(DrawRequest(PROMPT, (3,), references, 0.5))[0])
            for references in ((owl, silent), (owl, loud), (Reference(owl.image, "owl", scale=0.25),))
        )
        assert not (quietly == loudly).all()
        # Both stand for the whole picture and share the strength: half of 0.5 for the owl, and nothing for the moon.
        # Only the words differ: with two references the prompt names two.
        assert quietly.shape == alone.shape

    def test_references_stay_where_the_prompt_puts_them(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        family = generator._loaded.family
        request = DrawRequest("an owl left of a moon", (3,), REFERENCES[:2], 0.6)
        masks = family.arguments(request)["cross_attention_kwargs"]["ip_adapter_masks"][0]
        assert masks.shape[1] == 2
        left, right = masks[0, 0].sum(dim=0), masks[0, 1].sum(dim=0)
        assert left[0] > 0
        assert left[-1] == 0
        assert right[0] == 0
        assert right[-1] > 0
        assert "cross_attention_kwargs" not in family.arguments(DrawRequest(PROMPT, (3,), REFERENCES[:2], 0.6))
        assert generator.draw(request)


class TestSeeds:
    def test_the_same_seed_draws_the_same_whatever_else_is_drawn(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15"))
        three = generator.draw(DrawRequest(PROMPT, (3, 4, 5), REFERENCES[:2], 0.5))
        alone = generator.draw(DrawRequest(PROMPT, (4,), REFERENCES[:2], 0.5))
        assert [one.seed for one in three] == [3, 4, 5]
        assert (pixels(three[1]) == pixels(alone[0])).all()
        assert not (pixels(three[0]) == pixels(three[1])).all()
        again = DiffusionGenerator(preset(folder, "sd15"))
        assert again.revision == generator.revision
        assert (pixels(again.draw(DrawRequest(PROMPT, (4,), REFERENCES[:2], 0.5))[0]) == pixels(alone[0])).all()

    def test_another_preset_is_another_revision(self, folder: Path) -> None:
        usual, longer = (DiffusionGenerator(preset(folder, "sd15", steps=steps)) for steps in (2, 3))
        assert usual.revision != longer.revision


class TestWhileItDraws:
    def test_steps_are_told_and_it_stops_between_them(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15"))
        steps: list[tuple[int, int]] = []
        generator.draw(DrawRequest(PROMPT, (1, 2)), on_step=lambda done, total: steps.append((done, total)))
        assert steps == [(k, 2 * STEPS) for k in range(1, 2 * STEPS + 1)]
        steps.clear()

        def check() -> None:
            if len(steps) == 2:
                raise Cancelled

        with pytest.raises(Cancelled):
            draw(generator, check=check, on_step=lambda done, total: steps.append((done, total)))
        assert len(steps) == 2
        assert draw(generator).image.size == (32, 32)  # and it draws on

    def test_previews_show_the_colours_of_what_comes(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15", steps=6))
        shown: list[Image.Image] = []
        draw(generator, on_preview=shown.append)
        assert [image.size for image in shown] == [(16, 16)]

    def test_a_preview_of_an_encoded_picture_looks_like_it(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15"))
        vae = generator.pipeline.vae
        _teach(vae)
        colours = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        sheet = torch.nn.functional.interpolate(colours, size=(128, 128))
        latents = vae.encode(sheet * 2 - 1).latent_dist.mean * vae.config.scaling_factor
        image = generator._previews.show(latents)
        assert image is not None
        seen = np.asarray(image.resize((8, 8), Image.Resampling.BOX), np.float32) / 255
        truth = colours[0].permute(1, 2, 0).numpy()
        lightness = np.corrcoef(seen.mean(axis=2).ravel(), truth.mean(axis=2).ravel())[0, 1]
        assert lightness > 0.7


class TestMemory:
    @pytest.mark.parametrize("memory", ["offload", "sequential"])
    def test_the_mode_changes_no_pixel(self, folder: Path, memory: Any) -> None:
        full = DiffusionGenerator(preset(folder, "sdxl"))
        saving = DiffusionGenerator(preset(folder, "sdxl"), DeviceSettings(memory=memory))
        assert saving.memory == memory
        for count in (0, 2):
            assert (pixels(draw(full, count)) == pixels(draw(saving, count))).all()

    def test_out_of_memory_steps_down_once_and_goes_on(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        expected = pixels(draw(generator, 1))
        fail = _failing(generator, times=1)
        drawing = draw(generator, 1)
        assert fail.count == 1
        assert generator.memory == "offload"
        assert drawing.facts["notes"] == ["out of memory with --memory full; went on with offload, which is slower"]
        assert (pixels(drawing) == expected).all()
        assert draw(generator, 1).facts["notes"] == []

    def test_out_of_memory_again_is_an_answer_not_a_crash(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        _failing(generator, times=2)
        with pytest.raises(InvalidArgument, match="out of memory on cpu, also with --memory offload; try again w"):
            draw(generator, 1)
        assert draw(generator, 1).image.size == (32, 32)

    def test_one_copy_of_the_weights(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"))
        before = _bytes_of(generator.pipeline)
        draw(generator)
        draw(generator, 2)
        assert _bytes_of(generator.pipeline) == before

    def test_settings_that_no_device_has(self, folder: Path) -> None:
        with pytest.raises(UserError, match="device 'nonsense' can't be used here"):
            DiffusionGenerator(preset(folder, "sd15"), DeviceSettings(device="nonsense"))
        with pytest.raises(UserError, match="memory 'none' is not one of auto, full"):
            DeviceSettings(memory="none")  # type: ignore[arg-type]

    def test_4bit_needs_a_gpu(self, folder: Path) -> None:
        with pytest.raises(UserError, match="memory '4bit' needs a GPU, and there is none here"):
            DiffusionGenerator(preset(folder, "sd15"), DeviceSettings(device="cpu", memory="4bit"))

    @pytest.mark.parametrize(
        ("free", "library", "expected"),
        [
            (20e9, True, "full"),
            (9e9, True, "offload"),
            (6e9, True, "4bit"),
            (6e9, False, "sequential"),
            (1e9, True, "sequential"),
        ],
    )
    def test_auto_takes_the_fastest_that_fits(self, free: float, library: bool, expected: str) -> None:
        weights = {"unet": 5e9, "text_encoder": 5.5e9, "vae": 0.2e9}
        device = torch.device("cuda")
        assert choose_mode(DeviceSettings(), device, weights, int(free), library) == expected
        assert choose_mode(DeviceSettings(), torch.device("cpu"), weights, int(free), library) == "full"
        assert choose_mode(DeviceSettings(memory="offload"), device, weights, int(free), library) == "offload"

    def test_bfloat16(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sdxl"), DeviceSettings(dtype="bfloat16"))
        assert draw(generator, 2).facts["dtype"] == "bfloat16"


class TestWords:
    def test_the_papers_form_where_it_fits(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15"))
        request = DrawRequest("an owl", (1,), REFERENCES[:1], 0.5)
        assert generator.draw(request)[0].facts["words"] == "According to this image of owl, generate an owl"

    def test_what_is_cut_is_said(self, folder: Path) -> None:
        generator = DiffusionGenerator(preset(folder, "sd15"))
        prompt = "x" * 70 + "owlandmoon"  # the tokenizer here spells: one token a letter
        drawing = generator.draw(DrawRequest(prompt, (1,), REFERENCES[:1], 0.5))[0]
        assert drawing.facts["words"] == prompt
        assert drawing.facts["notes"] == [
            "the model's text encoder ends before the prompt does; not read: 'ndmoon'"
        ] or ("not read" in str(drawing.facts["notes"]))


class TestSafety:
    def test_a_refused_drawing_is_never_a_black_image(self, folder: Path) -> None:
        tiny.save_sd15(folder / "checked", safety_checker=tiny.safety_checker())
        generator = DiffusionGenerator(preset(folder, "sd15", model=str(folder / "checked")))
        checker = generator.pipeline.safety_checker
        with torch.no_grad():
            checker.concept_embeds_weights.fill_(2.0)  # nothing is a concept
        passed = generator.draw(DrawRequest(PROMPT, (1, 2)))
        assert len(passed) == 2
        with torch.no_grad():
            checker.concept_embeds_weights.fill_(-2.0)  # everything is
        with pytest.raises(DrawingRefused, match="safety checker of 'sd15' refuses"):
            generator.draw(DrawRequest(PROMPT, (1, 2)))


class TestNames:
    def test_bundled_presets_are_whole(self) -> None:
        presets = load_presets({})
        assert {"sd15", "sdxl", "kolors", "sd35", "flux", "omnigen", "qwen-edit", "kontext", "flux2"} <= set(presets)
        for one in presets.values():
            assert one.licence != "unknown"
            assert (one.gigabytes() or 0) > 1

    def test_a_preset_of_ones_own(self, folder: Path, tmp_path: Path) -> None:
        file = tmp_path / "mine.toml"
        file.write_text(f'[mine]\nlike = "sdxl"\nmodel = "{folder / "sdxl"}"\nsteps = 7\n')
        mine = load_presets({"IMAGERAG_PRESETS": str(file)})["mine"]
        assert (mine.steps, mine.family, mine.variant) == (7, "ip-adapter", None)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('[a]\nlike = "nothing"', "preset 'a' in .* is like 'nothing', which is not known; known are: sd15"),
            ('[a]\nlike = "sdxl"\nsteps = 0', "preset 'a' in .*: steps 0: Input should be greater"),
            ('[a]\nlike = "sdxl"\nstepz = 3', "preset 'a' in .*: stepz 3: Extra inputs"),
            ('[a]\nmodel = "m"\nfamily = "text"\nmax_references = 2', "max_references 2 must be 0 for family 'text'"),
            ('[a]\nmodel = "m"\nfamily = "ip-adapter"\nmax_references = 2', r"lacks its \[a.adapter\]"),
            ("a = 3", "'a' in presets file .* is no table of a preset"),
            ("[a", "presets file .* can't be read"),
        ],
    )
    def test_what_no_preset_can_say(self, tmp_path: Path, text: str, said: str) -> None:
        file = tmp_path / "mine.toml"
        file.write_text(text)
        with pytest.raises(UserError, match=said):
            load_presets({"IMAGERAG_PRESETS": str(file)})

    def test_weights_that_are_no_safetensors_are_refused(self, folder: Path, tmp_path: Path) -> None:
        pickled = tmp_path / "pickled"
        shutil.copytree(folder / "sd15", pickled)
        weights = pickled / "unet" / "diffusion_pytorch_model.safetensors"
        torch.save(load_file(weights), weights.with_suffix(".bin"))
        weights.unlink()
        with pytest.raises(UserError, match=r"no weights as safetensors.*allow_pickle = true"):
            DiffusionGenerator(preset(folder, "sd15", model=str(pickled)))
        assert draw(DiffusionGenerator(preset(folder, "sd15", model=str(pickled), allow_pickle=True)))
        adapter = Adapter(model="m", file="ip-adapter.bin", encoder="e")
        with pytest.raises(UserError, match=r"'ip-adapter.bin' has no weights as safetensors"):
            DiffusionGenerator(preset(folder, "sd15", adapter=adapter))


def _teach(vae: Any) -> None:
    """Let a VAE of random weights learn for seconds what every trained one knows: to keep light and dark."""
    noise = torch.Generator().manual_seed(1)
    steps = torch.optim.Adam(vae.parameters(), 0.004)
    with torch.enable_grad():
        for _ in range(120):
            picture = torch.nn.functional.interpolate(torch.rand(4, 3, 4, 4, generator=noise), size=(32, 32)) * 2 - 1
            error = (vae.decode(vae.encode(picture).latent_dist.mean).sample - picture).square().mean()
            steps.zero_grad()
            error.backward()
            steps.step()


class _failing:
    """Lets the denoiser run out of memory so many times, at its second step."""

    def __init__(self, generator: DiffusionGenerator, times: int) -> None:
        self.count = 0
        denoiser = generator.pipeline.unet
        usual: Callable[..., Any] = denoiser.time_proj.forward
        calls = 0

        def forward(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if self.count < times and calls % 2 == 0:
                self.count += 1
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return usual(*args, **options)

        denoiser.time_proj.forward = forward


def _bytes_of(pipeline: Any) -> int:
    components = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    tensors = {tensor.data_ptr(): tensor for part in components for tensor in part.parameters()}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
