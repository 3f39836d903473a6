"""What local models compute on, and whether they fit into its memory."""

from __future__ import annotations

from imagerag.doctor.finding import Finding, of_error, ok, warning
from imagerag.doctor.needs import Need, needs_of
from imagerag.errors import UserError
from imagerag.profiles.resolve import RunSettings


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
    generator = _gigabytes([need for need in needs if need.part.startswith("generator")], dtype.itemsize)
    others = _gigabytes([need for need in needs if need.part.startswith(("vlm", "critic"))], dtype.itemsize)
    if not generator + others:
        return findings
    wanted = f"the models' weights are {generator + others:.1f} GB in that format"
    if 1e9 * (generator + others) <= free:
        findings.append(ok("memory", wanted))
    elif settings.memory in ("offload", "sequential", "4bit"):
        findings.append(ok("memory", f"{wanted}, held as --memory {settings.memory} says"))
    else:
        mend = "--memory offload, --memory 4bit on a GPU, or smaller models (imagerag profiles)"
        findings.append(warning("memory", f"{wanted}, and {free / 1e9:.1f} GB are free", mend))
    if device.type == "cpu":
        text = "without a GPU an image takes minutes to hours"
        findings.append(warning("device", text, "imagerag profiles: pictograms, cloud and comfyui need no GPU here"))
    return findings


def _gigabytes(needs: list[Need], each: int) -> float:
    """Return 10^9 bytes of weights; the needs tell them at two bytes per parameter."""
    return sum(need.gigabytes or 0.0 for need in needs) * each / 2


def _name(device: object) -> str:
    import torch

    named = str(device)
    if named.startswith("cuda"):
        return f"{named} ({torch.cuda.get_device_name(torch.device(named))})"
    return named
