"""What local models compute on, and whether they fit into its memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from imagerag.doctor.finding import Finding, of_error, ok, warning
from imagerag.doctor.needs import needs_of, preset_of
from imagerag.errors import UserError
from imagerag.profiles.resolve import RunSettings

if TYPE_CHECKING:
    import torch


def check_device(settings: RunSettings) -> list[Finding]:
    """Return which device is used and what fits into its free memory; no model is loaded."""
    from imagerag.devices import choose_device, choose_dtype, free_for_models

    try:
        device = choose_device(settings.device_settings)
        needs = list(needs_of(settings))
    except UserError as error:
        return [of_error("device", error)]
    dtype = choose_dtype(settings.device_settings, device)
    free = free_for_models(device)
    findings = [ok("device", f"{_name(device)}, {free / 1e9:.1f} GB free, computes in {str(dtype).partition('.')[2]}")]
    parts = {need.part: 1e9 * need.parameters * dtype.itemsize for need in needs if need.parameters}
    if not parts:
        return findings
    findings.append(_of_memory(settings, device, dtype, parts, free))
    if device.type == "cpu" and (slow := _slow_without_gpu(settings)):
        text = f"without a GPU {slow} takes minutes to hours; pictograms, cloud and comfyui need none here"
        findings.append(warning("device", text, "imagerag profiles"))
    return findings


def _slow_without_gpu(settings: RunSettings) -> str:
    """Return what takes long on a CPU; nothing where images are drawn and judged elsewhere: a CLIP model is quick."""
    if preset_of(settings.generator) is not None:
        return "an image"
    local = any(name.startswith("transformers:") for name in (settings.vlm, settings.critic))
    return "an answer of a chat model" if local else ""


def _of_memory(
    settings: RunSettings, device: torch.device, dtype: torch.dtype, parts: Mapping[str, float], free: int
) -> Finding:
    """Return whether weights of so many bytes each fit, and in which memory mode."""
    wanted = f"the models' weights are {sum(parts.values()) / 1e9:.1f} GB in that format"
    if sum(parts.values()) <= free:
        return ok("memory", wanted)
    if device.type != "cpu":
        from imagerag.generators.diffusion.memory import choose_mode
        from imagerag.generators.diffusion.quantisation import has_4bit
        from imagerag.generators.diffusion.weight_sizes import host_bytes

        preset = preset_of(settings.generator)
        weights = preset.weights if preset is not None else {}
        drawn = {name: 1e9 * size * dtype.itemsize for name, size in weights.items()}
        mode = choose_mode(settings.device_settings, device, drawn, free, has_4bit())
        if mode in ("offload", "4bit"):
            waiting = f"{host_bytes(drawn, mode) / 1e9:.1f} GB of them in the host's memory"
            return ok("memory", f"{wanted}, held as by --memory {mode}: {waiting}")
    mend = "smaller models (imagerag profiles), or a larger GPU" if device.type != "cpu" else "imagerag profiles"
    return warning("memory", f"{wanted}, and {free / 1e9:.1f} GB are free", mend)


def _name(device: torch.device) -> str:
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)
