"""The table of commands, from which the parser, ``imagerag --help`` and the dispatch follow.

To add a command, add one entry: its name, what ``--help`` tells, the function that adds its arguments, and the module
and function that run it, which are imported when it is called.
"""

import argparse
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO, cast

from imagerag.cli import options
from imagerag.cli.parser import Parser, add_help_flag, add_setting
from imagerag.declaration import GROUPS
from imagerag.errors import UserError
from imagerag.settings import DECLARED

Runner = Callable[[argparse.Namespace, TextIO], int]

DESCRIPTION = "Draw a picture, look at it critically, look up what is missing, and draw it again."

PRECEDENCE = """\
Every setting is also a variable (--max-steps is IMAGERAG_MAX_STEPS) and a name in the --config file (max_steps).
A flag goes before a variable, a variable before the file, the file before the default."""

EXAMPLES = f"""\
examples:
  imagerag "a lobster in a kimono"
  imagerag "an owl" --out owls --html --n 4 --seed 7
  imagerag "my cat on the moon" --subject cat.png
  imagerag --thread sea "a lobster";  imagerag --thread sea "now put it on the moon"
  echo "a red kite" | imagerag - --json
  imagerag replay FILE.png           draw an image again from the manifest it carries, and compare
  imagerag index add FOLDER          use your own pictures as references, too
  imagerag search "a red kite"       look something up
  imagerag draw index                draw a prompt that is also the name of a command

{PRECEDENCE}
Exit status: 0 an image was made, 1 a replay differs, 2 something has to be put right first, 130 cancelled.
"""


def _parse_plainly(argv: Sequence[str], parser: Parser) -> argparse.Namespace:
    return parser.parse_args(list(argv))


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        name: the word that is typed.
        help: its line in the list of commands; begins with a verb, without a full stop.
        add_arguments: adds its own arguments to its parser.
        run: ``module:function``; the function takes the parsed options, in which ``command`` is the name, and standard
            output, and returns the exit status.
        epilog: what its ``--help`` tells last.
        parse: parses its arguments, where ``parse_args`` doesn't do.
        commands: its own commands; it has no arguments and no ``run`` then.
        settings: what else its parser is made with.
    """

    name: str
    help: str
    add_arguments: Callable[[Parser], None] = lambda parser: None
    run: str = ""
    epilog: str = ""
    parse: Callable[[Sequence[str], Parser], argparse.Namespace] = _parse_plainly
    commands: tuple["Command", ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def runner(self) -> Runner:
        """Import and return the function that runs it."""
        module, _, function = self.run.partition(":")
        return cast("Runner", getattr(importlib.import_module(module), function))


COMMANDS = (
    Command(
        "draw",
        'draw a prompt; the default, so imagerag "PROMPT" does the same',
        options.add_draw,
        "imagerag.cli.draw:draw",
        f"Words and flags may be mixed; everything after -- belongs to the prompt.\n\n{PRECEDENCE}",
        parse=options.parse_draw,
        settings=options.DRAW_PARSER,
    ),
    Command(
        "replay",
        "draw an image again from the manifest it carries and compare the pixels",
        options.add_replay,
        "imagerag.cli.replay:replay",
        "Exit status: 0 identical, 1 different, 2 it can't be drawn again here.",
    ),
    Command(
        "index",
        "maintain the index of reference images: add, status, verify, rebuild",
        commands=(
            Command(
                "add",
                "add pictures of your own; again and again, only what changed is embedded",
                options.add_index_add,
                "imagerag.cli.index:index",
                "SOURCE is a folder, a file, an https: address, or one of webdataset:, img2dataset:, hf-parquet:, csv: and\n"
                "jsonl: with a path or pattern, as in hf-parquet:shards/*.parquet; imagerag plugins lists all formats",
            ),
            Command(
                "status",
                "print what is indexed, and with which model",
                options.add_index_status,
                "imagerag.cli.index:index",
            ),
            Command(
                "verify",
                "compare the search index with the pictures that are stored",
                options.add_index_verify,
                "imagerag.cli.index:index",
                "Exit status: 0 all is well, 1 there are problems, 2 something has to be put right first.",
            ),
            Command(
                "rebuild",
                "build the search index anew, without embedding again",
                options.add_index_rebuild,
                "imagerag.cli.index:index",
            ),
        ),
    ),
    Command(
        "search",
        "look something up in the bundled library and your own pictures",
        options.add_search,
        "imagerag.cli.search:search",
        'to draw a prompt that begins with this word: imagerag draw "search party"',
        parse=options.parse_search,
    ),
    Command(
        "mcp",
        "serve the tools to MCP clients, over standard input and output, or over HTTP at /mcp",
        options.add_mcp,
        "imagerag.cli.serve:serve_mcp",
        PRECEDENCE,
        settings={"usage": "imagerag mcp [options]"},
    ),
    Command(
        "serve",
        "serve OpenAI-compatible HTTP under /v1, the chat page, and MCP at /mcp if it is installed",
        options.add_serve,
        "imagerag.cli.serve:serve_http",
        PRECEDENCE,
        settings={"usage": "imagerag serve [options]"},
    ),
    Command(
        "web",
        "chat in the browser; the same server as serve",
        options.add_web,
        "imagerag.cli.serve:serve_http",
        PRECEDENCE,
        settings={"usage": "imagerag web [options]"},
    ),
    Command(
        "chat",
        "chat in the terminal; /help lists what can be typed",
        options.add_chat,
        "imagerag.cli.chat:chat",
        PRECEDENCE,
        settings={"usage": "imagerag chat [options]"},
    ),
    Command(
        "plugins",
        "list the generators, critics, chat models, collections, searches and tools, built in and of packages",
        options.add_plugins,
        "imagerag.cli.plugins:list_plugins",
        "Exit status: 0 all can be loaded, 1 one can't.",
    ),
)


def build_parser(only: str | None = None) -> Parser:
    """Return the parser of the command line, with one subparser per command.

    It lists the drawing options used most, but only the subparsers parse: without a command, that of ``draw`` does.

    Args:
        only: the command whose arguments are added, which saves time; those of all when ``None``.
    """
    parser = Parser(
        prog="imagerag",
        usage='imagerag "PROMPT" [options]\n       imagerag COMMAND [options]',
        description=DESCRIPTION,
        epilog=EXAMPLES,
        add_help=False,
    )
    added = _add_commands(parser, COMMANDS, "COMMAND")
    for command in COMMANDS:
        if only in (None, command.name):
            _add_arguments(command, added[command.name])
    common = parser.add_argument_group("drawing options used most; imagerag draw --help lists them all")
    for group in GROUPS:
        for name, declared in DECLARED.items():
            if declared.common and declared.group == group:
                add_setting(common, name)
    common.add_argument("--json", action="store_true", help="print one JSON object instead of progress in words")
    options.add_config(common)
    add_help_flag(common)
    options.add_version(common)
    return parser


def parse(argv: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    """Return the command that is meant and its parsed options; the default command is ``draw``.

    Raises:
        UserError: an unknown flag, a value of the wrong type, or a word or file that is missing.
        SystemExit: after ``--help`` or ``--version``.
    """
    if list(argv[:1]) in (["-h"], ["--help"]):
        build_parser("").parse_args(argv[:1])
    named = {command.name: command for command in COMMANDS}
    command = named.get(argv[0] if argv else "")
    rest = argv[1:] if command else argv
    command = command or named["draw"]
    parser = children_of(build_parser(command.name))[command.name]
    if command.name == "draw":
        return command, _parsed(command, parser, rest)
    try:
        return _descend(command, parser, rest)
    except UserError as error:
        if any(argument.startswith("-") for argument in rest):
            raise
        raise UserError(f"{error}; to draw these words: imagerag draw {' '.join(argv)!r}") from error


def children_of(parser: Parser) -> Mapping[str, Parser]:
    """Return the parsers of a parser's commands by name; none if it has no commands."""
    found = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return cast("Mapping[str, Parser]", found[0]) if found else {}


def _descend(command: Command, parser: Parser, argv: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    if not command.commands:
        return command, _parsed(command, parser, argv)
    children = children_of(parser)
    place = _find_command(argv, children)
    if place is None:
        parser.parse_args(list(argv))  # prints the help, or reports what is missing or unknown
        raise AssertionError("a command is required")
    child = next(one for one in command.commands if one.name == argv[place])
    return _descend(child, children[child.name], [*argv[:place], *argv[place + 1 :]])


def _find_command(argv: Sequence[str], children: Mapping[str, Parser]) -> int | None:
    """Return the place of the command's name, before which its options may stand: ``index --home add status``."""
    actions = [action for child in children.values() for action in child._actions]
    take_a_value = {flag for action in actions if action.nargs is None for flag in action.option_strings}
    for place, argument in enumerate(argv):
        if argument in children and (place == 0 or argv[place - 1] not in take_a_value):
            return place
    return None


def _parsed(command: Command, parser: Parser, argv: Sequence[str]) -> argparse.Namespace:
    parsed = command.parse(list(argv), parser)
    parsed.command = command.name
    return parsed


def _add_commands(parser: Parser, commands: Sequence[Command], metavar: str) -> dict[str, Parser]:
    added = parser.add_subparsers(
        title=f"commands; {parser.prog} COMMAND --help lists the options of one",
        metavar=metavar,
        prog=parser.prog,
        dest="command",
        required=True,
    )
    return {
        command.name: added.add_parser(
            command.name,
            help=command.help,
            description=f"{command.help[:1].upper()}{command.help[1:]}.",
            epilog=command.epilog or None,
            **command.settings,
        )
        for command in commands
    }


def _add_arguments(command: Command, parser: Parser) -> None:
    command.add_arguments(parser)
    if command.commands:
        children = _add_commands(parser, command.commands, "|".join(child.name for child in command.commands))
        for child in command.commands:
            _add_arguments(child, children[child.name])
