"""Changes that are said in terms of the pictures before."""

import pytest

from testing.follow_ups import changed


@pytest.mark.parametrize(
    ("request_", "before", "prompt", "result"),
    [
        ("the cat too", "a dog and a cat", "a red dog and a cat", "a red dog and a red cat"),
        ("and the cat as well", "a dog and a cat", "a large dog and a cat", "a large dog and a large cat"),
        (
            "the cat as well",
            "a dog and a cat",
            "a dog wearing a hat and a cat",
            "a dog wearing a hat and a cat wearing a hat",
        ),
        (
            "and one on the cat as well",
            "a dog and a cat",
            "a dog wearing a hat and a cat",
            "a dog wearing a hat and a cat wearing a hat",
        ),
        ("no, the other one", "a cat and a cat", "a red cat and a cat", "a cat and a red cat"),
        ("the other way round", "a cat and a dog", "a small cat and a large dog", "a large cat and a small dog"),
        ("the other way round", "a cat", "a cat and a dog", "a dog and a cat"),
        ("i want the ball back", "a dog and a ball", "a dog", "a dog and a ball"),
        ("put the hat back on", "a dog wearing a hat and a cat", "a dog and a cat", "a dog wearing a hat and a cat"),
        ("remove it", "a dog", "a dog and a ball", "a dog"),
        ("move it to the left", "a dog", "a dog and a ball", "a dog to the right of a ball"),
        ("remove it", "a dog", "a bird above a dog", "a dog"),
        ("how about two of them?", "a dog", "a bird above a dog", "two birds above a dog"),
        (
            "and one on the right",
            "a boat",
            "a cat to the left of a boat",
            "a cat to the left of a boat to the left of a cat",
        ),
        (
            "add another cat to the right",
            "a boat",
            "a cat to the left of a boat",
            "a cat to the left of a boat to the left of a cat",
        ),
        ("add a second one, black", "a cat", "a pink cat", "a pink cat and a black cat"),
        ("i said blue", "a dog wearing a hat", "a dog wearing a red hat", "a dog wearing a blue hat"),
        ("the rest blue", "three cats", "a red cat and two cats", "a red cat and two blue cats"),
    ],
)
def test_what_the_request_before_did_says_what_is_meant(request_: str, before: str, prompt: str, result: str) -> None:
    assert changed(request_, prompt, [before]) == result


@pytest.mark.parametrize("request_", ["the cat too", "i want the moon back", "no, the other one"])
def test_nothing_is_guessed_where_nothing_was_before(request_: str) -> None:
    assert changed(request_, "a dog and a cat") == ""
