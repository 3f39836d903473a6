"""Fixtures that several files of tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testing.servers import Served, scripted_service


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers over scripted studios, and stops them at the end."""
    served: list[Served] = []

    def start(settings: dict[str, Any] | None = None, **components: Any) -> Served:
        served.append(Served(scripted_service(tmp_path, **components), **(settings or {})))
        return served[-1]

    yield start
    for one in served:
        one.stop()
