"""What callers put into a graph is checked before anything is drawn, whichever graph it is."""

from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.one_pass import build_one_pass
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread


@pytest.mark.parametrize("build", [build_graph, build_one_pass])
@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"prompt": 5}, "prompt '5' of the request is not text"),
        ({"prompt": ["an owl"]}, "prompt .* is not text"),
        ({"prompt": {"text": "an owl"}}, "prompt .* is not text"),
        ({"seed": "foo"}, "seed 'foo' of the request is not a whole number"),
        ({"seed": 1.5}, "seed '1.5' of the request is not a whole number"),
        ({"seed": True}, "seed 'True' of the request is not a whole number"),
        ({"seed": [1]}, "seed .* is not a whole number"),
        ({"subjects": "owl.png"}, "subjects 'owl.png' of the request is not a list of paths"),
        ({"subjects": 5}, "subjects '5' of the request is not a list of paths"),
        ({"subjects": [5]}, "subjects .* is not a list of paths"),
        ({"budget": [1]}, r"budget '\[1\]' is no dictionary of limits; give some of max_steps"),
        ({"budget": "cheap"}, "budget 'cheap' is no dictionary of limits"),
        ({"budget": {"max_second": 5}}, "budget has 'max_second', which is no limit; valid: .*max_seconds"),
        ({"budget": {"max_seconds": "soon"}}, "max_seconds 'soon' is not a number"),
        ({"budget": {"max_seconds": True}}, "max_seconds True is not a number"),
        ({"budget": {"max_seconds": float("nan")}}, "max_seconds nan"),
        ({"budget": {"max_steps": -1}}, "max_steps -1"),
        ({"budget": {"max_steps": 1.5}}, "max_steps 1.5 is not a whole number"),
        ({"budget": {"max_steps": None}}, "max_steps None of the budget is no limit"),
        ({"budget": {"max_generations": 0}}, "max_generations 0"),
    ],
)
def test_a_value_of_the_wrong_kind_is_one_clear_line(
    tmp_path: Path, build: Any, request_: dict[str, Any], told: str
) -> None:
    squares = Squares()
    graph = build(critic=ScriptedCritic([0.9]), generator=squares)
    with pytest.raises(UserError, match=told):
        graph.invoke({"prompt": "an owl", **request_}, thread(), context=Settings(home=str(tmp_path)))
    assert not squares.requests


@pytest.mark.slow
def test_a_value_of_the_right_kind_is_heeded(tmp_path: Path) -> None:
    squares = Squares()
    graph = build_graph(critic=ScriptedCritic([0.2] * 9), generator=squares)
    request = {"prompt": "an owl", "seed": -1, "subjects": [], "budget": {"max_generations": 1, "max_tokens": None}}
    result = graph.invoke(request, thread(), context=Settings(home=str(tmp_path)))
    assert result["image"]["seed"] == 2**32 - 1
    assert len(squares.requests) == 1
