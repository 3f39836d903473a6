"""The MCP door, with the SDK's own client: in process by both generations of the protocol, and over stdio."""

import asyncio
import base64
import contextlib
import io
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("mcp")

from mcp import Client, MCPError, StdioServerParameters, stdio_client

from imagerag.server.mcp.server import build_mcp
from imagerag.server.service import Service
from testing.scripted import STEPS
from testing.servers import Gate, Shelf, scripted_service

FIVE = {"generate", "inspect_image", "propose_captions", "search_references", "regenerate_with_references"}
LOOP = {"create_image", "start_image", "get_image", "answer_image", "cancel_image"}
MODES = ["auto", "legacy"]
LIMIT = 1_000_000
"""Bytes of a serialised result; clients cap it at about 1 MiB."""


def run(service: Service, talk: Callable[[Client], Awaitable[None]], mode: str = "auto") -> None:
    """Let a client talk to the studio's server in process."""

    async def main() -> None:
        async with Client(build_mcp(service), mode=mode) as client:
            await talk(client)

    try:
        asyncio.run(main())
    finally:
        service.close()


def size(result: Any) -> int:
    return len(result.model_dump_json(by_alias=True).encode())


@pytest.mark.parametrize("mode", MODES)
def test_every_tool_has_a_description_annotations_and_an_output_schema(tmp_path: Path, mode: str) -> None:
    async def talk(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == FIVE | LOOP
        for tool in tools.values():
            assert tool.description
            assert tool.output_schema is not None
            assert tool.output_schema["type"] == "object"
            assert tool.annotations is not None
            assert tool.annotations.open_world_hint is False
            assert all("description" in about for about in tool.input_schema["properties"].values())
        assert {name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint} == {
            "inspect_image",
            "propose_captions",
            "get_image",
        }

    run(scripted_service(tmp_path), talk, mode)


@pytest.mark.parametrize("mode", MODES)
def test_create_image_tells_its_progress_and_returns_words_preview_link_and_record(tmp_path: Path, mode: str) -> None:
    told: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async def talk(client: Client) -> None:
        arguments = {"prompt": "an owl", "seed": 7, "thread": "sea"}
        result = await client.call_tool("create_image", arguments, progress_callback=progress)
        assert not result.is_error
        words, picture, link = result.content
        record = result.structured_content
        assert words.type == "text"
        assert picture.type == "image"
        assert link.type == "resource_link"
        assert (record["status"], record["stop_reason"], record["thread"]) == ("done", "satisfied", "sea")
        assert record["image"]["uri"] == link.uri
        assert link.uri in words.text
        assert "image-1" in words.text
        assert Image.open(io.BytesIO(base64.b64decode(picture.data))).size == (16, 16)
        full = (await client.read_resource(link.uri)).contents[0]
        assert Image.open(io.BytesIO(base64.b64decode(full.blob))).getpixel((0, 0)) == (7, 0, 9)

    run(scripted_service(tmp_path), talk, mode)
    assert any("step 4 of 4" in text for text in told)
    assert any("scores 0.90" in text for text in told)


def test_the_five_tools_share_a_thread_with_the_loop(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        async def call(name: str, **arguments: Any) -> Any:
            result = await client.call_tool(name, {"thread": "sea", **arguments})
            assert not result.is_error, result.content
            return result.structured_content

        made = await call("create_image", prompt="an owl", seed=3)
        assert made["image"]["id"] == "image-1"
        drawn = await call("generate", prompt="a cat", seed=5)
        assert [image["id"] for image in drawn["images"]] == ["image-2"]
        seen = await call("inspect_image", image_id="image-2", concepts=["cat"])
        assert [concept["concept"] for concept in seen["concepts"]] == ["cat"]
        captions = (await call("propose_captions", concepts=["cat"]))["captions"]
        found = await call("search_references", captions=captions, k=2)
        assert [reference["id"] for reference in found["references"]] == ["ref-1", "ref-2"]
        redrawn = await call(
            "regenerate_with_references", prompt="a cat", reference_ids=["ref-1", "ref-2"], image_id="image-2"
        )
        assert redrawn["images"][0]["parent"] == "image-2"
        again = await call("create_image", prompt="now make it red")
        assert (again["prompt"], again["image"]["id"]) == ("a red cat", "image-4")
        thread = json.loads((await client.read_resource("imagerag://threads/sea")).contents[0].text)
        assert [image["id"] for image in thread["images"]] == ["image-1", "image-2", "image-3", "image-4"]

    run(scripted_service(tmp_path), talk)


def test_a_started_image_is_asked_after_and_cancelled_within_one_step(tmp_path: Path) -> None:
    gate = Gate()
    service = scripted_service(tmp_path, before_step=gate)

    async def talk(client: Client) -> None:
        first = (await client.call_tool("start_image", {"prompt": "an owl"})).structured_content
        second = (await client.call_tool("start_image", {"prompt": "a cat"})).structured_content
        await asyncio.to_thread(gate.reached.acquire)
        waiting = (await client.call_tool("get_image", {"run_id": second["run_id"]})).structured_content
        assert (waiting["status"], waiting["position"]) == ("queued", 1)
        cancel = asyncio.create_task(client.call_tool("cancel_image", {"run_id": first["run_id"]}))
        while not service.run(first["run_id"], "").job.cancelled.is_set():
            await asyncio.sleep(0.01)
        gate.open.set()
        assert (await cancel).structured_content["status"] == "cancelled"
        done = await client.call_tool("get_image", {"run_id": second["run_id"], "wait_seconds": 20})
        assert done.structured_content["status"] == "done"

    run(service, talk)
    # One step of the first was done when it was cancelled, and the second went through all of its own.
    assert service.components.generator.steps_done <= 2 + STEPS


def test_a_client_that_gives_up_stops_the_run(tmp_path: Path) -> None:
    gate = Gate()
    service = scripted_service(tmp_path, before_step=gate)

    async def talk(client: Client) -> None:
        call = asyncio.create_task(client.call_tool("create_image", {"prompt": "an owl"}))
        await asyncio.to_thread(gate.reached.acquire)
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
        (given_up,) = service.register._runs.values()
        while not given_up.job.cancelled.is_set():
            await asyncio.sleep(0.01)
        gate.open.set()
        assert await asyncio.to_thread(given_up.wait, 10)
        assert given_up.output["stop_reason"] == "cancelled"

    run(service, talk)


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("generate", {"prompt": " "}, "prompt has an empty text"),
        ("generate", {}, "prompt"),
        ("generate", {"prompt": "an owl", "thread": "../up"}, "'../up' is not a name"),
        ("inspect_image", {"image_id": "image-9"}, "'image-9' is not an image or a reference of this thread"),
        ("regenerate_with_references", {"prompt": "owl", "reference_ids": ["ref-9"]}, "'ref-9' is not a reference"),
        ("create_image", {"prompt": "  "}, "the prompt '' is empty"),
        ("create_image", {"prompt": "owl", "n": 99}, "less than or equal to 16"),
        ("get_image", {"run_id": "nothing"}, "'nothing' is not a run of yours"),
    ],
)
def test_a_bad_argument_is_an_error_result_that_says_what_is_valid(
    tmp_path: Path, name: str, arguments: dict[str, Any], says: str
) -> None:
    async def talk(client: Client) -> None:
        result = await client.call_tool(name, arguments)
        assert result.is_error
        assert says in result.content[0].text

    run(scripted_service(tmp_path), talk)


def test_a_full_queue_is_an_error_result_with_a_time(tmp_path: Path) -> None:
    gate = Gate()

    async def talk(client: Client) -> None:
        for _ in range(9):
            assert not (await client.call_tool("start_image", {"prompt": "an owl"})).is_error
        refused = await client.call_tool("start_image", {"prompt": "an owl"})
        assert refused.is_error
        assert "try again in about" in refused.content[0].text
        gate.open.set()

    run(scripted_service(tmp_path, before_step=gate), talk)


def test_an_image_of_nobody_is_not_found(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        for uri in ("imagerag://images/" + "0" * 32, "imagerag://images/..%2f..%2fetc", "imagerag://threads/none"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    run(scripted_service(tmp_path), talk)


def test_the_largest_results_stay_below_the_clients_limit_and_tell_no_server_path(tmp_path: Path) -> None:
    long = "x" * 4000
    results: list[Any] = []

    async def talk(client: Client) -> None:
        captions = [{"concept": f"{number} {long}"[:4000], "caption": long} for number in range(16)]
        results.append(await client.call_tool("search_references", {"captions": captions, "k": 20}))
        results.append(await client.call_tool("propose_captions", {"concepts": [long] * 50, "per_concept": 5}))
        results.append(await client.call_tool("create_image", {"prompt": "owl " * 900, "n": 16}))
        results.append(await client.call_tool("generate", {"prompt": long}))
        results.append(await client.call_tool("inspect_image", {"image_id": "image-1", "concepts": [long] * 100}))
        results.append(await client.call_tool("inspect_image", {"image_id": long}))
        many = {"image_id": "image-1", "concepts": ["owl"] * 50_000}
        results.append(await client.call_tool("inspect_image", many))

    run(scripted_service(tmp_path, scores=[0.1], index=Shelf(long)), talk)
    assert [size(result) for result in results if size(result) >= LIMIT] == []
    assert len(results[0].structured_content["references"]) == 320
    assert not any(str(tmp_path) in result.model_dump_json() or "/server/side" in str(result) for result in results)


def test_prompts_and_resources_are_offered(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}
        assert prompts == {"draw", "draw_step_by_step", "compare"}
        message = (await client.get_prompt("draw", {"what": "an owl"})).messages[0]
        assert "create_image: an owl" in message.content.text
        templates = {entry.uri_template for entry in (await client.list_resource_templates()).resource_templates}
        assert templates == {"imagerag://images/{image}", "imagerag://threads/{thread}"}
        await client.call_tool("create_image", {"prompt": "an owl", "thread": "sea"})
        listed = (await client.list_resources()).resources
        assert [resource.name for resource in listed] == ["sea/image-1"]

    run(scripted_service(tmp_path), talk)


@contextlib.asynccontextmanager
async def over_stdio(home: Path) -> AsyncIterator[Client]:
    """A client of ``imagerag mcp``, a process of its own with the embedded engine."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "imagerag", "mcp", "--home", str(home), "--max-generations", "2"],
        env={"OMP_NUM_THREADS": "1"},
    )
    async with Client(stdio_client(server)) as client:
        yield client


def test_the_embedded_engine_draws_over_stdio(tmp_path: Path) -> None:
    async def main() -> None:
        async with over_stdio(tmp_path) as client:
            result = await client.call_tool("create_image", {"prompt": "an owl", "seed": 7})
            assert not result.is_error, result.content
            assert result.structured_content["image"]["score"] > 0
            assert size(result) < LIMIT

    asyncio.run(main())
