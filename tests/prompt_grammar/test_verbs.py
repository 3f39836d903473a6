"""Verb phrases fall into their things."""

import pytest

from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.verbs import is_verb, verb_at


@pytest.mark.parametrize(
    ("prompt", "things", "relations"),
    [
        ("a robot playing the guitar", ["robot", "guitar"], [("with", (0,), (1,))]),
        (
            "a girl reading a book under a tree",
            ["girl", "book", "tree"],
            [("with", (0,), (1,)), ("below", (0, 1), (2,))],
        ),
        ("a dog chasing a cat", ["dog", "cat"], [("beside", (0,), (1,))]),
        ("the dog chases the cat", ["dog", "cat"], [("beside", (0,), (1,))]),
        ("a bear that rides a bicycle", ["bear", "bicycle"], [("on", (0,), (1,))]),
        ("a pirate who is fighting a shark", ["pirate", "shark"], [("beside", (0,), (1,))]),
        ("a knight slaying a dragon", ["knight", "dragon"], [("beside", (0,), (1,))]),
        ("a dragon breathing fire", ["dragon", "fire"], [("with", (0,), (1,))]),
        ("a boy plays football", ["boy", "football"], [("with", (0,), (1,))]),
        ("a cat drinking milk from a bowl", ["cat", "milk", "bowl"], [("with", (0,), (1,)), ("beside", (0, 1), (2,))]),
        ("a monkey sitting on a branch eating a banana", ["monkey", "branch", "banana"], None),
        ("a man reading a newspaper and drinking coffee", ["man", "newspaper", "coffee"], None),
        ("a woman who wears a hat", ["woman", "hat"], [("wearing", (0,), (1,))]),
        ("there is a cat that is sleeping on a sofa", ["cat", "sofa"], [("on", (0,), (1,))]),
        ("a penguin looking at the moon", ["penguin", "moon"], [("beside", (0,), (1,))]),
        ("a fire breathing dragon", ["fire breathing dragon"], []),
        ("a flying car", ["flying car"], []),
        ("a rock climbing wall", ["rock climbing wall"], []),
        ("a swimming pool", ["swimming pool"], []),
        ("a woman smiling at the camera", ["woman"], []),
        ("a robot reading", ["robot reading"], []),
        ("a hummingbird feeding from a hibiscus", ["hummingbird", "hibiscus"], [("beside", (0,), (1,))]),
        ("a bat that is hanging from the ceiling", ["bat", "ceiling"], [("beside", (0,), (1,))]),
        ("a vase, soft light streaming from a window", ["vase"], []),
    ],
)
def test_what_is_done_and_with_what(prompt: str, things: list[str], relations: list[tuple[object, ...]] | None) -> None:
    scene = parse_scene(prompt)
    assert scene.content_concepts() == things
    if relations is not None:
        assert [tuple(relation)[:3] for relation in scene.relations] == relations


def test_what_is_done_is_done_by_who_is_somewhere_not_by_the_place() -> None:
    scene = parse_scene("a monkey on a branch eating a banana")
    assert scene.relations[-1].subject == (0,)


@pytest.mark.parametrize(
    "prompt",
    [
        "a robot playing the guitar",
        "a dog chasing a cat beside a tree",
        "a bear that rides a bicycle",
        "a bear rising from a lake",
    ],
)
def test_the_verb_stays_in_the_description(prompt: str) -> None:
    scene = parse_scene(prompt)
    assert parse_scene(scene.describe()) == scene
    assert scene.relations[0].said in scene.describe()


def test_a_participle_without_an_object_is_no_verb_between_things() -> None:
    assert verb_at(["dog", "running"], 1, ["dog"]) is None
    assert verb_at(["a", "running", "dog"], 1, ["a"]) is None
    assert is_verb("playing")
    assert not is_verb("on")
