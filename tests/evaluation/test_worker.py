"""Every arm of a prompt is drawn on the same seeds, and what comes of it is told as it is there."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.errors import UserError
from imagerag.evaluation.arms import ARMS, read_arms
from imagerag.evaluation.metric_names import OF_PICTOGRAMS, load_metric
from imagerag.evaluation.metrics.base import Need
from imagerag.evaluation.plan import Plan, Task, ordered
from imagerag.evaluation.records import Arm, Concept, Drawing, Measurement, Suite, SuitePrompt
from imagerag.evaluation.worker import Message, Worker
from imagerag.generators.base import UNCONTROLLED, DrawControl, DrawRequest
from imagerag.generators.base import Drawing as Drawn
from imagerag.graphs.components import InjectedComponents
from imagerag.records import ConceptScore, Verdict
from imagerag.settings import Settings
from testing.openai_server import Reply, serving
from testing.scripted import Squares
from testing.servers import Shelf

OWL = SuitePrompt("p-owl", "an owl", (Concept("owl"),), "lacking")


class Counted(Squares):
    """Draws squares that tell their seed and how many references they were drawn with, in four steps."""

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawn]:
        return [Drawn(one.image, one.seed, {"steps": 4}) for one in super().draw(request, control)]


class WantsReferences:
    """Is satisfied by what was drawn with references, and prefers higher seeds otherwise."""

    name = "wants references"

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for image in images:
            seed, references, _ = image.getpixel((0, 0))  # type: ignore[misc]
            score = 0.9 if references else 0.1 + seed / 1000
            one: ConceptScore = {"concept": "owl", "kind": "content", "present": score > 0.5, "score": score}
            verdicts.append(
                {
                    "satisfied": score > 0.5,
                    "score": score,
                    "concepts": [one],
                    "missing": [] if score > 0.5 else ["owl"],
                    "critic": self.name,
                }
            )
        return verdicts

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        return [{"concept": concept, "kind": "content", "present": True, "score": 0.9} for concept in concepts]


class SeesReferences:
    """Measures whether references were drawn with."""

    name, needs, notes = "presence", frozenset[Need](), {}

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        pixel: Any = image.getpixel((0, 0))
        return Measurement(drawing.arm, drawing.prompt, drawing.seed, float(pixel[1] > 0))


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.evaluation.metric_names.OF_PICTOGRAMS", {**OF_PICTOGRAMS, "presence": SeesReferences})


def plan_of(*arms: Arm, home: Path, seeds: tuple[int, ...] = (3,), **settings: Any) -> Plan:
    chosen = {"home": str(home), "vlm": "rules", **settings}
    return Plan(Suite("small", (OWL,)), ordered(arms), seeds, Settings(**chosen), ("presence",))


def work(plan: Plan, folder: Path, task: Task | None = None, title: str = "owl", **parts: Any) -> list[Message]:
    injected = InjectedComponents(
        generator=parts.get("generator") or Counted(),
        critic=parts.get("critic") or WantsReferences(),
        index=parts.get("index") or Shelf(title),
    )
    worker = Worker(plan, folder, injected)
    worker.prepare()
    left = frozenset((arm.name, seed) for arm in plan.arms for seed in plan.seeds)
    return list(worker.work(task or Task(OWL, left)))


def drawings(messages: Sequence[Message]) -> dict[str, Drawing]:
    return {one.value.arm: one.value for one in messages if one.kind == "drawing"}


def test_arms_differ_in_what_they_say_and_in_nothing_else(tmp_path: Path) -> None:
    arms = read_arms(["base", "one-pass", "agent", "best-of-n", "random-references", "best-of-5", "rephrase"])
    messages = work(plan_of(*arms, home=tmp_path), tmp_path / "work")
    drawn = drawings(messages)
    pixels = {one.name: Image.open(io.BytesIO(one.value)).getpixel((0, 0)) for one in messages if one.kind == "image"}
    shown = {name: pixels[one.image] for name, one in drawn.items()}
    assert shown["base"] == (3, 0, 9)
    assert shown["best-of-n"] == (4, 0, 9)
    assert shown["best-of-5"] == (7, 0, 9)
    assert shown["one-pass"] == (3, 1, 9)
    assert shown["agent"] == (3, 2, 9)
    steps = {name: (one.generations, one.steps) for name, one in drawn.items()}
    assert steps["base"] == (1, 4)
    assert steps["best-of-5"] == (5, 20)
    assert steps["agent"] == steps["best-of-n"] == steps["one-pass"] == (2, 8)
    assert drawn["agent"].stop_reason == "satisfied"
    assert [one.title for one in drawn["agent"].references] == ["owl", "owl"]
    measured = {one.value.arm: one.value.value for one in messages if one.kind == "measured"}
    assert (measured["base"], measured["agent"]) == (0.0, 1.0)


def test_what_is_told_comes_in_an_order_that_can_be_cut_off_anywhere(tmp_path: Path) -> None:
    messages = work(plan_of(ARMS["agent"], home=tmp_path), tmp_path / "work")
    assert [one.kind for one in messages] == ["lookup", "image", "drawing", "measured"]
    assert messages[1].name == messages[2].value.image


def test_only_what_is_left_is_drawn_with_the_searches_of_before(tmp_path: Path) -> None:
    plan = plan_of(ARMS["agent"], ARMS["best-of-n"], home=tmp_path)
    first = work(plan, tmp_path / "work")
    lookups = tuple(one.value for one in first if one.kind == "lookup")
    there = (replace(drawings(first)["agent"], generations=4),)
    rest = work(plan, tmp_path / "again", Task(OWL, frozenset({("best-of-n", 3)}), there, lookups))
    assert drawings(rest)["best-of-n"].generations == 4
    again = work(plan, tmp_path / "third", Task(OWL, frozenset({("agent", 3)}), (), lookups), title="something else")
    assert [one.kind for one in again] == ["image", "drawing", "measured"]
    before = drawings(first)["agent"]
    now = drawings(again)["agent"]
    assert (now.image, now.references, now.verdict) == (before.image, before.references, before.verdict)


def test_what_is_there_but_not_measured_is_measured(tmp_path: Path) -> None:
    plan = plan_of(ARMS["agent"], home=tmp_path)
    messages = {one.kind: one for one in work(plan, tmp_path / "work")}
    key = "agent", 3
    task = Task(
        OWL,
        frozenset(),
        (messages["drawing"].value,),
        pngs={key: messages["image"].value},
        unmeasured={key: ("presence",)},
    )
    (told,) = work(plan, tmp_path / "again", task)
    assert told == messages["measured"]


class Differs:
    """Measures how many other drawings of the arm a drawing differs from."""

    name, needs, notes = "differs", frozenset[Need](["seeds"]), {}

    def __init__(self, context: Any) -> None:
        self._context = context

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        others = self._context.siblings(drawing)
        differing = sum(other.tobytes() != image.tobytes() for other in others)
        return Measurement(drawing.arm, drawing.prompt, drawing.seed, float(differing))


def test_what_compares_seeds_is_measured_when_all_of_them_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = load_metric
    monkeypatch.setattr(
        "imagerag.evaluation.worker.load_metric",
        lambda name, context: Differs(context) if name == "differs" else load(name, context),
    )
    plan = replace(plan_of(ARMS["base"], home=tmp_path, seeds=(1, 2, 3)), metrics=("presence", "differs"))
    messages = work(plan, tmp_path / "work")
    assert [one.name for one in messages if one.kind == "measured"] == ["presence"] * 3 + ["differs"] * 3
    assert {one.value.value for one in messages if one.name == "differs"} == {2.0}


class Notes(SeesReferences):
    """Has something to tell of each drawing, and something of all."""

    def __init__(self) -> None:
        self.notes = {"seen by nobody": 0}

    def measure(self, drawing: Drawing, prompt: SuitePrompt, image: Image.Image) -> Measurement:
        self.notes["left out"] = self.notes.get("left out", 0) + 1
        return super().measure(drawing, prompt, image)


def test_what_metrics_have_to_tell_is_told_as_often_as_it_came_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagerag.evaluation.metric_names.OF_PICTOGRAMS", {**OF_PICTOGRAMS, "presence": Notes})
    plan = plan_of(ARMS["base"], home=tmp_path, seeds=(1, 2, 3))
    injected = InjectedComponents(generator=Counted(), critic=WantsReferences(), index=Shelf("owl"))
    worker = Worker(plan, tmp_path / "work", injected)
    left = frozenset((arm.name, seed) for arm in plan.arms for seed in plan.seeds)
    told = [[one for one in worker.work(Task(OWL, left)) if one.kind == "note"] for _ in range(2)]
    assert [(one.name, one.value) for one in told[0]] == [("presence: seen by nobody", 0), ("presence: left out", 3)]
    assert [(one.name, one.value) for one in told[1]] == [("presence: left out", 3)]


def test_the_switches_of_the_rules_change_what_is_drawn(tmp_path: Path) -> None:
    arms = read_arms(["references-1", "references-3", "without-keep-best", "without-early-stop", "retrieval-0"][:4])
    messages = work(plan_of(*arms, home=tmp_path), tmp_path / "work")
    drawn = drawings(messages)
    assert len(drawn["references-1"].references) == 1
    assert len(drawn["references-3"].references) == 3
    assert drawn["without-early-stop"].stop_reason != "satisfied"
    assert drawn["without-early-stop"].generations > drawn["without-keep-best"].generations


def test_the_last_image_is_returned_where_the_best_is_not_kept(tmp_path: Path) -> None:
    class LikesTheFirst(WantsReferences):
        def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
            verdicts = super().judge(images, prompt)
            return [{**one, "satisfied": False, "score": 1 - one["score"], "missing": ["owl"]} for one in verdicts]

    arms = read_arms(["agent", "without-keep-best"])
    drawn = drawings(work(plan_of(*arms, home=tmp_path), tmp_path / "work", critic=LikesTheFirst()))
    assert drawn["agent"].score == pytest.approx(0.897)
    assert drawn["without-keep-best"].score == pytest.approx(0.1)
    assert drawn["agent"].generations == drawn["without-keep-best"].generations


def test_one_drawing_that_fails_loses_no_other(tmp_path: Path) -> None:
    class FailsWithReferences(Counted):
        def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawn]:
            if "fail" in request.prompt:
                raise RuntimeError("out of\nmemory")
            return super().draw(request, control)

    plan = plan_of(ARMS["base"], ARMS["agent"], home=tmp_path)
    task = Task(SuitePrompt("p", "a fail"), frozenset({("base", 3), ("agent", 3)}))
    failed = work(plan, tmp_path / "work", task, generator=FailsWithReferences())
    assert [one.kind for one in failed] == ["drawing", "drawing"]
    assert {one.value.error for one in failed} == {"RuntimeError: out of"}
    assert drawings(failed)["base"].image == ""


def test_switches_that_a_chat_model_does_not_heed_are_refused(tmp_path: Path) -> None:
    with serving([Reply("never asked")]) as server:
        plan = plan_of(*read_arms(["x:references=3"]), home=tmp_path, vlm=server.name)
        with pytest.raises(UserError, match="arm 'x' sets references, which only the rules heed"):
            work(plan, tmp_path / "work")


@pytest.mark.parametrize(
    ("arm", "told"),
    [
        ("x:pipeline=one-pass,references=3", "sets references, which pipeline 'one-pass' does not heed"),
        ("x:rerank=vlm", "rerank 'vlm' needs a model that takes images"),
    ],
)
def test_what_would_change_nothing_is_refused_before_anything_is_drawn(tmp_path: Path, arm: str, told: str) -> None:
    with pytest.raises(UserError) as error:
        work(plan_of(*read_arms([arm]), home=tmp_path), tmp_path / "work")
    assert told in str(error.value)


def test_requests_tokens_and_money_of_chat_models_are_told(tmp_path: Path) -> None:
    with serving([Reply('{"prompt": "a plain owl"}')] * 9) as server:
        plan = plan_of(
            Arm("reworded", {"pipeline": "one-pass", "mode": "rephrase_only"}), home=tmp_path, vlm=server.name
        )
        drawn = drawings(work(plan, tmp_path / "work"))["reworded"]
    assert (drawn.calls, drawn.tokens) == (1, 110)
    assert drawn.money is None
