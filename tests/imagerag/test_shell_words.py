"""Commands taken apart and words quoted, as each platform's shell has them."""

import pytest

from imagerag.shell_words import quoted, split_command


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
