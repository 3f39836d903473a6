"""Prices of chat models: bundled and dated, or from a file; and the budget in money."""

import re
import tomllib
from pathlib import Path

import pytest

from imagerag.chat_models.pricing import FILE, PRICES, load_pricing
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.chat_replies import DRAW
from testing.misbehaviour import tokens_in
from testing.openai_server import Reply, serving
from testing.scripted import Squares
from testing.served_runs import run_served
from testing.servers import Shelf

pytestmark = pytest.mark.usefixtures("quick_retries")


def test_money_is_counted_by_the_price_file_and_never_exceeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = tmp_path / "prices.toml"
    monkeypatch.setenv(PRICES, str(prices))
    load_pricing.cache_clear()
    with serving(lambda request, number: Reply(calls=DRAW.calls, usage=(tokens_in(request), 100))) as server:
        prices.write_text(f'["{server.name}"]\ninput = 2.0\noutput = 8.0\ndate = "2026-11-01"\nsource = "test"\n')
        result = run_served(server, tmp_path, max_money=0.012, max_generations=20)
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
            run_served(server, tmp_path, max_money=1.0)
        assert server.requests == []
        result = run_served(server, tmp_path, [0.9])
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
        result = run_served(server, tmp_path, [0.9])
    told = {"model": server.name, "input": 2.0, "output": 8.0, "date": "2026-11-01", "source": "invoice"}
    assert [step.get("prices") for step in result["trace"]] == [[told], None, None]


def test_a_critic_of_unknown_price_is_refused_too(tmp_path: Path) -> None:
    name = "openai:judge@http://127.0.0.1:9/v1"
    graph = build_graph(generator=Squares(), index=Shelf())
    settings = Settings(home=str(tmp_path), critic=name, max_money=1)
    with pytest.raises(UserError, match="price of 'openai:judge@"):
        graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)


@pytest.mark.parametrize(
    "text",
    ["not toml [", "x = " + "[" * 5_000, '["openai:x"]\ninput = 1', '["openai:x"]\ninput = -1\noutput = 1', "x = 1"],
)
def test_a_price_file_of_no_use_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    monkeypatch.setenv(PRICES, str(file))
    load_pricing.cache_clear()
    with pytest.raises(UserError, match="price file") as refused:
        load_pricing("openai:x")
    assert "\n" not in str(refused.value)
