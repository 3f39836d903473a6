"""Checkpoints in one file, laid out as people have them: tiny pipelines written back in the names of CompVis' code."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

UNET_LAYERS = {
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
}  # fmt: skip
RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection",
}  # fmt: skip
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def save_single_sd15(file: Path, pipeline: Any, **others: torch.Tensor) -> Path:
    """Save a pipeline of SD 1.5 as one file."""
    weights = whole(pipeline.unet, pipeline.vae, {"cond_stage_model.": clip(pipeline.text_encoder)})
    save_file({name: value.contiguous() for name, value in {**weights, **others}.items()}, file)
    return file


def save_single_sdxl(file: Path, pipeline: Any, **others: torch.Tensor) -> Path:
    """Save a pipeline of SDXL as one file."""
    encoders = {
        "conditioner.embedders.0.": clip(pipeline.text_encoder),
        "conditioner.embedders.1.model.": open_clip(pipeline.text_encoder_2),
    }
    weights = whole(pipeline.unet, pipeline.vae, encoders)
    save_file({name: value.contiguous() for name, value in {**weights, **others}.items()}, file)
    return file


def whole(
    denoiser: Any, autoencoder: Any, encoders: Mapping[str, Mapping[str, torch.Tensor]]
) -> dict[str, torch.Tensor]:
    """Return the weights of a whole model, each part behind its prefix."""
    weights = {f"model.diffusion_model.{name}": value for name, value in unet(denoiser).items()}
    weights |= {f"first_stage_model.{name}": value for name, value in vae(autoencoder).items()}
    return weights | {f"{prefix}{name}": value for prefix, part in encoders.items() for name, value in part.items()}


def clip(model: Any) -> dict[str, torch.Tensor]:
    """Return the weights of OpenAI's text encoder, as CompVis' code held it."""
    weights = model.state_dict()
    return {f"transformer.text_model.{name.removeprefix('text_model.')}": value for name, value in weights.items()}


def open_clip(model: Any) -> dict[str, torch.Tensor]:
    """Return the weights of a text encoder of open_clip's in its own names."""
    weights = {name.removeprefix("text_model."): value for name, value in model.state_dict().items()}
    named = {
        "token_embedding.weight": weights["embeddings.token_embedding.weight"],
        "positional_embedding": weights["embeddings.position_embedding.weight"],
        "text_projection": weights["text_projection.weight"].T,
        "ln_final.weight": weights["final_layer_norm.weight"],
        "ln_final.bias": weights["final_layer_norm.bias"],
    }
    parts = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    for number in range(model.config.num_hidden_layers):
        ours, theirs = f"encoder.layers.{number}.", f"transformer.resblocks.{number}."
        for kind in ("weight", "bias"):
            attention = [weights[f"{ours}self_attn.{part}_proj.{kind}"] for part in "qkv"]
            named[f"{theirs}attn.in_proj_{kind}"] = torch.cat(attention)
            named[f"{theirs}attn.out_proj.{kind}"] = weights[f"{ours}self_attn.out_proj.{kind}"]
            named |= {f"{theirs}{new}.{kind}": weights[f"{ours}{old}.{kind}"] for old, new in parts.items()}
    return named


def unet(model: Any) -> dict[str, torch.Tensor]:
    """Return the weights of a UNet in CompVis' names."""
    layers, weights = model.config.layers_per_block, model.state_dict()
    seeing = {int(found[1]) for name in weights if (found := re.match(r"up_blocks\.(\d+)\.attentions", name))}
    return _renamed(weights, lambda name: _unet_name(name, layers, seeing))


def _unet_name(name: str, layers: int, seeing: set[int]) -> str:
    for ours, theirs in UNET_LAYERS.items():
        if name.startswith(f"{ours}."):
            return name.replace(ours, theirs, 1)
    block = re.match(r"(down_blocks|up_blocks)\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.*)", name)
    if block is None:
        found = re.match(r"mid_block\.(resnets|attentions)\.(\d+)\.(.*)", name)
        assert found is not None, name
        if found[1] == "attentions":
            return f"middle_block.1.{found[3]}"
        return f"middle_block.{2 * int(found[2])}.{_resnet(found[3])}"
    way, level, part, number, rest = block[1], int(block[2]), block[3], int(block[4]), block[5]
    if way == "down_blocks":
        if part == "downsamplers":
            return f"input_blocks.{(layers + 1) * (level + 1)}.0.{rest.replace('conv', 'op', 1)}"
        place = f"input_blocks.{(layers + 1) * level + number + 1}"
    else:
        if part == "upsamplers":  # behind an attention, where there is one
            return f"output_blocks.{(layers + 1) * level + layers}.{2 if level in seeing else 1}.{rest}"
        place = f"output_blocks.{(layers + 1) * level + number}"
    return f"{place}.0.{_resnet(rest)}" if part == "resnets" else f"{place}.1.{rest}"


def _resnet(rest: str) -> str:
    layer, _, kind = rest.partition(".")
    return f"{RESNET[layer]}.{kind}"


def vae(model: Any) -> dict[str, torch.Tensor]:
    """Return the weights of a VAE in CompVis' names."""
    levels = len(model.config.block_out_channels)
    renamed = _renamed(model.state_dict(), lambda name: _vae_name(name, levels))
    return {
        name: value[:, :, None, None] if value.ndim == 2 and ".attn_1." in name else value
        for name, value in renamed.items()
    }


def _vae_name(name: str, levels: int) -> str:
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", name)
    if "mid_block.attentions.0" in name:
        head, _, rest = name.partition("mid_block.attentions.0.")
        part, _, kind = rest.rpartition(".")
        return f"{head}mid.attn_1.{VAE_ATTENTION[part]}.{kind}"
    name = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(
        r"up_blocks\.(\d)\.resnets\.(\d)", lambda found: f"up.{levels - 1 - int(found[1])}.block.{found[2]}", name
    )
    return re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda found: f"up.{levels - 1 - int(found[1])}.upsample", name)


def _renamed(weights: Mapping[str, torch.Tensor], name: Any) -> dict[str, torch.Tensor]:
    return {name(old): value for old, value in weights.items()}
