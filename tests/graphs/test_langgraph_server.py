"""The graph as a LangGraph server serves it."""

import json
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.settings import Settings


@pytest.mark.parametrize(
    ("request_", "settings"),
    [
        ({"subjects": ["/etc/passwd"]}, {}),
        ({}, {"subject": ("/etc/passwd",)}),
        ({}, {"home": "/x"}),
        ({}, {"out": "/x"}),
    ],
)
def test_a_langgraph_servers_clients_name_no_paths(request_: dict[str, Any], settings: dict[str, Any]) -> None:
    from imagerag.graphs.langgraph_server import graph

    with pytest.raises(UserError, match=r"of the server|on the server"):
        graph.invoke({"prompt": "an owl", **request_}, context=Settings(**settings))


def test_a_langgraph_server_can_make_a_form_of_the_settings() -> None:
    from imagerag.graphs.langgraph_server import graph

    assert {"mode", "seed", "max_seconds"} <= set(graph.get_context_jsonschema()["properties"])


def test_the_served_graph_leaves_threads_to_its_server() -> None:
    from imagerag.graphs.langgraph_server import graph

    served = json.loads((Path(__file__).parents[2] / "langgraph.json").read_text())["graphs"]["imagerag"]
    assert served == "imagerag.graphs.langgraph_server:graph"
    assert graph.checkpointer is None
    assert set(graph.get_input_jsonschema()["properties"]) == {
        "prompt",
        "messages",
        "subjects",
        "seed",
        "size",
        "budget",
        "mask",
        "masked",
    }
