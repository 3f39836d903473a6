"""The arms of an evaluation: named ways of drawing a prompt, and ``NAME:KEY=VALUE,...`` for any other."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from imagerag.errors import UserError
from imagerag.evaluation.records import Arm
from imagerag.evaluation.switches import SWITCHES, Switches
from imagerag.evaluation.told_settings import settings_text
from imagerag.settings import DECLARED, Settings

FIXED = ("config", "file_name", "home", "out", "record", "seed", "thread")
"""Settings that are the evaluation's own, and none of an arm's."""

DEFAULT_ARMS = ("base", "best-of-n", "one-pass", "agent", "random-references")


def _arm(name: str, about: str, **settings: object) -> Arm:
    return Arm(name, settings, about)


def _named() -> Iterable[Arm]:
    yield _arm("base", "one drawing from the prompt alone", mode="no_lookup", max_generations=1)
    yield _arm(
        "best-of-n",
        "the critic's choice among as many drawings as the agent makes",
        mode="no_lookup", max_generations=1, n_like="agent",
    )  # fmt: skip
    yield _arm("best-of-5", "the critic's choice among five drawings", mode="no_lookup", max_generations=1, n=5)
    yield _arm("rephrase", "the prompt is reworded, nothing is looked up (the paper's control)", mode="rephrase_only")
    yield _arm("one-pass", "ImageRAG as published: one look-up, one redraw", pipeline="one-pass")
    yield _arm(
        "one-pass-first",
        "ImageRAG's generation mode: everything is looked up before the only drawing",
        pipeline="one-pass", mode="lookup_first",
    )  # fmt: skip
    yield _arm(
        "blind-lookup",
        "every prompt is looked up and drawn once, whatever the generator knows",
        mode="lookup_first", max_generations=1,
    )  # fmt: skip
    yield _arm("agent", "the loop as people have it")
    for count in (1, 2, 3, 5):
        yield _arm(f"agent-{count}", f"the loop with {count} generations at most", max_generations=count)
    yield _arm("lookup-similarity", "what is found comes in the order of similarity", order="similarity")
    yield _arm("lookup-fused", "similarity fused with the words of captions (BM25)", order="fused")
    yield _arm("lookup-diverse", "found pictures differ from each other (MMR)", lookup_diverse=0.5)
    yield _arm("lookup-rerank", "a VLM puts what was found in order", rerank="vlm")
    for count in (1, 2, 3, 4):
        yield _arm(f"references-{count}", f"{count} references per concept in one drawing", references=count)
    yield _arm("random-references", "look-ups find random pictures: the control that must not help", found="random")
    yield _arm(
        "mislabelled-references",
        "look-ups find random pictures under the title that was asked for",
        found="mislabelled",
    )
    for width, depth in ((6, 1), (3, 2), (2, 3), (1, 6)):
        yield _arm(
            f"width-{width}-depth-{depth}",
            f"{width} candidates in each of {depth} generations",
            n=width, max_generations=depth,
        )  # fmt: skip
    for size in (0, 10, 100, 1000):
        yield _arm(f"retrieval-{size}", f"{size} pictures can be found", retrieval_size=size)
    yield _arm("without-keep-best", "the last image is returned, not the best", returns="last")
    yield _arm("without-floor", "whatever is nearest counts as found", floor=False)
    yield _arm("without-captions", "one caption per concept", captions=1)
    yield _arm("without-mmr", "found pictures may be alike, as ever unless --lookup-diverse is set", lookup_diverse=0.0)
    yield _arm(
        "without-title-order", "references in the order of the search, whatever their titles say", by_title=False
    )
    yield _arm("without-inspection", "references are drawn with unseen", inspect=False)
    yield _arm("without-early-stop", "all generations are made, also when the critic is satisfied", early_stop=False)


ARMS: Mapping[str, Arm] = {arm.name: arm for arm in _named()}
"""By name, in the order in which they are run and reported."""

NEEDS_VLM = ("lookup-rerank",)
"""Arms that are left out of ``--full`` where no model sees images."""


def read_arms(texts: Sequence[str]) -> tuple[Arm, ...]:
    """Return the arms that were asked for, and those whose generations others take as theirs, each once.

    Args:
        texts: names of ``ARMS``, or ``NAME:KEY=VALUE,...`` with settings and switches; empty for ``DEFAULT_ARMS``.

    Raises:
        UserError: no such arm, setting or value; or two arms of one name.
    """
    arms: dict[str, Arm] = {}
    for text in texts or DEFAULT_ARMS:
        arm = _read(text)
        if arm.name in arms and arms[arm.name] != arm:
            raise UserError(f"--arm {text!r}: there are two arms {arm.name!r}; give one another name")
        arms[arm.name] = arm
    for arm in list(arms.values()):
        other = arm.settings.get("n_like")
        if isinstance(other, str) and other not in arms:
            arms[other] = _named_arm(other, f"n_like of arm {arm.name!r}")
    return tuple(arms.values())


def _read(text: str) -> Arm:
    name, colon, values = text.partition(":")
    if not colon:
        return _named_arm(text, "--arm")
    if not re.fullmatch(r"[A-Za-z0-9][\w.+-]*", name):
        raise UserError(f"--arm {text!r} has no name before the colon; give NAME:KEY=VALUE,... with letters and digits")
    settings: dict[str, object] = {}
    for part in re.split(r",(?=\w+=)", values):
        key, equals, value = part.partition("=")
        key = key.strip().replace("-", "_")
        declared = {**DECLARED, **SWITCHES}.get(key)
        if not equals or declared is None or key in FIXED:
            raise UserError(_unusable(text, part, key, bool(equals)))
        settings[key] = declared.parse(value, f"{key} of --arm {name!r}")
    arm = Arm(name, settings, settings_text(settings))
    try:
        settings_of(arm, Settings()), switches_of(arm)
    except UserError as error:
        told = str(error)
        for declared in {**DECLARED, **SWITCHES}.values():  # which names a flag, and this is none
            told = told.replace(f"give {declared.flag} ", f"give {declared.name}= ")
        raise UserError(f"--arm {text!r}: {told}") from error
    return arm


def _unusable(text: str, part: str, key: str, said: bool) -> str:
    if not said:
        return f"--arm {text!r}: {part!r} is no KEY=VALUE"
    if key in FIXED:
        return f"--arm {text!r}: {key!r} is the same for all arms, and no arm's own"
    known = [name for name in (*DECLARED, *SWITCHES) if name not in FIXED]
    near = difflib.get_close_matches(key, known, 1)
    meant = f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(known)}"
    return f"--arm {text!r}: there is no setting {key!r}; {meant}"


def _named_arm(name: str, where: str) -> Arm:
    if name not in ARMS:
        near = difflib.get_close_matches(name, ARMS, 1)
        meant = f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(ARMS)}."
        raise UserError(f"{where} {name!r} is no arm; {meant} One of your own is NAME:KEY=VALUE,...")
    return ARMS[name]


def settings_of(arm: Arm, common: Settings) -> Settings:
    """Return the settings of an arm's runs.

    Args:
        arm: what differs from the others.
        common: what all arms have.

    Raises:
        UserError: a value is out of range, or contradicts another.
    """
    own: dict[str, Any] = {key: value for key, value in arm.settings.items() if key in DECLARED}
    origins = {**dict(common.origins), **dict.fromkeys(own, f"arm {arm.name!r}")}
    return replace(common, **own, origins=tuple(origins.items()))


def switches_of(arm: Arm) -> Switches:
    """Return the switches of an arm.

    Raises:
        UserError: a value is out of range.
    """
    own: dict[str, Any] = {key: value for key, value in arm.settings.items() if key in SWITCHES}
    return Switches(**own)
