"""What generators behind an images API share: a name with a model and an address, a key, and how they refuse."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NoReturn

from imagerag.credentials import without_credentials
from imagerag.errors import DrawingRefused, InvalidArgument, UserError
from imagerag.generators.remote.calling import AWAY, Reply, TransientError
from imagerag.generators.remote.server_errors import Meaning
from imagerag.net.server_keys import server_key

TIMEOUT = 300.0
"""Seconds; the slowest models take two minutes for one image."""

_NAME = re.compile(r"(?P<model>[^@]+)(?:@(?P<url>https?://\S+))?")


class ImagesApi:
    """A generator ``PREFIX:MODEL`` or ``PREFIX:MODEL@URL``.

    Args:
        prefix: of its name.
        name: ``MODEL`` or ``MODEL@URL``.
        base_url: the API's address unless the name has one.
        keys: variables with the provider's key; the first one that is set counts.

    Raises:
        UserError: not such a name, or no key is set.
    """

    charges = True

    def __init__(self, prefix: str, name: str, base_url: str, keys: Sequence[str]) -> None:
        found = _NAME.fullmatch(name)
        if found is None:
            raise UserError(
                f"generator '{prefix}:{name}' is no name of a model; give {prefix}:MODEL or {prefix}:MODEL@URL"
            )
        self.name = without_credentials(f"{prefix}:{name}")
        self.model: str = found["model"]
        self._base = (found["url"] or base_url).rstrip("/")
        if found["url"]:
            self._key = server_key(found["url"])
        else:
            self._key = next((os.environ[each] for each in keys if os.environ.get(each)), "")
        if not self._key and not found["url"]:
            raise UserError(f"generator {self.name!r} needs a key; set the variable {keys[0]}")

    def _refuse(self, reply: Reply, meaning: Meaning | None = None, *, what: str = "", instead: str = "") -> NoReturn:
        """Raise what an answer means that says what is wrong.

        Args:
            reply: the answer.
            meaning: where it is known better than by its words and status.
            what: was asked for, in words for the message.
            instead: another way out, where only the person can help.
        """
        said, told = reply.said, reply.in_words + what
        meaning = meaning or said.meaning(reply.status)
        if meaning == "refused":
            raise DrawingRefused(
                f"the safety system of {self.name!r} refuses this ({said.words}); other words may pass"
            )
        if meaning == "unpaid":
            raise UserError(f"{self.name!r} can't be paid for: {told}; add credit, or raise the limit, at its provider")
        if meaning == "passing":
            raise TransientError(told, reply.wait, away=reply.status in AWAY)
        if meaning == "unusable":
            way_out = "give that address" if reply.location else "check key and model"
            raise UserError(f"{self.name!r} can't be used: {told}; {way_out}{instead}")
        raise InvalidArgument(f"{self.name!r} refuses the request: {reply.status} ({said.words})")
