"""Why parts that don't go together are refused, and what to type instead: each way out was tried before it is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from imagerag.profiles.loading import Profile
from imagerag.profiles.soundness import EMBEDDED_CRITICS, Unsound
from imagerag.settings import DECLARED, Settings
from imagerag.shell_words import quoted

STRENGTH = {"flag": 4, "variable": 3, "settings": 2, "suite": 1}
"""How near to the run a value was given, by the first word of its origin; what a program gives counts as a flag."""


class Way(NamedTuple):
    """A way out.

    Attributes:
        words: what to do, as in ``give --profile local``.
        asked: the settings after that.
    """

    words: str
    asked: Settings


def strength(asked: Settings, name: str) -> int:
    """Return how near to the run a setting was given; 0 where nobody named it."""
    if getattr(asked, name) is None:
        return 0
    return STRENGTH.get(dict(asked.origins).get(name, "flag").partition(" ")[0], STRENGTH["flag"])


def is_insisted_on(problem: Unsound, asked: Settings) -> bool:
    """Tell whether a part was named as near to the run as what draws, so that it is used all the same."""
    named = strength(asked, problem.part)
    return bool(named) and named >= (strength(asked, "generator") or strength(asked, "profile"))


def refusal(
    refused: Sequence[Unsound],
    asked: Settings,
    drawn_by: str,
    profile: Profile,
    fitting: Profile,
    lookup_model: str,
    is_sound: Callable[[Settings], bool],
) -> str:
    """Return the line on parts that nobody insisted on.

    Args:
        refused: at least one.
        asked: what the person gave.
        drawn_by: the generator's name.
        profile: that fills in what was left open.
        fitting: the profile that fits the generator.
        lookup_model: of the fitting profile.
        is_sound: whether a run with these settings would not be refused.
    """
    causes = {one.part: one for one in refused}
    critic, lookup = causes.get("critic"), strength(asked, "lookup_model")
    told = [f"{one.part} {one.value!r} {one.why}" for one in refused]
    if (
        critic is not None
        and lookup
        and asked.critic is None
        and critic.value in EMBEDDED_CRITICS
        and _follows(profile)
    ):
        # The critic is that of the look-up model, which somebody named: that is the value to change.
        del causes["critic"]
        causes = {"lookup_model": Unsound("lookup_model", str(asked.lookup_model), ""), **causes}
        told = [
            f"lookup_model {asked.lookup_model!r} knows no photographs, and critic {critic.value!r} would judge by it",
            *(
                f"{one.part} {one.value!r} {one.why}"
                for one in refused
                if one.part in causes and one.part != "lookup_model"
            ),
        ]
    sources = list(dict.fromkeys(_source(part, asked, profile) for part in causes))
    ways = [next((way.words for way in _other_parts(causes, asked, fitting, lookup_model) if is_sound(way.asked)), "")]
    insisted = _insisting(refused, asked)
    if is_sound(insisted.asked):
        ways.append(insisted.words)
    sets = f"{' and '.join(sources)} {'sets' if len(sources) == 1 else 'set'} {'it' if len(causes) == 1 else 'them'}"
    what = f"{', '.join(told)}, and generator {drawn_by!r} draws photographs"
    return f"{what}; {sets}: {', or '.join(filter(None, ways))}"


def _follows(profile: Profile) -> bool:
    return profile.critic not in EMBEDDED_CRITICS


def _source(part: str, asked: Settings, profile: Profile) -> str:
    if strength(asked, part):
        return dict(asked.origins).get(part, "the program")
    return f"profile {profile.name!r}"


def _other_parts(causes: Mapping[str, Unsound], asked: Settings, fitting: Profile, lookup_model: str) -> Iterator[Way]:
    """Yield what could be changed, the least first; not all of it need help."""
    weak = [part for part in causes if STRENGTH["suite"] < strength(asked, part) < STRENGTH["flag"]]
    nothing: dict[str, Any] = dict.fromkeys(weak)
    unset = replace(asked, **nothing, origins=_without(asked, weak))
    those = "unset that" if len(weak) == 1 else "unset those"
    profile, lookup = {"profile": fitting.name}, {"lookup_model": lookup_model}
    if weak:
        yield Way(those, unset)
    yield _giving("name another with", asked, profile)
    yield _giving("give", asked, lookup)
    yield _giving("give", asked, profile | lookup)
    if weak:
        yield _giving(f"{those} and give", unset, profile)
        yield _giving(f"{those} and give", unset, profile | lookup)
    changes = {name: value for name, value in (("library", fitting.library), ("lookup_model", lookup_model)) if value}
    yield _giving("give", unset, changes | {"critic": f"clip:{lookup_model}"})


def _insisting(refused: Sequence[Unsound], asked: Settings) -> Way:
    values = {one.part: tuple(one.value.split(",")) if one.part == "library" else one.value for one in refused}
    return _giving("insist with", asked, values)


def _giving(words: str, asked: Settings, values: Mapping[str, Any]) -> Way:
    """Return the way that names these values by flags."""
    changed = dict(values)
    flags = [
        word
        for name, value in values.items()
        for word in (DECLARED[name].flag, ",".join(value) if isinstance(value, tuple) else str(value))
    ]
    origins = (*_without(asked, values), *((name, f"flag {DECLARED[name].flag}") for name in values))
    return Way(f"{words} {quoted(flags)}", replace(asked, **changed, origins=origins))


def _without(asked: Settings, names: Any) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in asked.origins if pair[0] not in names)
