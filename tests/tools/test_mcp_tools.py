"""Other people's MCP servers, mounted for real over stdio and HTTP, and called by a scripted chat model."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")

from imagerag.errors import UserError
from imagerag.graphs import Settings, build_graph
from imagerag.settings import load_settings, without_server_paths
from imagerag.store.images import ImageStore
from imagerag.tools.mcp_client import token_variable
from imagerag.tools.mcp_tools import close_connections
from testing.mcp_server import ORDER
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.servers import TOKENS, Served, Shelf

STDIO = f"{sys.executable} -m testing.mcp_server stdio"
DRAW = [("generate", {"prompt": "an owl"})]


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    yield
    close_connections()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "testing.mcp_server", str(port)])
    try:
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


class Run:
    """One run of the graph with other servers' tools."""

    def __init__(self, tmp_path: Path, script: list[Any], server: str, allow: str, **settings: Any) -> None:
        self.model = ScriptedModel(script=script, seen=[], offered=[])
        self.generator = Squares()
        self.home = tmp_path / "home"
        graph = build_graph(
            chat_model=self.model,
            critic=ScriptedCritic([0.3] * 9),
            generator=self.generator,
            index=Shelf(),
            store=ImageStore(self.home),
        )
        settings = Settings(
            home=str(self.home), mcp_server=(server,), mcp_allow=tuple(allow.split(",")) if allow else (), **settings
        )
        self.result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)

    def told(self, name: str) -> Any:
        """Return the result of that tool that the model was told last."""
        return [message for message in self.model.seen[-1] if message.type == "tool" and message.name == name][-1]


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_picture_from_a_mounted_server_is_drawn_with(tmp_path: Path, transport: str, address: str) -> None:
    redraw = {"prompt": "an owl", "reference_ids": ["ref-1"]}
    script = [
        DRAW,
        [("find_pictures", {"query": "owls", "count": 2, "for_concept": "owl"})],
        [("regenerate_with_references", redraw)],
        "done",
    ]
    run = Run(tmp_path, script, STDIO if transport == "stdio" else address, "find_pictures")
    assert "find_pictures" in run.model.offered[0]
    assert "hang" not in run.model.offered[0], "it was not allowed"
    assert "find_pictures: tools of other people's servers" in str(run.model.seen[0][0].content)
    told = run.told("find_pictures")
    assert json.dumps(ORDER)[1:-1] in told.text, "quoted, its line breaks and quotes escaped"
    assert ORDER not in told.text
    after = run.model.seen[2][run.model.seen[2].index(told) + 1].content
    assert [block.get("text", block["type"]) for block in after] == ["ref-1:", "image_url", "ref-2:", "image_url"]
    (reference,) = run.result["references"]
    assert (reference["kind"], reference["concept"]) == ("fetched", "owl")
    assert reference["source"] == "mcp:picture_search/find_pictures"
    drawn_with = run.generator.requests[-1].references[0]
    assert drawn_with.image.getpixel((0, 0)) == (255, 0, 0)
    manifest = ImageStore(run.home).manifest(run.result["images"][-1]["sha256"])
    assert manifest.references[0].source == "mcp:picture_search/find_pictures"


def test_a_name_of_ours_gets_the_servers_before_it(tmp_path: Path) -> None:
    run = Run(
        tmp_path, [[("picture_search_generate", {"prompt": "x"})], DRAW, "done"], STDIO, "picture_search_generate"
    )
    assert "drawn elsewhere: x" in run.told("picture_search_generate").text
    assert run.result["image"]["prompt"] == "an owl"


def test_only_what_is_allowed_can_be_called(tmp_path: Path) -> None:
    run = Run(tmp_path, [[("talk", {})], DRAW, "done"], STDIO, "fail")
    assert "'talk' is not offered here" in run.told("talk").text


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
def test_what_goes_wrong_there_is_told_and_loses_nothing(tmp_path: Path, call: tuple[str, Any], said: str) -> None:
    run = Run(tmp_path, [DRAW, [call], [("environment", {})], "done"], STDIO, f"{call[0]},environment", max_seconds=9.0)
    assert said in run.told(call[0]).text
    assert len(run.told(call[0]).text) < 9000
    assert "PATH" in run.told("environment").text, "it is there again, also after it had died"
    assert run.result["image"] is not None
    assert run.result["stop_reason"] != "error"


def test_a_mounted_server_gets_no_key_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    run = Run(tmp_path, [[("environment", {})], DRAW, "done"], STDIO, "environment")
    assert "OPENAI_API_KEY" not in run.told("environment").text


def test_a_hanging_call_ends_when_the_run_is_cancelled(tmp_path: Path) -> None:
    cancel = threading.Event()
    timer = threading.Timer(2.0, cancel.set)
    timer.start()
    run = Run(tmp_path, [DRAW, [("hang", {})], "done"], STDIO, "hang", cancel=cancel)
    assert run.result["stop_reason"] == "cancelled"
    assert run.result["image"] is not None


@pytest.mark.parametrize(
    ("server", "allow", "said"),
    [
        (STDIO, "", "is allowed; give --mcp-allow some of: broken_picture, die"),
        (STDIO, "find", "'find' is not a tool of the --mcp-server given; it has: broken_picture, die"),
        ("/no/such/command", "find", "can't be used"),
        (f"{sys.executable} -c 'import sys; sys.exit(\"no licence\")'", "find", "it said: 'no licence'"),
        ("http://127.0.0.1:1/mcp", "find", "can't be used"),
        ("'", "find", "is no command"),
    ],
)
def test_a_server_that_is_of_no_use_is_told_before_anything_is_drawn(
    tmp_path: Path, server: str, allow: str, said: str
) -> None:
    with pytest.raises(UserError, match=r"mcp_server|mcp_allow|allowed") as told:
        Run(tmp_path, [DRAW], server, allow)
    assert said in str(told.value)


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


def test_a_server_that_wants_a_token_gets_its_own(
    tmp_path: Path, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve({"tokens": TOKENS})
    address = f"{server.url}/mcp"
    variable = f"IMAGERAG_MCP_TOKEN_127_0_0_1_{server.url.rpartition(':')[2]}"
    with pytest.raises(UserError, match=rf"mcp_server .* \(.*401.*\); set the variable {variable} to a token"):
        Run(tmp_path, [DRAW], address, "get_image")
    monkeypatch.setenv(variable, "a wrong one, but long enough")
    with pytest.raises(UserError, match="401") as refused:
        Run(tmp_path, [DRAW], address, "get_image")
    assert "a wrong one" not in str(refused.value)
    monkeypatch.setenv(variable, TOKENS[0])
    run = Run(tmp_path, [DRAW, [("get_image", {"run_id": "none"})], "done"], address, "get_image")
    assert "is not a run of yours" in run.told("get_image").text
    assert TOKENS[0] not in json.dumps([step["summary"] for step in run.result["trace"]])


def test_each_server_has_a_variable_of_its_own() -> None:
    assert token_variable("https://me:pw@search.example.org/mcp") == "IMAGERAG_MCP_TOKEN_SEARCH_EXAMPLE_ORG"
    assert token_variable("http://[::1]:9000/mcp") == "IMAGERAG_MCP_TOKEN_1_9000"
