"""JSON with mistakes is read where its meaning is certain, and nowhere else."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagerag.chat_models.lenient_json import Uncertain, decode, loads, objects_in

OWL = {"prompt": "an owl", "seed": 7}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"prompt": "an\nowl"}', {"prompt": "an\nowl"}),
        ('{"prompt": "an owl", "seed": 7,}', OWL),
        ("{'prompt': 'an owl', 'seed': 7}", OWL),
        ("{\u201cprompt\u201d: \u201can owl\u201d, \u201cseed\u201d: 7}", OWL),
        ('{prompt: "an owl", seed: 7}', OWL),
        ('{"seed": 7, "prompt": "an owl"', OWL),
        ('{"a": {"seed": 7, "prompt": "an owl"}', {"a": OWL}),
        ('{"a": [{"seed": 7, "prompt": "an owl"}', {"a": [OWL]}),
        ('{"a": [{"prompt": "an owl"}, "b"}', {"a": [{"prompt": "an owl"}, "b"]}),
        ('[{"a": {"prompt": "an owl"}]', [{"a": {"prompt": "an owl"}}]),
        ("{'prompt': 'an owl's hat'}", {"prompt": "an owl's hat"}),
        ("{'prompt': 'an owl\\'s hat'}", {"prompt": "an owl's hat"}),
        ('{"prompt": "a "big" owl",}', {"prompt": 'a "big" owl'}),
        ("{'a': True, 'b': None, 'c': [1.5, -2,],}", {"a": True, "b": None, "c": [1.5, -2]}),
        ('{"prompt": "\\ud83e\\udd89 \\u00e9",}', {"prompt": "🦉 é"}),
        ('{"prompt": """an owl"""}', {"prompt": "an owl"}),
        ('{"prompt": """an "old" owl\nat night""", "seed": 7}', {"prompt": 'an "old" owl\nat night', "seed": 7}),
        ("{'prompt': '''an owl's hat'''}", {"prompt": "an owl's hat"}),
        ('{"prompt": """she said "hi""""}', {"prompt": 'she said "hi"'}),
        ('{"seed": 7, "prompt": "an owl", "seed": 7}', OWL),
        ("{}", {}),
        ('{"a": ""', {"a": ""}),
    ],
)
def test_what_is_certain_is_read(text: str, value: Any) -> None:
    assert loads(text) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"prompt": "an owl wearing a',
        '{"prompt": "an owl", "seed": 12',
        '{"prompt": "an owl", ',
        '{"prompt": ',
        '{"prompt"',
        "{",
        '{"prompt": an owl}',
        '{"prompt": "an owl, "seed": 7}',
        '{"prompt": "a sign "OPEN", red", "seed": 7}',
        '{"prompt: "an owl"}',
        '{"prompt": "an owl" "seed": 7}',
        '{"prompt": "an \\owl"}',
        '{"prompt": "an owl"} and then',
        '{"a": {"prompt": "an owl"}, {"prompt": "a cat"}}',
        '{"a": ["b"], "c"]}',
        '{"queries": ["a" "b"]}',
        '{"queries": ["a"\n"b", "c"]}',
        "{'queries': ['a' 'b']}",
        "{\u201cqueries\u201d: [\u201ca\u201d \u201cb\u201d]}",
        '{"prompt": ""an owl""}',
        '{"prompt": """an owl}',
        '{"prompt": "an owl", "prompt": "a cat"}',
        '{"prompt": "an owl", "prompt": "a cat",}',
        '{"a": [{"seed": 1, "seed": true}]}',
        "{" * 5000,
        '{"a":' * 5000,
        "",
        "owl",
    ],
)
def test_what_would_be_a_guess_is_refused(text: str) -> None:
    with pytest.raises(Uncertain):
        loads(text)


def test_brackets_are_not_lost_but_to_come_where_the_writer_was_stopped() -> None:
    text = '{"name": "generate", "arguments": {"prompt": "an owl"}'
    assert loads(text) == {"name": "generate", "arguments": {"prompt": "an owl"}}
    with pytest.raises(Uncertain, match="breaks off"):
        loads(text, cut_off=True)


GOOD = {"score": 0.9}


@pytest.mark.parametrize(
    "draft",
    [
        '{"score": 0.1, wait, no.\n\nCorrected answer: ',
        '{"score": 0.1, "missing": ["beak"\nOops, the JSON again: ',
        '{"score": 0.1 - hmm, let me recompute:\n',
        '{"score": 0.1, "missing": [\nOops, again: ',
        '{"score": 0.1\nNo, sorry, ',
        '{"score": 0.1, "note": "half a\n\nAgain:\n',
        "{score: 0.1 or so ... Final: ",
    ],
)
def test_a_draft_that_breaks_off_does_not_hide_what_follows(draft: str) -> None:
    assert objects_in(f"{draft}{json.dumps(GOOD)}") == [GOOD]


@pytest.mark.parametrize(
    "outer",
    [
        '{"draft": ',
        '{"x": broken, "draft": ',
        "{x: broken, draft: ",
        '{"a": oops, "draft": [',
        '{"a": oops, "drafts": [{"score": 0.1}, ',
        "{draft: ",
        '{"a": 0.1, draft: ',
    ],
)
def test_an_object_within_one_that_can_not_be_read_is_left_out(outer: str) -> None:
    assert objects_in(f'{outer}{json.dumps(GOOD)}, "b": [') == []


def test_a_value_ends_before_what_follows() -> None:
    text = "x {'prompt': 'a </tool_call> sign'}</tool_call>"
    assert decode(text, 2) == ({"prompt": "a </tool_call> sign"}, text.index("}") + 1)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text(max_size=5), VALUES, max_size=4), ascii=st.booleans())
def test_correct_json_is_read_alike_by_the_lenient_way(value: Any, ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii)
    assert loads(text) == value
    if value:
        assert loads(f"{text[:-1]},}}") == value, "a trailing comma takes the lenient way"


@given(value=st.dictionaries(st.text(max_size=5), VALUES, min_size=1, max_size=4), data=st.data())
def test_of_a_text_that_breaks_off_no_value_is_made_up(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    try:
        read = loads(cut)
    except Uncertain:
        return
    assert _part_of(read, value), "whatever is read was written whole"


def _part_of(part: Any, whole: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and _part_of(value, whole[name]) for name, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(_part_of, part, whole))
    return bool(part == whole)


@given(st.text(alphabet="{}[]\"':,\\ a1\n", max_size=60))
def test_nothing_else_is_raised(text: str) -> None:
    with suppress(Uncertain):
        loads(text)


@pytest.mark.parametrize("text", ["1" * 5000, '{"seed": ' + "1" * 5000 + "}", "{'seed': " + "1" * 5000])
def test_a_number_of_thousands_of_digits_is_uncertain(text: str) -> None:
    """Python refuses to make one, with an error of its own."""
    with pytest.raises(Uncertain, match="a number is too long"):
        loads(text)
    assert objects_in(text) == []
