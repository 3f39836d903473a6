"""Every command of the documentation is parsed, and run where it can be; every snippet of Python and TOML is run.

The commands of all pages run in order, in one data directory, and each page's in a folder of its own with the files
that they name. The packages of ``docs/adding/`` are installed and run by ``test_adding``.
"""

import io
import itertools
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.assets.library import Library
from imagerag.chat_models.pricing import PRICES, load_pricing
from imagerag.cli.main import run
from imagerag.cli.options import settings_of
from imagerag.cli.parser import parse
from imagerag.generators.diffusion.presets import PRESETS, load_presets
from imagerag.index.web.names import FILE
from imagerag.index.web.registry import open_web_source
from imagerag.profiles.loading import PROFILES, load_profiles
from imagerag.settings import DECLARED, load_settings
from testing.servers import Served
from tests.docs.pages import NAMES, Command, blocks, commands

ONLY_PARSED = {
    r"^eval\b": "draws for minutes; tests/cli/test_evaluate.py and tests/e2e/test_evaluation.py run it",
    r"^doctor --": "needs keys, a network or weights; tests/e2e/test_doctor.py runs it for each profile",
    r"^(web|serve|mcp)\b": "serves until it is ended; tests of server/ run it",
    r"^models diffusers:": "reads a configuration from the network; tests/cli/test_models.py asks of a folder",
    r"^(?!profiles).*--generator (sdxl|flux|diffusers:|file:)": "loads gigabytes of weights",
    r"--profile (local|cloud|comfyui)": "needs weights, a key or a server; test_first_real_picture runs them",
    r"--generator google_genai:": "needs a key; tests of generators/remote use testing.gemini_server",
    r"--generator openai:": "needs a key or a server; tests of generators/remote use testing.remote_servers",
    r"--generator (bfl|fal|replicate|together|stability|recraft):": "needs a key; see testing.maker_servers",
    r"--generator comfyui:": "needs a ComfyUI; tests of generators/remote use testing.remote_servers",
    r"--vlm openai:": "needs a key or a server; tests of chat_models use testing.openai_server",
    r"--vlm transformers:": "loads gigabytes of weights",
    r"--vlm replay:": "needs a recording; tests of chat_models/recording make one and play it",
    r"--lookup-model ViT|--critic clip:ViT": "loads weights from the network",
    r"--chroma http": "needs a Chroma server; tests of index/user start one",
    r"--c2pa-cert": "needs a certificate; tests/provenance issue one and sign with it",
    r"--engine ray": "needs the extra ray; tests of index/user/ray_engine run it",
    r"openverse": "asks a web source; tests/e2e/test_web_references.py runs such on loopback",
    r"index add mcp:": "starts a server that is not here; tests/index/user/sources/test_web.py mounts one",
    r"--allow-urls": "fetches from the network",
    r"navy|colourful|house:|list:|shelf|autumn colours": "needs the package of its page; test_adding runs it",
}
"""Which commands of imagerag are not run here, and why."""

COMMANDS = [command for page in NAMES for command in commands(page) if command.argv is not None]


def _why_only_parsed(command: Command) -> str | None:
    typed = " ".join(command.argv or [])
    return next((why for pattern, why in ONLY_PARSED.items() if re.search(pattern, typed)), None)


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_is_understood(command: Command) -> None:
    assert command.argv is not None
    if "--help" in command.argv:
        with pytest.raises(SystemExit) as ended:
            parse(command.argv)
        assert ended.value.code == 0
        return
    _, options = parse(command.argv)
    given = {name: value for name, value in settings_of(options).items() if name in DECLARED}
    load_settings(given, environ={})


def test_every_reason_is_needed() -> None:
    for pattern in ONLY_PARSED:
        assert any(re.search(pattern, " ".join(command.argv or [])) for command in COMMANDS), pattern


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def workspace(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages name, as the current one and as the person's home."""
    for variable in [each.variable for each in DECLARED.values()]:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("IMAGERAG_HOME", str(home))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    _picture("lobster", tmp_path / "me.png")
    Image.new("L", (64, 64), "white").save(tmp_path / "mask.png")
    _picture("owl", tmp_path / "pictures" / "owl.png")
    _picture("cat", tmp_path / "pictures" / "scarlet-ibis.png")
    _picture("giraffe", tmp_path / "download" / "00000" / "000000000.png")
    (tmp_path / "download" / "00000" / "000000000.txt").write_text("a giraffe", encoding="utf-8")
    for name, text in {
        "list.csv": "path,caption\npictures/owl.png,an owl\n",
        "prompts.txt": "an owl\na red kite\n",
        "prompts.csv": "prompt,seed\nan owl,7\n",
        "prompts.jsonl": json.dumps({"prompt": "an owl", "seed": 7}) + "\n",
        "suite.jsonl": json.dumps({"prompt": "an owl", "concepts": ["owl"]}) + "\n",
        "list.jsonl": json.dumps({"path": "pictures/owl.png", "caption": "an owl"}) + "\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    _shards(tmp_path)
    return tmp_path


def _picture(concept: str, file: Path) -> None:
    library = Library()
    picture = library.image(library.by_concept[concept][0])
    page = Image.new("RGB", picture.size, "white")
    page.paste(picture, mask=picture.getchannel("A"))
    file.parent.mkdir(parents=True, exist_ok=True)
    page.save(file)


def _shards(folder: Path) -> None:
    import tarfile

    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "shards").mkdir()
    picture = folder / "pictures" / "owl.png"
    with tarfile.open(folder / "shards" / "0.tar", "w") as archive:
        archive.add(picture, "0.png")
    row = {"image": {"bytes": picture.read_bytes(), "path": "owl.png"}, "text": "an owl"}
    pq.write_table(pa.Table.from_pylist([row]), folder / "shards" / "0.parquet")


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in NAMES if any(command.page == page for command in COMMANDS)])
def test_the_commands_of_a_page_run(page: str, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in COMMANDS:
        if command.page != page or _why_only_parsed(command):
            continue
        assert command.argv is not None
        typed = "/help\n/quit\n" if command.argv[:1] == ["chat"] else command.piped
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode()), encoding="utf-8"))
        try:
            status = run(command.argv)
        except SystemExit as ended:  # --help
            status = int(ended.code or 0)
        assert status == 0, command


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """Stands where the pages say http://127.0.0.1:8000."""
    return serve(scores=itertools.repeat(0.9, 99))


PYTHON_PAGES = [page for page in NAMES if any(block.language == "python" and not block.title for block in blocks(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", PYTHON_PAGES)
def test_the_python_of_a_page_runs(page: str, workspace: Path, request: pytest.FixtureRequest) -> None:
    names: dict[str, Any] = {"__name__": page}
    for block in blocks(page):
        if block.language != "python" or block.title:
            continue
        text = block.text
        if "http://127.0.0.1:8000" in text:
            text = text.replace("http://127.0.0.1:8000", request.getfixturevalue("served").url)
        code = compile("\n" * (block.line - 1) + text, page, "exec")
        exec(code, names)


def _tables() -> Iterator[tuple[str, int, str]]:
    for page in NAMES:
        for block in blocks(page):
            if block.language == "toml" and not block.title:
                yield page, block.line, block.text


@pytest.mark.parametrize(("page", "line", "text"), list(_tables()))
def test_a_file_in_toml_is_taken(
    page: str, line: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "given.toml"
    file.write_text(text, encoding="utf-8")
    table = tomllib.loads(text)
    monkeypatch.setenv("IMAGERAG_HOME", str(tmp_path))
    if page == "docs/models.md":
        monkeypatch.setenv(PRESETS, str(file))
        assert set(table) <= set(load_presets())
    elif page == "docs/profiles.md":
        monkeypatch.setenv(PROFILES, str(file))
        assert set(table) <= set(load_profiles())
    elif page == "docs/web-references.md":
        monkeypatch.setenv(FILE, str(file))
        assert {open_web_source(name).name for name in table} == set(table)
    elif page == "docs/chat-models.md":
        monkeypatch.setenv(PRICES, str(file))
        for name in table:
            assert load_pricing(name).cost(10**6, 0) == table[name]["input"]
    elif page == "docs/images-apis.md":
        monkeypatch.setenv(PRICES, str(file))
        load_pricing.cache_clear()
        for name in table:
            assert load_pricing(name).cost_of_image(1) == table[name]["image"] + table[name]["reference"]
        load_pricing.cache_clear()
    else:
        load_settings(environ={}, file=file)
