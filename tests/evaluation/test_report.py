"""The files of a report: self-contained, escaped, complete, and written again over earlier ones."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation import report
from imagerag.evaluation.labels import Label, LabelFile
from imagerag.evaluation.report import write_report
from imagerag.evaluation.tables import report_lines
from testing.evaluation_runs import TWO_ARMS, Made, suite_of, write_run


class _Outline(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def values(self, tag: str, name: str) -> list[str]:
        return [str(attributes.get(name)) for found, attributes in self.tags if found == tag]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    suite = suite_of(6)
    odd = replace(suite.prompts[0], text="an <script>alert(1)</script> owl")
    arms = {**TWO_ARMS, "broken": Made({"known": 0.5, "lacking": 0.5}, fails=lambda at: at == 2)}
    return write_run(tmp_path / "run", replace(suite, prompts=(odd, *suite.prompts[1:])), arms, images=True)


def test_all_files_are_there_and_nothing_is_fetched(folder: Path) -> None:
    summary = write_report(folder)
    document = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert document == json.loads(json.dumps(summary.as_json()))
    assert (folder / "scores.csv").read_text(encoding="utf-8").startswith("suite,arm,metric")
    assert (folder / "differences.csv").read_text(encoding="utf-8").startswith("first,second,metric")
    page = (folder / "report.html").read_text(encoding="utf-8")
    outline = _Outline(page)
    assert not {"script", "link", "iframe", "img"} & {tag for tag, _ in outline.tags}
    assert "url(" not in page
    assert {"arms", "differences", "budget", "concepts", "critic", "people", "images"} <= set(
        outline.values("h2", "id")
    )
    for svg in outline.values("svg", "aria-label"):
        assert svg
    assert len(outline.values("svg", "role")) >= 5
    for link in outline.values("a", "href"):
        assert (folder / link.partition("#")[0]).is_file()


def test_pages_show_every_drawing_and_what_was_seen(folder: Path) -> None:
    write_report(folder)
    pages = sorted((folder / "pages").iterdir())
    assert [page.name for page in pages] == ["001.html", "002.html"]  # known, lacking
    texts = [page.read_text(encoding="utf-8") for page in pages]
    outlines = [_Outline(text) for text in texts]
    images = [source for outline in outlines for source in outline.values("img", "src")]
    assert len(images) == 6 * 2 * 3 - 2
    for source in images:
        assert (folder / "pages" / source).is_file()
    assert "no image" in texts[0]
    assert "out of memory" in texts[0]
    assert "owl: " in texts[0]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in texts[0]
    assert not any("script" in [tag for tag, _ in outline.tags] for outline in outlines)
    assert "p000" in outlines[0].values("section", "id")


def test_again_over_an_earlier_one_with_more_pages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "ON_A_PAGE", 1)
    write_report(folder)
    assert len(list((folder / "pages").iterdir())) == 6
    (folder / "pages" / "mine.html").write_text("mine", encoding="utf-8")
    monkeypatch.undo()
    write_report(folder)
    assert sorted(path.name for path in (folder / "pages").iterdir()) == ["001.html", "002.html", "mine.html"]
    before = (folder / "report.html").read_bytes()
    write_report(folder)
    assert (folder / "report.html").read_bytes() == before


def test_labels_are_in_it(folder: Path) -> None:
    assert "Nobody has labelled" in (write_report(folder), (folder / "report.html").read_text(encoding="utf-8"))[1]
    LabelFile(folder).add(Label("p001", 0, "base", "agent", "right"))
    write_report(folder)
    assert "1 label of 1 person" in re.sub(r"\s+", " ", (folder / "report.html").read_text(encoding="utf-8"))


def test_paths_of_this_machine_are_left_out(folder: Path) -> None:
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    run["arms"][1]["settings"] = {"library": "/home/somebody/pictures/owls"}
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    write_report(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "somebody" not in page
    assert "library" in page


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no run"):
        write_report(tmp_path)


def test_no_table_of_groups_where_there_are_none(tmp_path: Path) -> None:
    suite = suite_of(4)
    plain = replace(suite, prompts=tuple(replace(prompt, stratum="", concepts=()) for prompt in suite.prompts))
    arms = {"base": Made({"": 0.5}), "agent": Made({"": 0.9})}
    folder = write_run(tmp_path / "run", plain, arms, images=True, metrics=("clip",))
    summary = write_report(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "groups" not in _Outline(page).values("h2", "id")
    assert "<tbody>\n</tbody>" not in page
    lines = report_lines(summary)
    heads = [at for at, line in enumerate(lines) if line.startswith("clip ")]
    assert heads == [], "a head without rows"
