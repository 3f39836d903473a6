"""A vision-language model as critic and writer, over real HTTP: shapes, one repair, and who decides when it fails."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.protocols import PastImage
from imagerag.agent.rule_writer import RuleWriter
from imagerag.agent.vlm_critic import VlmCritic
from imagerag.agent.vlm_writer import VlmWriter
from imagerag.chat_models import client
from imagerag.chat_models.images import TAG, limit_by_name, limit_of
from imagerag.chat_models.providers import connect
from imagerag.chat_models.structured import WAYS as ALL_WAYS
from imagerag.chat_models.usage import UsageMeter, using_meter
from imagerag.errors import UserError
from imagerag.graphs import Settings, build_graph
from imagerag.prompts import render
from imagerag.settings import load_settings
from testing.openai_server import Reply, Script, serving
from testing.scripted import ScriptedCritic, ScriptedModel, Squares

OWL = Image.new("RGB", (2000, 1000), "brown")
WAYS = list(ALL_WAYS)
HISTORY = [PastImage("image-1", "an owl", 1), PastImage("image-2", "a cat", 2)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BACKOFF", 0.001)


def verdict(*present: bool, matches: bool | None = None, confidence: float = 0.8, names: Sequence[str] = "ab") -> Any:
    concepts = [
        {"concept": name, "kind": "content", "present": there, "confidence": confidence}
        for name, there in zip(names, present, strict=False)
    ]
    return {"concepts": concepts, "matches": all(present) if matches is None else matches}


def said(value: Any) -> Reply:
    return Reply(json.dumps(value))


@pytest.fixture
def ask(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a function that judges with a scripted model and returns verdict, meter and server."""
    open_servers = []

    def judge(script: Script | Sequence[Reply], fallback: float = 0.3) -> Any:
        settings = serving(script)
        server = settings.__enter__()
        open_servers.append(settings)
        critic = VlmCritic("openai:x", connect(server.name), lambda: ScriptedCritic([fallback] * 9))
        with using_meter(UsageMeter()) as meter:
            judged = critic.judge([OWL], "a b")[0]
        return judged, meter, server, critic

    yield judge
    for settings in open_servers:
        settings.__exit__(None, None, None)


def test_a_verdict_takes_one_call_in_the_native_schema_mode(ask: Any) -> None:
    judged, meter, server, _ = ask([said(verdict(True, False))])
    assert (judged["satisfied"], judged["missing"], judged["critic"]) == (False, ["b"], "openai:x")
    assert judged["score"] == pytest.approx((0.9 + 0.1) / 2)
    assert (meter.calls, meter.tokens, meter.notes) == (1, 110, [])
    assert server.requests[0]["response_format"]["type"] == "json_schema"
    assert "tools" not in server.requests[0]


def test_the_image_is_scaled_before_it_is_sent(ask: Any) -> None:
    import base64
    import io

    _, _, server, _ = ask([said(verdict(True))])
    url = server.requests[0]["messages"][0]["content"][1]["image_url"]["url"]
    assert Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size == (768, 384)


@pytest.mark.parametrize(
    ("name", "size", "fitted", "tokens"),
    [
        ("openai:gpt-5", (4000, 1000), (2048, 512), 85 + 4 * 170),
        ("openai:gpt-5", (1024, 1024), (768, 768), 765),
        ("openai:gpt-5-mini", (2000, 2000), (1254, 1254), 3936),
        ("openai:gpt-4o-mini-2024-07-18", (512, 512), (512, 512), 8500),
        ("anthropic:claude-sonnet-4-5", (3000, 1000), (1568, 522), 1180),
        ("google_genai:gemini-2.5-flash", (1024, 1024), (1024, 1024), 4 * 258),
        ("google_genai:gemini-3-pro-preview", (1024, 1024), (1024, 1024), 1120),
        ("ollama:qwen3-vl:8b", (2000, 1000), (1416, 708), 51 * 26),
        ("openai:Qwen/Qwen3-VL-8B@http://127.0.0.1:8000/v1", (100, 100), (100, 100), 16),
        ("transformers:HuggingFaceTB/SmolVLM-Instruct", (2000, 1000), (1536, 768), 1400),
        ("openai:mine@http://127.0.0.1:8000/v1", (2000, 1000), (768, 384), 810),
        ("", (1, 4000), (1, 768), 810),
    ],
)
def test_each_model_has_its_own_size(name: str, size: tuple[int, int], fitted: tuple[int, int], tokens: int) -> None:
    limit = limit_by_name(name)
    assert limit.fit(*size) == fitted
    assert limit.tokens(*fitted) == tokens
    model = ScriptedModel(script=[], seen=[], offered=[], metadata={TAG: name})
    assert limit_of(model) == limit
    assert max(limit_of(model, 100).fit(*size)) == min(100, max(size))


def test_the_person_can_say_how_large_images_are_sent(tmp_path: Path) -> None:
    with serving([said(verdict(True))]) as server:
        critic = VlmCritic("openai:x", connect(server.name), lambda: ScriptedCritic([]))
        model = ScriptedModel(script=[[("generate", {"prompt": "an owl"})]], seen=[], offered=[])
        graph = build_graph(chat_model=model, critic=critic, generator=Squares())
        settings = load_settings({"home": str(tmp_path)}, {"IMAGERAG_IMAGE_SIZE": "16"})
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert [step.get("images_sent") for step in result["trace"]] == [None, None, ["16x16"]]
    with pytest.raises(UserError, match=r"image_size 9 is outside 16\.\.8192; give --image-size"):
        Settings(image_size=9)


BAD = [
    said(verdict(True, False, matches=True)),
    said(verdict(True, True, matches=False)),
    said(verdict(True, False, names="aa")),
    said(verdict(True, confidence=7)),
    said({"concepts": [], "matches": True}),
    said([]),
    Reply("Yes, but the owl is missing."),
    Reply(""),
    Reply(None, extra={"refusal": "I can't judge this."}),
    Reply("ha " * 50_000),
    Reply('{"concepts": ['),
    Reply("{" * 5000),
    Reply(calls=[("generate", {"prompt": "an owl"})]),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda reply: repr(reply)[:50])
def test_what_does_not_fit_is_sent_back_once_with_the_reason(ask: Any, bad: Reply) -> None:
    judged, meter, server, _ = ask([bad, said(verdict(True))])
    assert judged["satisfied"]
    assert judged["critic"] == "openai:x"
    assert meter.calls == 2
    assert "does not fit" in meter.notes[0]
    assert "That answer can't be used" in server.requests[1]["messages"][-1]["content"]
    assert '"confidence"' in server.requests[1]["messages"][-1]["content"], "the schema, which some servers keep back"


@pytest.mark.parametrize("bad", BAD, ids=lambda reply: repr(reply)[:50])
def test_after_one_repair_the_other_critic_decides(ask: Any, bad: Reply) -> None:
    judged, meter, server, _ = ask(lambda request, number: bad)
    assert judged["critic"] == "scripted"
    assert len(server.requests) == 2
    assert meter.notes[-1].endswith("CLIP decides")


def test_a_provider_without_schemas_is_asked_by_tool_and_then_in_words_and_that_is_remembered(ask: Any) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if "response_format" in request or "tools" in request:
            return Reply("not supported here", status=400)
        return Reply(f"Gladly!\n```json\n{json.dumps(verdict(True))}\n```")

    judged, _, server, critic = ask(script)
    assert judged["satisfied"]
    assert [in_way(request) for request in server.requests] == WAYS
    assert critic.judge([OWL], "a b")[0]["satisfied"]
    assert len(server.requests) == 5


def test_words_are_held_to_json_where_the_server_can(ask: Any) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if in_way(request) in ("json_schema", "function_calling"):
            return Reply("not supported here", status=400)
        assert in_way(request) == "json_mode"
        assert "fit this JSON schema" in json.dumps(request["messages"][-1])
        return said(verdict(True))

    judged, _, server, _ = ask(script)
    assert (judged["critic"], len(server.requests)) == ("openai:x", 3)


def test_a_provider_with_tools_alone_is_asked_by_tool(ask: Any) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if "response_format" in request:
            return Reply("not supported here", status=400)
        return Reply(calls=[(request["tools"][0]["function"]["name"], verdict(True, False))])

    judged, _, server, _ = ask(script)
    assert judged["missing"] == ["b"]
    assert len(server.requests) == 2


def in_way(request: dict[str, Any]) -> str:
    asked = request.get("response_format", {}).get("type")
    return {"json_schema": "json_schema", "json_object": "json_mode"}.get(
        asked, "function_calling" if "tools" in request else "text"
    )


@pytest.mark.parametrize("failing", [Reply(status=503), Reply("a", status=400), Reply("b", status=429)])
def test_a_repair_is_one_call_whatever_becomes_of_it(ask: Any, failing: Reply) -> None:
    judged, meter, server, _ = ask(lambda request, number: failing if number else Reply("Yes, but"))
    assert judged["critic"] == "scripted"
    assert len(server.requests) == meter.calls == 2
    assert {in_way(request) for request in server.requests} == {"json_schema"}


@pytest.mark.parametrize("status", [401, 403, 402, 413])
def test_a_refusal_that_says_nothing_about_the_way_does_not_change_it(ask: Any, status: int) -> None:
    script = [Reply("not now", status=status), said(verdict(True))]
    judged, _, server, critic = ask(script)
    assert judged["critic"] == "scripted"
    assert critic.judge([OWL], "a b")[0]["critic"] == "openai:x"
    assert [in_way(request) for request in server.requests] == ["json_schema", "json_schema"]


def test_where_no_way_works_none_is_to_blame(ask: Any) -> None:
    refused = Reply("rejected by the safety system", status=400)
    judged, _, server, critic = ask([refused] * 4 + [said(verdict(True))])
    assert judged["critic"] == "scripted"
    assert critic.judge([OWL], "a b")[0]["critic"] == "openai:x"
    assert [in_way(request) for request in server.requests] == [*WAYS, "json_schema"]


def test_later_images_of_a_prompt_are_judged_by_the_same_concepts(ask: Any) -> None:
    script = [said(verdict(True, False)), said(verdict(True, True, names="ac")), said(verdict(True, True))]
    _, _, server, critic = ask(script)
    assert [score["concept"] for score in critic.judge([OWL], "a b")[0]["concepts"]] == ["a", "b"]
    assert "exactly" in server.requests[2]["messages"][-1]["content"]


def test_a_dead_server_leaves_the_verdict_to_the_other_critic(ask: Any) -> None:
    judged, meter, _, _ = ask(lambda request, number: Reply(status=503))
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
    half = said(verdict(True, False))
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
    script = [Reply("Yes, but", **big), Reply(json.dumps(verdict(True, False)), **big)]
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


def test_the_writer_words_captions_rephrases_and_follow_ups() -> None:
    script = [
        said({"concepts": [{"concept": "OWL", "captions": ["a barn owl at night", "an owl's face", "more"]}]}),
        said({"prompt": "a very plain owl"}),
        said({"prompt": "a cat on the moon", "base": "image-2"}),
        said({"prompt": "a cat", "base": "/etc/passwd"}),
    ]
    with serving(script) as server:
        writer = VlmWriter(connect(server.name), RuleWriter())
        assert writer.captions("an owl and a bee", ["owl", "bee"], 2) == {
            "owl": ["a barn owl at night", "an owl's face"],
            "bee": ["bee", "a drawing of bee"],
        }
        assert writer.rephrase("an owl", ["owl"]) == "a very plain owl"
        assert writer.brief("now put it on the moon", HISTORY).base == "image-2"
        assert writer.brief("again", HISTORY).base is None
        assert writer.brief("an owl", []).prompt == "an owl"
        assert len(server.requests) == 4, "a first request needs no model"


def test_the_rules_write_where_the_model_does_not() -> None:
    with serving(lambda request, number: Reply("I would rather not.")) as server, using_meter(UsageMeter()) as meter:
        writer = VlmWriter(connect(server.name), RuleWriter())
        assert writer.captions("an owl", ["owl"], 1) == {"owl": ["owl"]}
        assert writer.brief("make it blue", HISTORY) == RuleWriter().brief("make it blue", HISTORY)
    assert meter.calls == 4
    assert meter.notes[-1].endswith("the rules write")


@pytest.mark.parametrize(
    ("template", "variables", "says"),
    [
        ("judge.j2", {"prompt": 'an "owl"', "concepts": []}, r'this prompt: "an \"owl\""'),
        ("judge.j2", {"prompt": "", "concepts": ["owl"]}, 'under these names: ["owl"]'),
        ("captions.j2", {"prompt": "an owl", "concepts": ["owl"], "per_concept": 2}, "write 2 captions to find"),
        ("rephrase.j2", {"prompt": "an owl", "missing": ["owl"]}, 'lacks ["owl"]'),
        ("brief.j2", {"request": "blue", "history": HISTORY}, '- image-2: "a cat"'),
        ("rerank.j2", {"captions": ['a "red" owl']}, r"a \"red\" owl"),
        ("repair.j2", {"why": "no concepts", "schema": "{}"}, "can't be used: no concepts. Give"),
        ("tools.j2", {"tools": [{"name": "generate"}]}, '{"name": "generate"}\nTo call one'),
        ("result.j2", {"name": "generate", "images": True}, "Images with the result of generate:"),
        ("shape.j2", {"schema": "{}"}, "fit this JSON schema: {}"),
    ],
)
def test_prompts_render_and_quote_what_others_wrote(template: str, variables: dict[str, Any], says: str) -> None:
    assert says in render(template, **variables)
