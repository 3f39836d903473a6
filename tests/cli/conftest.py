"""Fixtures of the command line's tests."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagerag.cli.chat import Chat
from imagerag.server.service import Service
from testing.servers import scripted_service


class ChatStarter:
    """Starts chats over one data directory, each as a process of its own would; ``service`` is the latest one's."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.services: list[Service] = []

    def __call__(
        self, thread: str = "sea", protocol: Any = "none", **components: Any
    ) -> tuple[Chat, Callable[[str], str]]:
        """Return the chat, and a function that types a line and returns what is printed."""
        self.services.append(scripted_service(self._home, **components))
        out = io.StringIO()
        chat = Chat(self.service, thread, out, protocol)
        chat.greet()

        def take(line: str) -> str:
            out.truncate(0)
            out.seek(0)
            assert chat.take(line)
            return out.getvalue()

        return chat, take

    @property
    def service(self) -> Service:
        return self.services[-1]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the current folder, where images land, be one of its own."""
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


@pytest.fixture
def start_chat(tmp_path: Path) -> Iterator[ChatStarter]:
    starter = ChatStarter(tmp_path)
    yield starter
    for service in starter.services:
        service.close()
