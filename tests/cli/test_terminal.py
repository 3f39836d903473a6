"""What the command line prints steers no terminal, wherever the words come from."""

import ast
import io
import json
import logging
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from imagerag.cli import terminal
from imagerag.cli.main import run
from imagerag.cli.progress import ProgressBars
from imagerag.cli.run_printer import RunPrinter
from imagerag.cli.terminal import printable, say, say_json, say_path, visible
from imagerag.errors import UserError
from imagerag.store.images import ImageStore
from imagerag.store.manifest import Manifest, ManifestReference

STEERING = (
    "\x1b]0;title\x07", "\x1b]52;c;aGk=\x1b\\", "\x1b[2J", "\x9b2J", "\x9d0;t\x9c", "\x1bP+q\x1b\\", "\r", "\b", "\x7f",
    "\x00", "\u202e", "\u2066", "\u200e", "\ufeff", "\U000e0041", "\x0b", "\x0c", "\x85",
)  # fmt: skip
EVIL = "owl" + "".join(STEERING) + "end"


def steers(text: str) -> list[str]:
    """Return the characters that a terminal would obey."""
    return [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c not in "\n\u200c\u200d"]


@pytest.mark.parametrize("sequence", STEERING)
def test_no_sequence_is_left_in_a_text(sequence: str) -> None:
    assert not steers(visible(f"a{sequence}b\nc"))
    assert not steers(printable(f"a{sequence}b\nc"))
    assert visible(f"a{sequence}b\nc").count("\n") == 1
    assert visible(f"a{sequence}b").startswith("a")


@pytest.mark.parametrize(
    "text",
    [
        "an owl", "  two  spaces", "a\nb", "сова", "梟", "\u0645\u0649\u200c\u062e\u0648", "👩\u200d🎨", "é ﬁ — “q”",
        "\xa0nbsp",
    ],
)  # fmt: skip
def test_what_steers_nothing_stays(text: str) -> None:
    assert visible(text) == text


def test_json_is_escaped_and_loses_nothing() -> None:
    out = io.StringIO()
    say_json({"caption": EVIL, "half": "\udce9"}, out)
    assert not steers(out.getvalue())
    assert json.loads(out.getvalue()) == {"caption": EVIL, "half": "\udce9"}


def test_a_path_is_exact_for_programs_alone() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    pipe, screen = io.StringIO(), Terminal()
    for out in (pipe, screen):
        say_path("/a\u200eb", out)
    assert (pipe.getvalue(), steers(screen.getvalue())) == ("/a\u200eb\n", [])


def test_what_libraries_log_steers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.guard_logging()
    assert logging.lastResort is not None
    record = logging.LogRecord("x", logging.WARNING, "f", 1, "Blocked %s", (EVIL,), None)
    assert not steers(logging.lastResort.format(record))


def test_the_filter_is_the_only_place_that_writes() -> None:
    for file in (Path(terminal.__file__).parent).glob("*.py"):
        if file.name == "terminal.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                target = ast.unparse(node.func)
                assert called != "print" or target == "self._console.print", f"{file.name}:{node.lineno}: {target}"
                assert target not in ("sys.stdout.write", "sys.stderr.write", "stdout.write"), f"{file}:{node.lineno}"


def a_manifest(tmp_path: Path, **told: str) -> list[str]:
    reference = ManifestReference(
        sha256="f" * 64, concept=EVIL, kind="subject", caption=EVIL, title=EVIL, source=EVIL, licence=EVIL
    )
    manifest = Manifest(
        prompt=EVIL,
        seed=1,
        generator=told.get("generator", "patchwork"),
        generator_revision=EVIL,
        references=(reference,) if "reference" in told else (),
        versions={EVIL: EVIL, "torch": EVIL},
    )
    return ["replay", str(ImageStore(tmp_path / "theirs").put(Image.new("RGB", (9, 9)), manifest).path)]


def a_folder(tmp_path: Path, write: Callable[[Path], object], source: str = "{}") -> list[str]:
    folder = tmp_path / "d"
    folder.mkdir()
    Image.new("RGB", (32, 32), "red").save(folder / "a.png")
    write(folder)
    return ["index", "add", source.format(folder)]


def a_table(head: str, row: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "t.csv").write_text(f"{head}\n{row}\n", newline="")


DOORS: dict[str, Callable[[Path], list[str]]] = {
    "a manifest's versions": a_manifest,
    "a manifest's generator": lambda folder: a_manifest(folder, generator=f"openai:{EVIL}"),
    "a manifest's unknown generator": lambda folder: a_manifest(folder, generator=EVIL),
    "a manifest's reference": lambda folder: a_manifest(folder, reference="yes"),
    "a CSV header": lambda folder: a_folder(folder, a_table(f'"{EVIL}",b', "x,y"), "csv:{}/t.csv"),
    "a CSV path": lambda folder: a_folder(folder, a_table("path,caption", f'"{EVIL}.png",y'), "csv:{}/t.csv"),
    "a caption": lambda folder: a_folder(folder, a_table("path,caption", f'a.png,"{EVIL}"'), "csv:{}/t.csv"),
    "a file's name": lambda folder: a_folder(
        folder, lambda d: (d / EVIL.replace("\x00", "").replace("\x1b\\", "")).write_bytes(b"none")
    ),
    "broken JSON": lambda folder: a_folder(folder, lambda d: (d / "a.json").write_text(f'{{"{EVIL}": ')),
    "a command": lambda folder: ["index", "add", EVIL.replace("\x00", "")],
    "an option": lambda folder: ["draw", "--generator", EVIL, "an owl"],
}


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--json"]])
@pytest.mark.parametrize("door", DOORS)
def test_a_command_prints_nothing_that_steers(
    door: str, more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run([*DOORS[door](tmp_path), *more, "--home", str(tmp_path / "home")])
    printed = capsys.readouterr()
    assert printed.out or printed.err
    assert not steers(printed.out + printed.err)


@pytest.mark.slow
def test_a_search_prints_captions_and_sources_in_a_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "home")]
    row = {"path": "a.png", "caption": f"owl {EVIL}", "source": f"x\nforged {EVIL}", "licence": EVIL}
    run([*a_folder(tmp_path, lambda d: (d / "t.jsonl").write_text(json.dumps(row)), "jsonl:{}/t.jsonl"), *home])
    capsys.readouterr()
    for more in ([], ["--json"]):
        assert run(["search", "owl", "--library", "own", "-k", "1", *more, *home]) == 0
        printed = capsys.readouterr()
        assert "owl" in printed.out
        assert not steers(printed.out + printed.err)
        assert not [line for line in printed.out.splitlines() if line.startswith("forged")]


def test_events_and_errors_of_a_generator_print_nothing_that_steers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()
    printer = RunPrinter(Console(file=out, width=500), ProgressBars(quiet=True))
    printer.say(EVIL)
    printer.note(EVIL)
    printer.tell({"event": "stop", "reason": "error", "detail": EVIL})
    assert not steers(out.getvalue())
    bars = ProgressBars()
    bars.update(EVIL, 1, 1)

    def fails(*_: object) -> None:
        raise UserError(f"the server says {EVIL}")

    monkeypatch.setattr("imagerag.cli.main._dispatch", fails)
    for argv in ([], ["--json"]):
        assert run(argv) == 2
    say(EVIL, file=sys.stderr)
    printed = capsys.readouterr()
    assert EVIL[:3] in printed.err
    assert not steers(printed.out + printed.err)
