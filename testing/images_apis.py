"""The images APIs of all providers on loopback, behind one face: what each answers where it draws, refuses, is busy."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from testing.gemini_server import answer_of, gemini_server, picture_part
from testing.maker_servers import MAKERS, MakerServer, answer, maker_server
from testing.remote_servers import Answer, images_server


@dataclass
class ScriptedApi:
    """A provider's server.

    Attributes:
        name: of the generator that asks it.
        refuse: makes it refuse the next drawing.
        submissions: returns how many drawings it was asked for.
        references: returns how many images came with the last one.
        first: answers before its own, one after the other; an ``Event`` is waited for first.
        submitting: set while a request is held back.
        price: of an image there, in a file of prices; cost: in US dollars of one drawing, by that and its answer.
    """

    name: str
    refuse: Callable[[], None]
    submissions: Callable[[], int]
    references: Callable[[], int]
    first: list[Answer | threading.Event] = field(default_factory=list)
    submitting: threading.Event = field(default_factory=threading.Event)
    price: str = "{ image = 0.05 }"
    cost: float = 0.05

    def answered(self, usual: Answer) -> Answer:
        """Return the next answer."""
        while self.first:
            if isinstance(each := self.first.pop(0), Answer):
                return each
            self.submitting.set()
            each.wait(20)
        return usual


BUSY = (answer({"detail": "slow down"}, 429, retry_after="0"), answer({"detail": "busy"}, 503))
TOKENS = "{ input = 10.0, output = 40.0 }"
TOLD = {"bfl": 0.03, "recraft": 0.04}
"""What servers say themselves that a drawing costs, in US dollars."""


@contextmanager
def api_server(prefix: str) -> Iterator[ScriptedApi]:
    """Serve what the generator of a prefix asks until the block ends.

    Args:
        prefix: of ``imagerag.generators.registry.IMAGES_APIS``.
    """
    serve = {"openai": _openai, "google_genai": _gemini}.get(prefix)
    with serve() if serve is not None else _maker(prefix) as api:
        yield api


@contextmanager
def _openai() -> Iterator[ScriptedApi]:
    with images_server(lambda number: api.answered(Answer())) as server:
        refused = answer({"error": {"code": "moderation_blocked", "message": "rejected by the safety system"}}, 400)
        api = ScriptedApi(
            f"openai:gpt-image-2@{server.url}", lambda: api.first.append(refused), lambda: len(server.asked),
            lambda: len(server.asked[-1].files), price=TOKENS, cost=(50 * 10 + 4000 * 40) / 1e6,
        )  # fmt: skip
        yield api


@contextmanager
def _gemini() -> Iterator[ScriptedApi]:
    with gemini_server(lambda number: api.answered(answer_of(picture_part()))) as server:
        refused = answer_of(reason="IMAGE_SAFETY")
        api = ScriptedApi(
            f"google_genai:gemini-3.1-flash-image@{server.url}", lambda: api.first.append(refused),
            lambda: len(server.asked), lambda: len(server.asked[-1].body["contents"][0]["parts"]) - 1,
            price=TOKENS, cost=(20 * 10 + 1200 * 40) / 1e6,
        )  # fmt: skip
        yield api


@contextmanager
def _maker(prefix: str) -> Iterator[ScriptedApi]:
    with maker_server(prefix) as server:
        yield ScriptedApi(
            server.name, server.refuse, lambda: len(server.submissions), lambda: _references(server), server.submit,
            server.submitting, cost=TOLD.get(prefix, 0.05),
        )  # fmt: skip


def _references(server: MakerServer) -> int:
    asked = server.submissions[-1]
    inputs = asked.fields.get("input", asked.fields)
    lists = [inputs.get(name, []) for name in ("image_urls", "input_images", "reference_images")]
    single = [name for name in inputs if name.startswith("input_image") and name[-1] != "s"]
    return len(asked.files) + len(single) + sum(map(len, lists))


PREFIXES = ("openai", "google_genai", *MAKERS)
