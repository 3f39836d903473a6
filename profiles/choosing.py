"""Which of a profile's choices is possible on this machine: by the keys that are set and the GPU's free memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.errors import UserError
from imagerag.profiles.loading import Choice, Profile
from imagerag.profiles.machine import this_machine
from imagerag.profiles.ranking import LOCAL, NO_GPU, Ranking

UNSET = " not set"
"""How it is told that a choice lacks keys, behind their variables."""


@dataclass(frozen=True)
class Chosen:
    """What was chosen.

    Attributes:
        choice: the parts; ``None`` of a profile without choices.
        why: in words, why this one.
        memory: how the generator holds its weights, so that the VLM fits beside it; ``None`` to leave that open.
        lacking: what better ones lack, in words.
    """

    choice: Choice | None = None
    why: str = ""
    memory: Memory | None = None
    lacking: tuple[str, ...] = ()


class _Fitting(NamedTuple):
    """How a choice's models are held, ``None`` where they don't fit, and why."""

    memory: Memory | None
    why: str


def choose(
    profile: Profile,
    generator: str | None,
    vlm: str | None,
    device: DeviceSettings,
    environ: Mapping[str, str] | None = None,
) -> Chosen:
    """Return the first choice that is possible; of a profile with a ranking, the first of that which fits here.

    Args:
        profile: whose choices.
        generator, vlm: those that the person names instead, if any; memory is counted with them.
        device: where models that run here are held.
        environ: ``os.environ`` unless given.

    Raises:
        UserError: none is possible; the message says what each lacks. Or there is no such device.
    """
    lacking: list[str] = []
    if profile.ranking or profile.vlms:
        ranking = Ranking(profile, generator, vlm, device, this_machine(device))
        if (taken := ranking.taken()) is not None:
            return Chosen(taken.choice, taken.why, taken.memory, taken.better)
        lacking.append(ranking.nearest())
    if not profile.choices:
        return Chosen(lacking=tuple(lacking))
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


def keys_of_vlms(profile: Profile) -> tuple[str, ...]:
    """Return the variables with keys of which each is enough for a VLM; none where a profile decides without keys."""
    if not profile.vlm_by_key:
        return ()
    of_choices = [choice.keys[0] for choice in profile.choices if choice.keys and choice.vlm not in (None, "rules")]
    return tuple(dict.fromkeys([*of_choices, *profile.vlm_by_key]))


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
    found = _fitting(profile, choice, drawn_by, vlm, device)
    return ("", found.why, found.memory) if found.memory is not None else (found.why, "", None)


def _fitting(profile: Profile, choice: Choice, generator: str, vlm: str | None, device: DeviceSettings) -> _Fitting:
    """Return how a choice's generator is held so that its VLM and the CLIP model fit beside it, and why."""
    ranking = Ranking(profile, generator, vlm or choice.vlm, device, this_machine(device))
    if ranking.machine.kind == "cpu":
        return _Fitting(None, NO_GPU)
    (row,), weights = ranking.rows(), 0.0
    if vlm is None:
        weights = choice.vlm_weights
    elif vlm.startswith(LOCAL):
        weights = next((other.vlm_weights for other in profile.choices if other.vlm == vlm), 0.0)
    beside = ranking.vlms()[0].model_copy(update={"weights": weights} if weights else {})
    unknown = bool(vlm and vlm.startswith(LOCAL) and not beside.weights)
    fit = ranking.fit(row, beside)
    why = ranking.machine.told if fit.mode is not None else ranking.in_words(row, beside, fit)
    return _Fitting(fit.mode, why + (f"; how large {vlm!r} is isn't known, so it is not counted" if unknown else ""))
