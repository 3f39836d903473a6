"""Servers whose event loop must not be held up."""

from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx


@pytest.fixture(autouse=True)
def nothing_blocks_the_event_loop() -> Iterator[None]:
    """Make whatever touches a file or database, or sleeps, on an event loop fail, wherever our own code leads to it."""
    with blockbuster_ctx("imagerag"):
        yield
