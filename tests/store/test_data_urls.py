"""Files in base64 and in ``data:`` URLs, as they are written."""

import base64
import textwrap

import pytest

from imagerag.store.data_urls import decoded, is_data_url, picture_of_base64
from testing.remote_servers import a_png

PNG = a_png(size=33)
TEXT = base64.b64encode(PNG).decode()
WRAPPED = "\n".join(textwrap.wrap(TEXT, 76))
BODIES = {
    "as it is": TEXT,
    "without padding": TEXT.rstrip("="),
    "of the other alphabet": base64.urlsafe_b64encode(PNG).decode(),
    "in lines": WRAPPED,
    "in lines of Windows": WRAPPED.replace("\n", "\r\n"),
    "with spaces about it": f" {TEXT}\n",
    "with escapes": TEXT.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
}
HEADS = (
    "data:image/png;base64,", "data:image/png; base64,", "data:image/png ;base64 ,", "data: image/png;base64,",
    "DATA:IMAGE/PNG;BASE64,", "data:image/png;charset=utf-8;base64,", "data:image/png;name=a.png;base64,",
    "data:image/png;base64;charset=utf-8,", "data:;base64,", "data:image/jpg;base64,", " data:image/png;base64,",
    "data:image/png,",
)  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
@pytest.mark.parametrize("head", ["", *HEADS])
def test_a_picture_is_read_however_it_is_written(head: str, body: str) -> None:
    assert decoded(head + body) == PNG
    assert is_data_url(head + body) is bool(head)


def test_other_bytes_are_read_as_they_stand() -> None:
    data = b"\xfb\xff\xfe\x00"
    for text in ("+//+AA==", "-__-AA==", "+//+AA", " +//+\r\nAA==\n", "data:,%FB%FF%FE%00"):
        assert decoded(text) == data
    assert decoded("data:text/plain,abcd") == b"abcd", "which is base64, too, and of no picture"


@pytest.mark.parametrize("text", ["not base64!", "data:image/png;base64", "data:image/png;base64,!", "\N{SNOWMAN}"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decoded(text)


@pytest.mark.parametrize("text", ["", "AAEC", "images/owls/scarlet/2024/07/31/owl-0001-large-copy", "A" * 80])
def test_a_text_of_base64_s_letters_is_no_picture(text: str) -> None:
    assert picture_of_base64(text) is None
