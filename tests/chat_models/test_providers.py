"""Providers of chat models by name, and Anthropic, Gemini and Ollama by LangChain's integrations, over real HTTP."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.registry import load_chat_model
from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models import client
from imagerag.chat_models.images import TAG
from imagerag.chat_models.providers import connect, remedy
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.net.server_keys import SERVER_KEY
from imagerag.settings import Settings
from testing.chat_replies import DRAW, NO_TOOLS, REDRAW, SEARCH, written
from testing.openai_server import OpenAIServer, Reply, Script, serving
from testing.provider_servers import AnthropicServer, GeminiServer, OllamaServer, TogetherServer, pictures_in
from testing.scripted import ScriptedCritic, Squares
from testing.served_runs import run_served
from testing.servers import Shelf
from testing.verdict_replies import details, presence, seen, weighed

pytestmark = pytest.mark.usefixtures("quick_retries")


def test_the_key_of_a_provider_is_not_sent_to_another_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv(SERVER_KEY, "of-this-server")
    with serving([DRAW]) as server:
        run_served(server, tmp_path, [0.9])
    assert server.headers[0]["authorization"] == "Bearer of-this-server"
    assert "sk-secret" not in json.dumps(server.headers)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("openai:gpt-6.1-sol", r"'openai:gpt-6.1-sol' needs a key; set the variable OPENAI_API_KEY"),
        ("anthropic:claude", r"run: pip install 'imagerag\[providers\]'|set the variable ANTHROPIC_API_KEY"),
        ("nobody:gpt", r"provider 'nobody' is not known"),
        ("gpt", r"vlm 'gpt' is not known; give --vlm one of: rules, or a model such as openai:gpt-6.1-sol"),
    ],
)
def test_a_model_that_cannot_be_had_is_one_line(name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(UserError, match=says) as refused:
        load_chat_model(name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "status", "says"),
    [
        ("openai:gpt-6.1-sol", 401, "check the key in OPENAI_API_KEY"),
        ("anthropic:claude", 404, "check the model's name"),
        ("ollama:qwen3-vl", None, "ollama serve"),
        ("openai:gpt-6.1-sol", 413, ""),
    ],
)
def test_where_a_model_does_not_answer_the_way_out_is_told(name: str, status: int | None, says: str) -> None:
    assert says in remedy(name, status)
    assert bool(says) == bool(remedy(name, status))


def test_an_address_without_a_scheme_is_no_model_of_the_provider() -> None:
    with pytest.raises(UserError, match="without http:// or https://; write @http://localhost:9/v1"):
        connect("openai:m@localhost:9/v1")


def test_either_of_geminis_variables_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_google_genai")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", "x" * 30)
    metadata = connect("google_genai:gemini-2.5-pro").metadata
    assert metadata is not None
    assert metadata[TAG] == "google_genai:gemini-2.5-pro"


PROTOCOLS: dict[str, Any] = {
    "langchain_anthropic": AnthropicServer,
    "langchain_google_genai": GeminiServer,
    "langchain_ollama": OllamaServer,
}
VERDICT = {"concepts": [{"concept": "owl", "kind": "content", "present": True, "confidence": 0.8}], "matches": True}
Serve = Callable[[Script | list[Reply]], AbstractContextManager[OpenAIServer]]


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip(request.param)
    monkeypatch.setattr(client, "BACKOFF", 0.001)
    for name, value in PROTOCOLS[request.param].variables.items():
        monkeypatch.setenv(name, value)
    return PROTOCOLS[request.param]


@pytest.fixture
def serve(protocol: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    opened: list[Any] = []

    def start(script: Script | list[Reply]) -> AbstractContextManager[OpenAIServer]:
        load_chat_model.cache_clear()
        settings = serving(script, protocol)
        server = settings.__enter__()
        opened.append(settings)
        monkeypatch.setenv(protocol.address, f"http://127.0.0.1:{server.server_address[1]}")
        return server  # type: ignore[return-value]

    yield start
    load_chat_model.cache_clear()
    for settings in opened:
        settings.__exit__(None, None, None)


def run_at(
    protocol: Any, home: Path, scores: tuple[float, ...] = (0.3,) * 9, stream: bool = False, **settings: Any
) -> Any:
    graph = build_graph(critic=ScriptedCritic(scores), generator=Squares(), index=Shelf())
    settings, config = Settings(home=str(home), vlm=protocol.name, **settings), {"configurable": {"thread_id": "t"}}
    if not stream:
        return graph.invoke({"prompt": "an owl", "seed": 7}, config, context=settings)  # type: ignore[call-overload]
    for _ in graph.stream({"prompt": "an owl", "seed": 7}, config, context=settings, stream_mode="messages"):  # type: ignore[call-overload]
        pass
    values = graph.get_state(config).values  # type: ignore[arg-type]
    return {**values, "trace": values["all_trace"]}


@pytest.mark.parametrize("stream", [False, True])
def test_it_drives_the_whole_loop_and_sees_the_pictures(
    protocol: Any, serve: Any, tmp_path: Path, stream: bool
) -> None:
    server = serve([DRAW, SEARCH, REDRAW])
    result = run_at(protocol, tmp_path, (0.3, 0.9), stream)
    assert result["stop_reason"] == "satisfied"
    assert result["image"]["references"] == ["ref-1"]
    assert [step["tokens"] for step in result["trace"] if step["node"] == "agent"] == [110] * 3
    assert [len(pictures_in(request)) for request in server.requests] == [0, 1, 3]
    offered = json.dumps(server.requests[0]["tools"])
    assert "stand-alone captions" in offered
    assert "the missing concept it stands for" in offered, "what nested arguments mean is told, too"
    assert str(tmp_path) not in json.dumps(server.requests)


def test_a_verdict_takes_its_native_schema_mode(protocol: Any, serve: Any) -> None:
    server = serve(lambda request, number: Reply(json.dumps(VERDICT)))
    critic = VlmCritic(protocol.name, connect(protocol.name), lambda: ScriptedCritic([0.1]))
    with using_meter(UsageMeter()) as meter:
        verdict = critic.judge([Image.new("RGB", (4000, 2000))], "an owl")[0]
    assert (verdict["critic"], meter.calls, meter.tokens, meter.notes) == (protocol.name, 1, 110, [])
    assert not server.requests[0].get("tools")
    assert "how sure you are" in json.dumps(server.requests[0])
    ((width, height),) = pictures_in(server.requests[0])
    assert meter.images_sent == [f"{width}x{height}"]
    assert width < 4000


WEIGHED = [
    weighed(presence(seen("owl", True, count="three owls"), seen("cat", False)), 0.9, 0.3),
    weighed(details(False), 0.2),
]


def test_probabilities_are_those_of_the_tokens_where_it_tells_them(protocol: Any, serve: Any) -> None:
    serve(WEIGHED)
    critic = VlmCritic(protocol.name, connect(protocol.name), lambda: ScriptedCritic([0.1]))
    with using_meter(UsageMeter()) as meter:
        verdict = critic.judge([Image.new("RGB", (40, 20))], "three owls")[0]
    assert (meter.notes, verdict["critic"]) == ([], protocol.name)
    assert verdict["way"] == ("answers" if protocol is AnthropicServer else "logprobs")
    if verdict["way"] == "logprobs":
        assert [score["score"] for score in verdict["concepts"]] == pytest.approx([0.9, 0.2, 0.3], abs=1e-3)


@pytest.mark.parametrize("by_address", [True, pytest.param(False, id="provider")])
def test_log_probabilities_in_the_older_form_count(by_address: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not by_address:
        pytest.importorskip("langchain_together")
    with serving(WEIGHED, TogetherServer) as server:
        monkeypatch.setenv(TogetherServer.address, server.url)
        monkeypatch.setenv("TOGETHER_API_KEY", "tg-test")
        name = f"openai:m@{server.url}" if by_address else TogetherServer.name
        verdict = VlmCritic(name, connect(name), lambda: ScriptedCritic([0.1])).judge([Image.new("RGB", (4, 2))], "")[0]
        assert [request["logprobs"] for request in server.requests] == [True if by_address else 5] * 2
    assert verdict["way"] == "logprobs"
    assert [score["score"] for score in verdict["concepts"]] == pytest.approx([0.9, 0.2, 0.3], abs=1e-3)


def test_where_it_takes_no_schema_it_is_asked_by_tool(protocol: Any, serve: Any) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if not request.get("tools"):
            return Reply("no schemas here", status=400)
        assert "how sure you are" in json.dumps(request["tools"])
        return Reply(calls=[("Judgement", VERDICT)])

    server = serve(script)
    critic = VlmCritic(protocol.name, connect(protocol.name), lambda: ScriptedCritic([0.1]))
    assert critic.judge([Image.new("RGB", (40, 20))], "an owl")[0]["critic"] == protocol.name
    assert len(server.requests) == 2


def test_the_wait_it_asks_for_is_kept(
    protocol: Any, serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(client, "pause", lambda seconds, check: waited.append(seconds))
    serve([Reply("busy", status=429, headers={"Retry-After": "0.4"}), Reply(status=503), DRAW])
    result = run_at(protocol, tmp_path, (0.9,))
    assert (len(waited), waited[0]) == (2, 0.4)
    asked = next(step for step in result["trace"] if step["node"] == "agent")
    assert asked["tokens"] == 110, "what was refused is not billed"
    assert "429" in asked["error"]


def test_geminis_wait_stands_in_the_body() -> None:
    errors = pytest.importorskip("google.genai.errors")
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17.5s"}]
    error = errors.ClientError(429, {"error": {"code": 429, "message": "busy", "details": details}})
    assert client._asked_to_wait(error) == 17.5


def test_a_question_that_is_refused_leaves_the_decision_to_the_rules(protocol: Any, serve: Any, tmp_path: Path) -> None:
    serve(lambda request, number: Reply("not this way", status=400))
    result = run_at(protocol, tmp_path)
    assert result["image"] is not None
    assert "not this way" in str(result["trace"])


@pytest.mark.parametrize("status", [401, 403])
def test_what_is_refused_for_good_is_one_line(protocol: Any, serve: Any, tmp_path: Path, status: int) -> None:
    server = serve([Reply("not this way", status=status)])
    with pytest.raises(UserError, match="not this way") as refused:
        run_at(protocol, tmp_path)
    assert len(server.requests) == 1
    assert "\n" not in str(refused.value)


def test_answers_are_kept_short_where_the_budget_ends(protocol: Any, serve: Any, tmp_path: Path) -> None:
    server = serve(lambda request, number: DRAW)
    run_at(protocol, tmp_path, max_tokens=6000)
    first = server.requests[0]
    told = first.get("max_tokens") or first.get("generationConfig", first.get("options"))
    most = told if isinstance(told, int) else told.get("maxOutputTokens") or told["num_predict"]
    assert 128 < most < 6000


@pytest.mark.parametrize(
    "reply",
    [Reply(""), Reply("I can't help with that."), Reply(body=b"{not json"), Reply(body=b"{}"), Reply("ha", cut=0.5)],
    ids=["empty", "refusal", "broken", "nothing", "cut"],
)
def test_a_bad_answer_costs_no_image(protocol: Any, serve: Any, tmp_path: Path, reply: Reply) -> None:
    serve(lambda request, number: reply if number else DRAW)
    result = run_at(protocol, tmp_path)
    assert result["image"]["id"] == "image-1"
    assert result["stop_reason"] in ("error", "done")


def test_what_is_missing_is_told_with_what_to_do(protocol: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in protocol.variables:
        monkeypatch.delenv(name)
        with pytest.raises(UserError, match=f"needs a key; set the variable {name}"):
            connect(protocol.name)
    module = next(name for name, each in PROTOCOLS.items() if each is protocol)
    for loaded in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.setitem(sys.modules, loaded, None)
    with pytest.raises(
        UserError, match=rf"needs '{module.replace('_', '-')}'.*run: pip install 'imagerag\[providers\]'"
    ):
        connect(protocol.name)


def test_a_model_of_ollamas_that_takes_no_tools_drives_in_plain_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("langchain_ollama")
    left = iter([written(reply) for reply in (DRAW, SEARCH, REDRAW)])

    def script(request: dict[str, Any], number: int) -> Reply:
        return Reply(NO_TOOLS, status=400) if request.get("tools") else next(left)

    load_chat_model.cache_clear()
    with serving(script, OllamaServer) as server:
        monkeypatch.setenv(OllamaServer.address, f"http://127.0.0.1:{server.server_address[1]}")
        result = run_at(OllamaServer, tmp_path, (0.3, 0.9))
        assert sum(bool(request.get("tools")) for request in server.requests) == 1
    assert (result["stop_reason"], result["image"]["references"]) == ("satisfied", ["ref-1"])
