"""Commands taken apart and words quoted, as each platform's shell has them."""

import pytest

from imagerag.shell_words import program_of, quoted, shown_server, split_command


@pytest.mark.parametrize(
    ("command", "windows", "words"),
    [
        ("npx -y 'my search'", False, ["npx", "-y", "my search"]),
        (r'"C:\Program Files\search.exe" --all', True, [r"C:\Program Files\search.exe", "--all"]),
        (r"C:\tools\search.exe", True, [r"C:\tools\search.exe"]),
        ("", False, []),
    ],
)
def test_words_of_a_command(command: str, windows: bool, words: list[str]) -> None:
    assert split_command(command, windows) == words


@pytest.mark.parametrize("windows", [False, True])
def test_a_mark_without_its_other(windows: bool) -> None:
    with pytest.raises(ValueError, match="No closing quotation"):
        split_command("npx 'search", windows)


@pytest.mark.parametrize("windows", [False, True])
def test_quoted_words_are_read_as_they_were(windows: bool) -> None:
    words = ["imagerag", "index", "add", "my pictures", "owls"]
    assert split_command(quoted(words, windows), windows) == words


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("npx -y search --token hunter2", "npx ..."),
        ("env KEY=hunter2 OTHER=x /home/me/bin/search", "search"),
        ("/usr/bin/env KEY=hunter2 search --all", "search ..."),
        ("env KEY=hunter2", "env ..."),
        ("search", "search"),
        ("'my tools/search' x", "search ..."),
        ("search --token 'hunter2", "search ..."),
        ("'", "'"),
        ("", ""),
    ],
)
def test_others_are_told_the_program_alone(command: str, program: str) -> None:
    assert program_of(command) == program


def test_a_server_is_shown_without_what_may_be_a_key() -> None:
    assert shown_server("HTTP://me:hunter2@host/mcp?k=hunter2") == "HTTP://host/mcp?k=[hidden]"
    assert shown_server("env KEY=hunter2 search") == "search"
