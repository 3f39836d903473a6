"""Settings from a context or a config: the same values, and one clear line for what is none."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from langgraph.runtime import Runtime

from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.assembly import Graph
from imagerag.graphs.run_context import StopSwitch, settings_of, settings_of_part
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf


def graph() -> Graph:
    return build_graph(generator=Squares(), critic=ScriptedCritic([0.9, 0.8]), index=Shelf())


def thread(**configurable: Any) -> Any:
    return {"configurable": {"thread_id": "t", **configurable}}


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream"])
@pytest.mark.parametrize("place", ["call", "with_config", "context"])
def test_values_count_wherever_they_stand(tmp_path: Path, way: str, place: str) -> None:
    values = {"n": 2, "seed": 5, "home": str(tmp_path)}
    run, config, context = graph(), thread(), None
    if place == "call":
        config = thread(**values)
    elif place == "with_config":
        run = run.with_config({"configurable": values})
    else:
        context = values
    told: Any = {"context": context} if context else {}
    if way == "ainvoke":
        result = asyncio.run(run.ainvoke({"prompt": "an owl"}, config, **told))
    elif way == "invoke":
        result = run.invoke({"prompt": "an owl"}, config, **told)
    else:
        *_, result = run.stream({"prompt": "an owl"}, config, stream_mode="values", **told)
    assert [image["seed"] for image in result["images"]] == [5, 6]


def test_what_the_context_sets_counts_before_the_config() -> None:
    assert settings_of(Settings(n=3), {"n": 2, "seed": 5}) == Settings(n=3, seed=5)
    assert settings_of({"n": 3}, {"n": 2, "seed": 5}).n == 3
    assert settings_of({"n": 3}, {"n": 2, "seed": 5}).seed == 5
    assert settings_of(None, {"thread_id": "t", "user_id": "u", "origins": "x"}) == settings_of(None, {})


def test_variables_fill_what_a_context_leaves_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_SEED", "7")
    assert settings_of({"n": 2}, {}).seed == 7
    assert settings_of({"seed": 2}, {}).seed == 2
    assert settings_of(Settings(n=2), {}).seed is None, "a program that makes Settings says all of it"


def test_lists_come_as_json_has_them() -> None:
    assert settings_of({"library": ["own", "bundled"]}, {}).library == ("own", "bundled")
    assert settings_of({"library": "own,bundled"}, {}).library == ("own", "bundled")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"n": "foo"}, "n 'foo' is not a whole number"),
        ({"n": 2.5}, "n 2.5 is not a whole number"),
        ({"n": True}, "n True is not a whole number"),
        ({"n": [2]}, "n .* whole number"),
        ({"n": None}, "n None is not a whole number"),
        ({"n": 99}, "n 99 is outside 1..16"),
        ({"seed": "3"}, "seed '3' is not a whole number"),
        ({"max_seconds": "soon"}, "max_seconds 'soon' is not a number"),
        ({"approve": "yes"}, "approve 'yes' is not yes or no"),
        ({"cancel": True}, "cancel True is not an event"),
        ({"cancel": "now"}, "cancel 'now' is not an event"),
        ({"mode": "fast"}, "mode 'fast' is not one of"),
        ({"mode": 3}, "mode 3 is not text"),
        ({"mode": ["auto"]}, "mode .* is not text"),
        ({"generator": {"name": "sdxl"}}, "generator .* is not text"),
        ({"library": 3}, "library 3 is not a list of texts"),
        ({"library": ["own", 1]}, "library .* is not a list of texts"),
        ({"subject": {"a": 1}}, "subject .* is not a list of texts"),
        ({"modell": "x"}, "'modell', which is no setting; valid: .*mode"),
        ({"origins": []}, "'origins', which is no setting"),
    ],
    ids=str,
)
@pytest.mark.parametrize("place", ["context", "config"])
def test_what_is_no_setting_is_one_clear_line(tmp_path: Path, values: dict[str, Any], says: str, place: str) -> None:
    if place == "config" and "no setting" in says:
        pytest.skip("other names in a config are somebody else's")
    context: Any = {"home": str(tmp_path), **(values if place == "context" else {})}
    config = thread(**(values if place == "config" else {}))
    with pytest.raises(UserError, match=says) as raised:
        graph().invoke({"prompt": "an owl"}, config, context=context)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("context", ["auto", 3, [("n", 2)]], ids=str)
def test_a_context_of_another_kind_is_refused(context: Any) -> None:
    with pytest.raises(UserError, match="neither Settings nor a dictionary"):
        settings_of(context, {})


def test_an_event_of_a_program_is_taken() -> None:
    stop = threading.Event()
    assert settings_of({"cancel": stop}, {}).cancel is stop


def test_a_part_of_another_graph_takes_its_settings_where_they_are_ours() -> None:
    own = Settings(n=2)
    assert settings_of_part(None, Runtime(context=own)) is own
    assert settings_of_part(None, Runtime(context={"user": "u"})).n == Settings().n
    assert settings_of_part({"n": 3}, Runtime(context=own)).n == 3


def test_a_switch_stops_a_run_beside_the_event_that_was_given() -> None:
    given, switch = threading.Event(), StopSwitch()
    settings = switch.added_to(Settings(cancel=given))
    assert settings.cancel is switch
    assert not switch.is_set()
    given.set()
    assert switch.is_set()
    alone = StopSwitch()
    assert not alone.added_to(Settings()).cancel.is_set()
    alone.set()
    assert alone.is_set()
