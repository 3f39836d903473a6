"""Proposals ranked by weights."""

import time

import numpy as np

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.likelihood import FEATURES
from imagerag.agent.follow_up.proposals import Change
from imagerag.agent.follow_up.ranking import fitted_weights, made, readings
from testing.follow_ups import NAMES


def begun(prompt: str = "a dog") -> Edit:
    return Edit.of(prompt, NAMES, NAMES)


def test_readings_are_drawn_pictures_and_none_with_probabilities_of_one_whole() -> None:
    found = readings(begun("a dog and a tree"), ["perch", "an", "owl", "on", "the", "tree"], fitted_weights())
    assert found[0].prompt == "an owl on a tree and a dog"
    assert found[0].told == "read as 'put an owl on the tree'"
    assert sum(one.probability for one in found) <= 1.0 + 1e-6
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)


def test_without_weights_nothing_is_likelier_than_anything_else() -> None:
    found = readings(begun(), ["perch", "an", "owl", "on", "the", "dog"], np.zeros(FEATURES, np.float32))
    assert max(one.probability for one in found) < 0.5


def test_what_mentions_nothing_has_no_readings() -> None:
    assert readings(begun(), ["hmm"], fitted_weights())[0].prompt == ""


def test_a_change_that_cannot_be_made_makes_nothing_and_leaves_the_picture() -> None:
    edit = begun()
    assert made(edit, (Change("remove", ("remove", "the", "dog")),)) is None
    assert made(edit, (Change("colour", ("make", "the", "dog", "red")),)) == "a red dog"
    assert edit.described() == "a dog"


def test_a_follow_up_is_ranked_within_50_milliseconds() -> None:
    edit = begun("a dog and a red hat on a boat")
    words = ["perch", "two", "small", "owls", "on", "the", "boat", "and", "paint", "the", "hat", "blue"]
    readings(edit, words, fitted_weights())

    def seconds() -> float:
        start = time.process_time()
        readings(edit, words, fitted_weights())
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.05
