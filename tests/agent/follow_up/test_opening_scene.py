"""A first request put together thing by thing gives a prompt that the grammar reads as the same scene."""

from imagerag.agent.follow_up.opening_scene import OpeningScene, Wanted
from testing.follow_ups import NAMES


def scene_of(*names: str) -> OpeningScene:
    """Return a scene of things in which nothing is said of how they stand."""
    return OpeningScene([Wanted(name) for name in names])


def test_things_are_named_with_count_colour_and_size() -> None:
    assert Wanted("balloon", 3, "red", "small").described() == "three small red balloons"
    assert Wanted("owl").described() == "an owl"
    assert Wanted("logo", owner="my").described() == "my logo"


def test_sides_put_things_beside_what_has_no_side_or_the_other_one() -> None:
    scene = scene_of("dog", "cat", "owl")
    scene.sides = {0: "left", 2: "right"}
    assert scene.prompt(NAMES, NAMES) == "a dog to the left of a cat to the left of an owl"


def test_a_thing_that_is_dropped_takes_its_relations_along() -> None:
    scene = scene_of("dog", "hat", "cat")
    scene.relate(0, "wearing", 1)
    scene.drop(1)
    assert scene.prompt(NAMES, NAMES) == "a dog and a cat"


def test_one_thing_becomes_several_of_different_colours() -> None:
    scene = OpeningScene([Wanted("balloon", 3)])
    scene.split(0, [(1, "red"), (2, "blue")])
    assert scene.prompt(NAMES, NAMES) == "a red balloon and two blue balloons"


def test_a_part_of_a_name_means_the_one_thing_that_has_it() -> None:
    scene = scene_of("penguin", "red apple")
    assert scene.find("apple") == 1
    assert scene.find("robot") is None


def test_nothing_gives_no_prompt() -> None:
    assert OpeningScene().prompt(NAMES, NAMES) == ""
