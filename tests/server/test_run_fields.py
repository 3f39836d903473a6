"""Every door takes what the command line takes of a request, or the table says who chooses it instead."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from docs.request_fields_table import table
from imagerag.server.mcp.loop_arguments import loop_arguments
from imagerag.server.mcp.server import build_mcp
from imagerag.server.offers import Offers, PartChoice
from imagerag.server.openai.schemas import RunOptions
from imagerag.server.run_fields import LEFT_TO_THE_SERVER, RunFields, run_request
from imagerag.server.web.routes import TurnRequest
from imagerag.settings import DECLARED, OFFERED, Settings
from testing.browser_requests import browser_of, draw
from testing.scripted import Squares
from testing.servers import Served, scripted_service

ROOT = Path(__file__).parents[2]
OWN_WAYS = {"subject", "mask", "thread"}
"""Settings for which each door has a way of its own."""


class NegativeSquares(Squares):
    takes_negatives = True


def test_each_setting_of_a_request_is_a_field_of_all_doors_or_the_servers_with_a_reason() -> None:
    asked = {name for name, one in DECLARED.items() if one.reserved is None} | set(OFFERED)
    assert asked == RunFields.model_fields.keys() | LEFT_TO_THE_SERVER.keys() | {"aspect"} | (asked & OWN_WAYS)


def test_each_door_has_each_field() -> None:
    mcp = {parameter.name for parameter in loop_arguments(Offers(Settings()))}
    for door, fields in (("page", TurnRequest.model_fields), ("api", RunOptions.model_fields), ("mcp", mcp)):
        assert RunFields.model_fields.keys() <= set(fields), door


def test_the_documentation_has_the_table() -> None:
    page = (ROOT / "docs" / "servers.md").read_text(encoding="utf-8")
    assert table() in page, "run: python -m docs.request_fields_table, and put it into docs/servers.md"


def test_fields_become_a_request() -> None:
    fields = RunFields(
        negative="dogs", size="16:9", seed=7, n=2, generator="a", max_tokens=5, max_money=0.5, max_steps=3
    )
    asked = run_request("an owl", fields)
    assert (asked.negative, asked.size, asked.seed, asked.n) == ("dogs", "16:9", 7, 2)
    assert asked.choice == PartChoice(generator="a")
    assert asked.limits == {"max_tokens": 5, "max_money": 0.5, "max_steps": 3}
    for wrong in (
        {"max_steps": 0},
        {"max_seconds": 0},
        {"seed": -1},
        {"n": 17},
        {"mode": "fast"},
        {"negative": "x" * 4001},
    ):
        with pytest.raises(ValidationError):
            RunFields(**wrong)


@pytest.mark.parametrize("door", ["page", "chat", "images", "edits", "responses", "mcp"])
def test_each_door_lets_size_negative_seed_and_n_arrive(door: str, tmp_path: Path) -> None:
    squares = NegativeSquares()
    service = scripted_service(tmp_path, generator=squares)
    server = Served(service)
    fields: dict[str, Any] = {"negative": "dogs", "size": "2:1", "seed": 11, "n": 2, "max_generations": 1}
    own = {"extra_body": {"imagerag": fields}}
    try:
        if door == "page":
            assert draw(browser_of(server), "an owl", **fields)[-1]["run"]["status"] == "done"
        elif door == "chat":
            server.client().chat.completions.create(model="imagerag", messages=[_user("an owl")], **own)
        elif door == "images":
            server.client().images.generate(prompt="an owl", **own)
        elif door == "edits":
            from testing.openai_requests import square

            server.client().images.edit(image=square(), prompt="an owl", **_as_form(own))
        elif door == "responses":
            server.client().responses.create(input="an owl", **own)
        else:
            result = asyncio.run(_called(service, {"prompt": "an owl", **fields}))
            assert not result.is_error
    finally:
        server.stop()
    (request,) = squares.requests
    assert (request.negative, str(request.size), request.seeds) == ("dogs", "2:1", (11, 12))


def test_every_door_tells_which_limit_of_the_server_holds(serve: Callable[..., Served]) -> None:
    server = serve()
    most = server.service.settings.max_generations
    text = f"max_generations {most + 1} is more than this server allows; {most} holds"
    own = {"extra_body": {"imagerag": {"max_generations": most + 1}}}
    assert text in server.client().images.generate(prompt="an owl", **own).model_dump()["imagerag"]["notes"]
    result = asyncio.run(_called(server.service, {"prompt": "an owl", "max_generations": most + 1}))
    assert text in result.structured_content["notes"]


def _user(text: str) -> Any:
    return {"role": "user", "content": text}


def _as_form(own: dict[str, Any]) -> dict[str, Any]:
    import json

    return {"extra_body": {"imagerag": json.dumps(own["extra_body"]["imagerag"])}}


async def _called(service: Any, arguments: dict[str, Any]) -> Any:
    from mcp import Client

    async with Client(build_mcp(service)) as client:
        return await client.call_tool("create_image", arguments)
