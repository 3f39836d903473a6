"""Fixtures of the command line's tests."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagerag.cli.chat import Chat
from testing.servers import scripted_service


@pytest.fixture
def start_chat(tmp_path: Path) -> Iterator[Callable[..., tuple[Chat, Callable[[str], str]]]]:
    studios = []

    def start(thread: str = "sea", protocol: Any = "none", **components: Any) -> tuple[Chat, Callable[[str], str]]:
        studios.append(scripted_service(tmp_path, **components))
        out = io.StringIO()
        chat = Chat(studios[-1], thread, out, protocol)
        chat.greet()

        def take(line: str) -> str:
            out.truncate(0)
            out.seek(0)
            assert chat.take(line)
            return out.getvalue()

        return chat, take

    yield start
    for service in studios:
        service.close()
