"""Which concepts are facts rather than looks, and in whose words they are asked for."""

import pytest

from imagerag.prompt_grammar.facts import in_the_prompts_words, reads_as_fact


@pytest.mark.parametrize(
    "concept",
    [
        "the mascot of the 2026 Winter Olympics",
        "mascot of osaka",
        "2026 winner of Eurovision",
        "the flag of Bhutan",
        "bhutan's national animal",
        "the current prime minister of Japan",
        "Sony\u2019s mascot",
        "the reigning champion",
        "this year's trophy",
        "the latest iPhone",
    ],
)
def test_roles_of_something_named_are_facts(concept: str) -> None:
    assert reads_as_fact(concept)


@pytest.mark.parametrize(
    "concept",
    [
        "an owl",
        "a bowl of fruit",
        "a 1967 Ford Mustang",
        "the flag of a pirate ship",
        "a king",
        "a king on a horse",
        "field of flowers",
        "a strong current",
        "the top of a mountain",
        "Miraitowa",
        "",
    ],
)
def test_looks_and_names_are_none(concept: str) -> None:
    assert not reads_as_fact(concept)


@pytest.mark.parametrize(
    ("concept", "prompt", "asked"),
    [
        ("winner of eurovision", "an owl beside the 2026 winner of Eurovision", "2026 winner of Eurovision"),
        ("mascot of expo", "the mascot of the Expo 2025, in rain", "mascot of the Expo 2025"),
        ("mascot of olympics", "the mascot of the 2026 Olympics with Ann", "mascot of the 2026 Olympics"),
        ("flag of bhutan", "an owl", "flag of bhutan"),
        ("owl", "a fowl and an owl", "owl"),
        ("flag of bhutan", "a flag. Of Bhutan I dream", "flag of bhutan"),
        ("", "an owl", ""),
        ("(", "an owl (", "("),
    ],
)
def test_a_concept_is_asked_for_in_the_prompts_words_with_its_year_and_nothing_else(
    concept: str, prompt: str, asked: str
) -> None:
    assert in_the_prompts_words(concept, prompt) == asked
