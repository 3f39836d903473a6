"""Tools of other MCP servers: names, allow lists and failures."""

from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings, load_settings, without_server_paths
from testing.mounted_runs import STDIO, MountedRun
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.scripted_runs import GENERATE
from testing.servers import Shelf

pytest.importorskip("mcp")


@pytest.mark.slow
def test_a_name_of_ours_gets_the_servers_before_it(tmp_path: Path) -> None:
    run = MountedRun(
        tmp_path, [[("picture_search_generate", {"prompt": "x"})], GENERATE, "done"], STDIO, "picture_search_generate"
    )
    assert "drawn elsewhere: x" in run.told("picture_search_generate").text
    assert run.result["image"]["prompt"] == "an owl"


@pytest.mark.slow
def test_only_what_is_allowed_can_be_called(tmp_path: Path) -> None:
    run = MountedRun(tmp_path, [[("talk", {})], GENERATE, "done"], STDIO, "fail")
    assert "'talk' is not offered here" in run.told("talk").text


@pytest.mark.slow
def test_offline_starts_and_asks_none(tmp_path: Path) -> None:
    run = MountedRun(tmp_path, [GENERATE, "done"], "/no/such/command", "find_pictures", offline=True)
    assert run.result["image"] is not None
    assert all("find_pictures" not in offered for offered in run.model.offered)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("fail", {}), "out of order"),
        (("broken_picture", {}), "an image that can't be used"),
        (("talk", {}), "42000 more characters left out"),
        (("find_pictures", {"count": 1}), "query"),
        (("find_pictures", {"query": "owls", "count": 10}), "2 more images left out"),
        (("die", {}), "went away"),
        (("hang", {}), "did not answer within"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
@pytest.mark.slow
def test_what_goes_wrong_there_is_told_and_loses_nothing(tmp_path: Path, call: tuple[str, Any], said: str) -> None:
    run = MountedRun(
        tmp_path, [GENERATE, [call], [("environment", {})], "done"], STDIO, f"{call[0]},environment", max_seconds=9.0
    )
    assert said in run.told(call[0]).text
    assert len(run.told(call[0]).text) < 9000
    assert "PATH" in run.told("environment").text, "it is there again, also after it had died"
    assert run.result["image"] is not None
    assert run.result["stop_reason"] != "error"


def test_rules_and_clients_of_a_server_mount_nothing(tmp_path: Path) -> None:
    graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares(), index=Shelf())
    settings = Settings(home=str(tmp_path), mcp_server=(STDIO,), mcp_allow=("fail",))
    with pytest.raises(UserError, match="decides by rules"):
        graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    with pytest.raises(UserError, match=r"mcp_server .* is chosen by whoever runs this server"):
        without_server_paths(Settings(mcp_server=(STDIO,)), {})
    with pytest.raises(UserError, match="mcp_allow"):
        without_server_paths(Settings(mcp_allow=("fail",)), {})
    with pytest.raises(UserError, match="allows tools of no server"):
        build_graph(chat_model=ScriptedModel(script=[], seen=[], offered=[])).invoke(
            {"prompt": "x"},
            {"configurable": {"thread_id": "t"}},
            context=Settings(home=str(tmp_path), mcp_allow=("fail",)),
        )
    environ = {"IMAGERAG_MCP_SERVER": "a b\nhttp://x/mcp", "IMAGERAG_MCP_ALLOW": "one, two"}
    own = load_settings(environ=environ)
    assert (own.mcp_server, own.mcp_allow) == (("a b", "http://x/mcp"), ("one", "two"))
    assert without_server_paths(Settings(), environ).mcp_server == own.mcp_server
