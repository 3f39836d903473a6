"""The prompt as it is typed: read, refused, and checked for scripts that the models don't know."""

import re
from io import StringIO

import pytest

from imagerag.cli.prompt import read_prompt
from imagerag.errors import UserError


class TestPrompt:
    def test_standard_input(self) -> None:
        assert read_prompt(["-"], StringIO(" a red\nkite \n")) == "a red kite"

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ([], "no prompt"),
            (["  "], "is empty"),
            (["x" * 4001], "4001 characters"),
            (["owl\x1b[31m"], r"'\x1b'"),
            (["owl \udcff"], r"'\udcff'"),
        ],
    )
    def test_refused(self, words: list[str], said: str) -> None:
        with pytest.raises(UserError, match=re.escape(said)):
            read_prompt(words)
