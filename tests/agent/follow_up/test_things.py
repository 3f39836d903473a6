"""Which things words name."""

import pytest

from imagerag.agent.follow_up.scene_edit import items_of
from imagerag.agent.follow_up.things import find
from imagerag.prompt_grammar.parser import parse_scene
from testing.follow_ups import changed


@pytest.mark.parametrize(
    ("words", "prompt", "found"),
    [
        ("it", "a dog and a cat", ["dog"]),
        ("them both", "a dog and a cat", ["dog", "cat"]),
        ("the cat", "a dog and a cat", ["cat"]),
        ("the second one", "a dog and a cat", ["cat"]),
        ("the red one", "a dog and a red cat", ["cat"]),
        ("the left one", "a dog to the right of a cat", ["cat"]),
        ("the cat on the right", "a dog and a cat", ["cat"]),
        ("the other one", "a dog and a cat", ["cat"]),
        ("the boat", "a sailboat", ["sailboat"]),
        ("the animal", "a dog on a beach", ["dog"]),
        ("the dog and the hat", "a dog wearing a hat", ["dog", "hat"]),
        ("cats", "two cats and a dog", ["cat"]),
        ("both pigs", "a pig and a brown pig", ["pig", "pig"]),
        ("both the pigs", "a pig and a brown pig", ["pig", "pig"]),
        ("both of the pigs", "a pig and a dog and a brown pig", ["pig", "pig"]),
        ("the two pigs", "a pig and a brown pig", ["pig", "pig"]),
        ("all three pigs", "two pigs and a brown pig", ["pig", "pig"]),
        ("all of the pigs", "a pig and a brown pig and a dog", ["pig", "pig"]),
    ],
)
def test_names(words: str, prompt: str, found: list[str]) -> None:
    result = find(words.split(), items_of(parse_scene(prompt)), 0)
    assert result is not None
    assert [result.items[place].thing.phrase for place in result.places] == found


@pytest.mark.parametrize("words", ["the wombat", "the second one", "a", "the"])
def test_what_names_nothing(words: str) -> None:
    assert find(words.split(), items_of(parse_scene("a dog")), 0) is None


def test_one_of_several_is_taken_apart() -> None:
    found = find(["the", "second", "dog"], items_of(parse_scene("two dogs")), 0)
    assert found is not None
    assert ([item.thing.count for item in found.items], found.places) == ([1, 1], [1])


def test_what_is_somebodys_is_what_that_one_has() -> None:
    both = "a dog wearing a hat and a cat wearing a hat"
    assert changed("make the cat's hat red", both) == "a dog wearing a hat and a cat wearing a red hat"
    assert changed("remove the dog's hat", both) == "a dog and a cat wearing a hat"
    assert changed("make the dog's scarf red", both) == ""
    assert changed("make the dog's ball red", "a dog and a ball") == "a dog and a red ball"


def test_a_thing_is_named_with_its_measure_too() -> None:
    assert changed("make the slice of pizza bigger", "a dog and a pizza") == "a dog and a large pizza"
    assert changed("remove the bunch of owls", "two owls and a dog") == "a dog"


def test_all_of_a_name_are_changed_whatever_they_look_like() -> None:
    two = "a dog and a brown dog and a cat"
    for said in ("make both dogs red", "paint all dogs red", "make every dog red", "both of the dogs should be red"):
        assert changed(said, two) == "a red dog and a red dog and a cat"
