"""A search service of a plugin, whose every call ends in time, and with the run, whatever the service does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from imagerag.errors import BudgetExceeded, Cancelled, InvalidArgument, ServiceError, UserError, first_line
from imagerag.index.base import PLAIN_SEARCH, Hit, ReferenceIndex, SearchOptions
from imagerag.interruptible import run_bounded, seconds_left

if TYPE_CHECKING:
    from PIL import Image

SECONDS = 60.0
"""For one call, as for one of a mounted MCP server's tools, however much time the run has."""

Answer = TypeVar("Answer")


class BoundedService:
    """A ``ReferenceIndex`` that waits for another no longer than it should.

    Args:
        service: of a plugin; what it asks over the network may have no time-out.
        name: by which the settings name it.
    """

    def __init__(self, service: ReferenceIndex, name: str) -> None:
        self._service = service
        self._name = name

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``.

        Raises:
            ServiceError: it takes too long, or fails.
        """
        return self._answer(lambda: self._service.search(captions, k, options))

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``.

        Raises:
            ServiceError: it takes too long, or fails.
        """
        return self._answer(lambda: self._service.image(sha256))

    def _answer(self, call: Callable[[], Answer]) -> Answer:
        seconds = min(SECONDS, seconds_left() / 2)  # so that some of the run's time stays
        try:
            return run_bounded(call, seconds)
        except (UserError, InvalidArgument, BudgetExceeded, Cancelled):
            raise
        except Exception as error:  # whatever the code of somebody else raises, a TimeoutError of ours among it
            kind, public = type(error).__name__, f"the search service {self._name!r} failed"
            told = f"{public} ({kind}: {first_line(error)}); mend it, or leave it out of --library"
            raise ServiceError(told, f"{public} ({kind})") from error
