"""What encyclopedias say, and whom to thank, in the answers of a server."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagerag.server.service import Service
from imagerag.settings import Settings
from testing.encyclopedias import serving_encyclopedias
from testing.openai_requests import MODEL, user
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Served, Shelf
from testing.web_server import sources_at

pytestmark = pytest.mark.slow
MASCOT = "mascot of the 2026 winter olympics"
PROMPT = "the mascot of the 2026 Winter Olympics"
LINK = "https://en.wikipedia.org/wiki/Tina_and_Milo"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server whose critic misses a fact at first."""
    with serving_encyclopedias() as web:
        for name, value in sources_at(web, "wikipedia", "wikidata").items():
            monkeypatch.setenv(name, value)
        critic = ScriptedCritic(itertools.cycle([0.3, 0.9]), [MASCOT])
        parts = {"generator": Squares(), "critic": critic, "index": Shelf()}
        server = Served(Service(Settings(home=str(tmp_path), facts=("wikipedia",)), None, **parts))
        yield server
        server.stop()


def test_the_images_api_tells_quotes_and_thanks(served: Served) -> None:
    made = served.client().images.generate(model=MODEL, prompt=PROMPT)
    told = made.model_extra["imagerag"]  # type: ignore[index]
    assert [quote["title"] for quote in told["quotes"]] == ["2026 Winter Olympics", "Tina and Milo"]
    assert told["quotes"][1]["link"] == LINK
    best = next(image for image in told["images"] if image["best"])
    assert best["references"]
    assert best["attributions"] == ['"a square", shelf, CC0']


def test_a_chat_answer_ends_with_them(served: Served) -> None:
    answer = served.client().chat.completions.create(model=MODEL, messages=[user(PROMPT)])
    text = str(answer.choices[0].message.content)
    ending = text[text.index("References in it:") :]
    assert '- "a square", shelf, CC0' in ending
    assert f"({LINK}".replace("(", r"\(").replace("_", r"\_") in ending
