"""One HTTP call that is patient with servers, and not with runs that have ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import httpx

from imagerag.engines.generator import StopCheck
from imagerag.patience import in_time, pause, retry_after

ATTEMPTS = 3
"""Tries of one call, the first included."""
FIRST_WAIT = 1.0
"""Seconds before the second try where the server doesn't say; twice that before the third."""
LONGEST_WAIT = 60.0
"""Seconds of ``Retry-After`` (RFC 9110 section 10.2.3) beyond which a server counts as not answering."""

Answer = TypeVar("Answer")


class PassingFailure(Exception):
    """A failure that may pass: another try is worth it.

    Attributes:
        wait: seconds that the server asks to wait; ``None`` if it doesn't say.
    """

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


def patiently(call: Callable[[], Answer], check: StopCheck | None, hang_up: Callable[[], object]) -> Answer:
    """Return what ``call`` returns, called again where it fails in a way that may pass.

    Args:
        call: made in a thread of its own; raises ``PassingFailure``, or what is final.
        check: asked many times a second; raises when the run has ended.
        hang_up: ends a call that is under way.

    Raises:
        PassingFailure: no try got through.
        Cancelled, BudgetExceeded: as ``check`` raised them; nothing is left running for long.
    """
    check = check or (lambda: None)

    def watch() -> None:
        try:
            check()
        except BaseException:
            hang_up()
            raise

    for attempt in range(1, ATTEMPTS + 1):
        try:
            return in_time(call, watch)
        except PassingFailure as failure:
            wait = FIRST_WAIT * 2 ** (attempt - 1) if failure.wait is None else failure.wait
            if attempt == ATTEMPTS or wait > LONGEST_WAIT:
                raise PassingFailure(f"{failure}, {attempt} of {ATTEMPTS} tries") from failure
            pause(wait, check)
    raise AssertionError("the loop returns or raises")


def raise_for(response: httpx.Response) -> None:
    """Raise ``PassingFailure`` for a status that may pass: 408, 409, 429 and all from 500 on."""
    status = response.status_code
    if status in (408, 409, 429) or status >= 500:
        raise PassingFailure(f"the server answered {status}", retry_after(response.headers.get("retry-after")))
