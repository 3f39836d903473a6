"""What is to be written in the picture is told from what is to be seen."""

import pytest

from imagerag.prompt_grammar.lettering import is_lettering


@pytest.mark.parametrize(
    ("concept", "prompt", "is_written"),
    [
        ("canary 42", 'a kimono with "Canary 42" on it', True),
        ("happy birthday", "a cake with “Happy birthday, Canary” written on top", True),
        ("canary", "a cake with “Happy birthday, Canary” written on top", True),
        ("canary smith", "an owl holding a sign that says 'Canary Smith'", True),
        ("canary", 'a poster, the text: "Canary", and an owl', True),
        ("stop", 'a sign "STOP" beside an owl', True),
        ("owl", 'an owl with a card that says "the owl"', False),
        ("pikachu", 'a child with "Pikachu"', False),
        ("starry night", 'a painting titled "Starry Night" on a wall', False),
        ("wall-e", 'the robot "WALL-E" on a table', False),
        ("kimono", "a kimono with a dragon's head on it", False),
        ("dragon's head", "a kimono with a dragon's head on it", False),
        ("", 'a sign "STOP"', False),
    ],
)
def test_what_is_written(concept: str, prompt: str, is_written: bool) -> None:
    assert is_lettering(concept, prompt) == is_written
