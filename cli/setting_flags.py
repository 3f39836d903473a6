"""Flags made from the declarations of the settings, and the settings that were given as flags."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from imagerag.cli.strict_parser import Parser
from imagerag.declaration import GROUPS, Group, Setting
from imagerag.settings import DECLARED

WEB_PAGE = (".html", ".htm")


def add_setting(group: Any, name: str) -> None:
    """Add the flag of a setting to a parser or a group of arguments.

    Its default is ``None``, which means not given: then variable, file and default decide.
    """
    declared = DECLARED[name]
    how: dict[str, Any] = {"dest": name, "help": _help_text(declared), "default": None}
    if declared.kind is bool:
        how["action"] = "store_true"
    elif declared.kind is tuple:
        how |= {"action": "append", "metavar": declared.metavar}
    else:
        how |= {"type": {int: whole, float: number}.get(declared.kind, str), "metavar": declared.metavar}
    group.add_argument(*filter(None, (declared.alias, declared.flag)), **how)


def add_settings(parser: Parser, groups: Iterable[Group], also: Sequence[str] = ()) -> dict[Group, Any]:
    """Add the settings of the groups, and those named in ``also``; return the groups of arguments by name."""
    added: dict[Group, Any] = {}
    for group in GROUPS:
        names = [name for name, one in DECLARED.items() if one.group == group and (group in groups or name in also)]
        if names:
            added[group] = parser.add_argument_group(GROUPS[group])
        for name in names:
            add_setting(added[group], name)
    return added


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that were given as flags, by field name; ``None`` for the others."""
    given = {name: getattr(options, name, None) for name in DECLARED}
    lists = {name: value for name, value in given.items() if DECLARED[name].kind is tuple and value is not None}
    return given | {name: DECLARED[name].parse(value, DECLARED[name].flag) for name, value in lists.items()}


def close_page_flag(argv: Sequence[str]) -> list[str]:
    """Return the arguments with ``--html`` closed where no name of a web page follows.

    So ``--html "an owl"`` still draws an owl.
    """
    closed = list(argv)
    for place, argument in enumerate(closed):
        following = closed[place + 1] if place + 1 < len(closed) else ""
        if argument == "--html" and not following.lower().endswith(WEB_PAGE):
            closed[place] = "--html="
    return closed


def whole(text: str) -> int:
    """Return the whole number of an argument."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def number(text: str) -> float:
    """Return the number of an argument."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _help_text(declared: Setting) -> str:
    text = declared.help
    if declared.kind is tuple:
        text += "; can be repeated"
    default = f"default: {declared.shown_default}"
    if declared.choices:
        text += f": {declared.valid} ({default})"
    else:
        text += f" ({declared.valid}; {default})" if declared.valid else f" ({default})"
    return text.replace("%", "%%")
