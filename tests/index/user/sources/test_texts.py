"""Texts in the encodings that programs save."""

import pytest

from imagerag.errors import UserError
from imagerag.index.user.sources.texts import decode_text

WORDS = "Möwe, かもめ"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_without_a_note(codec: str) -> None:
    text = WORDS + " on the shore"
    assert decode_text(text.encode(codec), "x.txt") == (text, "")


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_marks_tell_the_order_of_bytes(mark: str) -> None:
    assert decode_text(("\ufeff" + WORDS).encode(mark), "x.txt").text == WORDS


def test_a_character_that_is_cut_off_is_left_out() -> None:
    assert decode_text("Möwe".encode()[:2], "x.txt") == ("M", "")


@pytest.mark.parametrize(("codec", "called"), [("cp1252", "Windows-1252"), ("mac_roman", "Mac Roman")])
def test_a_guess_is_told(codec: str, called: str) -> None:
    text = "Möwe am Strand\rim Herbst" if codec == "mac_roman" else "Möwe am Strand"
    read, note = decode_text(text.encode(codec), "x.txt")
    assert read == text
    assert called in note
    assert "'x.txt'" in note
    assert "save it as UTF-8" in note


@pytest.mark.parametrize(
    "data", [bytes(range(256)), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"a\0\0\0b", b"\x01\x02\xff", b"\xff\xfea"]
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    if data == b"\xff\xfea":  # half a character behind a mark: nothing is left
        assert decode_text(data, "x.txt").text == ""
        return
    with pytest.raises(UserError, match=r"'x\.txt' is no text"):
        decode_text(data, "x.txt")
