"""Chat models by name, over real HTTP on loopback: a server that speaks OpenAI's protocol drives the whole loop."""

import json
import re
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from imagerag.agent.registry import load_chat_model
from imagerag.chat_models import client
from imagerag.chat_models.pricing import FILE, PRICES, load_pricing
from imagerag.chat_models.providers import SERVER_KEY, connect, remedy
from imagerag.chat_models.usage import UsageMeter, using_meter
from imagerag.errors import BudgetExceeded, Cancelled, UserError
from imagerag.graphs import Settings, build_graph
from imagerag.graphs.one_pass import build_one_pass
from testing.openai_server import OpenAIServer, Reply, serving
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf

DRAW = Reply(calls=[("generate", {"prompt": "an owl"})])
CAPTIONS = Reply(calls=[("propose_captions", {"concepts": ["owl"]})])
SEARCH = Reply(calls=[("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}], "k": 2})])
REDRAW = Reply(calls=[("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["ref-1"]})])
STOP = Reply("That is as good as it gets.")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(client, "BACKOFF", 0.001)
    load_chat_model.cache_clear()
    yield
    load_chat_model.cache_clear()


def run(server: OpenAIServer, home: Path, scores: Sequence[float] = (0.5,) * 9, **settings: Any) -> Any:
    """Run one turn with the server's model, real graph and files, and quick engines."""
    graph = build_graph(critic=ScriptedCritic(scores), generator=Squares(), index=Shelf())
    settings = Settings(**{"home": str(home), "vlm": server.name, **settings})
    return graph.invoke({"prompt": "an owl", "seed": 7}, {"configurable": {"thread_id": "t"}}, context=settings)


def test_a_server_drives_the_whole_loop(tmp_path: Path) -> None:
    worded = Reply(json.dumps({"concepts": [{"concept": "owl", "captions": ["a barn owl"]}]}))
    with serving([DRAW, CAPTIONS, worded, SEARCH, REDRAW]) as server:
        result = run(server, tmp_path, [0.3, 0.9])
    assert result["stop_reason"] == "satisfied"
    assert result["image"]["id"] == "image-2"
    assert result["image"]["references"] == ["ref-1"]
    assert [step["tokens"] for step in result["trace"] if step["node"] == "agent"] == [110] * 4
    assert [step["summary"] for step in result["trace"] if step["name"] == "propose_captions"][-1] == "owl: a barn owl"
    assert {tool["function"]["name"] for tool in server.requests[0]["tools"]} >= {"generate", "search_references"}


def test_the_model_sees_the_pixels_and_nothing_that_names_a_place(tmp_path: Path) -> None:
    with serving([DRAW, SEARCH, STOP]) as server:
        run(server, tmp_path)
    sent = json.dumps(server.requests[-1])
    assert sent.count("data:image/png;base64,") == 3  # the drawing and two references
    assert str(tmp_path) not in sent
    assert "/server/side" not in sent


def test_the_trace_tells_the_sizes_as_sent_and_the_tokens(tmp_path: Path) -> None:
    with serving([DRAW, SEARCH, STOP]) as server:
        result = run(server, tmp_path)
    steps = [step for step in result["trace"] if step["node"] == "agent"]
    assert [step.get("images_sent", []) for step in steps[:2]] == [[], ["16x16"]]
    assert len(steps[2]["images_sent"]) == 3
    assert [step["tokens"] for step in steps] == [110] * 3


def test_the_key_of_a_provider_is_not_sent_to_another_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv(SERVER_KEY, "of-this-server")
    with serving([DRAW]) as server:
        run(server, tmp_path, [0.9])
    assert server.headers[0]["authorization"] == "Bearer of-this-server"
    assert "sk-secret" not in json.dumps(server.headers)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("openai:gpt-5", r"'openai:gpt-5' needs a key; set the variable OPENAI_API_KEY"),
        ("anthropic:claude", r"run: pip install langchain-anthropic|set the variable ANTHROPIC_API_KEY"),
        ("nobody:gpt", r"provider 'nobody' is not known"),
        ("gpt", r"vlm 'gpt' is not known; give --vlm one of: rules, or a model such as openai:gpt-5"),
    ],
)
def test_a_model_that_cannot_be_had_is_one_line(name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(UserError, match=says) as refused:
        load_chat_model(name)
    assert "\n" not in str(refused.value)


def test_a_wrong_key_and_nobody_there_are_one_line(tmp_path: Path) -> None:
    with serving([Reply("wrong key", status=401)]) as server, pytest.raises(UserError, match="wrong key") as refused:
        run(server, tmp_path)
    assert str(refused.value).endswith("; check the key in IMAGERAG_SERVER_KEY")
    assert len(server.requests) == 1
    with pytest.raises(UserError, match="Connection") as refused:
        run(server, tmp_path)
    assert str(refused.value).endswith(f"Connection error; check that a server is running at {server.url}")
    with (
        serving([Reply("no such model", status=404)]) as server,
        pytest.raises(UserError, match=r"address ends .* /v1"),
    ):
        run(server, tmp_path)


@pytest.mark.parametrize(
    ("name", "status", "says"),
    [
        ("openai:gpt-5", 401, "check the key in OPENAI_API_KEY"),
        ("anthropic:claude", 404, "check the model's name"),
        ("ollama:qwen3-vl", None, "ollama serve"),
        ("openai:gpt-5", 413, ""),
    ],
)
def test_where_a_model_does_not_answer_the_way_out_is_told(name: str, status: int | None, says: str) -> None:
    assert says in remedy(name, status)
    assert bool(says) == bool(remedy(name, status))


def test_what_passes_is_asked_again_and_the_wait_asked_for_is_kept(tmp_path: Path) -> None:
    busy = Reply("busy", status=429, headers={"Retry-After": "0.3"})
    began = time.monotonic()
    with serving([busy, Reply(status=503), DRAW]) as server:
        result = run(server, tmp_path, [0.9])
    assert time.monotonic() - began >= 0.3
    assert result["stop_reason"] == "satisfied"
    assert "429" in result["trace"][0]["error"]
    assert result["trace"][0]["step"] == 3, "every attempt counts"


def test_a_wait_longer_than_the_run_is_not_begun(tmp_path: Path) -> None:
    busy = Reply("busy", status=429, headers={"Retry-After": "3600"})
    with serving(lambda request, number: busy) as server:
        result = run(server, tmp_path / "a", max_seconds=500)
        assert len(server.requests) == 2, "the rules have drawn; the next question gets the same answer"
    assert result["image"]["id"] == "image-1"
    assert result["stop_reason"] == "error"
    assert "429: asks to wait 3600 s" in result["trace"][0]["error"]
    with serving([DRAW, busy]) as server:
        result = run(server, tmp_path / "b", max_seconds=500)
    assert result["stop_reason"] == "error"
    assert result["image"]["id"] == "image-1"
    assert sum(step["seconds"] for step in result["trace"]) < 400, "not waited out"


@pytest.mark.parametrize(
    "reply",
    [
        Reply("Here is your owl: (o,o)"),
        Reply(""),
        Reply(None),
        Reply(None, extra={"refusal": "I can't help with that."}),
        Reply("Yes, but the owl is missing."),
        Reply("owl " * 200_000),
        Reply(calls=[("generate", {"prompt": "an owl"}), ("generate", {"prompt": "an owl"})]),
        Reply(calls=[("generate", {"prompt": "an owl"})] * 300),
        Reply(calls=[("paint", {"prompt": "an owl"})]),
        Reply(calls=[("", {})]),
        Reply(calls=[("generate", '{"prompt": "an owl')]),
        Reply(calls=[("generate", "[1, 2]")]),
        Reply(calls=[("generate", "null")]),
        Reply(calls=[("generate", {"prompt": ["an", "owl"]})]),
        Reply(calls=[("generate", {"prompt": "an owl", "seed": -3})]),
        Reply(calls=[("inspect_image", {"image_id": "/etc/passwd"})]),
        Reply(calls=[("inspect_image", {"image_id": "http://127.0.0.1/secret.png"})]),
        Reply(calls=[("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["../../key"]})]),
        Reply(body=b"<html>not what you asked for</html>"),
        Reply(body=b'{"choices": null}'),
        Reply(body=b'{"choices": []}'),
        Reply(body=b"{}"),
        Reply(body=b""),
        Reply("an owl", cut=0.5),
        Reply("an owl", cut=0.0),
        Reply(status=500),
        Reply(status=429),
        Reply(status=400, body=b'{"error": {"message": "Failed to call a function.", "code": "tool_use_failed"}}'),
        Reply("the arguments are not JSON", status=400),
        Reply("unprocessable", status=422),
    ],
    ids=lambda reply: repr(reply)[:60],
)
@pytest.mark.parametrize("first", [True, False])
def test_whatever_comes_back_the_run_ends_with_an_image(tmp_path: Path, reply: Reply, first: bool) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        return reply if first or number else DRAW

    with serving(script) as server:
        result = run(server, tmp_path, max_steps=10)
        assert len(server.requests) <= 10
    assert result["image"] is not None
    assert Path(result["image"]["path"]).is_file()
    assert result["stop_reason"] in ("steps", "generations", "done", "no_improvement", "error")


def test_a_malformed_call_that_the_server_refuses_is_asked_again(tmp_path: Path) -> None:
    error = {"message": "Failed to call a function.", "code": "tool_use_failed", "failed_generation": "<function=gen"}
    with serving([Reply(status=400, body=json.dumps({"error": error}).encode()), DRAW]) as server:
        result = run(server, tmp_path, [0.9])
    assert len(server.requests) == 2
    assert result["stop_reason"] == "satisfied"
    assert "Failed to call a function" in result["trace"][0]["error"]
    assert result["trace"][0]["step"] == 2


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_only_the_person_can_mend_is_one_line(tmp_path: Path, status: int) -> None:
    with serving([Reply("not for you", status=status)]) as server, pytest.raises(UserError, match="not for you"):
        run(server, tmp_path)
    assert len(server.requests) == 1


def test_that_the_rules_decide_is_told_with_the_reason(tmp_path: Path) -> None:
    graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares(), index=Shelf())
    with serving([Reply("no tools here", status=400)]) as server:
        settings = Settings(home=str(tmp_path), vlm=server.name)
        config: Any = {"configurable": {"thread_id": "t"}}
        events = list(graph.stream({"prompt": "an owl"}, config, context=settings, stream_mode="custom"))
    notes = [event["text"] for event in events if event["event"] == "note"]
    assert len(notes) == 1
    assert "no tools here" in notes[0]
    assert notes[0].endswith("the rules decide")


def test_a_question_refused_later_on_ends_the_run_with_its_image(tmp_path: Path) -> None:
    with serving([DRAW, Reply("your question is too long", status=400)]) as server:
        result = run(server, tmp_path)
    assert result["stop_reason"] == "error"
    assert result["image"]["id"] == "image-1"
    assert "too long" in result["trace"][-1]["error"]


def test_a_server_that_drips_or_hangs_does_not_outlast_the_clock(tmp_path: Path) -> None:
    for reply in (Reply("an owl", drip=0.02), Reply("an owl", delay=60)):
        with serving(lambda request, number, reply=reply: reply if number else DRAW) as server:
            began = time.monotonic()
            result = run(server, tmp_path, max_seconds=1.0)
            assert time.monotonic() - began < 20, "far below what the server would take"
        assert result["stop_reason"] == "seconds"
        assert result["image"]["id"] == "image-1"


@pytest.mark.parametrize("limit", [None, 100_000])
@pytest.mark.parametrize("ending", [Cancelled("enough"), BudgetExceeded("seconds", 1, 1)])
def test_a_call_that_is_left_behind_is_counted(ending: Exception, limit: int | None) -> None:
    with serving(lambda request, number: Reply("x", delay=30)) as server:

        def check() -> None:
            if server.requests:
                raise ending

        model = load_chat_model(server.name)
        with using_meter(UsageMeter(check=check, max_tokens=limit)) as meter, pytest.raises(type(ending)):
            client.ask(model.invoke, [HumanMessage("hello " * 300)], model=model)
    assert meter.calls == 1
    assert 300 < meter.tokens_here < 4000 if limit is None else 4000 < meter.tokens_here <= limit
    assert meter.money is None, "its price isn't known"


def test_a_connection_cut_in_the_middle_of_a_stream_loses_nothing(tmp_path: Path) -> None:
    cut = Reply("This looks like an owl, and what I would do next is", cut=0.5)
    graph = build_graph(critic=ScriptedCritic([0.5] * 9), generator=Squares(), index=Shelf())
    with serving(lambda request, number: cut if number in (1, 2, 3) else DRAW) as server:
        settings = Settings(home=str(tmp_path), vlm=server.name)
        config: Any = {"configurable": {"thread_id": "t"}}
        for _ in graph.stream({"prompt": "an owl"}, config, context=settings, stream_mode="messages"):
            pass
        assert server.requests[1]["stream"]
    values = graph.get_state(config).values
    assert values["image"]["id"] == "image-1"
    assert values["stop_reason"] == "error"


def tokens_in(request: dict[str, Any]) -> int:
    """Count the tokens of a request as a provider would: four bytes a token, and an image like 765."""
    text = json.dumps(request)
    images = text.count("data:image/png;base64,")
    pixels = sum(len(part.split('"')[0]) for part in text.split("data:image/png;base64,")[1:])
    return (len(text) - pixels) // 4 + 765 * images


@pytest.mark.parametrize("limit", [0, 500, 3000, 6000, 9000])
def test_no_call_is_made_that_would_exceed_the_tokens(tmp_path: Path, limit: int) -> None:
    used = 0

    def script(request: dict[str, Any], number: int) -> Reply:
        nonlocal used
        asked, answered = tokens_in(request), min(400, request["max_completion_tokens"])
        used += asked + answered
        return Reply(calls=DRAW.calls, usage=(asked, answered))

    with serving(script) as server:
        result = run(server, tmp_path, max_tokens=limit, max_generations=20)
    assert used <= limit
    assert sum(step["tokens"] for step in result["trace"]) == used
    assert result["stop_reason"] == ("no_improvement" if result["images"][3:] else "tokens")
    assert (result["image"] is not None) == bool(server.requests)


def test_money_is_counted_by_the_price_file_and_never_exceeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = tmp_path / "prices.toml"
    monkeypatch.setenv(PRICES, str(prices))
    load_pricing.cache_clear()
    with serving(lambda request, number: Reply(calls=DRAW.calls, usage=(tokens_in(request), 100))) as server:
        prices.write_text(f'["{server.name}"]\ninput = 2.0\noutput = 8.0\ndate = "2026-11-01"\nsource = "test"\n')
        result = run(server, tmp_path, max_money=0.012, max_generations=20)
    money = [step["money"] for step in result["trace"] if step["node"] == "agent"]
    assert result["stop_reason"] == "money"
    assert 0 < sum(money) <= 0.012
    assert money[0] == pytest.approx((tokens_in(server.requests[0]) * 2 + 100 * 8) / 1e6)


def test_an_unknown_price_is_not_zero(tmp_path: Path) -> None:
    load_pricing.cache_clear()
    with serving([DRAW]) as server:
        with pytest.raises(
            UserError, match=r"price of 'openai:scripted@.*put a line such as \"openai:scripted@.* = {.*IMAGERAG_PRICES"
        ):
            run(server, tmp_path, max_money=1.0)
        assert server.requests == []
        result = run(server, tmp_path, [0.9])
    assert result["trace"][0]["money"] is None


def test_prices_that_come_along_are_dated_and_need_no_package() -> None:
    load_pricing.cache_clear()
    pricing = load_pricing("openai:gpt-4o-2024-08-06")
    assert pricing.cost(1_000_000, 0) == pytest.approx(2.5)
    assert pricing.cost(0, 1_000_000) == pytest.approx(10)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", pricing.date)
    assert "openai.com" in pricing.source
    assert load_pricing("openai:no-such-model").cost(1, 1) is None
    assert load_pricing("ollama:gpt-4o").cost(1, 1) is None
    for name, entry in tomllib.loads(FILE.read_text()).items():
        assert entry.keys() == {"input", "output", "date", "source"}, name
        assert min(entry["input"], entry["output"]) > 0, "nothing is free: what is not known is not there"


def test_the_trace_tells_the_price_and_its_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = tmp_path / "prices.toml"
    monkeypatch.setenv(PRICES, str(prices))
    load_pricing.cache_clear()
    with serving([DRAW]) as server:
        prices.write_text(f'"{server.name}" = {{ input = 2, output = 8, date = 2026-11-01, source = "invoice" }}')
        result = run(server, tmp_path, [0.9])
    told = {"model": server.name, "input": 2.0, "output": 8.0, "date": "2026-11-01", "source": "invoice"}
    assert [step.get("prices") for step in result["trace"]] == [[told], None, None]


def test_a_critic_of_unknown_price_is_refused_too(tmp_path: Path) -> None:
    name = "openai:judge@http://127.0.0.1:9/v1"
    graph = build_graph(generator=Squares(), index=Shelf())
    settings = Settings(home=str(tmp_path), critic=name, max_money=1)
    with pytest.raises(UserError, match="price of 'openai:judge@"):
        graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)


def test_the_one_pass_pipeline_counts_its_model_too(tmp_path: Path) -> None:
    with serving([Reply(json.dumps({"prompt": "a plain owl"}))]) as server:
        graph = build_one_pass(critic=ScriptedCritic([0.3, 0.9]), generator=Squares(), index=Shelf())
        settings = Settings(home=str(tmp_path), vlm=server.name, mode="rephrase_only")
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert [step["tokens"] for step in result["trace"] if step["name"] == "redraw"] == [110]
    assert result["image"]["prompt"] == "a plain owl"


@pytest.mark.parametrize(
    "text", ["not toml [", '["openai:x"]\ninput = 1', '["openai:x"]\ninput = -1\noutput = 1', "x = 1"]
)
def test_a_price_file_of_no_use_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    monkeypatch.setenv(PRICES, str(file))
    load_pricing.cache_clear()
    with pytest.raises(UserError, match="price file") as refused:
        load_pricing("openai:x")
    assert "\n" not in str(refused.value)


def test_an_address_without_a_scheme_is_no_model_of_the_provider() -> None:
    with pytest.raises(UserError, match="without http:// or https://; write @http://localhost:9/v1"):
        connect("openai:m@localhost:9/v1")


def test_either_of_geminis_variables_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_google_genai")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", "x" * 30)
    connect("google_genai:gemini-2.5-pro")
