"""Negative prompts as people paste them: what is a thing, and what is no more than a flaw or a look."""

import pytest

from imagerag.prompt_grammar.negatives import MOST_THINGS, Negatives, read_negatives


@pytest.mark.parametrize(
    ("text", "things", "others"),
    [
        ("", (), ()),
        (" , ,", (), ()),
        ("a dog", ("dog",), ()),
        ("no dogs, the red car", ("dogs", "red car"), ()),
        ("(people:1.3), [cat], dog, dog", ("people", "cat", "dog"), ()),
        ("lowres, bad anatomy, Extra Fingers, a horse", ("horse",), ("lowres", "bad anatomy", "extra fingers")),
        ("<lora:x:1>, hat", ("hat",), ()),
    ],
)
def test_parts(text: str, things: tuple[str, ...], others: tuple[str, ...]) -> None:
    assert read_negatives(text) == Negatives(things, others)


def test_what_is_too_much_to_look_for_is_not_lost() -> None:
    names = [f"thing{number}" for number in range(MOST_THINGS + 2)]
    read = read_negatives(", ".join(names))
    assert read.things == tuple(names[:MOST_THINGS])
    assert read.others == tuple(names[MOST_THINGS:])
