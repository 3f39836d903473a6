"""What clients may choose of a run's parts, and the settings of a run with their choice in them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from imagerag.credentials import without_credentials
from imagerag.errors import UserError
from imagerag.generators.registry import fitting_profile
from imagerag.places import without_place
from imagerag.profiles.loading import SET_BY_PROFILE
from imagerag.profiles.names import check_parts
from imagerag.profiles.resolve import Given, RunSettings, resolve
from imagerag.settings import OFFERED, Settings, offered_part

_OF_THE_IMAGE = ("size", "aspect")
_LIMITS = tuple(name for name in SET_BY_PROFILE if name.startswith("max_"))
_PARTS: tuple[str, ...] = tuple(name for name in SET_BY_PROFILE if name not in (*_LIMITS, *_OF_THE_IMAGE))
"""What another profile, or a generator of another kind, sets anew."""


@dataclass(frozen=True)
class PartChoice:
    """The parts that a client chooses, by the names under which they are offered; empty ones are left as they are."""

    profile: str = ""
    generator: str = ""
    critic: str = ""

    def or_else(self, earlier: "PartChoice") -> "PartChoice":
        """Return this choice, with an earlier one of the same conversation where this one says nothing.

        A profile chosen anew takes the place of all parts that were chosen before.
        """
        if self.profile:
            return self
        return PartChoice(earlier.profile, self.generator or earlier.generator, self.critic or earlier.critic)


NO_CHOICE = PartChoice()


def shown_name(name: str) -> str:
    """Return the name of a part as clients know it: names may hold addresses with passwords, and places."""
    return without_place(without_credentials(name))


@dataclass(frozen=True)
class Offers:
    """The choices of one server.

    Args:
        asked: its settings as they were given; ``offer`` names the choices.
        given: parts that a program hands to the server, instead of which none can be chosen.

    Raises:
        UserError: an offered part can't be used here.
    """

    asked: Settings
    given: Given = field(default_factory=Given)
    _own: RunSettings = field(init=False)
    _real: dict[str, dict[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        """Check what is offered, before anybody chooses it."""
        own = resolve(self.asked, given=self.given)
        real = {kind: {shown_name(name): name for name in _own_name(own, kind, self.given)} for kind in OFFERED}
        for text in self.asked.offer:
            kind, name = offered_part(text)
            if kind in self.given.parts:
                raise UserError(f"offer {text!r} is of no use: this server's {kind} is given by the program")
            real[kind][shown_name(name)] = name
        object.__setattr__(self, "_own", own)
        object.__setattr__(self, "_real", real)
        for kind, names in real.items():
            for shown in list(names)[1:]:
                try:
                    check_parts(resolve(self.settings(PartChoice(**{kind: shown})), given=self.given))
                except UserError as error:
                    raise UserError(f"offer '{kind}={shown}' can't be used: {error}") from error

    def names(self, kind: str) -> list[str]:
        """Return what can be chosen of ``profile``, ``generator`` or ``critic``, the server's own first."""
        return list(self._real[kind])

    def beside_own(self, kind: str) -> list[str]:
        """Return what can be chosen of a kind in place of the server's own."""
        return self.names(kind)[1:]

    def check(self, choice: PartChoice) -> None:
        """Refuse what is not offered.

        Raises:
            UserError: naming the one and the choices there are.
        """
        for kind in OFFERED:
            name = getattr(choice, kind)
            if name and name not in self._real[kind]:
                there = ", ".join(self.names(kind)) or "none: it is the program's own"
                raise UserError(f"{kind} {name[:80]!r} is not offered by this server; choose one of: {there}")

    def still_offered(self, choice: PartChoice) -> PartChoice:
        """Return a choice without what is offered no longer."""
        kept = {kind: name for kind in OFFERED if (name := getattr(choice, kind)) in self._real[kind]}
        return PartChoice(**kept)

    def settings(self, choice: PartChoice) -> Settings:
        """Return the server's settings with a choice in them; the parts that it leaves open follow from it."""
        asked, own = self.asked, self._own
        chosen = {kind: self._real[kind][name] for kind in OFFERED if (name := getattr(choice, kind))}
        changes: dict[str, Any] = {kind: name for kind, name in chosen.items() if name != getattr(own, kind)}
        if "profile" in changes:
            asked = _left_open(asked, _PARTS)
            changes["lora"] = ()
        elif "generator" in changes:
            changes["lora"] = ()
            if fitting_profile(chosen["generator"]) != fitting_profile(own.generator):
                asked = _left_open(asked, ("profile", *(part for part in _PARTS if part != "vlm")))
        # A part that is said outright stands, whatever else is chosen.
        changes |= {kind: name for kind, name in chosen.items() if changes}
        told = {**dict(asked.origins), **dict.fromkeys(changes, "the client")}
        return replace(asked, **changes, origins=tuple(told.items())) if changes else asked


def _own_name(own: RunSettings, kind: str, given: Given) -> Iterable[str]:
    return () if kind in given.parts else (getattr(own, kind),)


def _left_open(asked: Settings, names: Iterable[str]) -> Settings:
    """Return settings in which these are left to the profile."""
    opened = {name: None for name in names if name in SET_BY_PROFILE or name == "profile"}
    origins = tuple((name, where) for name, where in asked.origins if name not in opened)
    changes: dict[str, Any] = {**opened, "origins": origins}
    return replace(asked, **changes)
