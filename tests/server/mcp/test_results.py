"""The size and the content of MCP results."""

from pathlib import Path
from typing import Any

import pytest

from testing.mcp_clients import RESULT_LIMIT, serialised_size, with_client
from testing.servers import Shelf, scripted_service

pytest.importorskip("mcp")
from mcp import Client


@pytest.mark.slow
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

    with_client(scripted_service(tmp_path, scores=[0.1], index=Shelf(long)), talk)
    assert [serialised_size(result) for result in results if serialised_size(result) >= RESULT_LIMIT] == []
    assert len(results[0].structured_content["references"]) == 320
    assert not any(str(tmp_path) in result.model_dump_json() or "/server/side" in str(result) for result in results)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("generate", {"prompt": "an owl"}),
        ("inspect_image", {"image_id": "image-1"}),
        ("propose_captions", {"concepts": ["owl"]}),
        ("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}], "k": 3}),
        ("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["ref-1"]}),
        ("create_image", {"prompt": "an owl"}),
    ],
)
def test_results_hold_text_and_base64_images_alone_and_name_each_address_in_the_text(
    tmp_path: Path, name: str, arguments: dict[str, Any]
) -> None:
    """Clients turn a link to an image into an image with that address, which no provider of a chat model can fetch."""

    async def talk(client: Client) -> None:
        await client.call_tool("generate", {"prompt": "an owl", "thread": "sea"})
        captions = [{"concept": "owl", "caption": "an owl"}]
        await client.call_tool("search_references", {"captions": captions, "k": 3, "thread": "sea"})
        result = await client.call_tool(name, {**arguments, "thread": "sea"})
        assert not result.is_error, result.content
        assert {block.type for block in result.content} <= {"text", "image"}
        record = result.structured_content
        assert record is not None
        found = [record["image"]] if "image" in record else [*record.get("images", []), *record.get("references", [])]
        text = getattr(result.content[0], "text")  # noqa: B009 - of the content blocks only some have one
        for one in found:
            assert one["uri"] in text
            assert (await client.read_resource(one["uri"])).contents

    with_client(scripted_service(tmp_path), talk)


def test_a_turn_that_is_answered_shows_the_picture_as_it_stands(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        await client.call_tool("create_image", {"prompt": "an owl", "thread": "sea"})
        result = await client.call_tool("create_image", {"prompt": "what did you draw?", "thread": "sea"})
        assert not result.is_error
        record = result.structured_content
        assert record["stop_reason"] == "answered"
        assert record["image"]["id"] == "image-1"
        assert record["images"] == []
        assert "'an owl'" in record["answer"]
        assert record["answer"] in result.content[0].text
        assert "the picture as it stands: image-1" in result.content[0].text

    with_client(scripted_service(tmp_path, scores=[0.9]), talk)
