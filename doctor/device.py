"""What local models compute on, and whether they fit into its memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from imagerag.doctor.finding import Finding, of_error, ok, warning
from imagerag.doctor.needs import needs_of, preset_of
from imagerag.errors import UserError
from imagerag.profiles.loading import find_profile
from imagerag.profiles.machine import this_machine
from imagerag.profiles.ranking import LOCAL, RULES, Ranking
from imagerag.profiles.resolve import RunSettings

if TYPE_CHECKING:
    import torch


SMALLER = "smaller models (imagerag profiles), or a larger GPU"


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
    findings.append(_of_memory(settings, device, parts, free))
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


def _of_memory(settings: RunSettings, device: torch.device, parts: Mapping[str, float], free: int) -> Finding:
    """Return whether all models fit beside each other, and in which memory mode.

    Args:
        settings: of the run.
        device: where they compute.
        parts: bytes of each part's weights in the device's number format.
        free: bytes that models may take of its memory.
    """
    wanted = f"the models' weights are {sum(parts.values()) / 1e9:.1f} GB in that format"
    if device.type == "cpu":
        if sum(parts.values()) <= free:
            return ok("memory", wanted)
        return warning("memory", f"{wanted}, and {free / 1e9:.1f} GB are free", "imagerag profiles")
    from imagerag.generators.diffusion.weight_sizes import host_bytes

    ranking = Ranking(
        find_profile(settings.profile),
        settings.generator,
        settings.vlm,
        settings.device_settings,
        this_machine(settings.device_settings),
    )
    (row,) = ranking.rows()
    local = settings.vlm.startswith(LOCAL)
    beside = ranking.vlms()[0] if local else RULES
    fit = ranking.fit(row, beside)
    unknown = (
        f"; how large {settings.vlm!r} is isn't known, so it is not counted" if local and not beside.weights else ""
    )
    if fit.mode is None:
        mend = "--vlm-memory 4bit, smaller models (imagerag profiles), or a larger GPU" if local else SMALLER
        return warning("memory", f"{wanted}: {ranking.in_words(row, beside, fit)}{unknown}", mend)
    if fit.mode in ("full", "sequential"):
        return ok("memory", wanted + unknown)
    waiting = f"{host_bytes(ranking.sizes(row), fit.mode) / 1e9:.1f} GB of the generator's in the host's memory"
    needed = f"{fit.needed / 1e9:.1f} GB of the device's with all models"
    return ok("memory", f"{wanted}, held as by --memory {fit.mode}: {needed}, {waiting}{unknown}")


def _name(device: torch.device) -> str:
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)
