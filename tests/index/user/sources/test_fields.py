"""What records tell of pictures."""

import datetime
import decimal
from typing import Any

import pytest

from imagerag.index.user.sources.fields import both, described, fields_of, joined, plain_name, words_of


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        (float("nan"), ""),
        (decimal.Decimal("NaN"), ""),
        (True, ""),
        ("NaN", ""),
        ("<NA>", ""),
        (3, "3"),
        (b"\xef\xbb\xbfa cat", "a cat"),
        (bytes(9), ""),
        (" a\n cat ", "a cat"),
        (["a", "a", None, ["b"]], "a; b"),
        ({"en": "a cat", "de": "eine Katze"}, "a cat"),
        ({"de": "eine Katze"}, "eine Katze"),
        ({"id": 7, "name": "CC0-1.0", "url": "https://x"}, "CC0-1.0"),
        ({"name": None, "url": "https://x"}, "https://x"),
        ({}, ""),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        ("['a cat' 'a feline']", "a cat; a feline"),
        ("['a cat'\n 'a feline']", "a cat; a feline"),
        ("[untitled]", "[untitled]"),
        ('["a", 1]', '["a", 1]'),
        ("['a', None]", "a"),
        ("['a', nan, 'b']", "a; b"),
        ('["a", null, NaN]', "a"),
        ("('a', 'b')", "a; b"),
        ("('a',)", "a"),
        (" ['a', \"b's\"] ", "a; b's"),
        ("[['a'], ['b']]", "a; b"),
        ("[{'raw': 'a cat', 'tokens': ['a', 'cat']}, {'raw': 'a feline'}]", "a cat; a feline"),
        ("{'name': 'MIT'}", "MIT"),
        ('{"name": "MIT", "url": "x"}', "MIT"),
        ("{'name': None, 'url': 'https://x'}", "https://x"),
        ("[]", ""),
        ("{}", ""),
        ("[None]", ""),
        ("('a')", "('a')"),
        ("(a, b)", "(a, b)"),
        ("(a cat:1.2)", "(a cat:1.2)"),
        ("{'seed': 1}", "{'seed': 1}"),
        ("{red|green} owl", "{red|green} owl"),
        ("[print('a')]", "[print('a')]"),
        ("[" * 5000 + "]" * 5000, "[" * 5000 + "]" * 5000),
        (r"['C:\dir']", r"C:\dir"),
    ],
)
def test_values_of_every_shape(value: Any, words: str) -> None:
    assert words_of(value) == words


def test_lists_in_lists_without_end_say_nothing() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    assert words_of(deep) == ""
    assert fields_of({"caption": deep, "title": "t"}) == {"title": "t"}


@pytest.mark.parametrize("name", ["File Name", "file_name", " FILE-NAME", "file  name"])
def test_names_are_compared_plainly(name: str) -> None:
    assert plain_name(name) == "file_name"


def test_the_first_name_that_says_something_counts() -> None:
    assert fields_of({"caption": "", "TEXT": "a cat", "Alt": "x"}) == {"caption": "a cat"}
    assert fields_of({"TEXT": "shouted", "text": "a cat"}) == {"caption": "a cat"}
    assert fields_of({"text": None, "TEXT": "a cat"}) == {"caption": "a cat"}
    assert fields_of({"what": "a cat", "text": "x"}, "what") == {"caption": "a cat"}
    assert fields_of({"what": None, "text": "x"}, "what") == {"caption": "x"}
    assert fields_of({"URL": "https://x", "LICENSE": ["CC0-1.0"]}) == {"source": "https://x", "licence": "CC0-1.0"}


def test_tags_come_behind_the_caption_or_in_its_place() -> None:
    assert fields_of({"caption": "a cat", "tags": ["fur", "ears"]}) == {"caption": "a cat, fur, ears"}
    assert fields_of({"tags": "fur, ears"}) == {"caption": "fur, ears"}


def test_a_record_within_a_column_is_read_where_the_row_says_nothing() -> None:
    row = {"json": '{"caption": "a cat", "license": {"name": "CC0-1.0"}}', "caption": None}
    assert fields_of(row) == {"caption": "a cat", "licence": "CC0-1.0"}
    assert fields_of({"json": {"caption": "a dog"}, "caption": "a cat"}) == {"caption": "a cat"}
    assert fields_of({"json": "{"}) == {}
    assert fields_of({"json": "{'caption': 'a cat', 'seed': None}"}) == {"caption": "a cat"}


def test_numbered_captions_are_put_into_one_in_their_order() -> None:
    assert fields_of({"caption_10": "c", "caption_2": "b", "Caption 1": "a"}) == {"caption": "a; b; c"}
    assert fields_of({"caption": "a", "caption_2": "b", "text": "x"}) == {"caption": "a; b"}
    assert fields_of({"sentence1": "a", "sentence2": None}) == {"caption": "a"}
    assert fields_of({"caption_length": 7, "caption_x": "b"}) == {}


def test_what_is_cut_is_noted() -> None:
    fields = fields_of({"caption": "k" * 800})
    assert len(fields["caption"]) == 500
    assert "800 characters" in fields["note"]


def test_notes_of_all_parts_are_kept() -> None:
    whole = joined(
        {"caption": "a", "note": "one"}, {"caption": "b", "note": "two"}, {"title": "t"}, {"note": "one; two"}
    )
    assert (whole["caption"], whole["title"]) == ("b", "t")
    assert "one" in whole["note"]
    assert "two" in whole["note"]


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"caption": "a cat"}, {"caption": "a cat"}),
        ("a cat", {"caption": "a cat"}),
        (["a cat", "a feline"], {"caption": "a cat; a feline"}),
        (
            [{"caption": "a cat", "url": "https://1"}, {"caption": "a feline"}],
            {"caption": "a cat; a feline", "source": "https://1"},
        ),
        (7, None),
        ([], None),
        (None, None),
        ([1, {}], None),
    ],
)
def test_json_of_every_shape(said: Any, fields: dict[str, str] | None) -> None:
    assert described(said) == fields


def test_two_records_of_one_picture_are_one_with_the_captions_of_both() -> None:
    first, second = {"caption": "a cat", "licence": "CC0-1.0"}, {"caption": "a feline", "licence": "x", "title": "t"}
    assert both(first, second) == {"caption": "a cat; a feline", "licence": "CC0-1.0", "title": "t"}
    assert both({"caption": "a cat"}, {}) == {"caption": "a cat"}
    assert "note" in both({"caption": "a" * 400}, {"caption": "b" * 400})
