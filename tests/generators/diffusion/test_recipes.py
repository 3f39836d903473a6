"""Recipes of models without a preset, by their configuration as published and by what tells versions apart."""

import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.generators.diffusion.loading import preset_of
from imagerag.generators.diffusion.other_models import kind_of_checkpoint, kind_of_class
from imagerag.generators.diffusion.preset_files import parts_of
from imagerag.generators.diffusion.presets import Preset, load_presets
from imagerag.generators.diffusion.recipes import CONTRAST_FROM_0, Published, recipe_of, rules

PUBLISHED: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("published_models.json").read_text(encoding="utf-8")
)["models"]
PARTS = ("scheduler", "transformer", "unet")
PRESETS = load_presets({})


def recipe(model: str, class_name: str, **parts: Mapping[str, Any]) -> Preset:
    index = {"_class_name": class_name, **{part: [] for part in parts if part in PARTS}, **parts.get("index", {})}
    found = recipe_of(Published(model, index, lambda part: parts.get(part, {})), PRESETS)
    assert found is not None
    return found


def check(found: Preset, expected: dict[str, Any]) -> None:
    preset = PRESETS.get(expected["preset"])
    negative = preset.negative_prompt if preset and expected["negative_prompt"] == "*" else expected["negative_prompt"]
    assert (found.steps, found.guidance, found.negative_prompt) == (expected["steps"], expected["guidance"], negative)
    assert found.max_references == expected["references"]
    if "size" in expected:
        assert (found.width, found.height) == (expected["size"], expected["size"])
    assert (found.adapter is None) or found.max_references > 0
    if preset is not None and found.recipe:
        assert found.recipe.startswith(f"as {expected['preset']}")
        parts = set(preset.weights) - (set() if found.max_references else {"image_encoder", "adapter"})
        assert found.weights == {name: preset.weights[name] for name in preset.weights if name in parts}


@pytest.mark.parametrize("row", PUBLISHED, ids=[row["model"] for row in PUBLISHED])
def test_what_is_published_leads_to_the_right_recipe(row: dict[str, Any]) -> None:
    published = Published(row["model"], row["model_index"], lambda part: row.get(part, {}))
    found = recipe_of(published, PRESETS)
    if row["expect"].get("preset") in PRESETS:
        assert found is not None
        check(found, row["expect"])
    elif "refused" in row["expect"]:
        assert (
            kind_of_class(published.class_name)
            or kind_of_checkpoint(published.index, published.denoiser)
            or (
                published.class_name == "WanPipeline"  # by what it is called with
            )
        )
    else:
        assert found is None


@pytest.mark.slow
@pytest.mark.parametrize("row", PUBLISHED, ids=[row["model"] for row in PUBLISHED])
def test_a_folder_of_that_name_as_well(row: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / row["model"].rpartition("/")[2]
    for part in PARTS:
        (folder / part).mkdir(parents=True)
        name = "scheduler_config.json" if part == "scheduler" else "config.json"
        (folder / part / name).write_text(json.dumps(row.get(part, {})), encoding="utf-8")
    (folder / "model_index.json").write_text(json.dumps(row["model_index"]), encoding="utf-8")
    if "refused" in row["expect"]:
        with pytest.raises(UserError, match=row["expect"]["refused"]):
            preset_of(str(folder))
        return
    found = preset_of(str(folder))
    check(found, row["expect"])
    assert (found.name, found.model) == (f"diffusers:{folder}", str(folder))
    assert found.recipe


def test_thirty_models_that_people_use_are_among_them() -> None:
    assert len({row["model"] for row in PUBLISHED}) >= 60
    assert sum("downloads" in row for row in PUBLISHED) >= 30
    for row in PUBLISHED:
        assert row["source"]
        assert ("downloads" in row) != ("downloads" in row.get("unchecked", ())), row["model"]
        assert row["expect"].keys() - {"size"} in (
            {"refused"}, {"preset", "steps", "guidance", "negative_prompt", "references"},
        )  # fmt: skip


class TestRules:
    def test_each_names_a_preset_and_ends_where_its_class_does(self) -> None:
        for rule in rules():
            assert rule.preset in PRESETS or not rule.preset
            assert rule.source or not rule.change
            assert set(rule.change) <= {
                "steps", "guidance", "negative_prompt", "family", "sigmas", "width", "height", "true_cfg",
                "prompt_tokens", "llama", "weights", "taught_guidance", "scheduler", "max_references",
            }  # fmt: skip
        for name in {name for rule in rules() for name in rule.classes}:
            last = [rule for rule in rules() if name in rule.classes][-1]
            conditions = (last.named, last.index, last.scheduler, last.denoiser)
            assert not any(conditions), "other models of the class fit"

    def test_another_name_hides_nothing_that_the_configuration_says(self) -> None:
        distilled = {"is_distilled": True}
        mine = "somebody/my-tune"
        assert recipe(mine, "Flux2KleinPipeline", index=distilled, transformer={"num_layers": 5}).steps == 4
        nine = recipe(mine, "Flux2KleinPipeline", index=distilled, transformer={"num_layers": 8})
        assert (nine.steps, nine.weights["transformer"]) == (4, 9.1)
        base = recipe(mine, "Flux2KleinPipeline", transformer={"num_layers": 8})
        assert (base.steps, base.guidance, base.weights["transformer"]) == (50, 4.0, 9.1)
        assert recipe(mine, "Krea2Pipeline", index=distilled).steps == 8
        assert recipe(mine, "ZImagePipeline", scheduler={"shift": 3.0}).guidance == 0
        schnell = recipe(
            mine, "FluxPipeline", transformer={"guidance_embeds": False}, scheduler={"use_dynamic_shifting": False}
        )
        assert (schnell.steps, schnell.adapter, schnell.prompt_tokens) == (4, None, 256)
        small = recipe(mine, "StableDiffusion3Pipeline", transformer={"num_layers": 24, "qk_norm": "rms_norm"})
        assert (small.steps, small.weights["transformer"]) == (40, 2.47)
        assert recipe(mine, "StableDiffusionPipeline", unet={"cross_attention_dim": 1024}).adapter is None

    @pytest.mark.parametrize(
        ("name", "embeds", "shifts", "asked", "guess"),
        [
            ("a/flux-dedistilled", False, None, (28, 3.5, True), "that it is made of dev, not of schnell"),
            ("a/flux-dev-de-distilled", False, True, (28, 3.5, True), ""),
            ("a/flux-schnell-undistilled", False, False, (28, 3.5, True), ""),
            ("a/flux-un-distilled", True, True, (28, 3.5, False), "that its network still takes the guidance"),
            ("a/my-tune", False, False, (4, 0.0, False), "that it is distilled to draw in few steps"),
            ("a/my-tune", False, True, (28, 3.5, True), "that it is dev without its distilled guidance"),
            ("a/my-tune", True, True, (28, 3.5, False), ""),
        ],
    )
    def test_flux_1_without_its_distillation_and_what_is_guessed_of_it(
        self, name: str, embeds: bool, shifts: bool | None, asked: tuple[int, float, bool], guess: str
    ) -> None:
        scheduler = {} if shifts is None else {"use_dynamic_shifting": shifts}
        found = recipe(name, "FluxPipeline", transformer={"guidance_embeds": embeds}, scheduler=scheduler)
        assert (found.steps, found.guidance, found.true_cfg) == asked
        assert (f"(a guess: {guess}" in found.recipe) if guess else "guess" not in found.recipe

    def test_what_is_no_longer_distilled_is_not_drawn_in_few_steps(self) -> None:
        """Its configuration, and the name of what it was made of, are those of the distilled one."""
        turbo = recipe("ostris/Z-Image-De-Turbo", "ZImagePipeline", scheduler={"shift": 3.0})
        assert (turbo.steps, turbo.guidance) == (25, 1.5)
        krea = recipe("a/Krea-2-Turbo-undistilled", "Krea2Pipeline", index={"is_distilled": True})
        assert (krea.steps, krea.guidance) == (52, 3.5)
        assert "not as one of few steps, since its name has 'undistill' (a guess)" in krea.recipe
        assert recipe("a/sdxl-non-turbo", "StableDiffusionXLPipeline").steps == 30
        assert recipe("a/sdxl-turbo", "StableDiffusionXLPipeline").steps == 4

    def test_sources_and_what_is_unchecked_are_those_of_the_row_and_of_its_preset(self) -> None:
        """Of the preset only what the row leaves as it is, and what is said of how the model is asked."""
        krea = recipe("a/Krea-tune", "FluxPipeline", transformer={"guidance_embeds": True})
        assert (krea.unchecked, krea.source) == (("adapter",), PRESETS["flux-krea"].source)
        bare = recipe("a/flux-dev-dedistilled", "FluxPipeline", transformer={"guidance_embeds": False})
        assert bare.unchecked == ("steps",)
        assert "de-distill" in bare.source[0]
        assert recipe("a/sd21", "StableDiffusionPipeline", unet={"cross_attention_dim": 1024}).unchecked == ()

    def test_hidream_reads_with_a_llama_of_another_repository_unless_its_own_has_one(self) -> None:
        default = Preset(name="d", model="HiDream-ai/HiDream-I1-Dev", family="text")
        index: dict[str, Any] = {"_class_name": "HiDreamImagePipeline", "transformer": []}
        found = recipe_of(Published("HiDream-ai/HiDream-I1-Dev", index, lambda part: {}), PRESETS, default)
        assert found is not None
        named = {part.role: part.where for part in parts_of(found)}
        assert named["Llama encoder"] == "meta-llama/Llama-3.1-8B-Instruct"
        whole = index | {"text_encoder_4": ["transformers", "LlamaForCausalLM"]}
        found = recipe_of(Published("a/hidream-dev", whole, lambda part: {}), PRESETS, default)
        assert found is not None
        assert [part.role for part in parts_of(found)] == [""]

    def test_it_says_which_was_taken_and_why(self) -> None:
        named = recipe("somebody/FLUX.1-schnell-tuned", "FluxPipeline")
        assert named.recipe == "as flux-schnell: its name has 'schnell'"
        said = recipe("a/b", "Flux2KleinPipeline", index={"is_distilled": True}, transformer={"num_layers": 8})
        assert said.recipe == (
            "as flux2-klein-9b: its model_index.json says is_distilled = true and its denoiser says num_layers = 8"
        )
        assert recipe("a/b", "FluxPipeline").recipe == "as flux: its pipeline is a FluxPipeline"
        few = recipe("a/RealVisXL_V5.0_Lightning", "StableDiffusionXLPipeline")
        assert few.recipe.startswith("as sdxl with steps 8, guidance 1.0, negative_prompt '': its name has 'lightning'")

    @pytest.mark.parametrize(
        ("class_name", "denoiser", "layers"),
        [
            ("FluxPipeline", {"num_layers": 1, "num_attention_heads": 2}, "num_layers = 1, not 19"),
            ("FluxPipeline", {"num_layers": 19, "num_attention_heads": 24}, ""),
            ("StableDiffusion3Pipeline", {"num_layers": 2}, "num_layers = 2, not 38"),
            ("KolorsPipeline", {"block_out_channels": [32, 64]}, "block_out_channels = [32, 64]"),
            ("KolorsPipeline", {"cross_attention_dim": 2048}, ""),
            ("StableDiffusionPipeline", {"layers_per_block": 1}, "layers_per_block = 1, not 2"),
            ("StableDiffusionPipeline", {"mid_block_type": None}, "mid_block_type = null"),
            ("StableDiffusionPipeline", {"cross_attention_dim": 32}, "cross_attention_dim = 32, not 768"),
            ("StableDiffusionXLPipeline", {"transformer_layers_per_block": [0, 2, 4]}, "[0, 2, 4], not [1, 2, 10]"),
            ("StableDiffusionPipeline", {"layers_per_block": [2, 2, 2, 2]}, ""),
            ("StableDiffusionPipeline", {"layers_per_block": 2, "cross_attention_dim": 768}, ""),
            ("StableDiffusionXLPipeline", {"transformer_layers_per_block": [1, 2, 10]}, ""),
        ],
    )
    def test_an_adapter_is_left_out_where_it_is_for_other_layers(
        self, class_name: str, denoiser: dict[str, Any], layers: str
    ) -> None:
        found = recipe("somebody/my-tune", class_name, unet=denoiser)
        assert (found.adapter is None) == bool(layers)
        assert layers in found.recipe
        if layers:
            assert (found.family, found.max_references) == ("text", 0)
            assert "without references" in found.recipe
            assert not {"adapter", "image_encoder"} & set(found.weights)

    def test_a_schedule_of_its_own_gives_the_steps(self) -> None:
        found = recipe("a/b", "QwenImage21Pipeline", index={"sample_sigmas": [1.0, 0.7, 0.4]})
        assert found.steps == 3
        assert found.recipe.endswith("sample_sigmas = a list of 3")

    @pytest.mark.parametrize(
        ("model", "class_name", "steps", "guidance", "told"),
        [
            ("a/Kolors-turbo", "KolorsPipeline", 8, 1.0, "its name has 'turbo' (a guess"),
            ("a/sdxl-lightning-4step", "StableDiffusionXLPipeline", 4, 1.0, "in 4 steps, since its name has '4step'"),
            ("a/Chroma-2-steps", "ChromaPipeline", 2, 1.0, "its name has '2-steps'"),
            ("a/FLUX.1-dev-8steps", "FluxPipeline", 8, 3.5, "in 8 steps"),
            ("a/FLUX.2-dev-turbo-merged", "Flux2Pipeline", 8, 2.5, "its name has 'turbo'"),
            ("a/my-lightning-tune", "CogView4Pipeline", 8, 1.0, "its name has 'lightning'"),
            ("a/Z-Image-8steps", "ZImagePipeline", 8, 0.0, "in 8 steps, and not by contrast"),
            ("a/Krea-2-lightning", "Krea2Pipeline", 8, 0.0, "and not by contrast"),
            ("a/Krea-2-Turbo-tuned", "Krea2Pipeline", 8, 0.0, "as krea2-turbo"),
            ("a/my-tune_epoch3_step5000", "StableDiffusionXLPipeline", 30, 5.0, "its pipeline is"),
            ("a/e10-step-20000", "FluxPipeline", 28, 3.5, "its pipeline is"),
            ("a/my-tune-8steps-1024px", "FluxPipeline", 8, 3.5, "in 8 steps"),
            ("a/realisticVisionV60B1_v51HyperVAE", "StableDiffusionPipeline", 8, 1.0, "its name has 'hypervae'"),
            ("a/flux1DevHyperNF4", "FluxPipeline", 8, 3.5, "its name has 'hypernf4'"),
            ("a/hyperflux", "FluxPipeline", 8, 3.5, "its name has 'hyperflux'"),
            ("a/Hyper-SDXL-merge", "StableDiffusionXLPipeline", 8, 1.0, "its name has 'hyper'"),
            ("a/hyperdetailed", "StableDiffusionXLPipeline", 30, 5.0, "its pipeline is"),
            ("a/sdxl_lightning_1step_x0", "StableDiffusionXLPipeline", 1, 1.0, "its name has 'lightning_1step'"),
            ("a/Hyper-Realistic-XL", "StableDiffusionXLPipeline", 30, 5.0, "its pipeline is"),
            ("a/hyper_realism_v2", "StableDiffusionPipeline", 30, 7.5, "its pipeline is"),
            ("a/flux-hyper-real", "FluxPipeline", 28, 3.5, "its pipeline is"),
            ("a/undistilled-flux-dev", "FluxPipeline", 28, 3.5, "its name has 'undistill' (a guess"),
            ("a/flux-non-distilled", "FluxPipeline", 28, 3.5, "its pipeline is"),
            ("a/sdxl-flash-photography", "StableDiffusionXLPipeline", 30, 5.0, "its pipeline is"),
            ("a/flash-sdxl", "StableDiffusionXLPipeline", 8, 1.0, "its name has 'flash'"),
            ("a/hyperrealistic-v3", "StableDiffusionPipeline", 30, 7.5, "its pipeline is"),
            ("a/hhe-768-2400steps", "StableDiffusionPipeline", 30, 7.5, "its pipeline is"),
            ("a/flux-dev-de-distilled", "FluxPipeline", 28, 3.5, "its name has 'de-distill' (a guess"),
            ("a/flux-schnell-dedistilled", "FluxPipeline", 28, 3.5, "with steps 28, guidance 3.5, negative_prompt ' '"),
            ("a/LibreFLUX-tune", "FluxPipeline", 28, 3.5, "its name has 'libreflux'"),
        ],
    )
    def test_few_steps_by_name_where_no_row_knows_them(
        self, model: str, class_name: str, steps: int, guidance: float, told: str
    ) -> None:
        default = Preset(name="d", model=model, family="text", recipe="by default")
        found = recipe_of(Published(model, {"_class_name": class_name}, lambda part: {}), PRESETS, default)
        assert found is not None
        assert (found.steps, found.guidance) == (steps, guidance)
        assert told in found.recipe
        assert not found.negative_prompt or steps > 12

    def test_few_steps_by_a_scheduler_for_those(self) -> None:
        default = Preset(name="d", model="a/b", family="text", recipe="by default")
        config = {"scheduler": {"_class_name": "TCDScheduler"}}
        published = Published("a/b", {"_class_name": "KolorsPipeline"}, lambda part: config.get(part, {}))
        found = recipe_of(published, PRESETS, default)
        assert found is not None
        assert (found.steps, found.guidance) == (8, 1.0)
        assert "its scheduler is a TCDScheduler" in found.recipe

    @pytest.mark.parametrize(
        ("class_name", "side", "pixels"),
        [
            ("PixArtSigmaPipeline", 64, 512), ("PixArtSigmaPipeline", 256, 2048), ("SanaPipeline", 16, 512),
            ("SanaPipeline", 64, 2048), ("AmusedPipeline", 16, 256), ("SanaSprintPipeline", 32, 1024),
            ("AuraFlowPipeline", 64, 1024),
        ],
    )  # fmt: skip
    def test_the_size_is_the_one_that_a_transformer_was_trained_at(
        self, class_name: str, side: int, pixels: int
    ) -> None:
        default = Preset(name="d", model="a/b", family="text")
        index = {"_class_name": class_name, "transformer": []}
        found = recipe_of(Published("a/b", index, lambda part: {"sample_size": side}), PRESETS, default)
        assert found is not None
        assert (found.width, found.height) == (pixels, pixels)

    @pytest.mark.parametrize("pixels", [256, 512, 1024])
    def test_prx_says_its_size_in_pixels(self, pixels: int) -> None:
        default = Preset(name="d", model="a/b", family="text")
        index = {"_class_name": "PRXPipeline", "transformer": [], "default_sample_size": pixels}
        found = recipe_of(Published("a/b", index, lambda part: {}), PRESETS, default)
        assert found is not None
        assert (found.width, found.height, found.steps, found.guidance) == (pixels, pixels, 28, 5.0)

    @pytest.mark.slow
    def test_the_guidance_at_which_each_class_draws_by_contrast_is_diffusers_own(self) -> None:
        import diffusers

        above_0 = set()
        for name in {name for rule in rules() for name in rule.classes} | CONTRAST_FROM_0:
            asked = getattr(getattr(diffusers, name), "do_classifier_free_guidance", None)
            if asked is not None and re.search(r"_guidance_scale > 0\b", inspect.getsource(asked.fget)):
                above_0.add(name)
        assert above_0 == CONTRAST_FROM_0

    @pytest.mark.parametrize(("side", "pixels"), [(32, 512), (64, 512), (96, 768), (128, 1024)])
    def test_a_unet_gives_the_size(self, side: int, pixels: int) -> None:
        found = recipe("a/b", "StableDiffusionPipeline", unet={"sample_size": side})
        assert (found.width, found.height) == (pixels, pixels)


@pytest.mark.slow
def test_a_class_that_diffusers_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "Flux9Pipeline"}', encoding="utf-8")
    with pytest.raises(UserError, match=r"is for Flux9Pipeline, which diffusers .* does not have; update diffusers"):
        preset_of(str(tmp_path))
