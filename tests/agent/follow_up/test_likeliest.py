"""Requests that no rule reads, or that one reads in a doubtful way."""

from dataclasses import replace

import numpy as np
import pytest

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.likeliest import Likeliest
from imagerag.agent.follow_up.ranking import fitted_weights
from imagerag.agent.follow_up.reading import FollowUps
from imagerag.agent.protocols import PastImage
from testing.follow_ups import NAMES, read

STANDING = PastImage("image-1", "a dog", 1, standing=True)


def test_a_request_without_english_words_is_left_to_be_translated() -> None:
    likeliest = Likeliest(fitted_weights, NAMES, lambda: frozenset(["perch", "an", "on", "the"]))
    edit = Edit.of("a dog", NAMES, NAMES)
    assert likeliest.ways(edit, ["perch", "an", "owl", "on", "the", "dog"])
    assert not likeliest.ways(edit, ["setz", "eine", "owl", "auf", "den", "dog"])


def test_a_word_that_nobody_knows_is_not_passed_over() -> None:
    assert read("we could do with an owl on the dog").notes == ("read as 'put an owl on the dog'",)
    assert read("we could do with an owl on the dog and flubber it").declined


def test_words_around_what_is_meant_may_be_new() -> None:
    assert read("and the dog itself brown").prompt == "a brown dog"


def test_without_weights_rules_alone_read() -> None:
    assert not Likeliest(None, NAMES, frozenset).ways(Edit.of("a dog", NAMES, NAMES), ["hat"])


@pytest.mark.parametrize(
    ("request_", "prompt", "result"),
    [
        ("how nice were the dog brown", "a dog and a tree", "a brown dog and a tree"),
        ("we could do with a moon over the boat", "a boat", "a boat under a moon"),
        ("that hat has got to go", "a dog wearing a hat", "a dog"),
    ],
)
def test_what_no_rule_reads_is_read_as_what_it_most_likely_means(request_: str, prompt: str, result: str) -> None:
    rules = FollowUps(NAMES, weights=None)
    assert rules.brief(request_, [PastImage("image-1", prompt, 1, standing=True)]).declined
    brief = read(request_, prompt)
    assert (brief.prompt, brief.base) == (result, "image-1")
    assert brief.notes[0].startswith("read as ")


def test_a_question_may_ask_for_a_change() -> None:
    assert read("is a bigger tree possible?", "a dog and a tree").prompt == "a dog and a large tree"
    assert read("is the tree big?", "a dog and a tree").answer


def test_yes_takes_what_a_refusal_offers() -> None:
    refused = FollowUps(NAMES).brief("an owl vibe for the dog", [STANDING])
    standing = replace(STANDING, declined="an owl vibe for the dog")
    offer = refused.answer.partition("if it means '")[2].partition("'")[0]
    assert offer
    brief = FollowUps(NAMES).brief("Yes!", [standing])
    assert offer in brief.notes[0]
    assert brief.base == "image-1"
    assert not FollowUps(NAMES).brief("no", [standing]).notes


def test_yes_to_nothing_draws_nothing() -> None:
    assert read("yes").answer


def test_what_was_there_before_is_brought_back_in_any_words() -> None:
    prompts = ("a dog wearing a red hat", "a dog")
    assert read("i do miss that hat", prompts[1], prompts[:1]).prompt == prompts[0]


def test_a_thing_gives_its_place_to_another_only_where_words_say_so() -> None:
    assert read("please make the robot a hat on", "a robot").prompt == "a robot wearing a hat"
    assert read("change the robot into a frog", "a robot").prompt == "a frog"


def test_what_is_too_unlikely_is_offered_and_not_drawn() -> None:
    flat = np.zeros_like(fitted_weights())
    brief = FollowUps(NAMES, weights=lambda: flat, network=None).brief("wug the owl dog", [STANDING])
    assert brief.declined


def test_nothing_is_removed_where_no_word_says_so() -> None:
    brief = read("the mouse wants some as well", "a mouse in front of a lion wearing a hat")
    assert brief.declined
    assert "remove" not in brief.answer.partition("It shows")[0]


def test_a_name_with_a_number_in_it_gives_way() -> None:
    assert "plant" not in read("plant 2 roses beside it", "a lion").prompt


def test_what_is_not_to_be_may_be_said_beside_what_is() -> None:
    assert read("sorry not yellow, i want purple ones", "two yellow balloons").prompt == "two purple balloons"
    assert read("the dog shouldn't be red", "a dog").declined


def test_a_look_of_what_is_there_is_no_new_picture() -> None:
    brief = read("balloons in red", "a castle and two balloons")
    assert (brief.prompt, brief.base) == ("a castle and two red balloons", "image-1")


def test_a_manner_is_no_new_picture() -> None:
    assert read("sketch style instead", "a lion").base == "image-1"


def test_a_request_that_ends_with_a_verb_is_no_fault() -> None:
    assert read("the lion goes riding", "a lion").base == "image-1"


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        ("throw this away and make a red balloon", "a red balloon"),
        ("let's begin again, this time with an owl", "an owl"),
    ],
)
def test_a_new_picture_is_asked_for_in_many_words(request_: str, prompt: str) -> None:
    brief = read(request_, "a dog")
    assert (brief.prompt, brief.base, brief.notes) == (prompt, None, (f"read as 'now draw {prompt}'",))


def test_the_picture_before_is_asked_for_in_many_words() -> None:
    brief = read("on reflection, the last one was better", "a dog wearing a hat", ["a dog"])
    assert (brief.base, brief.step) == ("image-1", -1)


@pytest.mark.parametrize(
    "request_",
    ["make the cat smaller than the dog", "put an owl behind the piano", "make it red and flubber the dog"],
)
def test_nothing_is_changed_where_a_part_of_the_request_is_not_there(request_: str) -> None:
    assert read(request_, "a dog").declined
