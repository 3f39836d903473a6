"""Requests in the plain words that mean the same."""

import pytest

from imagerag.agent.follow_up.phrases import words_of
from imagerag.agent.follow_up.wording import plainly
from testing.follow_ups import changed, read


@pytest.mark.parametrize(
    ("request_", "plain"),
    [
        ("could u possibly add a hat?", "add a hat"),
        ("would you mind adding a hat", "add a hat"),
        ("why don't we remove the hat", "remove the hat"),
        ("i'd rather have an owl", "an owl instead"),
        ("i was thinking more of a blue dog", "a blue dog instead"),
        ("the dog is supposed to be red", "the dog should be red"),
        ("what if the dog was red?", "the dog should be red"),
        ("what if it had a scarf?", "it should have a scarf"),
        ("could the dog maybe have a hat?", "the dog should have a hat"),
        ("there ought to be two owls", "there should be two owls"),
        ("the first version was much nicer", "go back to the first version"),
        ("forget that, draw me a tree", "new picture : a tree"),
        ("yellow for the background", "make the background yellow"),
        ("hat for the dog pls", "give the dog hat"),
        ("shrink the dog", "make the dog smaller"),
        ("use a cat rather than a dog", "use a cat instead of a dog"),
        ("a ball to the teddy bear's left", "a ball to the left of the teddy bear"),
        ("a ball at his feet", "a ball next to him"),
        ("a ball near their feet", "a ball next to them"),
        ("replace it with some kind of bird", "replace it with a bird"),
    ],
)
def test_what_is_wrapped_around_a_request_is_left_out(request_: str, plain: str) -> None:
    assert " ".join(plainly(words_of(request_))) == plain


@pytest.mark.parametrize("request_", ["make it look better in orange", "please", "an orange boat", "look at the book"])
def test_words_that_only_begin_or_end_like_a_frame_stay(request_: str) -> None:
    assert " ".join(plainly(words_of(request_))) == request_


@pytest.mark.parametrize(
    ("request_", "prompt", "after"),
    [
        ("crown pls", "a dog", "a dog wearing a crown"),
        ("hat on", "a dog", "a dog wearing a hat"),
        ("id like the dog red", "a dog and a cat", "a red dog and a cat"),
        ("i'd prefer an owl to the cat", "a dog and a cat", "a dog and an owl"),
        ("hide the castle behind a tree", "a castle", "a castle behind a tree"),
        ("draw the cat only", "a dog and a cat", "a cat"),
        ("draw just the dog", "a dog and a cat", "a dog"),
        ("owl above the castle, thx", "a castle", "a castle under an owl"),
        ("ditch the cat", "a dog and a cat", "a dog"),
        ("make it one more", "two dogs", "three dogs"),
        ("in front", "a cat behind a dog", "a dog behind a cat"),
        ("make everything red", "a dog wearing a hat", "a red dog wearing a red hat"),
        (
            "the dog should wear a crown and the cat a hat",
            "a dog and a cat",
            "a dog wearing a crown and a cat wearing a hat",
        ),
        ("without the cat but with an owl", "a dog and a cat", "a dog and an owl"),
        ("that dog is tiny, i want it huge", "a dog", "a large dog"),
        ("robot without guitar please", "a robot with a guitar", "a robot"),
        ("i'd love an owl flying over it", "a castle", "a castle under an owl"),
        ("any way to turn it orange?", "a dog", "an orange dog"),
        ("could they swap places", "a dog and a cat", "a cat and a dog"),
        ("swap it out for an owl", "a dog", "an owl"),
        ("let the dog hold the rose", "a dog and a rose", "a dog with a rose"),
        ("the owl shall stand to the left of the dog", "a dog and an owl", "a dog to the right of an owl"),
        ("the hat isn't needed anymore", "a dog wearing a hat", "a dog"),
        ("turn this into a night scene", "a dog", "a dog, at night"),
        ("could the dog be wearing a hat", "a dog", "a dog wearing a hat"),
        ("let there be an owl above it", "a castle", "a castle under an owl"),
        ("make it a snowy forest", "a dog in a forest", "a dog inside a snowy forest"),
        ("move the dog a bit to the right", "a dog", "a dog, on the right"),
    ],
)
def test_fragments_and_orders_of_many_kinds_are_changes(request_: str, prompt: str, after: str) -> None:
    assert changed(request_, prompt) == after


@pytest.mark.parametrize(
    "request_",
    [
        "add some drama", "put it in a higher resolution", "turn it by a quarter", "in its left hand",
        "bring the cat back",
        "or maybe a cat?", "put a cat behind the wheel",
        "change the hat colour to blue",
    ],
)  # fmt: skip
def test_words_that_are_no_name_become_no_thing(request_: str) -> None:
    brief = read(request_, "a dog")
    assert "I don't understand" in brief.answer
    assert brief.prompt == "a dog"


def test_a_colour_behind_and_is_of_what_the_request_before_was_about() -> None:
    assert changed("and green", "a castle under a small owl", ["a castle under an owl"]) == (
        "a castle under a small green owl"
    )


def test_which_one_is_meant_without_an_article() -> None:
    assert changed("first one red", "three balloons") == "a red balloon and two balloons"
    assert changed("one ball red", "two balls") == "a ball and a red ball"


def test_what_another_thing_gets_as_well_and_what_is_taken_off_it() -> None:
    one = "a cat and a dog wearing a hat"
    assert (
        changed("the cat wants one as well", one, ["a cat and a dog"]) == "a cat wearing a hat and a dog wearing a hat"
    )
    assert changed("take the hat off the dog", one) == "a cat and a dog"
    assert read("take them off the cat again", one).declined


@pytest.mark.parametrize(
    "request_",
    [
        "turn the sky orange",
        "paint the sky orange",
        "change the sky to orange",
        "give it an orange sky",
        "the sky should be orange",
        "orange sky please",
    ],
)
def test_the_sky_is_the_background_and_nothing_else_gets_its_colour(request_: str) -> None:
    assert changed(request_, "a dog and a tree") == "a dog and a tree on an orange background"


@pytest.mark.parametrize("request_", ["make both green", "both green", "colour both green", "make each of them green"])
def test_both_are_those_of_the_picture_and_no_new_one(request_: str) -> None:
    assert changed(request_, "a dog and a cat") == "a green dog and a green cat"


def test_what_is_put_in_is_put_into_the_picture() -> None:
    assert changed("get rid of the cat and put a ball in", "a dog and a cat") == "a dog and a ball"
