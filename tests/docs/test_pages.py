"""What the documentation names is there: files, modules, flags, variables, extras, targets, links."""

import ast
import importlib
import importlib.util
import re
import subprocess
import tomllib
from functools import cache

import pytest
import yaml

from imagerag.cli.parser import build_parser, children_of
from imagerag.cli.strict_parser import Parser
from tests.docs.pages import NAMES, ROOT, blocks, commands, inline_code, text_of

each_page = pytest.mark.parametrize("page", NAMES)

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
FOREIGN = {"chroma", "echo", "hf", "openssl", "pip", "make", "py", "python", "python3", "imagerag"}
"""Programs that commands of the pages begin with."""
FOREIGN_FLAGS = {"--path", "--strict"}
"""Of other programs."""
EXTENSIONS = (".py", ".toml", ".j2", ".html", ".js", ".md", ".yml", ".json", "/")
ELSEWHERE = (
    "batch.html",
    "report.html",
    "summary.json",
    "run.json",
    "figures.md",
    "budget.svg",
    "measured/",
    "pages/",
    "libraries/",
    "fast.json",
    "FOLDER",
    "site/",
    "images/",
    "index/",
    "library/",
    "own/",
    "shards/",
    "threads.sqlite",
    "web/",
    "workflow.json",
)
"""Not of the checkout: the data directory's files, and those of examples."""


def _flags(parser: Parser) -> set[str]:
    found = {flag for action in parser._actions for flag in action.option_strings}
    return found.union(*map(_flags, children_of(parser).values()))


@cache
def _files() -> frozenset[str]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return frozenset(listed.stdout.splitlines())


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").splitlines()) < 200


@each_page
def test_files_are_there(page: str) -> None:
    if page == "docs/upgrading.md":
        return  # it names what is no longer there
    if page == "docs/evaluation-suites.md":
        return  # it names files of public sets; test_evaluation_suites holds it to the loaders
    named = {
        code
        for code in inline_code(page)
        if re.fullmatch(r"[\w./*-]+", code) and code.endswith(EXTENSIONS) and code not in EXTENSIONS
    }
    files = _files()
    folders = {file[: place + 1] for file in files for place, letter in enumerate(file) if letter == "/"}
    for name in sorted(named):
        if name.startswith(ELSEWHERE) and name not in folders and name not in files:
            continue
        if "/" not in name:  # of a list that names its folder once, as in `index/lock.py`, `chroma.py`
            assert any(file.rpartition("/")[2] == name for file in files) or "*" in name, (page, name)
        elif name.endswith("/"):
            assert name in folders, (page, name)
        else:
            pattern = re.compile(re.escape(name).replace(r"\*", "[^/]*"))
            assert any(pattern.fullmatch(file) for file in files), (page, name)


@each_page
def test_names_of_ours_can_be_imported(page: str) -> None:
    for code in inline_code(page):
        if not re.fullmatch(r"(imagerag|benchmarks|testing)(\.\w+)+", code) or code.endswith(EXTENSIONS):
            continue
        module, _, attribute = code.rpartition(".")
        if code in {f"imagerag.{group}" for group in ("generators", "critics", "chat_models", "collections")}:
            continue
        if code in ("imagerag.searches", "imagerag.tools", "imagerag.moderations"):  # groups of entry points
            continue
        try:
            importlib.import_module(code)
        except ModuleNotFoundError:
            assert hasattr(importlib.import_module(module), attribute), (page, code)


@pytest.mark.slow
@each_page
def test_flags_are_known(page: str) -> None:
    known = _flags(build_parser()) | FOREIGN_FLAGS
    for code in inline_code(page):
        for flag in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", code):
            assert flag in known, (page, code)


@each_page
def test_variables_are_read_somewhere(page: str) -> None:
    code = "\n".join(
        (ROOT / file).read_text(encoding="utf-8")
        for file in _files()
        if file.endswith(".py") and not file.startswith(("tests/", "docs/"))
    )
    from imagerag.settings import DECLARED

    declared = {each.variable for each in DECLARED.values()}
    for variable in set(re.findall(r"\bIMAGERAG_[A-Z_0-9]+", text_of(page))):
        of_a_host = variable.startswith(("IMAGERAG_MCP_TOKEN_", "IMAGERAG_SERVER_KEY_"))
        known = variable in declared or f'"{variable}"' in code or of_a_host
        assert known, (page, variable)


@each_page
def test_extras_targets_and_modules_exist(page: str) -> None:
    text = text_of(page)
    for names in re.findall(r"imagerag\[([^\]]+)\]", text):
        assert set(re.split(r",\s*", names)) <= set(EXTRAS), (page, names)
    for target in re.findall(r"`make ([\w-]+)`", text):
        assert target in TARGETS, (page, target)
    for module in re.findall(r"python -m ((?:benchmarks|docs)\.\w+)", text):
        assert module == "benchmarks.NAME" or importlib.util.find_spec(module) is not None, (page, module)
    for command in commands(page):
        assert command.words[0].rpartition("/")[2] in FOREIGN, command
        if command.words[0] == "make":
            assert set(command.words[1:]) <= TARGETS, command
        if command.module is not None:
            assert importlib.util.find_spec(command.module) is not None, command


@each_page
def test_blocks_have_a_language(page: str) -> None:
    for block in blocks(page):
        assert block.language in ("sh", "powershell", "python", "toml"), (page, block.line)


def _slug(heading: str) -> str:
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.strip().lower()))


@each_page
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.is_file(), (page, target)
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(_slug, headings), (page, target)


def _leaves(nav: object) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    children = nav.values() if isinstance(nav, dict) else nav
    return [leaf for child in children for leaf in _leaves(child)]  # type: ignore[attr-defined]


def test_every_page_is_in_the_navigation() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert sorted(_leaves(nav)) == sorted(name.removeprefix("docs/") for name in NAMES if name.startswith("docs/"))


def test_every_page_is_linked_from_the_readme() -> None:
    for name in NAMES:
        if name.startswith("docs/") and not name.startswith("docs/reference/") and name != "docs/index.md":
            assert f"]({name})" in text_of("README.md"), name


def test_the_table_of_presets_is_that_of_the_presets(capsys: pytest.CaptureFixture[str]) -> None:
    from docs.preset_table import main

    main()
    assert capsys.readouterr().out.strip() in text_of("docs/models.md")


@cache
def _literals() -> frozenset[str]:
    """Every text in the code of ours, pieces of formatted ones apart."""
    trees = [
        ast.parse((ROOT / file).read_text(encoding="utf-8"))
        for file in _files()
        if file.endswith(".py") and not file.startswith(("tests/", "docs/", "benchmarks/", "training/"))
    ]
    nodes = (node for tree in trees for node in ast.walk(tree))
    return frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _messages() -> list[str]:
    rows = [line for line in text_of("docs/troubleshooting.md").splitlines() if line.startswith("| `")]
    return [message for row in rows for message in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


@pytest.mark.slow
@pytest.mark.parametrize("message", [message for message in _messages() if "imagerag replay" not in message])
def test_a_message_of_the_table_is_one_of_ours(message: str) -> None:
    """What stands for a value is an ellipsis; a variable's or module's name in the message may be one, too."""
    for piece in re.split(r"'?\.\.\.'?|IMAGERAG_TOKEN", message):
        assert any(piece.strip() in text for text in _literals()), piece


@pytest.mark.slow
def test_the_site_builds_strictly(tmp_path: object) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")
    import sys

    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
