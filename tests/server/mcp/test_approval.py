"""Approval over MCP: asked by elicitation in both generations of the protocol, or answered by a tool."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from imagerag.server.mcp.approval import can_ask, form, kept, names
from imagerag.server.mcp.server import build_mcp
from imagerag.server.service import Service
from testing.servers import Served, scripted_service, waiting_run

pytest.importorskip("mcp")
from mcp import Client
from mcp.types import (
    ClientCapabilities,
    ElicitationCapability,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    FormElicitationCapability,
    UrlElicitationCapability,
)

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


PROPOSED = ["ref-1", "ref-2"]


def accepted(keep: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"keep": keep})


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("said", "status", "references"),
    [
        (accepted(["ref-2"]), "done", ["ref-2"]),
        (accepted(["ref-3", "ref-1", "ref-3"]), "done", ["ref-3", "ref-1"]),
        (accepted(PROPOSED), "done", PROPOSED),
        # A client may show any field as a line of text.
        (accepted("ref-3, ref-1"), "done", ["ref-3", "ref-1"]),
        (accepted([]), "cancelled", []),
        (accepted(""), "cancelled", []),
        (accepted("no redraw"), "cancelled", []),
        (ElicitResult(action="decline"), "cancelled", []),
        (ElicitResult(action="cancel"), "cancelled", []),
        (ElicitResult(action="decline", content={"keep": PROPOSED}), "cancelled", []),
    ],
)
def test_the_person_is_asked_where_the_client_can(
    tmp_path: Path, mode: str, said: ElicitResult, status: str, references: list[str]
) -> None:
    asked: list[str] = []

    async def talk(client: Client) -> None:
        result = (await client.call_tool("create_image", ASKED)).structured_content
        assert result is not None
        assert result["status"] == status
        assert result["images"][-1]["references"] == references
        assert "Redraw with ref-1, ref-2?" in asked[0]
        assert "'a square' for 'owl', shelf, CC0" in asked[0]
        assert not any("not redrawn" in note for note in result["notes"])

    run(scripted_service(tmp_path, scores=[0.3, 0.9]), talk, mode=mode, elicitation_callback=person([said], asked))


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("said", "why"),
    [
        (accepted("ref-9"), "names other things than references found (ref-1, ref-2"),
        (accepted(["ref-1", "ref-9"]), "names other things than references found"),
        (accepted("yes"), "names other things than references found"),
        (accepted(True), "names other things than references found"),
        (accepted(1), "names other things than references found"),
        (accepted(None), "names other things than references found"),
        (ElicitResult(action="accept", content={}), "names other things than references found"),
        (ElicitResult(action="accept"), "names other things than references found"),
        (ElicitResult(action="accept", content={"answer": "ref-1"}), "names other things than references found"),
        (accepted(["ref-1", "ref-2", "ref-3", "ref-4"]), "names 4 references, of which at most 3 can be used"),
    ],
)
def test_an_answer_that_is_none_is_a_no_and_told(tmp_path: Path, mode: str, said: ElicitResult, why: str) -> None:
    asked: list[str] = []

    async def talk(client: Client) -> None:
        called = await client.call_tool("create_image", ASKED)
        assert not called.is_error
        result = called.structured_content
        assert result is not None
        assert (result["status"], len(result["images"])) == ("cancelled", 1)
        assert any("not redrawn" in note and why in note for note in result["notes"])

    service = scripted_service(tmp_path, scores=[0.3, 0.9])
    run(service, talk, mode=mode, elicitation_callback=person([said], asked))
    assert len(asked) == 1


def test_any_of_the_references_can_be_chosen_and_those_of_the_redraw_are(tmp_path: Path) -> None:
    service = scripted_service(tmp_path, scores=[0.3])
    try:
        schema = form(waiting_run(service), "2025-11-25")
        assert schema == form(waiting_run(service, "shore"), "2026-07-28")
    finally:
        service.close()
    field = schema["properties"]["keep"]
    assert schema["required"] == ["keep"]
    assert (field["type"], field["default"], field["maxItems"]) == ("array", PROPOSED, 3)
    assert set(field["items"]) == {"anyOf"}
    choices = {choice["const"]: choice["title"] for choice in field["items"]["anyOf"]}
    assert {"ref-1", "ref-2", "ref-3"} <= set(choices)
    assert choices["ref-1"] == "ref-1: 'a square' for 'owl', shelf, CC0"


@pytest.mark.slow
@pytest.mark.parametrize("version", ["2025-06-18", "2025-03-26", "", "a version of tomorrow"])
def test_older_clients_choose_one_of_what_can_be_drawn_with(tmp_path: Path, version: str) -> None:
    service = scripted_service(tmp_path, scores=[0.3])
    try:
        waits = waiting_run(service)
        field = form(waits, version)["properties"]["keep"]
        for choice in field["enum"]:
            assert kept(waits, {"keep": choice}) == ([] if choice == "no redraw" else names(choice))
    finally:
        service.close()
    assert (field["type"], field["enum"][0], field["enum"][-1]) == ("string", "ref-1, ref-2", "no redraw")
    assert {"ref-1", "ref-2", "ref-3"} <= set(field["enum"])
    assert len(field["enumNames"]) == len(field["enum"])
    assert "default" not in field


def test_an_older_client_is_asked_in_its_own_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp.client.session.LATEST_HANDSHAKE_VERSION", "2025-06-18")
    fields: list[Any] = []

    async def answers(context: Any, params: Any) -> ElicitResult:
        fields.append(params.requested_schema["properties"]["keep"])
        return accepted(fields[-1]["enum"][0])

    async def talk(client: Client) -> None:
        result = (await client.call_tool("create_image", ASKED)).structured_content
        assert result is not None
        assert result["image"]["references"] == PROPOSED

    service = scripted_service(tmp_path, scores=[0.3, 0.9])
    run(service, talk, mode="legacy", elicitation_callback=answers)
    assert len(fields) == 1


def test_a_client_that_fails_to_ask_is_told_that_the_run_waits(tmp_path: Path) -> None:
    async def fails(context: Any, params: Any) -> ErrorData:
        return ErrorData(code=-32603, message="no window to show a form in")

    async def talk(client: Client) -> None:
        called = await client.call_tool("create_image", ASKED)
        assert not called.is_error
        waits = called.structured_content
        assert waits is not None
        assert (waits["status"], waits["chosen"], len(waits["images"])) == ("asking", PROPOSED, 1)
        assert any("no window to show a form in" in note for note in waits["notes"])
        await client.call_tool("answer_image", {"run_id": waits["run_id"], "keep": ["ref-1"]})
        done = (await client.call_tool("get_image", {"run_id": waits["run_id"], "wait_seconds": 20})).structured_content
        assert done is not None
        assert done["image"]["references"] == ["ref-1"]

    run(scripted_service(tmp_path, scores=[0.3, 0.9]), talk, mode="legacy", elicitation_callback=fails)


@pytest.mark.parametrize(
    ("elicitation", "can"),
    [
        (None, False),
        (ElicitationCapability(), True),
        (ElicitationCapability(form=FormElicitationCapability()), True),
        (ElicitationCapability(url=UrlElicitationCapability()), False),
        (ElicitationCapability(form=FormElicitationCapability(), url=UrlElicitationCapability()), True),
    ],
)
def test_a_client_that_only_opens_addresses_is_shown_no_form(
    elicitation: ElicitationCapability | None, can: bool
) -> None:
    class Call:
        client_capabilities = ClientCapabilities(elicitation=elicitation)

    call: Any = Call()
    assert can_ask(call) is can


@pytest.mark.slow
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
