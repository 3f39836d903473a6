"""examples/plugin, installed into a new environment: its generator draws through every door, its format is indexed."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from testing.environments import ROOT, Environment

pytestmark = pytest.mark.slow

NAVY = (0, 0, 128)
EXAMPLE = ROOT / "examples" / "plugin"

BROKEN = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "broken-plugin"
version = "0.1.0"

[project.entry-points."imagerag.generators"]
broken = "broken_plugin:PLUGIN"
wrong = "broken_plugin.wrong:PLUGIN"

[tool.setuptools]
packages = ["broken_plugin"]
"""

DOORS = '''\
"""Draws by the graph, over HTTP and over MCP; prints the colours of the images."""

import asyncio
import base64
import io
import json
import sys
from pathlib import Path

import httpx
from mcp import Client
from PIL import Image

from imagerag.graphs import Settings, build_graph
from imagerag.server.mcp.server import build_mcp
from imagerag.server.service import Service
from testing.scripted import ScriptedCritic
from testing.servers import Served, Shelf

SETTINGS = {"generator": "one-colour:navy", "max_generations": 1}


def colour(data):
    return Image.open(io.BytesIO(data)).convert("RGB").getpixel((9, 9))


def main(home):
    parts = {"critic": ScriptedCritic([0.9] * 9), "index": Shelf()}
    graph = build_graph(**parts)
    config = {"configurable": {"thread_id": "t"}}
    result = graph.invoke({"prompt": "an owl"}, config, context=Settings(home=home, **SETTINGS))
    colours = {"graph": colour(Path(result["image"]["path"]).read_bytes())}

    server = Served(Service(Settings(home=home, **SETTINGS), **parts))
    try:
        asked = {"model": "imagerag", "prompt": "an owl", "response_format": "b64_json"}
        answer = httpx.post(f"{server.url}/v1/images/generations", json=asked, timeout=120)
        colours["http"] = colour(base64.b64decode(answer.raise_for_status().json()["data"][0]["b64_json"]))
    finally:
        server.stop()

    service = Service(Settings(home=home, **SETTINGS), **parts)

    async def draw():
        async with Client(build_mcp(service)) as client:
            made = await client.call_tool("create_image", {"prompt": "an owl"})
            assert not made.is_error, made
            full = await client.read_resource(made.structured_content["image"]["uri"])
            return base64.b64decode(full.contents[0].blob)

    try:
        colours["mcp"] = colour(asyncio.run(draw()))
    finally:
        service.close()
    print(json.dumps(colours))


main(sys.argv[1])
'''


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    copy = tmp_path_factory.mktemp("package") / "plugin"  # building writes into the folder
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    return Environment(tmp_path_factory.mktemp("environment"), [copy])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_its_files_are_those_that_pyproject_names() -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))
    for group in project["project"]["entry-points"].values():
        for target in group.values():
            module, _, attribute = target.partition(":")
            source = (EXAMPLE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
            assert f"{attribute} = " in source or f"def {attribute}(" in source


def test_it_is_listed(environment: Environment, tmp_path: Path, home: Path) -> None:
    result = environment.imagerag("plugins", cwd=tmp_path, home=home)
    assert result.returncode == 0, result.stdout
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "one-colour imagerag-example-plugin 0.1.0; makes any, profile pictograms" in lines
    assert "tsv imagerag-example-plugin 0.1.0" in lines


def test_the_command_line_draws_with_it(environment: Environment, tmp_path: Path, home: Path) -> None:
    arguments = ("an owl", "--generator", "one-colour:navy", "--max-generations", "1", "--json")
    result = environment.imagerag(*arguments, cwd=tmp_path, home=home)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert Image.open(told["image"]).getpixel((9, 9)) == NAVY
    again = ("replay", told["image"], "--generator", "one-colour:navy", "--json")
    replayed = environment.imagerag(*again, cwd=tmp_path, home=home)
    assert json.loads(replayed.stdout)["identical"] is True
    wrong = environment.imagerag("an owl", "--generator", "one-colour:nacy", cwd=tmp_path, home=home)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1), wrong.stderr
    assert "colour 'nacy' is not known" in wrong.stderr


def test_a_program_http_and_mcp_draw_with_it(environment: Environment, tmp_path: Path, home: Path) -> None:
    pytest.importorskip("mcp")
    (tmp_path / "doors.py").write_text(DOORS, encoding="utf-8")
    result = environment.run("doors.py", str(home), cwd=tmp_path, home=home)
    assert result.returncode == 0, result.stderr[-3000:]
    colours = json.loads(result.stdout.splitlines()[-1])
    assert colours == {"graph": [*NAVY], "http": [*NAVY], "mcp": [*NAVY]}


def test_a_collection_is_indexed_with_it(environment: Environment, tmp_path: Path, home: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    (tmp_path / "list.tsv").write_text("red.png\ta red square\ngone.png\tnothing\n", encoding="utf-8")
    added = environment.imagerag("index", "add", "tsv:list.tsv", "--json", cwd=tmp_path, home=home)
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["added"] == 1
    found = environment.imagerag("search", "a red square", "--floor", "0.9", "--json", cwd=tmp_path, home=home)
    assert [hit["caption"] for hit in json.loads(found.stdout)] == ["a red square"], found.stdout
    missing = environment.imagerag("index", "add", "tsv:nowhere.tsv", cwd=tmp_path, home=home)
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1), missing.stderr


def test_a_broken_package_is_one_clear_line(environment: Environment, tmp_path: Path, home: Path) -> None:
    package = tmp_path / "broken"
    (package / "broken_plugin").mkdir(parents=True)
    (package / "pyproject.toml").write_text(BROKEN, encoding="utf-8")
    (package / "broken_plugin" / "__init__.py").write_text("import nowhere_to_be_found\n", encoding="utf-8")
    environment.install(package)
    result = environment.imagerag("plugins", cwd=tmp_path, home=home)
    assert result.returncode == 1
    line = next(line for line in result.stdout.splitlines() if line.split()[:1] == ["broken"])
    assert "broken-plugin 0.1.0" in line
    assert "No module named 'nowhere_to_be_found'" in line
    assert any(line.split()[:1] == ["one-colour"] and "can't" not in line for line in result.stdout.splitlines())
    drawn = environment.imagerag("an owl", "--generator", "broken", cwd=tmp_path, home=home)
    assert (drawn.returncode, drawn.stdout, drawn.stderr.count("\n")) == (2, "", 1), drawn.stderr
    assert "'broken' of the package 'broken-plugin 0.1.0' can't be loaded" in drawn.stderr
