"""Each product module is imported by a test, and the layout of the tests follows the product's."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    "agent", "assets", "chat_models", "cli", "embedders", "generators", "graphs", "index", "net", "prompt_grammar",
    "prompts", "report", "server", "store", "tools",
)  # fmt: skip
EXCEPTIONS: dict[str, str] = {}
"""Modules that no test imports, each with the reason."""


def product_modules() -> set[str]:
    """Return the product's modules by dotted name, packages without code left out."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    files += (ROOT / "imagerag").glob("*.py")
    named = {}
    for file in files:
        parts = file.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts if parts[0] == "imagerag" else ("imagerag", *parts))
        named[name.removesuffix(".__init__")] = file
    return {name for name, file in named.items() if _has_code(file)}


def _has_code(file: Path) -> bool:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign) for node in body)


def imported_by(file: Path) -> Iterator[str]:
    """Yield the dotted name of every module, or of every name in one, that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_each_product_module_is_imported_by_a_test() -> None:
    imported = {name for file in (ROOT / "tests").rglob("test_*.py") for name in imported_by(file)}
    untested = product_modules() - imported
    assert untested - set(EXCEPTIONS) == set(), "add a test module for each, at the same place under tests/"
    assert set(EXCEPTIONS) <= untested, "these are imported by now: take them off the list"


def test_benchmarks_and_tests_share_through_testing_alone() -> None:
    def imports(folder: str, *, of: str) -> list[str]:
        files = (ROOT / folder).rglob("*.py")
        return [str(file) for file in files if any(name.split(".")[0] == of for name in imported_by(file))]

    assert imports("benchmarks", of="tests") == []
    assert imports("testing", of="tests") == []
    assert imports("testing", of="benchmarks") == []
    assert imports("tests", of="benchmarks") == []
