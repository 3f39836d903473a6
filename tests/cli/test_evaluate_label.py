"""``imagerag eval label`` and ``imagerag eval report``, as they are typed."""

import json
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.evaluation import label_server
from imagerag.evaluation.labels import Label, LabelFile, pairs_of
from imagerag.evaluation.run_folder import read_run
from testing.evaluation_runs import TWO_ARMS, suite_of, write_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    arms = {**TWO_ARMS, "third": TWO_ARMS["agent"]}
    return write_run(tmp_path / "run", suite_of(4), arms, images=True)


@pytest.fixture
def ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose person presses Ctrl-C at once; tests/e2e/test_evaluation_pages.py has a real one."""

    def serve(app: object, listener: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(label_server, "serve", serve)


def test_report_writes_all_files_and_prints_the_figures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "report", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "agent - base" in told
    assert told.endswith(f"report: {folder / 'report.html'}\n")
    assert {"report.html", "summary.json", "scores.csv", "differences.csv", "pages"} <= {
        path.name for path in folder.iterdir()
    }


def test_report_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "report", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [arm["name"] for arm in document["arms"]] == ["base", "agent", "third"]
    assert {"prompts", "presence", "interval", "generations", "seconds"} <= document["arms"][0].keys()
    assert document["report"] == str(folder / "report.html")


@pytest.mark.usefixtures("ended")
def test_label_tells_where_and_sums_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "label", str(folder), "--no-browser", "--by", "me"]) == 0
    assert "nothing is labelled yet" in capsys.readouterr().out
    file = LabelFile(folder)
    for pair in pairs_of(read_run(folder))[:12]:
        file.add(Label(**vars(pair), choice="left", by="me"))
    assert run(["eval", "label", str(folder), "--no-browser"]) == 0
    told = capsys.readouterr()
    assert " over " in told.out
    assert "preferred to an average arm" in told.out
    assert f"imagerag eval report {folder}" in told.err
    assert run(["eval", "label", str(folder), "--no-browser", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["labels"], document["people"]) == (12, 1)


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["label", "nowhere"], "'nowhere' is no run: it has no run.json"),
        (["report", "nowhere"], "'nowhere' is no run: it has no run.json"),
        (["label", "RUN", "--arm", "base", "--arm", "x"], "has no arm 'x'; it has: base, agent, third"),
        (["label", "RUN", "--arm", "base"], "it takes the drawings of two arms to compare"),
        (["label", "RUN", "--port", "70000"], "--port 70000 is no port"),
    ],
)
def test_refused(folder: Path, typed: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(folder) if word == "RUN" else word for word in typed]
    assert run(["eval", *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
