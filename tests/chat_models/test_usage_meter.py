"""The usage of chat models, and the budget in tokens."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from imagerag.agent.registry import load_chat_model
from imagerag.chat_models import client
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from imagerag.errors import BudgetExceeded, Cancelled
from testing.chat_replies import DRAW
from testing.misbehaviour import tokens_in
from testing.openai_server import Reply, serving
from testing.served_runs import run_served

pytestmark = pytest.mark.usefixtures("quick_retries")


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


@pytest.mark.parametrize("limit", [0, 500, 3000, 6000, 9000])
def test_no_call_is_made_that_would_exceed_the_tokens(tmp_path: Path, limit: int) -> None:
    used = 0

    def script(request: dict[str, Any], number: int) -> Reply:
        nonlocal used
        asked, answered = tokens_in(request), min(400, request["max_completion_tokens"])
        used += asked + answered
        return Reply(calls=DRAW.calls, usage=(asked, answered))

    with serving(script) as server:
        result = run_served(server, tmp_path, max_tokens=limit, max_generations=20)
    assert used <= limit
    assert sum(step["tokens"] for step in result["trace"]) == used
    assert result["stop_reason"] == ("no_improvement" if result["images"][3:] else "tokens")
    assert (result["image"] is not None) == bool(server.requests)
