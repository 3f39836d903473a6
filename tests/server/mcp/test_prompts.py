"""MCP prompts: what they say, and what a client that asks wrongly is told."""

import logging
from pathlib import Path
from typing import Any

import pytest

from testing.mcp_clients import MODES, with_client
from testing.servers import scripted_service

pytest.importorskip("mcp")
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("drow", {}, "no prompt 'drow'; valid: draw, draw_step_by_step, compare"),
        ("", None, "no prompt ''"),
        ("draw", None, "prompt 'draw' needs the argument 'what'"),
        ("draw", {}, "prompt 'draw' needs the argument 'what'"),
        ("draw", {"what": " "}, "prompt 'draw' needs the argument 'what'"),
        ("compare", {"second": "image-2"}, "prompt 'compare' needs the argument 'first'"),
        ("compare", {}, "prompt 'compare' needs the arguments 'first', 'second'"),
        ("draw", {"what": "an owl", "size": "big"}, "prompt 'draw' has no argument 'size'; valid: what"),
        ("draw", {"waht": "an owl"}, "prompt 'draw' needs the argument 'what'; it has no argument 'waht'"),
        ("draw", {"ctx": "an owl", "what": "an owl"}, "prompt 'draw' has no argument 'ctx'"),
    ],
)
def test_what_is_asked_wrongly_is_an_error_of_the_request_and_no_defect_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str, name: str, arguments: dict[str, Any] | None, says: str
) -> None:
    async def talk(client: Client) -> None:
        with pytest.raises(MCPError) as refused:
            await client.get_prompt(name, arguments)
        assert refused.value.error.code == INVALID_PARAMS
        assert says in refused.value.error.message

    with caplog.at_level(logging.INFO):
        with_client(scripted_service(tmp_path), talk, mode)
    assert [record.getMessage() for record in caplog.records if record.exc_info or record.levelno > logging.INFO] == []


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("draw", {"what": "an owl"}, "create_image: an owl"),
        ("draw_step_by_step", {"what": "an owl"}, "step by step: an owl"),
        ("compare", {"first": "image-1", "second": "image-2"}, "in the thread mcp,"),
        ("compare", {"first": "image-1", "second": "image-2", "thread": ""}, "in the thread mcp,"),
        ("compare", {"first": "image-1", "second": "image-2", "thread": "sea"}, "in the thread sea,"),
    ],
)
def test_a_prompt_says_what_it_was_given(tmp_path: Path, name: str, arguments: dict[str, str], says: str) -> None:
    async def talk(client: Client) -> None:
        (message,) = (await client.get_prompt(name, arguments)).messages
        assert says in getattr(message.content, "text")  # noqa: B009 - of the content blocks only some have one

    with_client(scripted_service(tmp_path), talk)


def test_each_argument_is_described(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        for prompt in (await client.list_prompts()).prompts:
            assert prompt.description
            assert all(argument.description for argument in prompt.arguments or ())

    with_client(scripted_service(tmp_path), talk)
