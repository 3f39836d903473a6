"""Approval over MCP: asked by elicitation in both generations of the protocol, or answered by a tool."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from imagerag.server.mcp.approval import names
from imagerag.server.mcp.server import build_mcp
from imagerag.server.service import Service
from testing.servers import Served, scripted_service, waiting_run

pytest.importorskip("mcp")
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

MODES = ["auto", "legacy"]
ASKED = {"prompt": "an owl", "approve": True}


def run(service: Service, talk: Callable[[Client], Awaitable[None]], **settings: Any) -> None:
    async def main() -> None:
        async with Client(build_mcp(service), **settings) as client:
            await talk(client)

    try:
        asyncio.run(main())
    finally:
        service.close()


def person(answers: list[ElicitResult], asked: list[str]) -> Callable[..., Awaitable[ElicitResult]]:
    async def answer(context: Any, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return answers[len(asked) - 1]

    return answer


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("answers", "status", "references"),
    [
        ([ElicitResult(action="accept", content={"keep": "ref-2"})], "done", ["ref-2"]),
        ([ElicitResult(action="accept", content={"keep": "ref-9"})] * 2, "done", ["ref-3", "ref-1"]),
        ([ElicitResult(action="accept", content={"keep": ""})], "cancelled", []),
        ([ElicitResult(action="decline")], "cancelled", []),
    ],
    ids=["one", "asked again", "none", "declined"],
)
def test_the_person_is_asked_where_the_client_can(
    tmp_path: Path, mode: str, answers: list[ElicitResult], status: str, references: list[str]
) -> None:
    asked: list[str] = []
    if len(answers) == 2:
        answers = [answers[0], ElicitResult(action="accept", content={"keep": "ref-3, ref-1"})]

    async def talk(client: Client) -> None:
        result = (await client.call_tool("create_image", ASKED)).structured_content
        assert result is not None
        assert result["status"] == status
        assert result["images"][-1]["references"] == references
        assert len(asked) == len(answers)
        assert "Redraw with ref-1, ref-2?" in asked[0]
        assert "'a square' for 'owl', shelf, CC0" in asked[0]

    run(scripted_service(tmp_path, scores=[0.3, 0.9]), talk, mode=mode, elicitation_callback=person(answers, asked))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["create_image", "start_image"])
def test_a_client_that_can_not_ask_is_told_that_it_waits_and_answers_with_a_tool(
    tmp_path: Path, mode: str, name: str
) -> None:
    async def talk(client: Client) -> None:
        begun = (await client.call_tool(name, ASKED)).structured_content
        assert begun is not None
        asking = await client.call_tool("get_image", {"run_id": begun["run_id"], "wait_seconds": 20})
        assert asking.structured_content is not None
        assert (asking.structured_content["status"], asking.structured_content["chosen"]) == (
            "asking",
            ["ref-1", "ref-2"],
        )
        assert "give it with answer_image" in asking.content[0].text
        wrong = await client.call_tool("answer_image", {"run_id": begun["run_id"], "keep": ["ref-77"]})
        assert wrong.is_error
        assert "'ref-77' is not among the references found; valid: ref-1, ref-2" in wrong.content[0].text
        await client.call_tool("answer_image", {"run_id": begun["run_id"], "keep": ["ref-1", "ref-3"]})
        done = await client.call_tool("get_image", {"run_id": begun["run_id"], "wait_seconds": 20})
        assert done.structured_content is not None
        assert done.structured_content["status"] == "done"
        assert done.structured_content["image"]["references"] == ["ref-1", "ref-3"]
        again = await client.call_tool("answer_image", {"run_id": begun["run_id"], "keep": []})
        assert "asks nothing" in again.content[0].text

    run(scripted_service(tmp_path, scores=[0.3, 0.9]), talk, mode=mode)


@pytest.mark.parametrize("mode", MODES)
def test_the_person_is_asked_over_http_too(tmp_path: Path, mode: str) -> None:
    served = Served(scripted_service(tmp_path, scores=[0.3, 0.9]))
    asked: list[str] = []

    async def main() -> None:
        answers = [ElicitResult(action="accept", content={"keep": "ref-2"})]
        async with Client(served.url + "/mcp", mode=mode, elicitation_callback=person(answers, asked)) as client:
            result = (await client.call_tool("create_image", ASKED)).structured_content
            assert result is not None
            assert result["image"]["references"] == ["ref-2"]

    try:
        asyncio.run(main())
    finally:
        served.stop()
    assert len(asked) == 1


def test_over_mcp_a_question_is_answered_after_a_restart(tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    from mcp import Client

    from imagerag.server.mcp.server import build_mcp

    service = scripted_service(tmp_path, scores=[0.3])
    run_id = waiting_run(service).id
    service.close()
    again = scripted_service(tmp_path, scores=[0.9])

    async def talk() -> Any:
        async with Client(build_mcp(again)) as client:
            await client.call_tool("answer_image", {"run_id": run_id, "keep": ["ref-1"]})
            return (await client.call_tool("get_image", {"run_id": run_id, "wait_seconds": 20})).structured_content

    try:
        done = asyncio.run(talk())
    finally:
        again.close()
    assert (done["status"], done["image"]["references"]) == ("done", ["ref-1"])


def test_ids_are_parted_by_commas_or_spaces() -> None:
    assert names("ref-1, ref-2 ref-3,,") == ["ref-1", "ref-2", "ref-3"]
    assert names(" ") == []
