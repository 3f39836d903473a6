"""Names of prompts."""

import pytest

from imagerag.evaluation.loaders.prompt_names import LONGEST, prompt_name


@pytest.mark.parametrize(
    ("number", "words", "name"),
    [
        (7, "A Barn Owl!", "0007-a-barn-owl"),
        (12345, "Café/../x", "12345-cafe-x"),
        ("bench_0001", "", "bench-0001"),
        (1, "\u6771\u4eac", "0001"),
    ],
)
def test_a_name_is_its_key_and_its_words(number: int | str, words: str, name: str) -> None:
    assert prompt_name(number, words) == name


def test_long_prompts_have_names_of_files() -> None:
    name = prompt_name(1, "very " * 100)
    assert len(name) <= len("0001-") + LONGEST
    assert not name.endswith("-")
