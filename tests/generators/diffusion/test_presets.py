"""Presets of diffusers models: bundled, one's own, and refused ones."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from imagerag.errors import UserError
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.presets import Adapter, load_presets
from testing.diffusion_requests import draw, preset


class TestNames:
    def test_bundled_presets_are_whole(self) -> None:
        presets = load_presets({})
        assert {"sd15", "sdxl", "kolors", "sd35", "flux", "omnigen", "qwen-edit", "kontext", "flux2"} <= set(presets)
        for one in presets.values():
            assert one.licence != "unknown"
            assert (one.gigabytes() or 0) > 1

    @pytest.mark.slow
    def test_a_preset_of_ones_own(self, folder: Path, tmp_path: Path) -> None:
        file = tmp_path / "mine.toml"
        file.write_text(f'[mine]\nlike = "sdxl"\nmodel = "{folder / "sdxl"}"\nsteps = 7\n')
        mine = load_presets({"IMAGERAG_PRESETS": str(file)})["mine"]
        assert (mine.steps, mine.family, mine.variant) == (7, "ip-adapter", None)

    def test_another_model_like_a_preset_is_of_its_class(self, tmp_path: Path) -> None:
        """By which steps of a LoRA, seconds and what ``--fast`` takes are told before anything is loaded."""
        file, model = tmp_path / "mine.toml", tmp_path / "model"
        model.mkdir()
        (model / "model_index.json").write_text('{"_class_name": "FluxPipeline"}', encoding="utf-8")
        own = f'family = "text"\nmodel = "{model.as_posix()}"\n'
        file.write_text(
            f'[a]\nlike = "sdxl"\nmodel = "OWNER/fine-tune"\n[b]\n{own}[c]\nlike = "qwen-edit"\nsteps = 8\n'
        )
        presets = load_presets({"IMAGERAG_PRESETS": str(file)})
        assert presets["a"].pipeline == "StableDiffusionXLPipeline"
        assert presets["b"].pipeline == "FluxPipeline"
        assert presets["c"].pipeline == "QwenImageEditPlusPipeline"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('[a]\nlike = "nothing"', "preset 'a' in .* is like 'nothing', which is not known; known are: sd15"),
            ("[a]\nlike = ['sdxl']", r"preset 'a' in .* is like \['sdxl'\], which is not known"),
            (
                '[a]\nlike = "b"\n[b]\nlike = "a"',
                "presets in .* are like each other in a ring: 'a' is like 'b', which is like 'a'; let one",
            ),
            ('[a]\nlike = "sdxl"\nsteps = 0', "preset 'a' in .*: steps 0: Input should be greater"),
            ('[a]\nlike = "sdxl"\nstepz = 3', "preset 'a' in .*: 'stepz' is no key"),
            ('[a]\nmodel = "m"\nfamily = "text"\nmax_references = 2', "max_references 2 must be 0 for family 'text'"),
            ('[a]\nmodel = "m"\nfamily = "ip-adapter"\nmax_references = 2', r"lacks its \[a.adapter\]"),
            ("a = 3", "'a' in presets file .* is no table of a preset"),
            ("[a", "presets file .* can't be read"),
            ("a = " + "[" * 5_000, "presets file .* can't be read"),
        ],
    )
    def test_what_no_preset_can_say(self, tmp_path: Path, text: str, said: str) -> None:
        file = tmp_path / "mine.toml"
        file.write_text(text)
        with pytest.raises(UserError, match=said):
            load_presets({"IMAGERAG_PRESETS": str(file)})

    @pytest.mark.slow
    @pytest.mark.parametrize("part", ["unet/diffusion_pytorch_model", "text_encoder/model"])
    def test_damaged_weights_are_called_that(self, folder: Path, tmp_path: Path, part: str) -> None:
        """And nobody is told to allow pickles instead."""
        damaged = tmp_path / "damaged"
        shutil.copytree(folder / "sd15", damaged)
        weights = damaged / f"{part}.safetensors"
        for content in (b"", weights.read_bytes()[:1000]):
            weights.write_bytes(content)
            with pytest.raises(UserError, match=r"the weights of .* are damaged .*; copy or download them again"):
                DiffusionGenerator(preset(folder, "sd15", model=str(damaged)))

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
