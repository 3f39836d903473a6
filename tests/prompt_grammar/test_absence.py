"""What a prompt says is not there."""

import pytest

from imagerag.prompt_grammar.parser import parse_scene

NAMES = frozenset(["dog", "cat", "horse", "rider", "candle", "car", "person", "tree", "hat", "birthday cake"])


@pytest.mark.parametrize(
    ("prompt", "things", "absent"),
    [
        ("no dogs", [], ("dog",)),
        ("a horse without a rider", ["horse"], ("rider",)),
        ("a park with no people", ["park"], ("person",)),
        ("fox but no trees", ["fox"], ("tree",)),
        ("an empty street, no cars or people", ["empty street"], ("car", "person")),
        ("a birthday cake without any candles, on a table", ["birthday cake", "table"], ("candle",)),
        ("a cat without a hat and a dog", ["cat", "dog"], ("hat",)),
        ("a man without hat and gloves", ["man"], ("hat", "gloves")),
        ("a horse with no rider and no saddle", ["horse"], ("rider", "saddle")),
        ("a dog but not a cat", ["dog"], ("cat",)),
        ("a no entry sign", ["no entry sign"], ()),
        ("a cat, no background", ["cat"], ()),
    ],
)
def test_it_is_neither_drawn_nor_looked_up(prompt: str, things: list[str], absent: tuple[str, ...]) -> None:
    scene = parse_scene(prompt, NAMES)
    assert scene.content_concepts() == things
    assert scene.absent == absent


def test_a_description_keeps_it() -> None:
    scene = parse_scene("a red horse without a rider, on a blue background", NAMES)
    assert parse_scene(scene.describe(), NAMES) == scene
    assert "no rider" in scene.describe()
