"""``imagerag eval``: a suite is drawn in several ways, goes on where it was ended, and two runs are compared."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.cli.main import run
from imagerag.evaluation.metric_names import OF_PICTOGRAMS
from imagerag.evaluation.metrics.base import Need
from imagerag.evaluation.records import Drawing, Measurement, SuitePrompt
from imagerag.records import ConceptScore, Verdict
from testing.scripted import Squares
from testing.servers import Shelf

Typed = Callable[..., tuple[int, str, str]]


class Satisfied:
    """Is satisfied by what was drawn with references."""

    name = "clip"

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        scores = [0.9 if image.getpixel((0, 0))[1] else 0.2 for image in images]  # type: ignore[index]
        concepts: list[list[ConceptScore]] = [
            [{"concept": prompt, "kind": "content", "present": score > 0.5, "score": score}] for score in scores
        ]
        return [
            {
                "satisfied": score > 0.5,
                "score": score,
                "concepts": found,
                "missing": [one["concept"] for one in found if not one["present"]],
                "critic": self.name,
            }
            for score, found in zip(scores, concepts, strict=True)
        ]

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        return [{"concept": concept, "kind": "content", "present": True, "score": 0.9} for concept in concepts]


class Fails(Squares):
    """Draws squares, but no pair."""

    def draw(self, request: Any, *control: Any) -> Any:
        if " and " in request.prompt:
            raise RuntimeError("boom")
        return super().draw(request, *control)


class SeesReferences:
    """A metric: whether references were drawn with."""

    name, needs, notes = "presence", frozenset[Need](), {}

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        seen = float(image.getpixel((0, 0))[1] > 0)  # type: ignore[index]
        parts = {concept.text: seen for concept in prompt.concepts}
        return Measurement(drawing.arm, drawing.prompt, drawing.seed, seen, parts)


@pytest.fixture
def squares() -> Squares:
    return Squares()


@pytest.fixture
def typed(
    tmp_path: Path, squares: Squares, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("imagerag.graphs.components.load_generator", lambda *named: squares)
    monkeypatch.setattr("imagerag.graphs.components.load_critic", lambda *named, **also: Satisfied())
    shelf = Shelf("axe")
    shelf.library, shelf.prepare = None, lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr("imagerag.graphs.components.open_index", lambda *named: shelf)
    monkeypatch.setattr("imagerag.evaluation.metric_names.OF_PICTOGRAMS", {**OF_PICTOGRAMS, "presence": SeesReferences})

    def type_in(*words: str) -> tuple[int, str, str]:
        status = run(["eval", *words])
        told = capsys.readouterr()
        return status, told.out, told.err

    return type_in


def evaluated(typed: Typed, *words: str) -> tuple[int, dict[str, Any], str]:
    status, out, err = typed("--suite", "pictograms", "--workers", "1", "--home", "home", "--json", *words)
    return status, json.loads(out) if out else {}, err


def test_each_arm_is_told_with_its_presence_and_what_it_took(typed: Typed) -> None:
    status, told, _ = evaluated(typed, "--limit", "2", "--arm", "base", "--arm", "agent")
    assert status == 0
    assert told["suite"] == "pictograms"
    assert [arm["name"] for arm in told["arms"]] == ["base", "agent"]
    for arm in told["arms"]:
        assert arm["prompts"] == 6
        assert {"presence", "interval", "generations", "seconds"} <= arm.keys()
    base, agent = told["arms"]
    assert (base["presence"], base["generations"]) == (0.0, 1.0)
    assert agent["generations"] > 1
    assert agent["presence"] > base["presence"]
    assert Path(told["out"], "run.json").is_file()
    assert Path(told["report"]).is_file()
    assert Path(told["out"]).name == "pictograms-development"


def test_the_same_command_goes_on_and_draws_nothing_twice(typed: Typed, squares: Squares) -> None:
    _, first, _ = evaluated(typed, "--limit", "1", "--arm", "base")
    drawn = len(squares.requests)
    status, again, err = evaluated(typed, "--limit", "1", "--arm", "base")
    assert (status, len(squares.requests)) == (0, drawn)
    assert "3 of 3 drawings are there from before" in err
    assert again["arms"] == first["arms"]
    evaluated(typed, "--limit", "2", "--arm", "base", "--arm", "agent")
    drawings = Path("runs/pictograms-development/drawings.jsonl").read_text().splitlines()
    assert len(drawings) == 12


def test_what_a_kill_tore_off_is_drawn_again_to_equal_results(typed: Typed) -> None:
    words = ("--limit", "2", "--arm", "base", "--arm", "agent", "--seeds", "2")
    _, whole, _ = evaluated(typed, *words)
    folder = Path(whole["out"])
    for name in ("drawings.jsonl", "measured/presence.jsonl", "lookups.jsonl"):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])
    _, again, err = evaluated(typed, *words)
    assert "broken lines" in err

    def told(run_of: dict[str, Any]) -> list[tuple[Any, ...]]:
        return [(arm["name"], arm["presence"], arm["interval"], arm["generations"]) for arm in run_of["arms"]]

    assert told(again) == told(whole)


def test_a_table_and_the_report_s_place_are_printed_to_people(typed: Typed) -> None:
    status, out, err = typed("--suite", "pictograms", "--workers", "1", "--home", "home", "--limit", "1")
    assert status == 0
    for name in ("base", "best-of-n", "one-pass", "agent", "random-references", "report:"):
        assert name in out
    assert "Traceback" not in err


def test_drawings_that_fail_are_counted_and_told(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.graphs.components.load_generator", lambda *named: Fails())
    status, told, _ = evaluated(typed, "--limit", "4", "--arm", "base")
    assert status == 1
    assert told["arms"][0]["failed"] > 0
    assert any("RuntimeError: boom" in note for note in told["notes"])


def test_what_metrics_have_to_tell_is_told_once(typed: Typed) -> None:
    Path("own.jsonl").write_text('{"prompt": "an owl"}\n{"prompt": "an axe"}', encoding="utf-8")
    words = ["--suite", "own.jsonl", "--workers", "1", "--home", "home", "--metric", "clip:embedded"]
    status, _, err = typed(*words, "--critic", "clip", "--arm", "base")
    assert status == 0
    assert err.count("clip-embedded: 'embedded' is the run's critic, too") == 1


def test_all_arms_but_those_that_need_a_model_that_sees_are_the_full_run(typed: Typed) -> None:
    status, told, err = evaluated(typed, "--full", "--limit", "1")
    assert status == 0
    assert len(told["arms"]) > 25
    assert "arm 'lookup-rerank' is left out: it needs a model that sees images" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no suite is named"),
        (["--suite", "nothing"], "suite 'nothing' is not known; give --suite one of: pictograms"),
        (["--suite", "pictograms", "--data", "x"], "--data 'x' is of no use"),
        (["--suite", "cub-200"], "suite 'cub-200' is not part of imagerag; give --data FOLDER"),
        (["--suite", "pictograms", "--metric", "beauty"], "metric 'beauty' is not known"),
        (["--suite", "pictograms", "--metric", "dino"], "suite 'pictograms' has none; leave it out"),
        (["--suite", "pictograms", "--metric", "diversity"], "several seeds; give --seeds 2 or more"),
        (
            ["--suite", "own.jsonl", "--metric", "soft-tifa:openai:x"],
            "suite 'own' tells none; measure clip or vqascore",
        ),
        (["--suite", "pictograms", "--stratum", "rare"], "stratum 'rare' is none of suite 'pictograms'"),
        (["--suite", "pictograms", "--limit", "0"], "--limit 0 is no number of 1 or more"),
        (["--suite", "pictograms", "--seeds", "-1"], "--seeds -1 is no number of 1 or more"),
        (["--suite", "pictograms", "--workers", "many"], "--workers 'many' is no number of processes"),
        (["--suite", "pictograms", "--arm", "agnet"], "did you mean 'agent'?"),
        (["compare", "a", "b", "c"], "3 runs can't be compared at once"),
        (["compare", "a"], "'a' alone: name another run"),
        (["compare", "a", "--arm", "base"], "--arm 'base' is no pair of arms"),
        (["compare", "a", "b"], "'a' is no run"),
    ],
)
def test_what_is_of_no_use_is_one_line_with_the_way_out(typed: Typed, words: list[str], told: str) -> None:
    Path("own.jsonl").write_text('{"prompt": "an owl"}', encoding="utf-8")
    status, out, err = typed(*words)
    assert (status, out) == (2, "")
    assert told in err
    assert len(err.strip().splitlines()) == 1


def test_a_folder_of_another_run_is_left_alone(typed: Typed) -> None:
    evaluated(typed, "--limit", "1", "--arm", "mine:n=2", "--out", "r")
    before = Path("r/run.json").read_bytes()
    status, _, err = evaluated(typed, "--limit", "1", "--arm", "mine:n=3", "--out", "r")
    assert status == 2
    assert "whose arm 'mine' had {'n': 2}, not {'n': 3}; choose another --out" in err
    assert Path("r/run.json").read_bytes() == before


def test_two_arms_of_a_run_and_two_runs_are_compared_in_pairs(typed: Typed) -> None:
    for name in ("a", "b"):
        evaluated(typed, "--limit", "2", "--arm", "base", "--arm", "agent", "--out", name)
    status, out, _ = typed("compare", "a", "--arm", "base=agent", "--json")
    (row,) = [row for row in json.loads(out)["differences"] if row["metric"] == "presence" and row["group"] == "all"]
    assert status == 0
    assert (row["losses"], row["difference"] > 0) == (0, True)
    status, out, _ = typed("compare", "a", "b")
    assert status == 0
    assert "agent" in out
    assert "presence" in out
