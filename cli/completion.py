"""``imagerag completion``: the script with which a shell completes commands, flags, choices and files."""

import argparse
from collections.abc import Iterator
from typing import TextIO

from imagerag.cli.parser import build_parser, children_of
from imagerag.cli.strict_parser import Parser
from imagerag.cli.terminal import say
from imagerag.settings import DECLARED

FOLDERS = frozenset({"out", "home"})
"""Arguments that name a folder."""
FILES = frozenset({"config", "subject", "html", "file", "paths", "token_file", "like", "record", "lora"})


def completion(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print the script for a shell, and return the exit status."""
    import shtab

    parser = build_parser()
    known = {flag for action in parser._actions for flag in action.option_strings}
    for action in children_of(parser)["draw"]._actions:  # which is meant where no command is named
        if action.option_strings and not known & {*action.option_strings}:
            parser._add_action(action)
    for action in _actions(parser):
        declared = DECLARED.get(action.dest)
        if declared is not None and declared.choices:
            action.choices = declared.choices
        elif action.dest in FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.dest in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    say(shtab.complete(parser, options.shell), file=stdout)
    return 0


def _actions(parser: Parser) -> Iterator[argparse.Action]:
    yield from parser._actions
    for child in children_of(parser).values():
        yield from _actions(child)
