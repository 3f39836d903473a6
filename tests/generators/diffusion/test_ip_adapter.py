"""IP-Adapters: real pipelines with tiny random weights, loaded from disk as any checkpoint is."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from imagerag.errors import InvalidArgument
from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from testing import tiny_models as tiny
from testing.diffusion_requests import PROMPT, REFERENCES, STEPS, draw, pixels, preset

pytestmark = pytest.mark.slow


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

    @pytest.mark.parametrize("kind", ["sd15", "sdxl"])
    def test_a_model_that_was_taught_guidance_draws_without_contrast(
        self, folder: Path, tmp_path: Path, kind: str
    ) -> None:
        """Latent consistency: the strength of guidance is an input of the UNet, whatever it is."""
        taught = tmp_path / kind
        shutil.copytree(folder / kind, taught)
        known = tiny.unet_of(folder / kind)
        unet = type(known).from_config({**known.config, "time_cond_proj_dim": 16})
        unet.load_state_dict(known.state_dict(), strict=False)
        unet.save_pretrained(taught / "unet")
        settings = {"model": str(taught), "guidance": 8.0, "negative_prompt": ""}
        generator = DiffusionGenerator(preset(folder, kind, **settings))
        drawn = [pixels(draw(generator, count)) for count in (0, 1, 4)]
        assert not (drawn[0] == drawn[1]).all()
        assert not (drawn[1] == drawn[2]).all()
        for count in (0, 1, 4):
            given = generator._loaded.family.arguments(DrawRequest(PROMPT, (3,), REFERENCES[:count], 0.6))
            assert given["ip_adapter_image_embeds"][0].shape[0] == 1, "nothing is seen beside the references"

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
        owl, moon, other = *REFERENCES[:2], REFERENCES[-1]
        silent = Reference(moon.image, moon.concept, scale=0.0)
        unseen = Reference(other.image, moon.concept, scale=0.0)
        loud = Reference(moon.image, moon.concept, scale=1.0)
        quietly, blindly, loudly = (
            pixels(generator.draw(DrawRequest(PROMPT, (3,), references, 0.5))[0])
            for references in ((owl, silent), (owl, unseen), (owl, loud))
        )
        assert not (quietly == loudly).all()
        assert (quietly == blindly).all(), "of a reference with scale 0, only the words count"

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


@pytest.mark.parametrize("lacking", ["model", "encoder"])
def test_without_a_network_it_draws_from_words_where_only_its_adapter_is_not_here(
    folder: Path, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    whole = preset(folder, "sd15")
    assert whole.adapter is not None
    adapter = whole.adapter.model_copy(update={lacking: "owner/elsewhere"})
    generator = DiffusionGenerator(whole.model_copy(update={"adapter": adapter}))
    assert generator.max_references == 0
    drawing = draw(generator)
    note, *others = drawing.facts["notes"]  # type: ignore[misc]
    assert others == [], others
    assert "references are not possible, and it draws from words alone: model 'owner/elsewhere" in note
    assert "hf download owner/elsewhere" in note
    assert draw(generator).facts["notes"] == []
    with pytest.raises(InvalidArgument, match="1 references; 'sd15' takes at most 0"):
        draw(generator, 1)
    assert (pixels(drawing) == pixels(draw(DiffusionGenerator(whole)))).all()
