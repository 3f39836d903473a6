"""Progress over MCP: each notification is more than the one before, and the total is told where it is known."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from imagerag.server.mcp.progress import Progress
from testing.mcp_clients import MODES, with_client
from testing.scripted import STEPS
from testing.servers import Gate, scripted_service

pytest.importorskip("mcp")
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

Told = list[tuple[float, float | None, str]]


def step(done: int, total: int, what: str = "drawing") -> Mapping[str, Any]:
    return {"event": "progress", "what": what, "done": done, "total": total}


def listening(told: Told) -> Any:
    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append((done, total, message or ""))

    return progress


def assert_rising(told: Sequence[tuple[float, float | None, str]]) -> None:
    done = [one[0] for one in told]
    assert done == sorted(set(done))
    totals = [one[1] for one in told if one[1] is not None]
    assert totals == sorted(totals)
    assert all(one[1] is None or one[0] <= one[1] for one in told)
    first = next((place for place, one in enumerate(told) if one[1] is not None), len(told))
    assert all(one[1] is not None for one in told[first:]), "the total is not known any more"


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("generations", [1, 3])
def test_the_total_is_what_the_budget_allows(tmp_path: Path, mode: str, generations: int) -> None:
    told: Told = []

    async def talk(client: Client) -> None:
        ask = {"prompt": "an owl", "max_generations": generations}
        await client.call_tool("create_image", ask, progress_callback=listening(told))

    with_client(scripted_service(tmp_path, scores=[0.3, 0.4, 0.5]), talk, mode)
    assert_rising(told)
    steps = [one for one in told if "step" in one[2]]
    assert [one[1] for one in steps] == [generations * STEPS] * len(steps)
    assert steps[0][0] == 1
    assert int(told[-1][0]) == generations * STEPS


@pytest.mark.parametrize("name", ["generate", "inspect_image", "propose_captions"])
def test_a_single_step_knows_its_total_where_it_draws(tmp_path: Path, name: str) -> None:
    told: Told = []
    asked = {
        "generate": {"prompt": "an owl"},
        "inspect_image": {"image_id": "image-1"},
        "propose_captions": {"concepts": ["owl"]},
    }

    async def talk(client: Client) -> None:
        await client.call_tool("generate", {"prompt": "an owl"})
        await client.call_tool(name, asked[name], progress_callback=listening(told))

    with_client(scripted_service(tmp_path), talk)
    assert_rising(told)
    assert {one[1] for one in told if "step" in one[2]} == ({float(STEPS)} if name == "generate" else set())


@pytest.mark.parametrize(
    "events",
    [
        [step(0, 0, "loading"), step(1, 0, "loading"), step(1, 0, "loading"), step(1, 4), step(4, 4)],
        [step(50, 200, "indexing"), step(100, 200, "indexing"), step(1, 4), step(2, 4)],
        # A workflow of several samplers, and candidates drawn one after another, begin again within one drawing.
        [step(1, 20), step(20, 20), step(1, 4), step(4, 4), step(1, 50), step(50, 50)],
        [step(3, 4), step(3, 4), step(2, 4), step(4, 4)],
        [{"event": "note", "text": "x"}] * 500 + [step(1, 4)],
        [step(1, 0), step(5, 4)],
        [step(4, 4), {"event": "images", "images": []}, step(1, 30), step(30, 30), {"event": "images", "images": []}],
    ],
    ids=["loading", "indexing", "several samplers", "backwards", "many notes", "nonsense", "more steps"],
)
@pytest.mark.parametrize("generations", [1, 4])
def test_whatever_happens_progress_rises_and_the_total_never_falls(
    events: list[Mapping[str, Any]], generations: int
) -> None:
    progress = Progress(generations)
    assert_rising([(*progress.after(event), "") for event in events])


def test_after_a_question_progress_goes_on_from_where_it_was_and_nothing_is_told_twice(tmp_path: Path) -> None:
    told: Told = []

    async def person(context: Any, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"keep": ["ref-1"]})

    async def main() -> None:
        async with Client(build(service), mode="legacy", elicitation_callback=person) as client:
            asked = {"prompt": "an owl", "approve": True}
            await client.call_tool("create_image", asked, progress_callback=listening(told))

    from imagerag.server.mcp.server import build_mcp as build

    service = scripted_service(tmp_path, scores=[0.3, 0.9])
    try:
        asyncio.run(main())
    finally:
        service.close()
    assert_rising(told)
    assert [text for _, _, text in told].count("drawn: image-1") == 1
    assert [text for _, _, text in told].count("drawn: image-2") == 1


def test_who_waits_in_the_queue_is_told_again_and_again_that_nothing_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagerag.server.mcp.run_tools.BEAT", 0.05)
    gate, told = Gate(), []  # type: tuple[Gate, Told]

    async def talk(client: Client) -> None:
        await client.call_tool("start_image", {"prompt": "an owl"})
        waits = asyncio.create_task(
            client.call_tool("create_image", {"prompt": "a cat"}, progress_callback=listening(told))
        )
        while len(told) < 4:
            await asyncio.sleep(0.01)
        gate.open.set()
        await waits

    with_client(scripted_service(tmp_path, before_step=gate), talk)
    assert_rising(told)
    assert [text for _, _, text in told[:4]] == ["1 request comes first"] * 4
