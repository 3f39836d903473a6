"""The bundled configurations: networks of the published sizes, into which a file of that family goes."""

import tempfile
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers.loaders import single_file_utils as diffusers_files
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from imagerag.generators.diffusion.file_configs import CONFIGS, clip_tokenizer, write_configs
from testing import tiny_single_files as single

PARAMETERS = {
    "v1": {"unet": 859_520_964, "vae": 83_653_863, "text_encoder": 123_060_480},
    "xl_base": {
        "unet": 2_567_463_684, "vae": 83_653_863, "text_encoder": 123_060_480, "text_encoder_2": 694_659_840,
    },
}  # fmt: skip
"""Of the published weights."""


def networks(kind: str) -> dict[str, Any]:
    """Return the networks of a family, without memory for their weights."""
    configs = CONFIGS[kind]
    classes = {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection}
    with torch.device("meta"):
        made: dict[str, Any] = {
            "unet": diffusers.UNet2DConditionModel.from_config(configs["unet/config.json"]),
            "vae": diffusers.AutoencoderKL.from_config(configs["vae/config.json"]),
        }
        for name, made_by in classes.items():
            if f"{name}/config.json" in configs:
                made[name] = made_by(CLIPTextConfig(**configs[f"{name}/config.json"]))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONFIGS)
def test_the_networks_are_those_of_the_published_weights(kind: str) -> None:
    made = networks(kind)
    assert {name: sum(p.numel() for p in each.parameters()) for name, each in made.items()} == PARAMETERS[kind]
    encoders = {"cond_stage_model.": single.clip(made["text_encoder"])}
    if kind == "xl_base":
        encoders = {
            "conditioner.embedders.0.": single.clip(made["text_encoder"]),
            "conditioner.embedders.1.model.": single.open_clip(made["text_encoder_2"]),
        }
    weights = single.whole(made["unet"], made["vae"], encoders)
    assert diffusers_files.infer_diffusers_model_type(weights) == kind
    for part, convert in (
        ("unet", diffusers_files.convert_ldm_unet_checkpoint),
        ("vae", diffusers_files.convert_ldm_vae_checkpoint),
    ):
        found = convert(dict(weights), config=dict(made[part].config))
        wanted = made[part].state_dict()
        assert {name: value.shape for name, value in found.items()} == {n: v.shape for n, v in wanted.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["a photo of a cat", "An OWL, 3.5 km away! na\u00efve caf\u00e9", "it's 1234 don't", "\u65e5\u672c x"]
)
def test_the_tokenizer_reads_as_open_clip_s_does(text: str) -> None:
    import open_clip

    found = clip_tokenizer("<|endoftext|>")(text).input_ids
    wanted = open_clip.tokenizer.SimpleTokenizer()([text])[0].tolist()
    assert found == wanted[: len(found)]
    assert set(wanted[len(found) :]) == {0}


def test_a_folder_has_what_a_pipeline_asks_for() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_configs("xl_base", Path(folder))
        parts = {file.parent.name for file in Path(folder).rglob("*.json")} - {Path(folder).name}
        index = diffusers.StableDiffusionXLPipeline.load_config(folder)
        assert parts == {name for name, what in index.items() if isinstance(what, list)}
    assert (clip_tokenizer("<|endoftext|>").pad_token_id, clip_tokenizer("!").pad_token_id) == (49407, 0)
