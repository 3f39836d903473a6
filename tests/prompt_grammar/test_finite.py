"""Sentences: verbs with a subject are read as the participle would be; nouns that look like verbs stay nouns."""

import pytest

from imagerag.prompt_grammar.clauses import split_clauses
from imagerag.prompt_grammar.finite import in_order, presented
from imagerag.prompt_grammar.parser import parse_scene

NAMES = {"owl", "dog", "cat", "bird", "boy", "girl", "fruit", "sun", "house", "night stand", "horse", "coat"}


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("an owl sits on a log", "an owl on a log"),
        ("an owl sat on a log", "an owl on a log"),
        ("an owl that sits on a log", "an owl on a log"),
        ("an owl sits high up on a log", "an owl on a log"),
        ("a camel walks through the desert", "a camel walking through the desert"),
        ("a bear walks to a house", "a bear beside a house"),
        ("a mermaid lives by a rock", "a mermaid by a rock"),
        ("an elephant stands on a blue background", "an elephant on a blue background"),
        ("two snails race", "two snails"),
        ("birds fly over a lake", "birds over a lake"),
        ("a boy and a girl play in the sand", "a boy and a girl in the sand"),
        ("a penguin looks at the moon", "a penguin looking at the moon"),
        ("a girl held a balloon", "a girl holding a balloon"),
        ("a boy rode a horse", "a boy riding a horse"),
        ("the sun shines brightly above a house", "the sun above a house"),
        ("the bird flies over a house", "the bird over a house"),
        ("a flock of birds flies over a lake", "a flock of birds over a lake"),
        ("a dog sleeps and a cat plays", "a dog and a cat"),
        ("a bird comes and sits on the roof", "a bird on the roof"),
        ("a lamp shines from the left", "a lamp from the left"),
        ("a fish, it swims under a boat", "a fish under a boat"),
    ],
)
def test_what_somebody_does_alone(sentence: str, phrase: str) -> None:
    assert parse_scene(sentence, NAMES) == parse_scene(phrase, NAMES)


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("the cat is on the mat", "the cat on the mat"),
        ("a cat was sleeping", "a cat"),
        ("two cats that are on a sofa", "two cats on a sofa"),
        ("the car is red and the house is big", "the red car and the big house"),
        ("grandpa has a fishing pole", "grandpa with a fishing pole"),
        ("a dog that has got a hat", "a dog with a hat"),
        ("a dog has no hat", "a dog with no hat"),
        ("a dog wears a hat and has a ball", "a dog wearing a hat with a ball"),
        ("a koala has its own palm tree", "a koala with a palm tree"),
    ],
)
def test_what_somebody_is_and_has(sentence: str, phrase: str) -> None:
    assert parse_scene(sentence, NAMES) == parse_scene(phrase, NAMES)


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("There's a bus and a bicycle", "a bus and a bicycle"),
        ("here is a fox and there's a hen", "a fox and a hen"),
        ("we see a fox in a forest", "a fox in a forest"),
        ("once there was a fox in a forest", "a fox in a forest"),
        ("in the garden there is a dog", "a dog in the garden"),
        ("in the garden, there is a dog", "a dog in the garden"),
        ("at the bottom of the sea there's an octopus", "an octopus in the sea"),
        ("under the tree sits a dog", "a dog under the tree"),
        ("on the table is a cup, a dog", "a cup on the table, a dog"),
        ("on the left there's a chair, on the right a television", "a chair to the left of a television"),
        ("on the right is a cat, and on the left is a dog", "a cat to the right of a dog"),
    ],
)
def test_what_is_only_presented(sentence: str, phrase: str) -> None:
    assert parse_scene(sentence, NAMES) == parse_scene(phrase, NAMES)


@pytest.mark.parametrize(
    ("prompt", "things"),
    [
        ("fruit flies on a cake", ["fruit flies", "cake"]),
        ("a bunch of flies on a cake", ["bunch of flies", "cake"]),
        ("coffee tables on a rug", ["coffee tables", "rug"]),
        ("three stands on a field", ["stand", "field"]),
        ("three coat stands in a hall", ["coat stand", "hall"]),
        ("a fruit stand on a street", ["fruit stand", "street"]),
        ("clothes stand on a rug", ["clothes stand", "rug"]),
        ("a cat and a night stand on a rug", ["cat", "night stand", "rug"]),
        ("cherry blossom in a vase", ["cherry blossom", "vase"]),
        ("can the tree go away", ["can the tree go away"]),
        ("what if it had a scarf", ["what if it had a scarf"]),
    ],
)
def test_nouns_that_look_like_verbs_and_talk_stay(prompt: str, things: list[str]) -> None:
    scene = parse_scene(prompt, NAMES)
    assert scene.content_concepts() == things
    assert parse_scene(scene.describe(), NAMES) == scene


def test_a_known_name_keeps_its_verb() -> None:
    assert parse_scene("an owl sits on a log", {"owl sits"}).content_concepts() == ["owl sits", "log"]


def test_what_is_somewhere_stands_before_the_place() -> None:
    assert " ".join(in_order(["on", "a", "log", "sits", "an", "owl", ",", "a", "cat"])) == "an owl on a log , a cat"
    assert " ".join(in_order(["on", "the", "left", "a", "cat"])) == "on the left a cat"


def test_only_what_something_follows_presents() -> None:
    assert presented(["there", "is", "a", "cat"], 0) == 2
    assert presented(["there", "is"], 0) == 0


def test_many_sentences_are_read_in_time_linear_in_their_length() -> None:
    clauses = list(split_clauses("a cat has a hat and sits on a log. " * 2000, frozenset()))
    assert len(clauses) > 4000


@pytest.mark.parametrize(
    ("prompt", "row"),
    [
        ("a trophy between a star and a medal", "a star to the left of a trophy to the left of a medal"),
        ("a clock between two candles", "a candle to the left of a clock to the left of a candle"),
        ("a man sitting between two trees", "a tree to the left of a man to the left of a tree"),
        ("the space between us", "a space between us"),
    ],
)
def test_what_is_between_two_things_stands_in_a_row_with_them(prompt: str, row: str) -> None:
    assert parse_scene(prompt).describe() == row
