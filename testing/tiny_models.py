"""Real pipelines of diffusers with tiny random weights, saved to disk to be loaded again as any checkpoint is."""

import importlib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

# To a type checker, diffusers' own names are placeholders without methods.
diffusers: Any = importlib.import_module("diffusers")

WIDTH = 32
"""Of every hidden state here."""


def clip_tokenizer() -> CLIPTokenizer:
    """A CLIP tokenizer that spells: one token a letter, 77 at most."""
    letters = [chr(code) for code in range(33, 127)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def clip_text(projection: bool = False, positions: int = 77) -> Any:
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=200, hidden_size=WIDTH, intermediate_size=37, num_attention_heads=4, num_hidden_layers=2,
        max_position_embeddings=positions, projection_dim=WIDTH, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    return CLIPTextModelWithProjection(config) if projection else CLIPTextModel(config)


def clip_vision() -> Any:
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=WIDTH, intermediate_size=37, num_attention_heads=4, num_hidden_layers=2, image_size=32,
        patch_size=16, projection_dim=WIDTH,
    )  # fmt: skip
    return CLIPVisionModelWithProjection(config)


def vae() -> Any:
    torch.manual_seed(0)
    return diffusers.AutoencoderKL(
        block_out_channels=(8, 16), in_channels=3, out_channels=3, latent_channels=4, norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip


def scheduler() -> Any:
    return diffusers.EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")


def unet(channels: int = 16, **settings: Any) -> Any:
    torch.manual_seed(0)
    return diffusers.UNet2DConditionModel(
        block_out_channels=(channels, 2 * channels), layers_per_block=1, sample_size=16, in_channels=4, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=4, **settings,
    )  # fmt: skip


def unet_of(folder: Path) -> Any:
    return diffusers.UNet2DConditionModel.from_pretrained(folder, subfolder="unet")


def safety_checker() -> Any:
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    torch.manual_seed(0)
    vision = {
        "hidden_size": WIDTH, "intermediate_size": 37, "num_attention_heads": 4, "num_hidden_layers": 1,
        "image_size": 32, "patch_size": 16,
    }  # fmt: skip
    return StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, projection_dim=WIDTH))


def save_sd15(folder: Path, safety_checker: Any = None) -> Path:
    pipeline = diffusers.StableDiffusionPipeline(
        vae=vae(), text_encoder=clip_text(), tokenizer=clip_tokenizer(),
        unet=unet(cross_attention_dim=WIDTH, attention_head_dim=4), scheduler=scheduler(),
        safety_checker=safety_checker, feature_extractor=CLIPImageProcessor(size=32, crop_size=32),
        requires_safety_checker=safety_checker is not None,
    )  # fmt: skip
    pipeline.save_pretrained(folder)
    return folder


def save_sdxl(folder: Path, channels: int = 16) -> Path:
    pipeline = diffusers.StableDiffusionXLPipeline(
        vae=vae(), text_encoder=clip_text(), text_encoder_2=clip_text(projection=True), tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(), scheduler=scheduler(),
        unet=unet(
            channels, cross_attention_dim=2 * WIDTH, attention_head_dim=(2, 4), use_linear_projection=True,
            addition_embed_type="text_time", addition_time_embed_dim=8, transformer_layers_per_block=(1, 2),
            projection_class_embeddings_input_dim=6 * 8 + WIDTH,
        ),
    )  # fmt: skip
    pipeline.save_pretrained(folder)
    return folder


def save_lora(file: Path, model: Any, seed: int = 0, rank: int = 2) -> Path:
    """Save LoRA weights for the cross-attention of a UNet, named as PEFT and diffusers name them."""
    torch.manual_seed(seed)
    weights: dict[str, torch.Tensor] = {}
    for name, layer in model.named_modules():
        if name.endswith(("attn2.to_q", "attn2.to_v")):
            weights[f"unet.{name}.lora_A.weight"] = torch.randn(rank, layer.in_features)
            weights[f"unet.{name}.lora_B.weight"] = torch.randn(layer.out_features, rank)
    save_file(weights, file)
    return file


def save_adapter(
    folder: Path, model: Any, plus: bool, vision: Any = None, tokens: int = 4, inner: int = 64, heads: int = 1
) -> Path:
    """Save an IP-Adapter for a UNet, laid out as h94/IP-Adapter lays out ``ip-adapter[-plus]_*.safetensors``.

    Args:
        folder: for the file, and the image encoder beside it.
        model: the UNet.
        plus: whether it looks at the encoder's tokens through a resampler, or at its one embedding.
        vision: the image encoder; a tiny one if not given.
        tokens: how many of an image the UNet sees.
        inner: width of the resampler.
        heads: of the resampler, each 64 wide.
    """
    torch.manual_seed(1)
    width = model.config["cross_attention_dim"]
    weights: dict[str, torch.Tensor] = {}
    number = 1
    for name in model.attn_processors:
        if name.endswith("attn1.processor") or "motion_modules" in name:
            continue
        block = name.split(".")
        hidden = (
            model.config["block_out_channels"][-1]
            if block[0] == "mid_block"
            else list(reversed(model.config["block_out_channels"]))[int(block[1])]
            if block[0] == "up_blocks"
            else model.config["block_out_channels"][int(block[1])]
        )
        for part in ("to_k_ip", "to_v_ip"):
            weights[f"ip_adapter.{number}.{part}.weight"] = 0.5 * torch.randn(hidden, width)
        number += 2
    vision = vision or clip_vision()
    seen = vision.config.hidden_size if plus else vision.config.projection_dim
    projection = resampler(width, tokens, inner=inner, seen=seen, heads=heads) if plus else _linear(width, tokens, seen)
    weights |= {f"image_proj.{name}": value for name, value in projection.items()}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / ("ip-adapter-plus.safetensors" if plus else "ip-adapter.safetensors")
    save_file(weights, file)
    vision.save_pretrained(folder / "image_encoder")
    side = vision.config.image_size
    CLIPImageProcessor(size=side, crop_size=side).save_pretrained(folder / "image_encoder")
    return file


def _linear(width: int, tokens: int, seen: int) -> dict[str, torch.Tensor]:
    return {
        "proj.weight": torch.randn(tokens * width, seen) / 8,
        "proj.bias": torch.zeros(tokens * width),
        "norm.weight": torch.ones(width),
        "norm.bias": torch.zeros(width),
    }


def resampler(
    width: int, tokens: int = 4, depth: int = 4, inner: int = 64, seen: int = WIDTH, heads: int = 1
) -> dict[str, torch.Tensor]:
    """The Perceiver resampler of the "plus" adapters, from ``seen`` wide to ``width``; its heads are 64 wide."""
    wide = 64 * heads
    weights = {
        "latents": torch.randn(1, tokens, inner) / 8,
        "proj_in.weight": torch.randn(inner, seen) / 8,
        "proj_in.bias": torch.zeros(inner),
        "proj_out.weight": torch.randn(width, inner) / 8,
        "proj_out.bias": torch.zeros(width),
        "norm_out.weight": torch.ones(width),
        "norm_out.bias": torch.zeros(width),
    }
    for layer in range(depth):
        for norm in ("0.norm1", "0.norm2", "1.0"):
            weights[f"layers.{layer}.{norm}.weight"] = torch.ones(inner)
            weights[f"layers.{layer}.{norm}.bias"] = torch.zeros(inner)
        weights[f"layers.{layer}.0.to_q.weight"] = torch.randn(wide, inner) / 8
        weights[f"layers.{layer}.0.to_kv.weight"] = torch.randn(2 * wide, inner) / 8
        weights[f"layers.{layer}.0.to_out.weight"] = torch.randn(inner, wide) / 8
        weights[f"layers.{layer}.1.1.weight"] = torch.randn(4 * inner, inner) / 8
        weights[f"layers.{layer}.1.3.weight"] = torch.randn(inner, 4 * inner) / 8
    return weights
