"""Parts of a first request: names, chains of things, and looks told apart from the names."""

import pytest

from imagerag.agent.follow_up.opening_items import Item
from imagerag.agent.follow_up.opening_looks import Looks
from imagerag.agent.follow_up.opening_names import Vocabulary, is_side
from imagerag.agent.follow_up.opening_scene import OpeningScene, Wanted
from testing.follow_ups import NAMES

VOCABULARY = Vocabulary(NAMES, NAMES)


def read(text: str, *things: Wanted, guesses: bool = False) -> tuple[str, bool]:
    """Return the prompt after a part is read behind these things, and whether all of it was read."""
    scene = OpeningScene(list(things))
    item = Item(scene, text.split(), VOCABULARY, guesses)
    item.read()
    return scene.prompt(NAMES, NAMES), item.done


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("two red balloons and a dog", "two red balloons and a dog"),
        ("a castle with a dog to the left of it", "a dog to the left of a castle"),
        ("dog , two balloons at its left", "two balloons to the left of a dog"),
        ("pizza , a star over it , moon under it", "a star above a pizza above a moon"),
        ("dog ( gold ) , cat in red", "a gold dog and a red cat"),
        ("cat , small , with a big moon above it", "a large moon above a small cat"),
        ("dog cat owl", "a dog and a cat and an owl"),
    ],
)
def test_a_chain_of_things_is_read_with_what_is_said_of_each(text: str, prompt: str) -> None:
    assert read(text) == (prompt, True)


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("violet", "a dog and a violet cat"),
        ("dog on the left", "a dog to the left of a cat"),
        ("both red", "a red dog and a red cat"),
        ("the dog is blue", "a blue dog and a cat"),
    ],
)
def test_looks_are_said_of_things_told_of_before(text: str, prompt: str) -> None:
    scene = OpeningScene([Wanted("dog"), Wanted("cat")], latest=1)
    item: Looks = Item(scene, text.split(), VOCABULARY)
    assert isinstance(item, Item)
    assert item.read()
    assert item.done
    assert scene.prompt(NAMES, NAMES) == prompt


def test_unknown_names_are_things_only_where_guesses_are_allowed() -> None:
    assert read("a zeppelin") == ("", False)
    assert read("a zeppelin", guesses=True) == ("a zeppelin", True)


def test_sides_are_no_names() -> None:
    assert is_side("left")
    assert not is_side("dog")
