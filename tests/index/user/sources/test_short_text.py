"""Texts that fit into one line and into a report."""

import pytest

from imagerag.index.user.sources.short_text import LISTED, in_words, listed, one_line, shortened, shown


@pytest.mark.parametrize("most", [20, 21, 1000])
def test_a_long_text_keeps_its_start_and_its_end(most: int) -> None:
    text = "start" + "-" * 5000 + "end"
    short = shortened(text, most)
    assert len(short) == most
    assert short.startswith("start")
    assert short.endswith("end")
    assert shortened("x" * most, most) == "x" * most


def test_lists_say_how_many_more_there_are() -> None:
    assert listed(["a", 1]) == "a, 1"
    assert listed(range(LISTED + 3)).endswith("and 3 more")
    assert len(listed(["x" * 50_000] * 5000)) < 2000


def test_a_list_is_one_line_whatever_its_names_hold() -> None:
    assert listed(["two\nlines", "\n", "", "\udcff"]) == "two lines, '\\n', '', \\udcff"


def test_halves_of_characters_are_written_out_or_replaced() -> None:
    assert one_line(" a\n\u2028b\ud83d ") == "a b?"
    assert shown("\udcff.png") == "\\udcff.png"
    assert in_words("a_cat-on__a mat") == "a cat on a mat"
