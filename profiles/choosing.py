"""Which of a profile's choices is possible on this machine: by the keys that are set and the GPU's free memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.errors import UserError
from imagerag.profiles.loading import Choice, Profile

if TYPE_CHECKING:
    import torch


UNSET = " not set"
"""How it is told that a choice lacks keys, behind their variables."""


@dataclass(frozen=True)
class Chosen:
    """What was chosen.

    Attributes:
        choice: the parts; ``None`` of a profile without choices.
        why: in words, why this one.
        memory: how the generator holds its weights, so that the VLM fits beside it; ``None`` to leave that open.
        lacking: what the choices before it lack, in words.
    """

    choice: Choice | None = None
    why: str = ""
    memory: Memory | None = None
    lacking: tuple[str, ...] = ()


def choose(
    profile: Profile,
    generator: str | None,
    vlm: str | None,
    device: DeviceSettings,
    environ: Mapping[str, str] | None = None,
) -> Chosen:
    """Return the first choice that is possible.

    Args:
        profile: whose choices.
        generator, vlm: those that the person names instead, if any; memory is counted with them.
        device: where models that run here are held.
        environ: ``os.environ`` unless given.

    Raises:
        UserError: none is possible; the message says what each lacks. Or there is no such device.
    """
    if not profile.choices:
        return Chosen()
    lacking: list[str] = []
    for choice in profile.choices:
        lacks, why, memory = possible(profile, choice, generator, vlm, device, environ)
        if not lacks:
            driven, key = driven_by_key(profile, choice, environ) if vlm is None else (choice, "")
            return Chosen(driven, f"{why}, {key} set" if key else why, memory, _told_once(lacking))
        lacking.append(lacks)
    names = ", ".join((*_told_once(lacking), *_deciding(profile, lacking, environ)))
    raise UserError(
        f"profile {profile.name!r} can't be used here ({names}); set a key, name the parts with --generator and --vlm, "
        f"or see: imagerag doctor --profile {profile.name}"
    )


def driven_by_key(profile: Profile, choice: Choice, environ: Mapping[str, str] | None = None) -> tuple[Choice, str]:
    """Return a choice with the model that decides in it, and the variable with its key; as it is where none is set.

    The arguments are those of ``choose``.
    """
    environ = os.environ if environ is None else environ
    key = next((key for key in profile.vlm_by_key if environ.get(key)), "") if choice.vlm == "rules" else ""
    return (choice.model_copy(update={"vlm": profile.vlm_by_key[key]}), key) if key else (choice, "")


def _deciding(profile: Profile, lacking: Sequence[str], environ: Mapping[str, str] | None) -> tuple[str, ...]:
    """Return, where no key of a model that decides is set, those that no choice has named."""
    environ = os.environ if environ is None else environ
    others = [key for key in profile.vlm_by_key if f"{key}{UNSET}" not in lacking]
    return (f"to decide none of {', '.join(others)} set",) if others and not any(map(environ.get, others)) else ()


def _told_once(lacking: list[str]) -> tuple[str, ...]:
    """Return what choices lack without repeats: of two keys that aren't set neither, where one is told alone."""
    each = tuple(dict.fromkeys(lacking))
    alone = {text.removesuffix(UNSET) for text in each if text.endswith(UNSET)}
    return tuple(
        text for text in each if not (" and " in text and set(text.removesuffix(UNSET).split(" and ")) & alone)
    )


def possible(
    profile: Profile,
    choice: Choice,
    generator: str | None,
    vlm: str | None,
    device: DeviceSettings,
    environ: Mapping[str, str] | None = None,
) -> tuple[str, str, Memory | None]:
    """Return what one choice lacks, empty if it is possible; why it is; and how the generator is held then.

    The arguments are those of ``choose``.

    Raises:
        UserError: there is no such device.
    """
    environ = os.environ if environ is None else environ
    drawn_by = generator or choice.generator or profile.generator
    if unset := [key for key in choice.keys if not environ.get(key)]:
        return " and ".join(unset) + UNSET, "", None
    if drawn_by is None:
        key = driven_by_key(profile, choice, environ)[1]
        keys = choice.keys or ((key,) if key else ())
        beside = f" beside {' and '.join(keys)}, which draws nothing" if keys else ""
        return f"no --generator named{beside}", "", None
    if not choice.gpu:
        return "", f"{', '.join(choice.keys)} set" if choice.keys else "needs neither a key nor a GPU", None
    weights, unknown = _vlm_weights(profile, choice, vlm)
    memory, why = _fitting(drawn_by, weights, device)
    return ("", why + unknown, memory) if memory is not None else (why + unknown, "", None)


def _vlm_weights(profile: Profile, choice: Choice, vlm: str | None) -> tuple[float, str]:
    """Return the billions of parameters of the VLM that has to fit as well, and what to tell if that isn't known."""
    if vlm is None:
        return choice.vlm_weights, ""
    if not vlm.startswith("transformers:"):
        return 0.0, ""
    known = next((other.vlm_weights for other in profile.choices if other.vlm == vlm), None)
    return (known, "") if known is not None else (0.0, f"; how large {vlm!r} is isn't known, so it is not counted")


def _fitting(generator: str, vlm_weights: float, device: DeviceSettings) -> tuple[Memory | None, str]:
    """Return how the generator is held so that a VLM of so many billion parameters fits beside it, and why."""
    free, each, name = gpu_memory(device)
    if free is None:
        return None, "no GPU"
    from imagerag.generators.diffusion.memory import WORKING_BYTES, device_bytes  # torch takes seconds
    from imagerag.generators.diffusion.presets import load_presets

    preset = load_presets().get(generator)
    sizes = {name: 1e9 * size * each for name, size in preset.weights.items()} if preset is not None else {}
    beside = 1e9 * vlm_weights * each + WORKING_BYTES
    told = f"{free / 1e9:.0f} GB free on {name}"
    whole, largest = ((device_bytes(sizes, mode) or 0.0) + beside for mode in ("full", "offload"))
    if device.memory not in ("auto", "full", "offload"):  # the person knows better
        return device.memory, told
    if whole <= free:
        return "full" if device.memory == "auto" else device.memory, told
    if largest <= free and device.memory != "full":
        return "offload", f"{told}, one part of {generator} at a time"
    return None, f"{generator} with a VLM of {vlm_weights:g} billion parameters needs {largest / 1e9:.0f} GB, {told}"


def gpu_memory(device: DeviceSettings) -> tuple[int | None, int, str]:
    """Return a GPU's free bytes before any model of ours was loaded, bytes per parameter there, and the device's name.

    The bytes are ``None`` where models compute on the CPU. Asked once a process: later, our own models lie in it.

    Raises:
        UserError: there is no such device.
    """
    return _gpu_memory(device.device, device.dtype)


@lru_cache(maxsize=8)
def _gpu_memory(device_name: str, dtype: str) -> tuple[int | None, int, str]:
    from imagerag.devices import choose_device, choose_dtype, free_for_models, may_have_gpu

    if device_name == "cpu" or (device_name == "auto" and not may_have_gpu()):
        return None, 4, "cpu"
    settings = DeviceSettings(device=device_name, dtype=dtype)
    device: torch.device = choose_device(settings)
    each = choose_dtype(settings, device).itemsize
    return (None if device.type == "cpu" else free_for_models(device)), each, str(device)
