"""A vision-language model as critic, over real HTTP: verdicts, and who decides when it fails."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models import client
from imagerag.chat_models.providers import connect
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.scripted_runs import GENERATE
from testing.servers import Shelf
from testing.verdict_replies import BAD_VERDICTS, OWL, answering, verdict_of

pytestmark = pytest.mark.usefixtures("quick_retries")


def test_a_verdict_takes_one_call_in_the_native_schema_mode(judge_with: Any) -> None:
    judged, meter, server, _ = judge_with([answering(verdict_of(True, False))])
    assert (judged["satisfied"], judged["missing"], judged["critic"]) == (False, ["b"], "openai:x")
    assert judged["score"] == pytest.approx((0.9 + 0.1) / 2)
    assert (meter.calls, meter.tokens, meter.notes) == (1, 110, [])
    assert server.requests[0]["response_format"]["type"] == "json_schema"
    assert "tools" not in server.requests[0]


@pytest.mark.parametrize("bad", BAD_VERDICTS, ids=lambda reply: repr(reply)[:50])
def test_after_one_repair_the_other_critic_decides(judge_with: Any, bad: Reply) -> None:
    judged, meter, server, _ = judge_with(lambda request, number: bad)
    assert judged["critic"] == "scripted"
    assert len(server.requests) == 2
    assert meter.notes[-1].endswith("CLIP decides")


def test_later_images_of_a_prompt_are_judged_by_the_same_concepts(judge_with: Any) -> None:
    script = [
        answering(verdict_of(True, False)),
        answering(verdict_of(True, True, names="ac")),
        answering(verdict_of(True, True)),
    ]
    _, _, server, critic = judge_with(script)
    assert [score["concept"] for score in critic.judge([OWL], "a b")[0]["concepts"]] == ["a", "b"]
    assert "exactly" in server.requests[2]["messages"][-1]["content"]


def test_a_dead_server_leaves_the_verdict_to_the_other_critic(judge_with: Any) -> None:
    judged, meter, _, _ = judge_with(lambda request, number: Reply(status=503))
    assert judged["critic"] == "scripted"
    assert meter.calls == client.RETRIES + 1


def test_a_wait_longer_than_the_run_leaves_the_verdict_to_the_other_critic(tmp_path: Path) -> None:
    model = ScriptedModel(script=[[("generate", {"prompt": "an owl"})]], seen=[], offered=[])
    with serving([Reply("busy", status=429, headers={"Retry-After": "3600"})]) as server:
        critic = VlmCritic("openai:x", connect(server.name), lambda: ScriptedCritic([0.9]))
        graph = build_graph(chat_model=model, critic=critic, generator=Squares())
        settings = Settings(home=str(tmp_path), max_seconds=500)
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
        assert len(server.requests) == 1
    assert result["stop_reason"] == "satisfied"
    assert result["image"]["verdict"]["critic"] == "scripted"
    assert "asks to wait 3600 s" in result["trace"][-1]["error"]


@pytest.mark.parametrize("reply", [Reply("wrong key", status=401), Reply("Yes, but"), None], ids=["key", "bad", "dead"])
def test_that_another_critic_decides_is_told_once_a_run_with_the_reason(tmp_path: Path, reply: Reply | None) -> None:
    draw = [("generate", {"prompt": "an owl"})]
    model = ScriptedModel(script=[draw] * 3, seen=[], offered=[])
    with serving(lambda request, number: reply or Reply()) as server:
        name = "openai:m@http://127.0.0.1:9/v1" if reply is None else server.name
        critic = VlmCritic(name, connect(name), lambda: ScriptedCritic([0.3, 0.4, 0.9]))
        graph = build_graph(chat_model=model, critic=critic, generator=Squares())
        config: Any = {"configurable": {"thread_id": "t"}}
        settings = Settings(home=str(tmp_path))
        events = list(graph.stream({"prompt": "an owl"}, config, context=settings, stream_mode="custom"))
    said_why = {401: "wrong key", 200: "no usable answer"}[reply.status] if reply else "Connection"
    notes = [event["text"] for event in events if event["event"] == "note"]
    assert len([event for event in events if event["event"] == "verdict"]) == 3
    assert len(notes) == 1
    assert name in notes[0]
    assert said_why in notes[0]
    assert notes[0].endswith("CLIP decides")


class ByRed(ScriptedCritic):
    """Scores a picture by how red it is."""

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Any]:
        return [self._verdict(image.getpixel((0, 0))[0] / 255) for image in images]  # type: ignore[index]


@pytest.mark.parametrize(("reds", "best"), [((200, 150), "image-1"), ((50, 100), "image-2")])
def test_scores_of_two_critics_are_not_compared(tmp_path: Path, reds: tuple[int, int], best: str) -> None:
    draws = [[("generate", {"prompt": "an owl", "seed": red})] for red in reds]
    model = ScriptedModel(script=[*draws, "enough"], seen=[], offered=[])
    half = answering(verdict_of(True, False))
    with serving(lambda request, number: half if number == 0 else Reply("wrong key", status=401)) as server:
        critic = VlmCritic("openai:x", connect(server.name), lambda: ByRed([]))
        graph = build_graph(chat_model=model, critic=critic, generator=Squares())
        config: Any = {"configurable": {"thread_id": "t"}}
        result = graph.invoke({"prompt": "an owl"}, config, context=Settings(home=str(tmp_path)))
    assert [image["verdict"]["critic"] for image in result["images"]] == ["openai:x", "scripted"]
    assert result["images"][0]["score"] == 0.5, "between what the other critic gives them"
    assert result["image"]["id"] == best


def test_critic_calls_count_against_the_budget_and_repairs_are_in_the_trace(tmp_path: Path) -> None:
    draw = [("generate", {"prompt": "an owl"})]
    model = ScriptedModel(script=[draw] * 5, seen=[], offered=[])
    big = {"usage": (1500, 100)}
    script = [Reply("Yes, but", **big), Reply(json.dumps(verdict_of(True, False)), **big)]
    with serving(script) as server:
        critic = VlmCritic("openai:x", connect(server.name), lambda: ScriptedCritic([0.3] * 9))
        graph = build_graph(chat_model=model, critic=critic, generator=Squares())
        settings = Settings(home=str(tmp_path), max_tokens=4000)
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    judged = [step for step in result["trace"] if step["node"] == "critic"]
    assert [step["tokens"] for step in judged][:2] == [3200, 0]
    assert "answer 1 does not fit" in judged[0]["error"]
    assert "not asked: tokens budget used up: 3200 of 4000" in judged[1]["error"]
    assert result["image"]["verdict"]["critic"] == "openai:x"


def test_an_image_whose_verdict_is_cut_off_is_judged_by_the_other_critic(tmp_path: Path) -> None:
    from imagerag.agent.vlm_critic import VlmCritic
    from imagerag.chat_models.providers import connect

    cancel = threading.Event()

    def script(request: dict[str, Any], number: int) -> Reply:
        cancel.set()
        return Reply("{}", delay=30)

    with serving(script) as server:
        critic = VlmCritic("openai:x", connect(server.name), lambda: ScriptedCritic([0.4]))
        model = ScriptedModel(script=[GENERATE], seen=[], offered=[])
        graph = build_graph(chat_model=model, critic=critic, generator=Squares(), index=Shelf())
        config: Any = {"configurable": {"thread_id": "t"}}
        result = graph.invoke({"prompt": "an owl"}, config, context=Settings(home=str(tmp_path), cancel=cancel))
    assert (result["stop_reason"], result["image"]["id"]) == ("cancelled", "image-1")
    assert result["image"]["verdict"]["critic"] == "scripted"
