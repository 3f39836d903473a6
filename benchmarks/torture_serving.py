"""A server under torture: asked for one image after the other until it ends."""

import json
import re
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks.torture_commands import LONGEST, Command, Conditions, Outcome

UP = "listening on "
_ADDRESS = re.compile(UP + r"(http://[^/\s,;]+)")


class Answer(NamedTuple):
    """What a server has answered: its HTTP status, and the ids of the images it has given out."""

    status: int
    images: list[str]


class Server:
    """``imagerag serve`` that is asked for images, one after the other.

    Args:
        home: its data directory.
        log: file for what it writes.
        more: arguments.
        conditions: that it runs under.
    """

    def __init__(self, home: Path, log: Path, *more: str, conditions: Conditions | None = None) -> None:
        self.command = Command(["serve", "--port", "0", "--home", str(home), *more], log, conditions)
        self.answered: list[str] = []

    @property
    def address(self) -> str | None:
        """Where it listens; ``None`` while it does not."""
        found = _ADDRESS.search(self.command.output)
        return found[1] if found else None

    def ask(self, seconds: float = LONGEST) -> Answer | None:
        """Ask for an image; ``None`` if it is gone, or does not answer."""
        body = json.dumps({"prompt": "a blue lobster", "response_format": "url"}).encode()
        headers = {"content-type": "application/json"}
        asked = urllib.request.Request(f"{self.address}/v1/images/generations", body, headers)
        try:
            with urllib.request.urlopen(asked, timeout=seconds) as answer:
                data = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            error.close()
            return Answer(error.code, [])
        except (OSError, ValueError):
            return None
        images = [re.sub(r".*/images/|\..*", "", one["url"]) for one in data]
        self.answered += images
        return Answer(200, images)

    def keep_asking(self) -> None:
        """Ask again and again, beside what else is done."""
        threading.Thread(target=self._asked_on, daemon=True).start()

    def _asked_on(self) -> None:
        while self.command.wait_for(UP) and self.ask() is not None:
            pass

    def gives_out(self, image: str) -> bool:
        """Tell whether it still has an image."""
        with suppress(OSError), urllib.request.urlopen(f"{self.address}/images/{image}.png", timeout=LONGEST) as answer:
            return bool(answer.read(8) == b"\x89PNG\r\n\x1a\n")
        return False

    def end(self, number: int, seconds: float = LONGEST) -> Outcome:
        """End it by a signal."""
        self.command.send(number)
        return self.command.wait(seconds)
