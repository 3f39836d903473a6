"""Argument completion over MCP: what the client who asks has, and what no other client has."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from imagerag.server.database import ANONYMOUS
from imagerag.server.mcp.server import build_mcp
from imagerag.server.service import Service
from testing.mcp_clients import MODES, with_client
from testing.servers import scripted_service

pytest.importorskip("mcp")
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS, PromptReference, ResourceTemplateReference

IMAGES = ResourceTemplateReference(uri="imagerag://images/{image}")
THREADS = ResourceTemplateReference(uri="imagerag://threads/{thread}")
COMPARE = PromptReference(name="compare")
DRAW = PromptReference(name="draw")


async def drawn(client: Client, *threads: str) -> list[str]:
    """Draw in each thread and return the images' ids in their addresses."""
    made = []
    for thread in threads:
        result = await client.call_tool("generate", {"prompt": f"an owl in {thread}", "thread": thread})
        assert result.structured_content is not None
        made.append(result.structured_content["images"][0]["uri"].rpartition("/")[2])
    return made


async def suggested(client: Client, reference: Any, name: str, value: str = "", **earlier: str) -> list[str]:
    result = await client.complete(reference, {"name": name, "value": value}, context_arguments=earlier or None)
    assert result.completion.total == len(result.completion.values)
    assert result.completion.has_more is False
    return result.completion.values


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_images_threads_and_prompts_arguments_are_completed(tmp_path: Path, mode: str) -> None:
    async def talk(client: Client) -> None:
        first, second, third = await drawn(client, "sea", "sea", "shore")
        assert set(await suggested(client, IMAGES, "image")) == {first, second, third}
        assert await suggested(client, IMAGES, "image", first[:12]) == [first]
        assert await suggested(client, IMAGES, "image", "nothing") == []
        # By what a person remembers of it: its thread, its name, its words.
        assert await suggested(client, IMAGES, "image", "shore/image-1") == [third]
        assert await suggested(client, IMAGES, "image", "OWL in shore") == [third]
        assert set(await suggested(client, THREADS, "thread")) == {"sea", "shore"}
        assert await suggested(client, THREADS, "thread", "sh") == ["shore"]
        assert await suggested(client, COMPARE, "thread", "se") == ["sea"]
        assert await suggested(client, COMPARE, "first", thread="sea") == ["image-1", "image-2"]
        assert await suggested(client, COMPARE, "first", thread="shore") == ["image-1"]
        assert await suggested(client, COMPARE, "second", thread="sea", first="image-1") == ["image-2"]
        assert await suggested(client, COMPARE, "first") == []
        assert await suggested(client, DRAW, "what", "an o") == []

    with_client(scripted_service(tmp_path), talk, mode)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reference", "name", "says"),
    [
        (PromptReference(name="drow"), "what", "no prompt 'drow'"),
        (DRAW, "waht", "no argument 'waht'; valid: what"),
        (ResourceTemplateReference(uri="imagerag://pictures/{image}"), "image", "no resource template"),
        (IMAGES, "thread", "no argument 'thread'; valid: image"),
    ],
)
def test_what_can_not_be_completed_is_an_error_of_the_request(
    tmp_path: Path, reference: Any, name: str, says: str
) -> None:
    async def talk(client: Client) -> None:
        with pytest.raises(MCPError) as refused:
            await client.complete(reference, {"name": name, "value": ""})
        assert refused.value.error.code == INVALID_PARAMS
        assert says in refused.value.error.message

    with_client(scripted_service(tmp_path), talk)


def test_no_more_than_a_hundred_are_suggested_and_their_number_is_told(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    for number in range(120):
        record: Any = {"id": "image-1", "sha256": f"{number:064x}", "prompt": "an owl"}
        service.database.enter("", f"thread-{number}", [record])

    async def talk(client: Client) -> None:
        for reference, name in ((IMAGES, "image"), (THREADS, "thread")):
            completion = (await client.complete(reference, {"name": name, "value": ""})).completion
            assert (len(completion.values), completion.total, completion.has_more) == (100, 120, True)

    with_client(service, talk)


def as_client(service: Service, name: str, talk: Callable[[Client], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Client(build_mcp(service, lambda headers: name)) as client:
            await talk(client)

    asyncio.run(main())


def test_no_client_is_told_what_another_has_nor_those_who_can_not_be_told_apart(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)

    async def draws(client: Client) -> None:
        await drawn(client, "sea")

    async def sees_its_own(client: Client) -> None:
        assert await suggested(client, THREADS, "thread") == ["sea"]
        assert len(await suggested(client, IMAGES, "image")) == 1

    async def sees_nothing(client: Client) -> None:
        assert await suggested(client, THREADS, "thread") == []
        assert await suggested(client, IMAGES, "image") == []
        assert await suggested(client, COMPARE, "first", thread="sea") == []
        assert (await client.list_resources()).resources == []

    try:
        for name in ("alpha", ANONYMOUS):
            as_client(service, name, draws)
        as_client(service, "alpha", sees_its_own)
        as_client(service, "beta", sees_nothing)
        as_client(service, ANONYMOUS, sees_nothing)
    finally:
        service.close()
