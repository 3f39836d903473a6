"""The parser of the command line: ``imagerag --help``, which command was meant, and its arguments."""

import argparse
import difflib
from collections.abc import Mapping, Sequence
from typing import cast

from imagerag.cli import options
from imagerag.cli.commands import COMMANDS, PRECEDENCE, Command
from imagerag.cli.mistyped import check_command, check_words
from imagerag.cli.setting_flags import add_setting
from imagerag.cli.strict_parser import Parser, add_help_flag
from imagerag.declaration import GROUPS
from imagerag.errors import UserError
from imagerag.settings import DECLARED
from imagerag.shell_words import quoted

NEARLY_A_CHILD = 0.6
"""Share of letters that a misspelt word has in common with a command's own command: there are few to be taken for."""

DESCRIPTION = "Draw a picture, look at it critically, look up what is missing, and draw it again."


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
        UserError: an unknown flag, a value of the wrong type, a word or file that is missing, or words that are no
            prompt.
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
        names = {one.name: [child.name for child in one.commands] for one in COMMANDS}
        said = list(argv[:1]) == ["draw"]
        try:
            parsed = _parsed(command, parser, rest)
        except UserError:
            words = [word for word in argv if not word.startswith("-")]
            if not said and words[:1] == list(argv[:1]):
                check_command(argv, words, names)  # whose flags these may be
            raise
        check_words(parsed.typed, names, argv, said=said)
        return command, parsed
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
    if place is None and argv and not argv[0].startswith("-"):
        raise UserError(_no_command(argv[0], parser.prog, list(children), argv[1:]))
    if place is None and command.default and not {"-h", "--help"} & set(argv):
        place, argv = 0, [command.default, *argv]
    if place is None:
        parser.parse_args(list(argv))  # prints the help, or reports what is missing or unknown
        raise AssertionError("a command is required")
    child = next(one for one in command.commands if one.name == argv[place])
    return _descend(child, children[child.name], [*argv[:place], *argv[place + 1 :]])


def _no_command(word: str, program: str, names: Sequence[str], rest: Sequence[str]) -> str:
    """Return what to say of a word in the place of a command's own command."""
    near = difflib.get_close_matches(word.lower(), names, 1, NEARLY_A_CHILD)
    meant = f"did you mean: {quoted([*program.split(), near[0], *rest])}? " if near else ""
    return f"{word!r} is no command of {program}; {meant}valid: {', '.join(names)}"


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
            epilog=_epilog(command, parser.prog),
            **command.settings,
        )
        for command in commands
    }


def _epilog(command: Command, program: str) -> str | None:
    """Return what the help tells last; of a command of ours also how its name begins a prompt."""
    if program != "imagerag" or command.name == "draw":
        return command.epilog or None
    way = f'To draw a prompt that begins with this word, put it in quotes: imagerag "{command.name} ..."'
    return f"{command.epilog}\n\n{way}" if command.epilog else way


def _add_arguments(command: Command, parser: Parser) -> None:
    command.add_arguments(parser)
    if command.commands:
        children = _add_commands(parser, command.commands, "|".join(child.name for child in command.commands))
        for child in command.commands:
            _add_arguments(child, children[child.name])
