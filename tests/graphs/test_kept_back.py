"""A driver that hangs, drips or rambles leaves an image: what one drawing takes is kept back for it."""

import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models.providers import connect
from imagerag.chat_models.usage_meter import UsageMeter
from imagerag.errors import BudgetExceeded, Cancelled
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.graphs.kept_back import LAST_DECISIONS, SHARE, keep_for_a_drawing, may_still_draw
from imagerag.graphs.state import Spent
from imagerag.modes import Mode
from imagerag.settings import Settings
from testing.chat_replies import CAPTIONS, DRAW
from testing.misbehaving_runs import priced
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, Squares
from testing.served_runs import run_recorded, run_served
from testing.servers import Shelf

pytestmark = pytest.mark.usefixtures("quick_retries")

HANGING = Reply("never", delay=60)
DRIPPING = Reply("owl " * 400, drip=0.05)
MODES: tuple[Mode, ...] = ("auto", "lookup_first", "rephrase_only", "no_lookup")


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reply", [HANGING, DRIPPING], ids=["hanging", "dripping"])
def test_a_server_that_never_answers_leaves_an_image(mode: Mode, reply: Reply, tmp_path: Path) -> None:
    with serving(lambda request, number: reply) as server:
        plain = ScriptedCritic([0.3] * 9)
        critic = VlmCritic("vlm", connect(server.name), lambda: plain)
        graph = build_graph(critic=critic, generator=Squares(), index=Shelf())
        settings = Settings(home=str(tmp_path), vlm=server.name, mode=mode, max_seconds=4.0)
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert result["image"] is not None
    assert result["image"]["score"] == 0.3, "judged by the critic that stands in"
    assert result["stop_reason"] == "seconds"


@pytest.mark.slow
def test_a_follow_up_that_hangs_from_its_first_question_on_leaves_an_image(tmp_path: Path) -> None:
    replies = [DRAW, Reply("Done.")]
    with serving(lambda request, number: replies[number] if number < 2 else HANGING) as server:
        graph = build_graph(critic=ScriptedCritic([0.3] * 9), generator=Squares(), index=Shelf())
        config: Any = {"configurable": {"thread_id": "t"}}
        settings = Settings(home=str(tmp_path), vlm=server.name, max_seconds=4.0)
        graph.invoke({"prompt": "an owl"}, config, context=settings)
        result = graph.invoke({"prompt": "make it blue"}, config, context=settings)
    assert result["image"]["turn"] == 2


def test_what_the_driver_was_waited_for_is_told(tmp_path: Path) -> None:
    with serving(lambda request, number: HANGING) as server:
        result = run_served(server, tmp_path, [0.9], max_seconds=1.0)
    assert result["stop_reason"] == "satisfied"
    told = next(step["error"] for step in result["trace"] if step["node"] == "agent")
    assert "the rest of the time is kept for a drawing" in told


@pytest.mark.slow
@pytest.mark.parametrize(
    "limits", [{"max_steps": 2}, {"max_tokens": 6000}, {"max_money": 0.02}], ids=["steps", "tokens", "money"]
)
@pytest.mark.parametrize("mode", ["auto", "lookup_first"])
def test_a_driver_that_uses_a_limit_up_without_drawing_leaves_an_image(
    mode: str, limits: dict[str, Any], tmp_path: Path
) -> None:
    def rambling(request: dict[str, Any], number: int) -> Reply:
        if "response_format" in request:
            return Reply("no")
        return Reply(calls=CAPTIONS.calls, usage=(1000, min(1500, request["max_completion_tokens"])))

    with serving(rambling) as server, priced(server.name, tmp_path):
        result = run_served(server, tmp_path, [0.3] * 9, mode=mode, **limits)
    assert result["image"] is not None
    assert f"max_{result['stop_reason']}" in limits
    assert len(result["images"]) == 1
    assert any("can't be asked any more" in (step["error"] or "") for step in result["trace"])


def test_a_drawing_that_is_refused_is_not_tried_for_ever(tmp_path: Path) -> None:
    class Refusing(Squares):
        def draw(self, *args: Any, **kwargs: Any) -> Any:
            super().draw(*args, **kwargs)
            from imagerag.errors import DrawingRefused

            raise DrawingRefused("no")

    squares = Refusing()
    with serving(lambda request, number: CAPTIONS) as server:
        graph = build_graph(critic=ScriptedCritic([]), generator=squares, index=Shelf())
        settings = Settings(home=str(tmp_path), vlm=server.name, max_steps=2)
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert (result["image"], result["stop_reason"]) == (None, "steps")
    assert len(squares.requests) == 1


class Charging(Squares):
    """Draws for money, as a remote generator does."""

    name, charges, output_tokens = "openai:gpt-image-2", True, 1000


def test_what_a_paid_drawing_costs_is_kept_back(tmp_path: Path) -> None:
    components = Components(
        Settings(home=str(tmp_path)), InjectedComponents(None, ScriptedCritic([]), None, Charging(), Shelf())
    )
    stored = components.store.put_user_image(Image.new("RGB", (64, 64)))
    subject: Any = {"kind": "subject", "sha256": stored.sha256, "path": "/wherever/it/was/own.png"}
    limits: Any = {"max_seconds": 10.0, "max_tokens": 9000, "max_money": None}
    plain, shown, free = UsageMeter(until=100.0), UsageMeter(until=100.0), UsageMeter(until=100.0)
    keep_for_a_drawing(plain, components, limits, "an owl", [])
    keep_for_a_drawing(shown, components, limits, "an owl", [subject])
    keep_for_a_drawing(free, components, {**limits, "max_tokens": None}, "an owl", [subject])
    assert plain.answer_by == shown.answer_by == free.answer_by == 100 - SHARE * 10
    assert shown.kept_tokens > plain.kept_tokens >= 1000
    assert plain.kept_money > 0
    assert free.kept_tokens == 0, "nothing is limited"


def test_a_paid_drawing_is_made_with_what_a_rambling_driver_left(tmp_path: Path) -> None:
    def rambling(request: dict[str, Any], number: int) -> Reply:
        return Reply(calls=CAPTIONS.calls, usage=(1000, min(1500, request["max_completion_tokens"])))

    with serving(rambling) as server:
        graph = build_graph(critic=ScriptedCritic([0.3] * 9), generator=Charging(), index=Shelf())
        settings = Settings(home=str(tmp_path), vlm=server.name, max_tokens=9000)
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert (result["stop_reason"], len(result["images"])) == ("tokens", 1)
    assert sum(step["tokens"] for step in result["trace"]) <= 9000


@pytest.mark.parametrize(
    ("stop", "spent", "may"),
    [
        (BudgetExceeded("tokens", 1, 1), {"steps": 2}, True),
        (BudgetExceeded("money", 1, 1), {"steps": 2, "last_decisions": LAST_DECISIONS}, False),
        (BudgetExceeded("tokens", 0, 0), {"steps": 0}, False),
        (BudgetExceeded("seconds", 1, 1), {"steps": 2}, False),
        (Cancelled("no"), {"steps": 2}, False),
    ],
)
def test_the_last_drawing_is_made_where_only_questions_are_used_up(stop: Any, spent: Any, may: bool) -> None:
    account: Spent = {"generations": 0, "started": time.time(), "tokens": 0, "money": 0.0, **spent}
    assert may_still_draw(stop, account, UsageMeter()) is may


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_recordings")
@pytest.mark.parametrize("first", [HANGING, Reply("", finish="malformed_function_call")], ids=["hanging", "malformed"])
def test_a_replay_ends_as_the_recorded_run_did(first: Reply, tmp_path: Path) -> None:
    record = str(tmp_path / "recording.jsonl")
    with serving(lambda request, number: DRAW if number else first) as server:
        recorded = run_recorded(tmp_path / "a", [0.3, 0.9], vlm=server.name, max_seconds=1.5, record=record)
    replayed = run_recorded(tmp_path / "b", [0.3, 0.9], vlm=f"replay:{record}", max_seconds=60)
    assert recorded["image"] is not None
    assert [image["sha256"] for image in replayed["images"]] == [image["sha256"] for image in recorded["images"]]
    told = [[step["error"] for step in result["trace"] if step["node"] == "agent"] for result in (recorded, replayed)]
    assert told[0] == told[1]
    assert any(told[0])
