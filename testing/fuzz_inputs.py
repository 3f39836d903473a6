"""Inputs that parsers trip over: words of a format put together at random, JSON of every shape, mutated files."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

DEEP = 200_000
"""Levels of nesting, and repetitions of one word: more than any recursion, few enough for what is linear."""


def texts_of(words: Sequence[str], most: int = DEEP) -> SearchStrategy[str]:
    """Return texts made of a format's words, of anything else, and of one word over and over."""
    word = st.sampled_from(words) | st.text(max_size=8)
    mixed = st.lists(word, max_size=30).map("".join)
    again = st.tuples(st.lists(word, min_size=1, max_size=3).map("".join), st.sampled_from([10, 300, 5000, most]))
    repeated = again.map(lambda one: (one[0] * one[1])[:most])
    return mixed | repeated | st.tuples(mixed, repeated, mixed).map("".join)


def json_values(keys: Sequence[str], words: Sequence[str] = ()) -> SearchStrategy[Any]:
    """Return JSON values whose objects have these keys, among others, and whose texts are these words, among others."""
    numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 2**63, 10**400, 1e308])
    leaves = st.none() | st.booleans() | numbers | st.text(max_size=20) | st.sampled_from([*words, ""])
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(keys) | st.text(max_size=5), inner, max_size=5)
        ),
        max_leaves=25,
    )


def nested(value: Any, depth: int) -> bytes:
    """Return a value as JSON, so many lists and objects around it."""
    text = json.dumps(value)
    return ('[{"error":' * (depth // 2) + text + "}]" * (depth // 2)).encode()


def json_bodies(keys: Sequence[str], words: Sequence[str] = ()) -> SearchStrategy[bytes]:
    """Return bodies that are JSON, deep ones too, or nearly JSON, or nothing of the sort."""
    values = json_values(keys, words)
    plain = values.map(lambda value: json.dumps(value).encode())
    deep = st.tuples(values, st.sampled_from([100, 900, 990, 1500, DEEP])).map(lambda one: nested(*one))
    cut = st.tuples(plain, st.floats(0, 1)).map(lambda one: one[0][: int(len(one[0]) * one[1])])
    open_ended = st.sampled_from([b"[", b'{"a":', b'{"error":[', b"<title>", b"<", b"&#", b"x ", b'"', b"1"])
    html = texts_of(["<html>", "<title>", "</title>", "<h1>", "</h1>", "<script>", "<p>", "<", ">", "&lt;", "502"])
    return plain | deep | cut | open_ended.map(lambda word: word * DEEP) | html.map(_encoded) | st.binary(max_size=200)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@st.composite
def mutations(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Return one of these files with some bytes changed, cut out, doubled, or set to what lengths must not be."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        if not data:
            break
        at = draw(st.integers(0, len(data) - 1))
        length = draw(st.sampled_from([1, 2, 4, 8, 64, 1000]))
        match draw(st.sampled_from(["flip", "set", "cut", "double", "end", "put"])):
            case "flip":
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "set":
                marks = [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00"]
                data[at : at + 4] = draw(st.sampled_from(marks))
            case "cut":
                del data[at : at + length]
            case "double":
                data[at:at] = data[at : at + length]
            case "end":
                del data[at:]
            case _:
                data[at:at] = draw(st.binary(max_size=16))
    return bytes(data)


def mutated_texts(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """Return mutated files of text, a line of which may be there very often."""
    often = st.tuples(st.sampled_from(seeds), st.sampled_from([2, 50, 2000])).map(lambda one: one[0] * one[1])
    return mutations(seeds) | often
