"""MCP's tools that run the whole loop: progress, cancellation, a full queue."""

import asyncio
import base64
import contextlib
import io
from pathlib import Path

import pytest
from PIL import Image

from testing.mcp_clients import MODES, with_client
from testing.scripted import STEPS
from testing.servers import Gate, scripted_service

pytest.importorskip("mcp")
from mcp import Client, MCPError


@pytest.mark.parametrize("mode", MODES)
def test_create_image_tells_its_progress_and_returns_words_preview_and_record(tmp_path: Path, mode: str) -> None:
    told: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async def talk(client: Client) -> None:
        arguments = {"prompt": "an owl", "seed": 7, "thread": "sea"}
        result = await client.call_tool("create_image", arguments, progress_callback=progress)
        assert not result.is_error
        words, picture = result.content
        record = result.structured_content
        assert words.type == "text"
        assert picture.type == "image"
        assert (record["status"], record["stop_reason"], record["thread"]) == ("done", "satisfied", "sea")
        address = record["image"]["uri"]
        assert address in words.text
        assert "image-1" in words.text
        assert Image.open(io.BytesIO(base64.b64decode(picture.data))).size == (16, 16)
        full = (await client.read_resource(address)).contents[0]
        assert Image.open(io.BytesIO(base64.b64decode(full.blob))).getpixel((0, 0)) == (7, 0, 9)

    with_client(scripted_service(tmp_path), talk, mode)
    assert any("step 4 of 4" in text for text in told)
    assert any("scores 0.90" in text for text in told)


def test_a_size_is_drawn_for(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        result = await client.call_tool("create_image", {"prompt": "an owl", "size": "2:1"})
        assert Image.open(io.BytesIO(base64.b64decode(result.content[1].data))).size == (16, 8)
        refused = await client.call_tool("create_image", {"prompt": "an owl", "size": "wide"})
        assert refused.is_error
        assert "size 'wide' is not WIDTHxHEIGHT" in refused.content[0].text

    with_client(scripted_service(tmp_path), talk, MODES[0])


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

    with_client(service, talk)
    # One step of the first was done when it was cancelled, and the second went through all of its own.
    assert service.components.generator.steps_done <= 2 + STEPS


def test_a_client_that_gives_up_stops_the_run(tmp_path: Path) -> None:
    gate = Gate()
    service = scripted_service(tmp_path, before_step=gate)

    async def talk(client: Client) -> None:
        call = asyncio.create_task(client.call_tool("create_image", {"prompt": "an owl"}))
        await asyncio.to_thread(gate.reached.acquire)
        (given_up,) = service.register.under_way()
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
        while not given_up.job.cancelled.is_set():
            await asyncio.sleep(0.01)
        gate.open.set()
        assert await asyncio.to_thread(given_up.wait, 10)
        assert given_up.output["stop_reason"] == "cancelled"

    with_client(service, talk)


def test_a_full_queue_is_an_error_result_with_a_time(tmp_path: Path) -> None:
    gate = Gate()

    async def talk(client: Client) -> None:
        for _ in range(9):
            assert not (await client.call_tool("start_image", {"prompt": "an owl"})).is_error
        refused = await client.call_tool("start_image", {"prompt": "an owl"})
        assert refused.is_error
        assert "try again in about" in refused.content[0].text
        gate.open.set()

    with_client(scripted_service(tmp_path, before_step=gate), talk)


def test_an_image_of_nobody_is_not_found(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        for uri in ("imagerag://images/" + "0" * 32, "imagerag://images/..%2f..%2fetc", "imagerag://threads/none"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    with_client(scripted_service(tmp_path), talk)
