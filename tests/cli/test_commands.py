"""The table of commands: each is listed, has a help of its own, and can be run."""

from collections.abc import Iterator

import pytest

from imagerag.cli.commands import COMMANDS, Command
from imagerag.cli.main import run
from imagerag.cli.parser import build_parser, children_of, parse
from imagerag.errors import UserError


def leaves(
    commands: tuple[Command, ...] = COMMANDS, before: tuple[str, ...] = ()
) -> Iterator[tuple[list[str], Command]]:
    """Every command that can be run, with the words that name it."""
    for command in commands:
        if command.commands:
            yield from leaves(command.commands, (*before, command.name))
        else:
            yield [*before, command.name], command


LEAVES = list(leaves())
every_command = pytest.mark.parametrize(("words", "command"), LEAVES, ids=[" ".join(words) for words, _ in LEAVES])


NEEDED = {
    **dict.fromkeys(
        (
            "replay",
            "search",
            "inspect",
            "credits",
            "batch",
            "threads show",
            "threads delete",
            "threads export",
            "eval compare",
            "eval label",
            "eval report",
        ),
        ("x",),
    ),
    "threads rename": ("x", "y"),
    "completion": ("bash",),
}
"""What must follow a command."""


def help_of(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        run([*words, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@every_command
def test_help_of_its_own(words: list[str], command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    told = help_of(*words, capsys=capsys)
    assert told.startswith(f"usage: imagerag {'[draw]' if words == ['draw'] else ' '.join(words)} ")
    assert " ".join(command.help.split())[1:] in " ".join(told.split())
    assert command.help[0].islower()
    assert not command.help.endswith(".")


@every_command
def test_runner_is_there(words: list[str], command: Command) -> None:
    assert callable(command.runner())


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    told = help_of(capsys=capsys)
    for command in COMMANDS:
        assert f"\n    {command.name} " in told
    assert "imagerag COMMAND --help" in told
    listed = help_of("index", capsys=capsys)
    for name in ("add", "status", "verify", "rebuild"):
        assert f"\n    {name} " in listed


def test_each_lists_only_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    options = {
        name: {
            flag
            for flag in ("--licence", "--lookup-model", "--model", "--chroma", "--home")
            if flag in help_of("index", name, capsys=capsys)
        }
        for name in ("add", "status", "verify", "rebuild")
    }
    assert options == {
        "add": {"--licence", "--lookup-model", "--model", "--chroma", "--home"},
        "status": {"--home"},
        "verify": {"--lookup-model", "--model", "--chroma", "--home"},
        "rebuild": {"--chroma", "--home"},
    }
    assert "--generator" not in help_of("search", capsys=capsys)
    assert "--seed" not in help_of("serve", capsys=capsys)


def test_draw_help_lists_its_options_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    told = help_of("draw", capsys=capsys)
    for title in (
        "models, critic and tools",
        "looking things up",
        "the image",
        "limits",
        "output",
        "files and servers",
    ):
        assert f"\n{title}" in told


@pytest.mark.parametrize(
    ("argv", "name", "words"),
    [
        (["an owl"], "draw", ["an owl"]),
        (["draw", "index"], "draw", ["index"]),
        (["--json", "index", "add"], "draw", ["index", "add"]),
        (["--config", "f.toml", "an owl"], "draw", ["an owl"]),
        (["search", "draw"], "search", ["draw"]),
        (["--", "draw", "--json"], "draw", ["draw", "--json"]),
    ],
)
def test_which_command_is_meant(argv: list[str], name: str, words: list[str]) -> None:
    command, options = parse(argv)
    assert (command.name, options.command, options.words) == (name, name, words)


@pytest.mark.parametrize(
    "argv",
    [
        ["index", "add", "status", "--home", "add", "--json"],
        ["index", "--home", "add", "--json", "add", "status"],
        ["index", "--home=add", "add", "--json", "status"],
    ],
)
def test_options_before_the_command_of_a_command(argv: list[str]) -> None:
    command, options = parse(argv)
    assert (command.name, options.home, options.json, options.paths) == ("add", "add", True, ["status"])


def test_options_of_no_use_to_an_index_command_are_ignored() -> None:
    _, options = parse(["index", "status", "--model", "m", "--licence", "CC0-1.0", "--allow-urls"])
    assert options.command == "status"


@pytest.mark.parametrize(
    "argv", [["an owl", "--see", "7"], ["serve", "--por", "1"], ["index", "add", "--lic", "x", "p"]]
)
def test_no_abbreviations(argv: list[str]) -> None:
    with pytest.raises(UserError, match=r"--help"):
        parse(argv)


@every_command
def test_unknown_flag_tells_where_the_known_are(words: list[str], command: Command) -> None:
    with pytest.raises(UserError, match=rf"--no-such-flag; see: imagerag {' '.join(words)} --help"):
        parse([*words, *NEEDED.get(" ".join(words), ()), "--no-such-flag"])


def test_every_command_is_a_subparser() -> None:
    children = children_of(build_parser())
    assert list(children) == [command.name for command in COMMANDS]
    assert list(children_of(children["index"])) == ["add", "remove", "status", "calibrate", "verify", "rebuild"]
