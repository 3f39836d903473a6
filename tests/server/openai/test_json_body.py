"""JSON within bounds: values, wide characters, halves of pairs."""

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from imagerag.server.api_error import ApiError
from imagerag.server.openai.json_body import LEAST, MAX_HALVES, MAX_WIDE, json_of, shown, wide_bytes
from testing.servers import Served

SMILE = "\U0001f642"
ESCAPED = json.dumps(SMILE)[1:-1]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'"\xff\xfe"', b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ApiError, match="the body is not JSON"):
        json_of(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ('"\\ud83d"', "?"),
        ('"cut \\ude42 off"', "cut ? off"),
        ('"\\ud83d\\ude42"', SMILE),
        ('"\\ud83d\\ud83d\\ude42\\ude42"', f"?{SMILE}?"),
        ('"\\\\ud83d \\ud83d"', "\\ud83d ?"),
        ('"\\\\\\ud83d"', "\\?"),
        ('{"\\udc00": ["\\uD800\\\\"]}', {"?": ["?\\"]}),
        ("\ufeff[1]", [1]),
    ],
)
def test_half_a_pair_becomes_a_question_mark(body: str, value: Any) -> None:
    assert json_of(body.encode()) == value


def test_halves_without_end_are_refused() -> None:
    with pytest.raises(ApiError, match="the body is not JSON"):
        json_of(b'"%s"' % (b"\\ud83d" * (MAX_HALVES + 1)))


@pytest.mark.parametrize("wide", [SMILE, ESCAPED, "\u0100", "\\u0100"])
@pytest.mark.parametrize("place", ["{0}{1}", "{1}{0}", '{1}\\"{0}\\"{1}', "{1}\\\\{0}"])
def test_text_beyond_latin_1_has_a_bound_wherever_its_wide_character_stands(wide: str, place: str) -> None:
    text = place.format(wide, "a" * (MAX_WIDE + 1))
    with pytest.raises(ApiError, match=f"more than {MAX_WIDE >> 20} MiB of text with characters beyond Latin-1"):
        json_of(f'["x", "{text}"]'.encode())
    part = place.format(wide, "a" * (MAX_WIDE // 20))
    with pytest.raises(ApiError, match="beyond Latin-1"):  # in many pieces, too
        json_of(json.dumps([part] * 21).replace("\\\\", "\\").encode())


def test_pictures_beside_a_wide_text_are_no_text_beyond_latin_1() -> None:
    picture = "data:image/png;base64," + "A" * (3 * MAX_WIDE)
    assert json_of(json.dumps([f"an owl {SMILE}", picture]).encode()) == [f"an owl {SMILE}", picture]
    latin = "\u00e9" * MAX_WIDE
    assert json_of(f'"{latin}"'.encode()) == latin


def test_short_texts_count_for_what_they_take() -> None:
    assert wide_bytes(f'"{SMILE}",'.encode() * 1000) == 1000 * LEAST


def test_a_large_value_is_not_written_out_for_an_error() -> None:
    value = [SMILE + "a" * 2**20] * 20
    tracemalloc.start()
    told = shown(value)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    assert len(told) < 200
    assert SMILE in told
    assert shown("x" * 200) == repr("x" * 80)
    assert shown(3) == "'3'"


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        SMILE + "a" * (60 * 2**20),
        [{"type": "text", "text": SMILE}, *[{"type": "text", "text": "a" * (15 * 2**20)}] * 4],
        [{"type": "image_url", "image_url": {"url": [SMILE + "a" * (60 * 2**20)]}}],
    ],
    ids=["one text", "several texts", "no text"],
)
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("path", ["chat/completions", "responses"])
def test_no_wide_body_takes_half_a_gigabyte(
    serve: Callable[..., Served], content: Any, ascii_only: bool, path: str
) -> None:
    """The server runs in this process, where the body that is sent is held, too."""
    messages = [{"role": "user", "content": content}]
    named = {"messages": messages} if path == "chat/completions" else {"input": messages}
    body = json.dumps({"model": "imagerag", **named}, ensure_ascii=ascii_only).encode()
    url = f"{serve().url}/v1/{path}"
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    answer = httpx.post(url, content=body, timeout=60)
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert answer.status_code in (400, 413), answer.text
    assert most < 400 * 2**20, f"{most / 2**20:.0f} MiB"
