"""A source that is there no more: adding it again removes what it had."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from imagerag.index.user.sources.items import Item, Wanted


class GoneSource:
    """A folder or file that was added once and has been deleted since.

    Args:
        path: absolute.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)

    def count(self) -> int:
        """See ``Source``."""
        return 0

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``."""
        return iter(())

    def owns(self, key: str) -> bool:
        """See ``Source``."""
        return key == self.name or key.startswith(self.name.rstrip(os.sep) + os.sep)
