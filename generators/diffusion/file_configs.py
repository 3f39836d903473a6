"""What a checkpoint in one file leaves out, for the families that people have files of: how its networks are built.

The values are those of the published models (``stable-diffusion-v1-5`` and ``stable-diffusion-xl-base-1.0`` on the
Hugging Face hub, ``config.json`` of each part). With them such a file is loaded without a network.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from imagerag.embedders.clip_names import open_clip_folder

_UNET: dict[str, Any] = {
    "_class_name": "UNet2DConditionModel", "act_fn": "silu", "center_input_sample": False, "downsample_padding": 1,
    "flip_sin_to_cos": True, "freq_shift": 0, "in_channels": 4, "layers_per_block": 2, "mid_block_scale_factor": 1,
    "norm_eps": 1e-05, "norm_num_groups": 32, "out_channels": 4,
}  # fmt: skip
_VAE: dict[str, Any] = {
    "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4, "in_channels": 3,
    "out_channels": 3, "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": 32,
}  # fmt: skip
_NOISE: dict[str, Any] = {
    "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000,
    "prediction_type": "epsilon", "steps_offset": 1,
}  # fmt: skip
_CLIP_L: dict[str, Any] = {
    "architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "hidden_size": 768,
    "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "hidden_act": "quick_gelu",
    "projection_dim": 768, "max_position_embeddings": 77, "vocab_size": 49408, "layer_norm_eps": 1e-05,
    "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1,
}  # fmt: skip
_CLIP_G: dict[str, Any] = _CLIP_L | {
    "architectures": ["CLIPTextModelWithProjection"], "hidden_size": 1280, "intermediate_size": 5120,
    "num_hidden_layers": 32, "num_attention_heads": 20, "hidden_act": "gelu", "projection_dim": 1280,
}  # fmt: skip
_CLIP_TOKENIZER = ["transformers", "CLIPTokenizer"]

CONFIGS: dict[str, dict[str, dict[str, Any]]] = {
    "v1": {
        "model_index.json": {
            "_class_name": "StableDiffusionPipeline", "requires_safety_checker": False, "safety_checker": [None, None],
            "feature_extractor": [None, None], "scheduler": ["diffusers", "PNDMScheduler"],
            "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": _CLIP_TOKENIZER,
            "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
        },
        "scheduler/scheduler_config.json": _NOISE | {
            "_class_name": "PNDMScheduler", "skip_prk_steps": True, "set_alpha_to_one": False,
        },
        "text_encoder/config.json": _CLIP_L,
        "unet/config.json": _UNET | {
            "attention_head_dim": 8, "block_out_channels": [320, 640, 1280, 1280], "cross_attention_dim": 768,
            "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
            "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3], "sample_size": 64,
        },
        "vae/config.json": _VAE | {"sample_size": 512, "scaling_factor": 0.18215},
    },
    "xl_base": {
        "model_index.json": {
            "_class_name": "StableDiffusionXLPipeline", "force_zeros_for_empty_prompt": True,
            "scheduler": ["diffusers", "EulerDiscreteScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
            "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"], "tokenizer": _CLIP_TOKENIZER,
            "tokenizer_2": _CLIP_TOKENIZER, "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
        },
        "scheduler/scheduler_config.json": _NOISE | {
            "_class_name": "EulerDiscreteScheduler", "interpolation_type": "linear", "timestep_spacing": "leading",
            "use_karras_sigmas": False,
        },
        "text_encoder/config.json": _CLIP_L,
        "text_encoder_2/config.json": _CLIP_G,
        "unet/config.json": _UNET | {
            "addition_embed_type": "text_time", "addition_time_embed_dim": 256, "attention_head_dim": [5, 10, 20],
            "block_out_channels": [320, 640, 1280], "cross_attention_dim": 2048,
            "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
            "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
            "projection_class_embeddings_input_dim": 2816, "sample_size": 128,
            "transformer_layers_per_block": [1, 2, 10], "use_linear_projection": True,
        },
        "vae/config.json": _VAE | {"sample_size": 1024, "scaling_factor": 0.13025, "force_upcast": True},
    },
}  # fmt: skip
"""By diffusers' name of the kind of file: what stands in the folder of a pipeline beside its weights."""

MERGES = 49152 - 256 - 2
"""Of CLIP's byte-pair encoding (Radford et al. 2021): its vocabulary without the 256 bytes and the two ends."""


def write_configs(kind: str, folder: Path) -> None:
    """Write the configuration of a pipeline into a folder, tokenizers included.

    Args:
        kind: a key of ``CONFIGS``.
        folder: an empty one.

    Raises:
        UserError: open_clip, which brings the tokenizer's words, is not installed.
    """
    for name, table in CONFIGS[kind].items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(table), encoding="utf-8")
    clip_tokenizer("<|endoftext|>").save_pretrained(folder / "tokenizer")
    if "tokenizer_2" in CONFIGS[kind]["model_index.json"]:
        clip_tokenizer("!").save_pretrained(folder / "tokenizer_2")


def clip_tokenizer(padding: str) -> Any:
    """Return CLIP's tokenizer, made of the byte-pair merges that open_clip brings.

    Args:
        padding: the token that fills a text up; the encoders of SDXL were trained with different ones.
    """
    import transformers

    file = open_clip_folder() / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(file.read_bytes()).decode("utf-8").split("\n")
    merges = [tuple(line.split()) for line in lines[1 : MERGES + 1]]
    letters = list(_letters().values())
    words = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    vocabulary = {word: number for number, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    made_by: Any = transformers.CLIPTokenizer
    return made_by(vocab=vocabulary, merges=merges, pad_token=padding, model_max_length=77)


def _letters() -> dict[int, str]:
    """Return the letter that stands for each byte (GPT-2's table): for printable ones themselves, the rest from 256."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + number) for number, byte in enumerate(rest)}
