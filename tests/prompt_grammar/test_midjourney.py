"""Midjourney's parameters and multi-prompts."""

import pytest

from imagerag.prompt_grammar.midjourney import PARAMETERS, take_multi_prompt, take_parameters


@pytest.mark.parametrize("name", sorted(set(PARAMETERS) - {"no"}))
def test_every_parameter_is_told(name: str) -> None:
    notes: list[str] = []
    assert take_parameters(f"a cat --{name} 5", notes)[0].startswith("a cat")
    assert len(notes) == 1
    assert notes[0].startswith(f"--{name}")


def test_words_behind_a_value_stay() -> None:
    assert take_parameters("a cat --ar 3:2 on a hill --tile and a dog", [])[0] == "a cat ,  on a hill ,  and a dog"


def test_parts_with_a_negative_weight_are_unwanted() -> None:
    assert take_multi_prompt("cat::2 dog::-.5 a bird", []) == ("cat, a bird", ["dog"])
    assert take_multi_prompt("a cat", []) == ("a cat", [])
