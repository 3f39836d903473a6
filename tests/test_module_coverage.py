"""Each product module is imported by a test, and the layout of the tests follows the product's."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
PACKAGES = (
    "agent", "assets", "chat_models", "cli", "doctor", "embedders", "evaluation", "generators", "graphs", "index",
    "net", "profiles", "prompt_grammar", "prompts", "provenance", "report", "server", "store", "tools",
)  # fmt: skip
EXCEPTIONS = {
    "imagerag.__main__": "run as a process by tests/e2e/",
    "imagerag.extras": "every optional library is blocked in turn by tests/imagerag/test_extras.py",
    "imagerag.graphs.events": "types alone",
    "imagerag.graphs.rule_fallback": "models that only talk are in tests/graphs/nodes/test_agent.py and tests/e2e/",
    "imagerag.graphs.recorded_turns": "recorded and replayed by tests/chat_models/test_recording.py and test_replay.py",
    "imagerag.index.user": "re-exports alone",
    "imagerag.index.user.embedding_cache": "read at each adding by tests/index/user/test_ingest.py",
    "imagerag.index.user.verify": "called through maintenance by tests/index/user/test_maintenance.py",
    "imagerag.tools": "re-exports alone",
    "imagerag.tools.reference_lookup": "called by the tools of tests/graphs/ and tests/server/mcp/",
}
"""Modules that no test imports and that have no test module at their place, each with the reason."""


ONLY_SLOW = {"imagerag.index.user.ray_engine": "Ray is processes of its own"}
"""Modules that nothing but slow tests use, each with the reason."""


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


@cache
def imported_by(file: Path) -> frozenset[str]:
    """Return the dotted name of every module, or of every name in one, that a file imports."""
    return frozenset(_imports(file))


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def covered_by(test_modules: Iterable[Path], importing: Iterable[Path]) -> set[str]:
    """Return the modules that have one of these test modules at their place, or that any of the files imports."""
    mirrored = {".".join(("imagerag", *file.relative_to(TESTS).parts)) for file in test_modules}
    return {
        *(name.replace(".test_", ".").removesuffix(".py") for name in mirrored),
        *(name for file in importing for name in imported_by(file)),
    }


def test_each_product_module_has_a_test_module_or_is_imported_by_one() -> None:
    untested = product_modules() - covered_by(TESTS.rglob("test_*.py"), TESTS.rglob("*.py"))
    assert untested - set(EXCEPTIONS) == set(), "add a test module for each, at the same place under tests/"
    assert set(EXCEPTIONS) <= untested, "these are tested by now: take them off the list"


def test_something_of_each_module_is_tested_without_the_slow_tests() -> None:
    """``make test-fast`` covers every module that a test module of its own or an import covers in ``make test``."""
    fast = [file for file in TESTS.rglob("test_*.py") if _has_a_fast_test(file)]
    covered = covered_by(fast, [*fast, *TESTS.rglob("conftest.py")])
    missing = product_modules() - covered - set(EXCEPTIONS) - set(ONLY_SLOW)
    assert missing == set(), "leave a test of each without the mark slow"


def _has_a_fast_test(file: Path) -> bool:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    if any(isinstance(node, ast.Assign) and "slow" in ast.unparse(node) for node in body):
        return False
    classes = [node for node in body if isinstance(node, ast.ClassDef) and not _is_slow(node)]
    functions = [*body, *(inner for each in classes for inner in each.body)]
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test") and not _is_slow(node)
        for node in functions
    )


def _is_slow(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(each) == "pytest.mark.slow" for each in node.decorator_list)


def test_benchmarks_and_tests_share_through_testing_alone() -> None:
    def imports(folder: str, *, of: str) -> list[str]:
        files = (ROOT / folder).rglob("*.py")
        return [str(file) for file in files if any(name.split(".")[0] == of for name in imported_by(file))]

    assert imports("benchmarks", of="tests") == []
    assert imports("testing", of="tests") == []
    assert imports("testing", of="benchmarks") == []
    assert imports("tests", of="benchmarks") == []
