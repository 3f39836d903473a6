"""References of the open web in whole runs: asked only for what is lacking, and for nothing but captions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imagerag import draw
from imagerag.assets.library import bundled_library
from imagerag.cli.main import run
from imagerag.server.service import Service
from imagerag.settings import Settings
from imagerag.store.manifest import read_manifest
from testing.servers import Served
from testing.web_server import Web, Work, serving_web, sources_at

pytestmark = pytest.mark.slow
KIMONO = "kimono"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """The library's kimonos, of one licence each."""
    library = bundled_library()
    rows = [row for row, entry in enumerate(library.entries) if entry.concept == KIMONO]
    licences = ("by-nc", "by", "by-sa", "")
    works = [
        Work(f"kimono-{at}", "A kimono", _on_white(library.image(row)), licences[at % 4]) for at, row in enumerate(rows)
    ]
    with serving_web(works) as served:
        for name, address in sources_at(served, "openverse", "commons").items():
            monkeypatch.setenv(name, address)
        yield served


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def test_a_lacking_concept_is_looked_up_on_the_web_and_whom_to_thank_is_told(web: Web, tmp_path: Path) -> None:
    result = draw("an owl in a kimono", home=str(tmp_path), library=("openverse", "commons"), seed=1)
    (reference, *_) = [one for one in result.references if one["kind"] == "retrieved"]
    assert reference["concept"] == KIMONO
    assert reference["licence"] in ("CC-BY-4.0", "CC-BY-SA-4.0")
    assert reference["creator"] == "Jane Roe"
    assert any(note.startswith('asking openverse, commons on the web for "') for note in result.notes)
    assert result.path is not None
    (kept, *_) = [one for one in read_manifest(result.path).references if one.kind == "retrieved"]
    assert kept.attribution.startswith('"A kimono" by Jane Roe, ')
    assert "https://creativecommons.org/licenses/by" in kept.attribution
    sent = "\n".join(one.sent for one in [*web.asked, *web.robots_asked])
    before = len(web.asked)
    assert run(["replay", str(result.path), "--home", str(tmp_path)]) == 0
    assert len(web.asked) == before, "what was chosen once is here"
    assert "kimono" in sent
    assert "owl" not in sent, "the prompt's other things stay here"
    assert str(tmp_path) not in sent


def test_of_a_persons_picture_and_conversation_nothing_is_sent(web: Web, tmp_path: Path) -> None:
    subject = tmp_path / "filecanary.png"
    info = PngInfo()
    info.add_text("Author", "authorcanary")
    Image.new("RGB", (64, 64), "red").save(subject, pnginfo=info)
    more = {"negative": "negativecanary", "thread": "threadcanary", "file_name": "namecanary"}
    draw("an owl in a kimono", home=str(tmp_path), library=("openverse",), seed=1, subject=(str(subject),), **more)
    assert web.searches()
    sent = "\n".join(one.sent for one in [*web.asked, *web.robots_asked])
    assert "canary" not in sent
    assert {name for one in web.searches() for name in one.query} == {"q", "page", "page_size", "license"}


def test_nothing_is_asked_for_what_nearer_libraries_have_or_the_generator_knows(web: Web, tmp_path: Path) -> None:
    draw("an owl in a kimono", home=str(tmp_path), library=("bundled", "openverse"), seed=1)
    draw("an owl", home=str(tmp_path), library=("openverse",), seed=1)
    draw("an owl in a kimono", home=str(tmp_path), seed=1)
    assert web.asked == []


def test_offline_sends_nothing_and_says_so(web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--home", str(tmp_path), "--library", "openverse,bundled", "--offline", "--seed", "1", "--no-copy"]
    assert run(["draw", "an owl in a kimono", *options]) in (0, 1)
    told = capsys.readouterr()
    assert "web source 'openverse' is not asked: --offline" in told.out + told.err
    assert web.asked == []


def test_the_command_searches_the_web_and_tells_whom_to_thank(
    web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["search", "a kimono", "--library", "commons", "--home", str(tmp_path), "-k", "2", "--json"]
    assert run(arguments) == 0
    told = capsys.readouterr()
    found: list[dict[str, Any]] = json.loads(told.out)
    assert {one["licence"] for one in found} <= {"CC-BY-4.0", "CC-BY-SA-4.0"}
    assert all(one["link"].startswith("https://commons.wikimedia.org/wiki/File:kimono-") for one in found)
    assert 'asking commons on the web for "a kimono"' in told.err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--licences", "by-sb"), "licences 'by-sb' is none that is known"),
        (("--library", "openvers"), "library 'openvers' is not known"),
        (("--facts", "wikipedai"), "facts 'wikipedai' is not known; give --facts one or more of: wikipedia, wikidata"),
    ],
)
def test_what_is_mistyped_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, str], says: str
) -> None:
    assert run(["draw", "a lobster", "--home", str(tmp_path), *flags]) == 2
    assert says in capsys.readouterr().err


def test_the_report_tells_whom_to_thank(web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--home", str(tmp_path / "home"), "--out", str(tmp_path / "out")]
    assert run(["an owl in a kimono", "--library", "openverse", "--seed", "1", "--html", *where]) == 0
    (page,) = (tmp_path / "out").rglob("*.html")
    assert "by Jane Roe" in page.read_text(encoding="utf-8")


def _served(home: Path, **settings: Any) -> Served:
    return Served(Service(Settings(home=str(home), library=("openverse",), **settings)))


def test_the_doors_tell_whom_to_thank(web: Web, tmp_path: Path) -> None:
    server = _served(tmp_path)
    try:
        answer = server.client().chat.completions.create(
            model="imagerag", messages=[{"role": "user", "content": "an owl in a kimono"}], seed=1
        )
        assert "by Jane Roe" in str(answer.choices[0].message.content)
    finally:
        server.stop()


def test_a_server_that_is_offline_sends_nothing(web: Web, tmp_path: Path) -> None:
    server = _served(tmp_path, offline=True)
    try:
        made = server.client().images.generate(model="imagerag", prompt="an owl in a kimono")
        assert made.data
        assert web.asked == []
    finally:
        server.stop()
