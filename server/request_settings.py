"""From a client's request to the settings of its run: the server's, with what the client may choose in them."""

import dataclasses
from functools import lru_cache
from typing import Any

from imagerag.profiles.resolve import Given, RunSettings, resolve
from imagerag.server.offers import Offers, PartChoice
from imagerag.server.run import RunRequest
from imagerag.settings import Settings


class RequestSettings:
    """The settings of a server's runs.

    Args:
        asked: the server's own, as they were given.
        given: parts that a program hands to the server.

    Raises:
        UserError: they, or what they offer, can't be used here.
    """

    def __init__(self, asked: Settings, given: Given) -> None:
        self.offers = Offers(asked, given)
        self._given = given
        self._chosen = lru_cache(maxsize=64)(self._with_choice)

    def of(self, ask: RunRequest) -> Settings:
        """Return the settings of a run; limits are at most those of the server.

        Raises:
            UserError: a value out of its range, or parts that are not offered or don't go together.
        """
        chosen, most = self._chosen(ask.choice)
        wanted: dict[str, Any] = {"approve": ask.approve}
        for name in ("seed", "n", "mode", "negative"):
            if (value := getattr(ask, name)) is not None:
                wanted[name] = value
        if ask.size:
            wanted |= {"size": None, "aspect": None, "aspect" if ":" in ask.size else "size": ask.size}
        for name, limit in _limits(ask).items():
            ceiling = getattr(most, name)
            wanted[name] = limit if ceiling is None else min(limit, ceiling)
        return dataclasses.replace(chosen, **wanted)

    def lowered(self, ask: RunRequest) -> tuple[str, ...]:
        """Return what is to be told of limits that are above the server's, which hold then."""
        _, most = self._chosen(ask.choice)
        return tuple(
            f"{name} {value:g} is more than this server allows; {getattr(most, name):g} holds"
            for name, value in _limits(ask).items()
            if getattr(most, name) is not None and value > getattr(most, name)
        )

    def _with_choice(self, choice: PartChoice) -> tuple[Settings, RunSettings]:
        """Return the server's settings with a choice in them, as they are asked for and with nothing left open.

        Raises:
            UserError: something is not offered, or doesn't go together.
        """
        self.offers.check(choice)
        settings = self.offers.settings(choice)
        return settings, resolve(settings, given=self._given)


def _limits(ask: RunRequest) -> dict[str, float]:
    given: dict[str, Any] = {**ask.limits}
    return {name: value for name, value in given.items() if value is not None}
