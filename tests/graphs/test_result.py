"""The outcome of a run with attributes: LangGraph's dictionary, and more."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

import imagerag
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpoint_format import PlainData
from imagerag.graphs.result import Result, as_result
from imagerag.graphs.state import Output
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread
from testing.servers import Shelf


def graph(**also: Any) -> Any:
    return build_graph(generator=Squares(), critic=ScriptedCritic([0.9] * 4), index=Shelf(), **also)


def test_an_outcome_has_attributes_and_is_a_dictionary(output: Output) -> None:
    result = Result.of(output)
    assert result == dict(output)
    assert result.path == Path(str(output["image"] and output["image"]["path"]))
    assert (result.score, result.seed, result.satisfied, result.missing) == (0.9, 2, True, [])
    assert (result.prompt, result.stop_reason, result.mode, result.seconds) == (
        "an owl & <friends>", "satisfied", "auto", 3.0,
    )  # fmt: skip
    assert [one["id"] for one in result.images] == ["image-1", "image-2"]
    assert [one["title"] for one in result.references] == ["<script>alert(1)</script>"]
    assert (len(result.trace), result.messages, result.verdict) == (1, [], output["verdict"])
    assert result.open().size == (8, 8)
    assert json.loads(json.dumps(result)) == json.loads(json.dumps(dict(output)))
    for again in (copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
        assert type(again) is Result
        assert again == result


def test_a_run_without_an_image(output: Output) -> None:
    empty = Result.of({**output, "image": None, "verdict": None, "images": [], "stop_reason": "seconds"})
    assert (empty.path, empty.score, empty.seed, empty.satisfied, empty.missing) == (None, None, None, False, [])
    with pytest.raises(UserError, match="no image of 'an owl & <friends>' was made: seconds"):
        empty.open()


def test_a_file_that_is_gone_is_told(output: Output) -> None:
    result = Result.of(output)
    assert result.path is not None
    result.path.unlink()
    with pytest.raises(UserError, match=r"second\.png' can't be read"):
        result.open()


def test_what_is_no_outcome_stays_what_it_is() -> None:
    with pytest.raises(UserError, match="it has no 'image'"):
        Result.of({"prompt": "an owl"})
    asking = {**dict.fromkeys(("prompt", "image", "verdict", "images", "references", "trace", "stop_reason"))}
    assert type(as_result({**asking, "__interrupt__": []})) is dict
    assert as_result([1]) == [1]


def test_what_invoke_returns(tmp_path: Path) -> None:
    result = graph().invoke({"prompt": "an owl"}, config=thread("t"), context=Settings(home=str(tmp_path)))
    assert type(result) is Result is imagerag.Result
    assert (result.thread, result.satisfied) == ("t", True)
    assert PlainData().loads_typed(PlainData().dumps_typed(dict(result))) == result, "a checkpoint holds it"


def test_part_of_another_graph_it_returns_what_langgraph_does(tmp_path: Path) -> None:
    class Parent(TypedDict, total=False):
        prompt: str
        image: Any
        stop_reason: Any

    seen: list[type] = []

    def look(state: Parent) -> Parent:
        inner = graph().invoke({"prompt": "a cat"}, config=thread("inner"), context=Settings(home=str(tmp_path)))
        seen.append(type(inner))
        return {"prompt": inner["prompt"]}

    builder = StateGraph(Parent, context_schema=Settings)
    builder.add_node("draw", graph(checkpointer=None))
    builder.add_node("look", look)
    builder.add_edge(START, "draw")
    builder.add_edge("draw", "look")
    builder.add_edge("look", END)
    values = builder.compile().invoke({"prompt": "an owl"}, context=Settings(home=str(tmp_path)))
    assert (values["prompt"], values["stop_reason"], type(values)) == ("a cat", "satisfied", dict)


async def _ainvoke(tmp_path: Path) -> Any:
    return await graph().ainvoke({"prompt": "an owl"}, config=thread("t"), context=Settings(home=str(tmp_path)))


def test_what_ainvoke_returns(tmp_path: Path) -> None:
    import asyncio

    assert type(asyncio.run(_ainvoke(tmp_path))) is Result
