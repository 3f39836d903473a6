"""The pages of the documentation, taken apart into blocks of code, commands and links."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT).as_posix()) for page in PAGES]

_BLOCK = re.compile(
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE
)
_CODE = re.compile(r"`([^`\n]+)`")


class Block(NamedTuple):
    """One fenced block."""

    page: str
    line: int
    language: str
    title: str
    text: str


class Command(NamedTuple):
    """One command of a block: its words, and what is piped into it."""

    page: str
    line: int
    words: tuple[str, ...]
    piped: str = ""

    @property
    def argv(self) -> list[str] | None:
        """What follows ``imagerag``; ``None`` for other programs."""
        program = self.words[0].rpartition("/")[2]
        return list(self.words[1:]) if program == "imagerag" else None

    @property
    def module(self) -> str | None:
        """The module that ``python -m`` runs."""
        program = self.words[0].rpartition("/")[2]
        return self.words[self.words.index("-m") + 1] if program in ("python", "python3") else None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {shlex.join(self.words)}"


@cache
def text_of(page: str) -> str:
    """Return a page's text."""
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def blocks(page: str) -> list[Block]:
    """Return a page's fenced blocks, in order."""
    text = text_of(page)
    return [
        Block(page, text.count("\n", 0, found.start()) + 2, found["language"], found["title"] or "", found["text"])
        for found in _BLOCK.finditer(text)
    ]


@cache
def inline_code(page: str) -> list[str]:
    """Return what stands between backticks outside fenced blocks."""
    return _CODE.findall(_BLOCK.sub("", text_of(page)))


@cache
def commands(page: str) -> list[Command]:
    """Return every command of a page's shell blocks, in order."""
    return [
        command
        for block in blocks(page)
        if block.language in ("sh", "powershell")
        for number, line in enumerate(block.text.splitlines())
        for command in _commands(page, block.line + number, line)
    ]


def _commands(page: str, line: int, text: str) -> Iterator[Command]:
    lexer = shlex.shlex(text.replace("\\", "/"), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    piped = ""
    for word in [*lexer, "&&"]:
        if word in ("&&", "|", ";"):
            if words:
                yield Command(page, line, tuple(words), piped)
            piped = " ".join(words[1:]) if word == "|" else ""
            words = []
        else:
            words.append(word)
