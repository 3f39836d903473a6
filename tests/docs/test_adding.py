"""The packages of ``docs/adding/``, written to disk as the pages have them, installed and used."""

import asyncio
import base64
import io
import json
import re
import subprocess
import textwrap
from pathlib import Path

import pytest
from PIL import Image

from testing.environments import Environment, variables_of
from testing.openai_server import Reply, serving
from tests.docs.pages import NAMES, blocks, text_of

pytestmark = pytest.mark.slow

ADDING = [page for page in NAMES if page.startswith("docs/adding/")]


def _package(page: str, folder: Path) -> Path:
    """Write the package that a page shows, and return its folder."""
    target = folder / Path(page).stem
    target.mkdir()
    for block in blocks(page):
        if block.title:
            (target / block.title).write_text(block.text, encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("packages")
    return Environment(tmp_path_factory.mktemp("environment"), [_package(page, folder) for page in ADDING])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_a_generator_takes_less_than_60_lines() -> None:
    written = "".join(block.text for block in blocks("docs/adding/generator.md") if block.title)
    assert len(written.splitlines()) < 60


def test_each_page_is_short() -> None:
    for page in ADDING:
        assert len(text_of(page).splitlines()) < 100, page


def test_all_are_listed(environment: Environment, tmp_path: Path, home: Path) -> None:
    result = environment.imagerag("plugins", "--json", cwd=tmp_path, home=home)
    assert result.returncode == 0, result.stderr
    added = {(row["group"], row["name"]) for row in json.loads(result.stdout) if row["package"] != "built in"}
    assert added >= {
        ("generators", "navy"),
        ("critics", "colourful"),
        ("chat_models", "house"),
        ("collections", "list"),
        ("searches", "shelf"),
        ("tools", "palette"),
    }


def test_the_generator_and_the_critic_work_together(environment: Environment, tmp_path: Path, home: Path) -> None:
    arguments = ("an owl", "--generator", "navy", "--critic", "colourful", "--max-generations", "1", "--json")
    result = environment.imagerag(*arguments, cwd=tmp_path, home=home)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["missing"] == ["an owl"]
    assert told["images"][0]["verdict"]["critic"] == "colourful"
    assert Image.open(told["image"]).getpixel((9, 9)) == (0, 0, 128)
    replayed = environment.imagerag("replay", told["image"], "--generator", "navy", cwd=tmp_path, home=home)
    assert replayed.returncode == 0, replayed.stderr


def _colour(picture: str) -> object:
    return Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB").getpixel((9, 9))


def test_the_generator_draws_over_http(environment: Environment, tmp_path: Path, home: Path) -> None:
    httpx = pytest.importorskip("httpx")
    command = [str(environment.python), "-m", "imagerag", "serve", "--generator", "navy", "--critic", "colourful"]
    server = subprocess.Popen(
        [*command, "--port", "0", "--max-generations", "1"],
        cwd=tmp_path,
        env=variables_of(home),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        found = next(filter(None, (re.search(r"http://\S+?:\d+", line) for line in server.stderr)))
        asked = {"model": "imagerag", "prompt": "an owl", "response_format": "b64_json"}
        answer = httpx.post(f"{found[0]}/v1/images/generations", json=asked, timeout=120)
        assert answer.status_code == 200, answer.text
        assert _colour(answer.json()["data"][0]["b64_json"]) == (0, 0, 128)
    finally:
        server.terminate()
        server.communicate(timeout=30)


def test_the_generator_draws_over_mcp(environment: Environment, tmp_path: Path, home: Path) -> None:
    mcp = pytest.importorskip("mcp")
    arguments = ["-m", "imagerag", "mcp", "--generator", "navy", "--critic", "colourful", "--max-generations", "1"]
    server = mcp.StdioServerParameters(command=str(environment.python), args=arguments, env=variables_of(home))

    async def draw() -> str:
        async with mcp.Client(mcp.stdio_client(server)) as client:
            made = await client.call_tool("create_image", {"prompt": "an owl"})
            assert not made.is_error, made
            full = await client.read_resource(made.structured_content["image"]["uri"])
            return str(full.contents[0].blob)

    assert _colour(asyncio.run(draw())) == (0, 0, 128)


def test_the_collection_is_indexed(environment: Environment, tmp_path: Path, home: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    (tmp_path / "pictures.tsv").write_text("red.png\ta red square\ngone.png\tnothing\n", encoding="utf-8")
    arguments = ("index", "add", "list:pictures.tsv", "--licence", "CC0-1.0", "--json")
    result = environment.imagerag(*arguments, cwd=tmp_path, home=home)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["added"] == 1
    status = environment.imagerag("index", "status", cwd=tmp_path, home=home)
    assert "from list:" in status.stdout
    assert "gone.png' is not there" in status.stdout


def test_the_search_service_gives_references(environment: Environment, tmp_path: Path, home: Path) -> None:
    (home / "shelf").mkdir(exist_ok=True)
    Image.new("RGB", (64, 64), "red").save(home / "shelf" / "red-lobster.png")
    arguments = ("a lobster", "--library", "shelf", "--mode", "lookup_first", "--max-generations", "1", "--json")
    result = environment.imagerag(*arguments, cwd=tmp_path, home=home)
    assert result.returncode == 0, result.stderr
    assert [reference["source"] for reference in json.loads(result.stdout)["references"]] == ["my shelf"]


def test_the_chat_model_drives_and_calls_the_tool(environment: Environment, tmp_path: Path, home: Path) -> None:
    pytest.importorskip("langchain_openai")
    script = [
        Reply(calls=[("generate", {"prompt": "an owl"})]),
        Reply(calls=[("palette", {"image_id": "image-1"})]),
        Reply("That is all."),
    ]
    arguments = ("an owl", "--vlm", "house:large", "--generator", "navy", "--critic", "colourful", "--json")
    with serving(script) as server:
        result = environment.imagerag(*arguments, "--mode", "auto", cwd=tmp_path, home=home, HOUSE_URL=server.url)
        assert result.returncode == 0, result.stderr
    without = environment.imagerag(*arguments, cwd=tmp_path, home=home)
    assert (without.returncode, "set the variable HOUSE_URL" in without.stderr) == (2, True), without.stderr
    assert json.loads(result.stdout)["stop_reason"] == "done", textwrap.shorten(result.stdout, 500)
