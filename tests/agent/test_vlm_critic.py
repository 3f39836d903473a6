"""A vision-language model as critic, over real HTTP: verdicts, and who decides when it fails."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from PIL import Image

from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models import client
from imagerag.chat_models.providers import connect
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.scripted_runs import GENERATE
from testing.servers import Shelf
from testing.verdict_replies import (
    BAD_VERDICTS,
    OWL,
    answering,
    details,
    presence,
    seen,
    verdict_of,
    weighed,
)

pytestmark = pytest.mark.usefixtures("quick_retries")


def test_a_verdict_takes_one_call_in_the_native_schema_mode(judge_with: Any) -> None:
    judged, meter, server, _ = judge_with([answering(verdict_of(True, False))])
    assert (judged["satisfied"], judged["missing"], judged["critic"]) == (False, ["b"], "openai:x")
    assert judged["score"] == pytest.approx((0.9 + 0.1) / 2)
    assert (meter.calls, meter.tokens, meter.notes) == (1, 110, [])
    assert server.requests[0]["response_format"]["type"] == "json_schema"
    assert "tools" not in server.requests[0]


@pytest.mark.slow
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


def images_in(request: dict[str, Any]) -> int:
    return json.dumps(request["messages"]).count('"image_url": {"url"')


BADGE = Image.new("RGB", (40, 40), "red")


def test_a_persons_own_thing_is_judged_with_its_picture_beside_the_image(judge_with: Any) -> None:
    script = [answering(verdict_of(True, True)), answering(verdict_of(True, False, names=["badge", "cake"]))]
    _, _, server, critic = judge_with(script)
    with using_meter(UsageMeter()) as meter:
        judged = critic.beside({"badge": [BADGE, BADGE]}).judge([OWL], "a badge on a cake")[0]
    assert (judged["missing"], judged["critic"], meter.calls) == (["cake"], "openai:x", 1)
    assert [images_in(request) for request in server.requests] == [1, 2], "one picture of each thing"
    assert 'in this order:\\n[\\"badge\\"]' in json.dumps(server.requests[1]["messages"]).replace("\\\\", "\\")


def test_a_server_that_takes_one_image_is_asked_without_them(judge_with: Any) -> None:
    def one_image(request: dict[str, Any], number: int) -> Reply:
        if images_in(request) > 1:
            return Reply(status=400, extra={"error": {"message": "At most 1 image(s) may be provided in one request."}})
        return answering(verdict_of(True, False))

    _, _, server, critic = judge_with(one_image)
    with using_meter(UsageMeter()) as meter:
        beside = critic.beside({"a": [BADGE]})
        judged = beside.judge([OWL], "a b")[0]
        assert (judged["missing"], judged["critic"]) == (["b"], "openai:x")
        assert any("asked again without the person's own pictures" in note for note in meter.notes)
        before = len(server.requests)
        beside.judge([OWL], "a b")
    assert [images_in(request) for request in server.requests[before:]] == [1], "that is known from then on"


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


@pytest.mark.slow
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


def test_who_decides_is_told_before_what_its_verdict_lacks(tmp_path: Path) -> None:
    model = ScriptedModel(script=[GENERATE], seen=[], offered=[])
    with serving([Reply("wrong key", status=401)]) as server:
        critic = VlmCritic("openai:x", connect(server.name), lambda: ScriptedCritic([0.3], uncalibrated=True))
        graph = build_graph(chat_model=model, critic=critic, generator=Squares(), index=Shelf())
        config: Any = {"configurable": {"thread_id": "t"}}
        settings = Settings(home=str(tmp_path))
        events = list(graph.stream({"prompt": "an owl"}, config, context=settings, stream_mode="custom"))
    told = [event["text"] for event in events if event["event"] == "note"]
    assert ["CLIP decides" in text for text in told] == [True, False]
    assert "is uncalibrated" in told[1]


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
        settings = Settings(home=str(tmp_path), max_tokens=4600)
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    judged = [step for step in result["trace"] if step["node"] == "critic"]
    assert [step["tokens"] for step in judged][:2] == [3200, 0]
    assert "answer 1 does not fit" in judged[0]["error"]
    assert "not asked: tokens budget used up: 3200 of 4600" in judged[1]["error"]
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


def scores_of(verdict: Any) -> dict[str, float]:
    return {score["concept"]: score["score"] for score in verdict["concepts"]}


def words_of(request: dict[str, Any]) -> str:
    return str(request["messages"][0]["content"][0]["text"])


def test_the_probability_is_that_of_the_answer_s_token_where_the_server_tells_it(judge_with: Any) -> None:
    first = presence(seen("owl", True, count="three owls"), seen("kimono", False))
    judged, _, server, _ = judge_with([weighed(first, 0.9, 0.3), weighed(details(False), 0.2)])
    assert [request["logprobs"] for request in server.requests] == [True, True]
    assert server.requests[0]["top_logprobs"] >= 2
    assert scores_of(judged) == pytest.approx({"owl": 0.9, "three owls": 0.2, "kimono": 0.3}, abs=1e-3)
    assert (judged["missing"], judged["way"]) == (["three owls", "kimono"], "logprobs")
    assert judged["score"] == pytest.approx((0.9 + 0.2 + 0.3) / 3, abs=1e-3)


def test_a_token_s_probability_goes_before_the_word(judge_with: Any) -> None:
    judged, *_ = judge_with([weighed(presence(seen("owl", True)), 0.4)])
    assert (judged["missing"], judged["score"]) == (["owl"], pytest.approx(0.4, abs=1e-3))


def test_an_attribute_is_no_thing_to_look_up(judge_with: Any) -> None:
    judged, *_ = judge_with([answering(presence(seen("car", True, colour="a red car"))), answering(details(False))])
    kinds = {score["concept"]: (score["kind"], score["present"]) for score in judged["concepts"]}
    assert kinds == {"car": ("content", True), "a red car": ("style", False)}
    assert not judged["satisfied"]


def test_dependent_questions_are_one_call_about_all_that_is_there(judge_with: Any) -> None:
    first = presence(
        seen("owl", True, count="three owls", colour="white owls"),
        seen("cat", False, colour="a black cat"),
        seen("sign", True, text='a sign that says "open"'),
    )
    judged, meter, server, _ = judge_with([answering(first), answering(details(True, False, True))])
    assert (meter.calls, len(server.requests)) == (2, 2)
    asked = words_of(server.requests[1])
    assert [line for line in asked.splitlines() if line[:1].isdigit()] == [
        '1. How many? Of "owl" is asked: "three owls".',
        '2. Which colour? Of "owl" is asked: "white owls".',
        '3. What is written? Of "sign" is asked: "a sign that says \\"open\\"".',
    ]
    assert "cat" not in asked
    assert scores_of(judged) == {
        "owl": 0.75, "three owls": 0.75, "white owls": 0.25,
        "cat": 0.25, "a black cat": 0.0, "sign": 0.75, 'a sign that says "open"': 0.75,
    }  # fmt: skip
    assert judged["missing"] == ["white owls", "cat", "a black cat"]


@pytest.mark.parametrize(
    "first",
    [presence(seen("owl", True), seen("cat", True)), presence(seen("owl", False, count="three owls"))],
    ids=["nothing depends", "nothing is there"],
)
def test_where_nothing_is_to_be_asked_there_is_one_call(judge_with: Any, first: Any) -> None:
    judged, meter, server, _ = judge_with([answering(first)])
    assert (judged["critic"], meter.calls, len(server.requests)) == ("openai:x", 1, 1)


def test_whether_a_thing_is_there_for_its_details_is_what_its_token_says(judge_with: Any) -> None:
    first = presence(seen("owl", True, count="three owls"))
    judged, _, server, _ = judge_with([weighed(first, 0.2)])
    assert len(server.requests) == 1
    assert scores_of(judged) == pytest.approx({"owl": 0.2, "three owls": 0.0}, abs=1e-3)


def test_later_images_answer_the_same_questions(judge_with: Any) -> None:
    first = presence(seen("owl", True, count="three owls"), seen("cat", True))
    later = presence(seen("owl", False), seen("cat", True))
    script = [first, details(True), later, presence(seen("owl", True), seen("cat", True)), details(False)]
    judged, _, server, critic = judge_with([answering(one) for one in script])
    assert judged["satisfied"]
    absent, there = critic.judge([OWL, OWL.rotate(90)], "a b")
    assert scores_of(absent) == {"owl": 0.25, "three owls": 0.0, "cat": 0.75}
    assert scores_of(there) == {"owl": 0.75, "three owls": 0.25, "cat": 0.75}
    assert [len(server.requests), '"owl", "cat"' in words_of(server.requests[2])] == [5, True]
    assert "three owls" not in words_of(server.requests[2])
    assert "three owls" in words_of(server.requests[4])


class Together(BaseChatModel):
    """Says that everything is there; counts the conversations of each pass."""

    passes: list[int]

    @property
    def _llm_type(self) -> str:
        return "together"

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def answer_together(self, conversations: Sequence[Sequence[BaseMessage]], **settings: Any) -> list[AIMessage]:
        self.passes.append(len(conversations))
        return [self._says(messages) for messages in conversations]

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.passes.append(1)
        return ChatResult(generations=[ChatGeneration(message=self._says(messages))])

    def _says(self, messages: Sequence[BaseMessage]) -> AIMessage:
        words = str(messages[0].content)
        if "Which of these" in words:
            return AIMessage('{"better": "first"}')
        return AIMessage(json.dumps(details(True) if "1. " in words else presence(seen("owl", True, count="two"))))


def test_a_model_that_answers_several_at_once_is_asked_about_all_images_at_once() -> None:
    model = Together(passes=[])
    critic = VlmCritic("together", model, lambda: ScriptedCritic([]))
    images = [OWL.rotate(turned) for turned in (0, 90, 180, 270)]
    with using_meter(UsageMeter()) as meter:
        verdicts = critic.judge(images, "two owls")
        assert model.passes == [1, 3, 4], "the first settles what is asked"
        critic.judge(images, "two owls")
        assert critic.better(images[0], images[1], "two owls") is None
    assert model.passes == [1, 3, 4, 4, 4, 2]
    assert (meter.calls, meter.notes) == (18, [])
    assert [len(verdict["concepts"]) for verdict in verdicts] == [2] * 4


def test_without_answers_to_the_dependent_questions_the_other_critic_decides(judge_with: Any) -> None:
    first = answering(presence(seen("owl", True, count="three owls")))
    judged, meter, _, _ = judge_with([first, answering(details(True, True)), answering(details())])
    assert judged["critic"] == "scripted"
    assert "have to be exactly those to question 1" in meter.notes[0]
    assert meter.notes[-1].endswith("CLIP decides")


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_server_that_refuses_log_probabilities_is_asked_without_them_from_then_on(
    judge_with: Any, status: int
) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if request.get("logprobs"):
            return Reply("logprobs is not supported with reasoning models", status=status)
        return answering(presence(seen("owl", True)))

    judged, meter, server, critic = judge_with(script)
    critic.judge([OWL], "another prompt")
    assert [bool(request.get("logprobs")) for request in server.requests] == [True, False, False]
    assert (judged["critic"], judged["score"], meter.notes) == ("openai:x", 0.75, [])


@pytest.mark.slow
def test_the_better_of_two_is_the_one_that_it_prefers_in_both_orders() -> None:
    def preferring(*answers: str) -> int | None:
        with serving([answering({"better": answer}) for answer in answers]) as server:
            critic = VlmCritic("openai:x", connect(server.name), lambda: ScriptedCritic([]))
            found = critic.better(OWL, OWL.rotate(90), "an owl")
            shown = [
                [block["image_url"]["url"] for block in request["messages"][0]["content"] if "image_url" in block]
                for request in server.requests
            ]
            assert shown[0] == shown[1][::-1]
            return found

    assert preferring("second", "first") == 1
    assert preferring("first", "second") == 0
    assert preferring("first", "first") is None
    assert preferring("second", "second") is None


class Preferring(ScriptedCritic):
    """Scores every image alike and prefers as it is told."""

    def __init__(self, prefers: int | None) -> None:
        super().__init__([0.5] * 9)
        self.prefers = prefers
        self.compared: list[tuple[Any, Any]] = []

    def better(self, first: Image.Image, second: Image.Image, prompt: str) -> int | None:
        self.compared.append((first.getpixel((0, 0)), second.getpixel((0, 0))))
        return self.prefers


@pytest.mark.parametrize(("prefers", "best"), [(1, "image-2"), (0, "image-1"), (None, "image-1")])
def test_a_tie_between_two_images_is_settled_by_comparing_them(tmp_path: Path, prefers: int | None, best: str) -> None:
    draws = [[("generate", {"prompt": "an owl", "seed": seed})] for seed in (1, 2)]
    critic = Preferring(prefers)
    graph = build_graph(
        chat_model=ScriptedModel(script=[*draws, "enough"], seen=[], offered=[]), critic=critic, generator=Squares()
    )
    config: Any = {"configurable": {"thread_id": "t"}}
    result = graph.invoke({"prompt": "an owl"}, config, context=Settings(home=str(tmp_path)))
    assert result["image"]["id"] == best
    assert len(critic.compared) == 1


@pytest.mark.parametrize(("status", "words"), [(400, "Unrecognized argument"), (422, "extra fields"), (500, "")])
def test_a_server_that_refuses_without_naming_what_is_asked_again(judge_with: Any, status: int, words: str) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if request.get("logprobs"):
            return Reply(words, status=status)
        return answering(presence(seen("owl", True)))

    judged, _, server, critic = judge_with(script)
    asked = len(server.requests)
    critic.judge([OWL], "another prompt")
    assert judged["critic"] == "openai:x"
    assert len(server.requests) == asked + 1, "found out once a run"


def test_scores_of_two_ways_are_not_compared(tmp_path: Path) -> None:
    sure = weighed(presence(seen("owl", False), seen("cat", True)), 0.1, 0.9)
    unsure = answering(presence(seen("owl", False), seen("cat", True)))
    draws = [[("generate", {"prompt": "an owl", "seed": seed})] for seed in (50, 100)]
    with serving([sure, unsure]) as server:
        critic = VlmCritic("openai:x", connect(server.name), lambda: ByRed([]))
        graph = build_graph(
            chat_model=ScriptedModel(script=[*draws, "enough"], seen=[], offered=[]), critic=critic, generator=Squares()
        )
        config: Any = {"configurable": {"thread_id": "t"}}
        result = graph.invoke({"prompt": "an owl"}, config, context=Settings(home=str(tmp_path)))
    assert [image["verdict"]["way"] for image in result["images"]] == ["logprobs", "answers"]
    assert result["image"]["id"] == "image-2", "as the other critic says of both"


@pytest.mark.slow
def test_the_profile_s_own_critic_is_loaded_where_the_model_gives_no_verdict(tmp_path: Path) -> None:
    model = ScriptedModel(script=[GENERATE, "enough"], seen=[], offered=[])
    with serving(lambda request, number: Reply("wrong key", status=401)) as server:
        graph = build_graph(chat_model=model, generator=Squares(), index=Shelf())
        settings = Settings(home=str(tmp_path), critic=server.name, max_loading_seconds=60)
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert result["image"]["verdict"]["critic"] == "clip"
