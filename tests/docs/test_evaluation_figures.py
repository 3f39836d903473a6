"""The figures of evaluations on the pages are those that the command writes from what it keeps of runs."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docs import evaluation_figures
from docs.evaluation_figures import BEGINS, ENDS, PAGE, README, between, enter, nothing_kept, read_kept, written
from imagerag.errors import UserError
from testing.evaluation_runs import Made, suite_of, write_run
from tests.evaluation.test_figures import ARMS, GOOD


def test_the_pages_are_as_the_command_writes_them() -> None:
    files = written(read_kept(), README.read_text(encoding="utf-8"), PAGE.read_text(encoding="utf-8"))
    for path, text in files.items():
        assert path.read_text(encoding="utf-8") == text, "run: python -m docs.evaluation_figures"


def _estimates(kept: Any) -> list[dict[str, Any]]:
    if isinstance(kept, dict) and {"mean", "interval", "count"} <= kept.keys():
        return [kept]
    inner = kept.values() if isinstance(kept, dict) else kept if isinstance(kept, list) else ()
    return [one for part in inner for one in _estimates(part)]


def test_what_is_kept_can_come_from_a_run() -> None:
    """A presence is 0 or 1 of each drawing, so that means are counts; what was typed in by hand is hardly so."""
    for section in read_kept()["sections"].values():
        for part in section.values():
            assert part["metric"] == "presence"
            scores = [row["scores"] for row in part.get("rows", ()) if "scores" in row]
            for one in _estimates(scores):
                assert one["mean"] * one["count"] == pytest.approx(round(one["mean"] * one["count"]), abs=1e-6)
            rows = [one for one in _estimates(part) if "wins" in one and one not in _estimates(_costs(part))]
            for one in rows:
                assert one["mean"] * one["count"] == pytest.approx(one["wins"] - one["losses"], abs=1e-6)
                assert one["wins"] + one["losses"] + one["ties"] == one["count"]
            for one in _estimates(part):
                if one["interval"]:
                    assert one["interval"][0] <= one["mean"] <= one["interval"][1]


def _costs(part: dict[str, Any]) -> list[Any]:
    return [row["costs"] for row in part.get("rows", ()) if "costs" in row]


@pytest.fixture
def texts() -> tuple[str, str]:
    return f"# readme\n\n{BEGINS}\nold\n{ENDS}\n\nend\n", f"# page\n\n{BEGINS}\nold\n{ENDS}\n"


def test_a_change_by_hand_is_seen(tmp_path: Path, texts: tuple[str, str]) -> None:
    kept = nothing_kept()
    enter(kept, [write_run(tmp_path / "run", suite_of(20, "pictograms"), ARMS)])
    files = written(kept, *texts)
    assert "old" not in files[README]
    assert files[README].startswith("# readme\n\n")
    assert files[README].endswith("\n\nend\n")
    assert {path.suffix for path in files} == {".md", ".svg"}
    assert written(kept, files[README], files[PAGE]) == files
    typed = files[README].replace("| `agent` | ", "| `agent` | 100.0 % or ")
    assert typed != files[README]
    assert written(kept, typed, files[PAGE])[README] == files[README]


def test_the_readme_has_the_default_arms_and_two_plots(tmp_path: Path, texts: tuple[str, str]) -> None:
    kept = nothing_kept()
    enter(kept, [write_run(tmp_path / "run", suite_of(20, "pictograms"), ARMS)])
    files = written(kept, *texts)
    rows = [line.split(" | ")[0] for line in files[README].splitlines() if line.startswith("| `")]
    assert rows == ["| `base`", "| `best-of-n`", "| `one-pass`", "| `agent`"]
    assert files[README].count("](docs/evaluation-") == 2
    assert files[PAGE].count("](evaluation-") == 2
    assert "### Parts of the loop taken out or added, half development" in files[PAGE]


def test_later_runs_add_sections_and_the_half_test_comes_first(tmp_path: Path, texts: tuple[str, str]) -> None:
    kept = nothing_kept()
    main = {name: arm for name, arm in ARMS.items() if not name.startswith(("without-", "retrieval-"))}
    enter(kept, [write_run(tmp_path / "main", suite_of(20, "pictograms"), main)])
    before = copy.deepcopy(kept["sections"]["arms"])
    others = {"agent": ARMS["agent"], "without-floor": ARMS["without-floor"]}
    told = enter(kept, [write_run(tmp_path / "others", suite_of(10, "pictograms"), others)])
    assert told == [
        "arms, half 'development': as before, since these runs have fewer of its arms",
        "ablations, half 'development': 2 arms",
    ]
    assert kept["sections"]["arms"] == before, "a run with fewer of the default arms does not replace it"
    folder = write_run(tmp_path / "test", suite_of(20, "pictograms"), {**main, "agent": Made(GOOD, 5, 99)})
    run = json.loads((folder / "run.json").read_text())
    for prompt in run["suite"]["prompts"]:
        prompt["split"] = "test"
    (folder / "run.json").write_text(json.dumps(run))
    with pytest.raises(UserError, match="--commit"):
        enter(kept, [folder])
    assert kept["test_runs"] == []
    for _ in range(2):
        enter(kept, [folder], "abc1234")
    assert len(kept["test_runs"]) == 1
    files = written(kept, *texts)
    assert "half `test`" in files[README]
    assert "abc1234" in files[README]
    assert "half `development`" in files[PAGE]


def test_runs_of_one_half_are_joined(tmp_path: Path) -> None:
    known = {name: ARMS[name] for name in ("base", "agent", "one-pass")}
    suite = suite_of(20, "pictograms")
    part = {
        stratum: replace(suite, prompts=tuple(prompt for prompt in suite.prompts if prompt.stratum == stratum))
        for stratum in ("known", "lacking")
    }
    runs = [
        write_run(tmp_path / "known", part["known"], known),
        write_run(tmp_path / "lacking", part["lacking"], {**known, "retrieval-0": ARMS["retrieval-0"],
                  "retrieval-1000": ARMS["retrieval-1000"]}, seeds=(0,)),
    ]  # fmt: skip
    kept = nothing_kept()
    enter(kept, runs)
    arms = kept["sections"]["arms"]["development"]
    assert (arms["prompts"], arms["seeds"]) == ({"known": 10, "lacking": 10}, {"known": 2, "lacking": 1})
    assert arms["fewer"] == []
    assert [row["stratum"] for row in arms["wanted"]] == ["lacking", "known", "known"]
    alone = nothing_kept()
    enter(alone, runs[:1])
    rows = {row["name"]: row["scores"] for row in arms["rows"]}
    only = {row["name"]: row["scores"] for row in alone["sections"]["arms"]["development"]["rows"]}
    assert rows["agent"]["known"] == only["agent"]["known"]


def test_what_is_no_part_of_one_evaluation_is_not_joined(tmp_path: Path) -> None:
    def changed(name: str, change: Callable[[dict[str, Any]], None]) -> Path:
        folder = write_run(tmp_path / name, suite_of(4, "pictograms"), {"agent": ARMS["agent"]})
        run = json.loads((folder / "run.json").read_text())
        change(run)
        (folder / "run.json").write_text(json.dumps(run))
        return folder

    first = changed("first", lambda run: run.update(settings={"out": None}))
    enter(nothing_kept(), [first, changed("same", lambda run: None)])
    others = [
        changed("versions", lambda run: run["versions"].update(imagerag="1")),
        changed("arms", lambda run: run["arms"][0]["settings"].update(n=2)),
        changed("judges", lambda run: run.update(judges={"presence": "another"})),
        changed("prompts", lambda run: run["suite"]["prompts"][0].update(text="another")),
    ]
    another = changed("images", lambda run: None)
    lines = (another / "drawings.jsonl").read_text().splitlines()
    one = {**json.loads(lines[0]), "image": "f" * 64}
    (another / "drawings.jsonl").write_text("\n".join([json.dumps(one), *lines[1:]]) + "\n")
    for other, why in zip(
        [*others, another], ("versions", "other settings", "judges", "other words", "another image"), strict=True
    ):
        with pytest.raises(UserError, match=why):
            enter(nothing_kept(), [first, other])


def test_other_suites_and_pages_without_marks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'mine'"):
        enter(nothing_kept(), [write_run(tmp_path / "run", suite_of(4, "mine"), ARMS)])
    for text in ("no marks", f"{ENDS} {BEGINS}", f"{BEGINS}{ENDS}{BEGINS}{ENDS}", f"{BEGINS}{BEGINS}{ENDS}"):
        with pytest.raises(UserError, match="once each"):
            between(text, ["x"], "README.md")


def test_the_command_writes_and_checks(
    tmp_path: Path, texts: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in zip(("README", "PAGE"), texts, strict=True):
        (tmp_path / f"{name}.md").write_text(text, encoding="utf-8")
        monkeypatch.setattr(evaluation_figures, name, tmp_path / f"{name}.md")
    monkeypatch.setattr(evaluation_figures, "FIGURES", tmp_path / "figures.json")
    monkeypatch.setattr(evaluation_figures, "HERE", tmp_path)
    folder = str(write_run(tmp_path / "run", suite_of(10, "pictograms"), ARMS))
    assert evaluation_figures.main(["--check"]) == 1
    assert evaluation_figures.main([folder]) == 0
    assert "arms, half 'development': 6 arms" in capsys.readouterr().err
    assert evaluation_figures.main(["--check"]) == 0
    assert evaluation_figures.main([str(tmp_path / "none")]) == 2
    assert "is no run" in capsys.readouterr().err
