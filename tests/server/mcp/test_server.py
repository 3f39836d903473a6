"""The MCP server's tools, prompts and resources, with the SDK's own client, both generations of the protocol."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from testing.mcp_clients import MODES, with_client
from testing.servers import scripted_service

pytest.importorskip("mcp")
from mcp import Client

FIVE = {"generate", "inspect_image", "propose_captions", "search_references", "regenerate_with_references"}
LOOP = {"create_image", "start_image", "get_image", "answer_image", "cancel_image"}


def assert_clean(description: str | None) -> None:
    assert description
    assert description == inspect.cleandoc(description).strip()


@pytest.mark.parametrize("mode", MODES)
def test_every_tool_has_a_description_annotations_and_an_output_schema(tmp_path: Path, mode: str) -> None:
    async def talk(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == FIVE | LOOP
        for tool in tools.values():
            assert_clean(tool.description)
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

        for listed in (
            *(await client.list_prompts()).prompts,
            *(await client.list_resource_templates()).resource_templates,
        ):
            assert_clean(listed.description)

    with_client(scripted_service(tmp_path), talk, mode)


@pytest.mark.parametrize("mode", MODES)
def test_clients_that_end_a_call_early_are_told_what_to_use(tmp_path: Path, mode: str) -> None:
    async def talk(client: Client) -> None:
        create = next(tool for tool in (await client.list_tools()).tools if tool.name == "create_image")
        for text in (client.instructions, create.description):
            assert text is not None
            told = " ".join(text.split())
            assert "end a call after 5 seconds or a minute" in told
            assert told.index("start_image") < told.index("get_image")

    with_client(scripted_service(tmp_path), talk, mode)


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

    with_client(scripted_service(tmp_path), talk)


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

    with_client(scripted_service(tmp_path), talk)


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

    with_client(scripted_service(tmp_path), talk)
