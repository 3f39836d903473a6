"""The first request of a conversation, worded as to somebody, is read into the picture that is wanted."""

import pytest

from imagerag.agent.follow_up.opening import Opening, opened
from imagerag.agent.follow_up.reading import FollowUps
from imagerag.agent.rule_writer import RuleWriter
from imagerag.index.captions import common_names
from testing.follow_up_corpus import library_names

NAMES = library_names()
KNOWN = FollowUps(NAMES, common_names)._known


def first(request: str, *, talk_only: bool = False) -> Opening | None:
    """Return what a first request is read as."""
    return opened(request, NAMES, KNOWN, talk_only=talk_only)


def drawn(request: str) -> str:
    """Return what is drawn of a first request."""
    return FollowUps(NAMES, common_names, weights=None).brief(request, []).prompt


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("dog w hat", "a dog with a hat"),
        ("burger n fries", "a burger and fries"),
        ("a blue car pls", "a blue car"),
        ("Good morning! I was rather hoping you could draw me a duck.", "a duck"),
        ("We're planning a party for my husband, so could I see a birthday cake, please?", "a birthday cake"),
        ("My nephew adores farms. Could he have a tractor and a cow?", "a tractor and a cow"),
        (
            "I drive a school bus for a living. A school with a bus to the left of it would suit me just fine.",
            "a bus to the left of a school",
        ),
        ("Once upon a time there was a castle, and I should very much like to see it.", "a castle"),
        ("Draw me castle for the bedtime story", "castle"),
        ("I want house please", "house"),
        ("make frog for my daughter", "frog"),
        ("a fox and an owl, fox on the left", "a fox to the left of an owl"),
        ("teddy bear with three balloons, all red", "a teddy bear with three red balloons"),
        ("Castle with a dragon above. Dragon: maroon. Castle: gray.", "a maroon dragon above a gray castle"),
        ("ice cream x2, one pink, one brown", "a pink ice cream and a brown ice cream"),
        ("trumpet in gold, drum in red", "a gold trumpet and a red drum"),
        (
            "Science fair: microscope (blue), test tube (green), magnet (red)",
            "a blue microscope and a green test tube and a red magnet",
        ),
        ("Can you draw a cat? It should be black. And it should wear a hat.", "a black cat wearing a hat"),
        ("two cats (one black, one white) and a basket", "a black cat and a white cat and a basket"),
        ("dad loves fishing, so a fish and a boat plz", "a fish and a boat"),
        ("i wanna see a shark wearing sunglasses lol", "a shark wearing sunglasses"),
        ("Hey there, would it be possible to get a duck?", "a duck"),
        ("My walk this morning was all chipmunks. Let me have one with a chestnut.", "a chipmunk with a chestnut"),
    ],
)
def test_what_is_said_around_a_picture_is_not_drawn(request_: str, prompt: str) -> None:
    assert drawn(request_) == prompt


def test_one_line_tells_what_a_request_was_read_as_and_what_as_a_remark() -> None:
    read = first("My nephew adores farms. Could he have a tractor and a cow?")
    assert read is not None
    assert read.note == "read as 'a tractor and a cow'; 'my nephew adores farms' was taken as a remark"


def test_where_only_courtesy_is_left_out_nothing_is_told() -> None:
    read = first("Good morning! Could I please have a duck?")
    assert read == Opening("a duck", "")


@pytest.mark.parametrize("talk_only", [False, True])
@pytest.mark.parametrize(
    "prompt",
    [
        "cinematic shot of a lighthouse at dusk, 35mm, film grain",
        "A lighthouse on a cliff. Show the waves crashing below. Make it stormy.",
        "We see a knight on a hill. I want dramatic light.",
        "Golden hour portrait of a woman in a wheat field, she looks at the camera, soft light",
        "A man walks his dog in the rain. He carries an umbrella. The street is empty.",
        "(masterpiece:1.2), (best quality), ((red fox)), in the snow, octane render",
        "1girl, solo, long hair, blue eyes, school uniform, looking at viewer, masterpiece",
        "a telephoto lens on a rock, morning mist",
        "cat",
        "a cat on a sofa",
        "my cat on a sofa",
        "my logo on a t-shirt",
        "two dogs and a ball, watercolor",
        "a park, no dogs",
        "penguin juggling torches",
        "show jumping horse",
        "paint brush",
        "zebrafish. coral.",
        "a red o button (blood type)",
        "a mrs. claus",
        "a man gesturing ok",
        "",
    ],
)
def test_a_prompt_without_talk_is_left_as_it_is(prompt: str, talk_only: bool) -> None:
    assert first(prompt, talk_only=talk_only) is None


@pytest.mark.parametrize(
    "request_", ["teapot, violet", "a fox and an owl, fox on the left", "trumpet in gold, drum in red"]
)
def test_only_talk_is_left_out_of_a_prompt_for_a_real_model(request_: str) -> None:
    assert first(request_, talk_only=True) is None
    read = first("Could you draw me a shot of a pier at dusk, 35mm, film grain please?", talk_only=True)
    assert read is not None
    assert read.prompt == "a shot of a pier at dusk, 35mm, film grain"


def test_a_writer_for_photographs_leaves_looks_told_apart_to_the_model() -> None:
    request = "a fox and an owl, fox on the left"
    assert RuleWriter(lambda: NAMES, "photographs").brief(request, []).prompt == request
    assert RuleWriter(lambda: NAMES).brief(request, []).prompt == "a fox to the left of an owl"


@pytest.mark.parametrize(
    "request_",
    ["a cow under a UFO", "a cat in a hammock", "a dog on the moon", "a man in the forest", "a dog on a zorb"],
)
def test_what_no_list_names_stays_where_a_thing_is_said_to_be(request_: str) -> None:
    assert FollowUps(NAMES, common_names, weights=None).brief(request_, []).prompt == request_
