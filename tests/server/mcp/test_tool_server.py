"""Whose a request of the MCP server is: resources are listed to their owner alone."""

import asyncio
import contextlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from imagerag.server.database import ANONYMOUS
from imagerag.server.mcp.server import build_mcp
from testing.mcp_clients import MODES, with_client
from testing.servers import scripted_service

pytest.importorskip("mcp")
from mcp import Client
from mcp.types import ElicitResult, PromptReference


def test_two_clients_at_once_are_listed_their_own_images_alone(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    both_draw = asyncio.Barrier(2)

    async def draws(name: str) -> list[str]:
        async with Client(build_mcp(service, lambda headers: name)) as client:
            await client.call_tool("generate", {"prompt": "an owl", "thread": name})
            await both_draw.wait()
            return [resource.name for resource in (await client.list_resources()).resources]

    async def main() -> list[list[str]]:
        return list(await asyncio.gather(draws("alpha"), draws("beta")))

    try:
        assert asyncio.run(main()) == [["alpha/image-1"], ["beta/image-1"]]
    finally:
        service.close()


def test_outside_of_any_request_nobody_is_listed_anything(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    server = build_mcp(service)
    try:
        assert server.asking_client() == ANONYMOUS
        assert asyncio.run(server.list_resources()) == []
    finally:
        service.close()


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["create_image", "generate"])
@pytest.mark.parametrize("strange", [{"quality": "high"}, {"sessionId": "1", "toolCallId": "2"}])
def test_an_argument_that_a_tool_does_not_take_is_told_not_dropped_in_silence(
    tmp_path: Path, mode: str, name: str, strange: dict[str, str]
) -> None:
    """Some clients add arguments of their own to every call, so that it is no error."""

    async def talk(client: Client) -> None:
        result = await client.call_tool(name, {"prompt": "an owl", **strange})
        assert not result.is_error
        told = [block.text for block in result.content if block.type == "text"]
        named = ", ".join(map(repr, strange))
        assert told[-1].startswith(f"ignored, for {name} takes no such argument: {named}; valid: prompt, ")
        plain = await client.call_tool(name, {"prompt": "an owl"})
        assert not any("ignored" in block.text for block in plain.content if block.type == "text")

    with_client(scripted_service(tmp_path), talk, mode)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("create_image", {}, "create_image: prompt: Field required"),
        ("create_image", {"prompt": 5}, "create_image: prompt: Input should be a valid string, not 5"),
        (
            "create_image",
            {"prompt": "owl", "n": 99},
            "create_image: n: Input should be less than or equal to 16, not 99",
        ),
        ("create_image", {"prompt": "owl", "mode": "fast"}, "mode: Input should be 'auto'"),
        ("answer_image", {"run_id": "x", "keep": [["ref-1"]]}, "keep.0: Input should be a valid string, not ['ref-1']"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_one_clear_line(
    tmp_path: Path, name: str, arguments: dict[str, Any], says: str
) -> None:
    async def talk(client: Client) -> None:
        result = await client.call_tool(name, arguments)
        assert result.is_error
        (block,) = result.content
        assert block.type == "text"
        assert says in block.text
        assert "\n" not in block.text
        assert "pydantic" not in block.text

    with_client(scripted_service(tmp_path), talk)


def test_no_file_or_database_work_happens_on_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = scripted_service(tmp_path, scores=[0.3, 0.9])
    on_the_loop: list[str] = []

    def watched(name: str, function: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop()
                on_the_loop.append(name)
            return function(*arguments, **named)

        return call

    for owner in (service.database, service.threads):
        for name, _ in inspect.getmembers(type(owner), inspect.isfunction):
            if not name.startswith("__") and name != "config":
                monkeypatch.setattr(owner, name, watched(name, getattr(owner, name)))
    monkeypatch.setattr(service, "picture", watched("picture", service.picture))

    async def answers(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"keep": ["ref-1"]})

    async def main() -> None:
        for mode in MODES:
            async with Client(build_mcp(service), mode=mode, elicitation_callback=answers) as client:
                made = await client.call_tool("create_image", {"prompt": "an owl", "approve": True, "thread": "sea"})
                assert made.structured_content is not None
                await client.read_resource(made.structured_content["images"][0]["uri"])
                await client.read_resource("imagerag://threads/sea")
                await client.list_resources()
                await client.complete(PromptReference(name="compare"), {"name": "thread", "value": ""})
                await client.call_tool("inspect_image", {"image_id": "image-1", "thread": "sea"})
                begun = await client.call_tool("start_image", {"prompt": "a cat"})
                assert begun.structured_content is not None
                run_id = begun.structured_content["run_id"]
                await client.call_tool("get_image", {"run_id": run_id, "wait_seconds": 20})
                await client.call_tool("cancel_image", {"run_id": run_id})
                await client.call_tool("answer_image", {"run_id": run_id, "keep": []})

    try:
        asyncio.run(main())
    finally:
        service.close()
    assert sorted(set(on_the_loop)) == []
