"""The parts that a run is made with: chosen in its request, or earlier in its conversation, or else the server's."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from imagerag.errors import UserError
from imagerag.generators.base import redraws_parts
from imagerag.generators.registry import may_redraw_parts
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.profiles.resolve import Given, resolve
from imagerag.server.offers import NO_CHOICE, Offers, PartChoice, shown_name
from imagerag.server.request_settings import RequestSettings
from imagerag.server.run import RunRequest
from imagerag.settings import OFFERED, Settings


class RunParts:
    """The parts of a server's runs.

    Args:
        asked: the server's settings, as they were given.
        components: parts that a program hands to the server.

    Raises:
        UserError: the settings, or what they offer, can't be used here.
    """

    def __init__(self, asked: Settings, components: Mapping[str, Any]) -> None:
        self._given = Given.of(**{name: components.get(name) for name in ("generator", "critic", "index")})
        self._injected = InjectedComponents(**components)
        self.settings = resolve(asked, given=self._given)
        self.own = Components(self.settings, self._injected)
        self.requests = RequestSettings(asked, self._given)

    def set_limits(self, asked: Settings, limits: Mapping[str, Any]) -> None:
        """Let these limits, which ``asked`` has already, hold for the runs to come."""
        self.settings = dataclasses.replace(self.settings, **limits)
        self.requests = RequestSettings(asked, self._given)

    @property
    def offers(self) -> Offers:
        """What clients may choose."""
        return self.requests.offers

    def settled(self, ask: RunRequest, before: Callable[[], PartChoice]) -> RunRequest:
        """Return a request with the parts that were chosen in its conversation before, and notes on what is told of it.

        Raises:
            UserError: a value that no run can be made with, a part that is not offered, or a mask for a generator that
                redraws no parts.
        """
        earlier = before()
        kept = self.offers.still_offered(earlier)
        gone = [
            f"{kind} {name!r} of this conversation's earlier turns is no longer offered"
            for kind in OFFERED
            if (name := getattr(earlier, kind)) and not getattr(kept, kind) and not getattr(ask.choice, kind)
        ]
        ask = dataclasses.replace(ask, choice=ask.choice.or_else(kept))
        self.requests.of(ask)
        if ask.mask is not None and not redraws_parts(generator := self.of(ask).generator):
            raise UserError(
                f"generator {shown_name(generator.name)!r} can't redraw a part of an image; leave the mask out, and "
                "say in words what to change"
            )
        return dataclasses.replace(ask, notes=(*ask.notes, *gone, *self.requests.lowered(ask)))

    def of(self, ask: RunRequest | None) -> Components:
        """Return the parts that a run is made with; the server's own for the call of a single tool."""
        if ask is None or ask.choice == NO_CHOICE:
            return self.own
        return Components(self.requests.of(ask), self._injected)

    def names(self, ask: RunRequest, profile: str | None) -> dict[str, str]:
        """Return the names of a run's profile, generator and critic, in a thread of that profile."""
        settings = resolve(self.requests.of(ask), profile, self._given)
        injected = {"generator": self._injected.generator, "critic": self._injected.critic}
        return {
            kind: str(part.name) if (part := injected.get(kind)) is not None else shown_name(getattr(settings, kind))
            for kind in OFFERED
        }

    @property
    def may_redraw(self) -> bool:
        """Whether the server's own generator may redraw parts of images, as far as is known before it is loaded."""
        injected = self._injected.generator
        return redraws_parts(injected) if injected is not None else may_redraw_parts(self.settings.generator)
