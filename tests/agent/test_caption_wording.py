"""Captions for the kind of pictures that are looked up."""

from typing import get_args

import pytest

from imagerag.agent.caption_wording import FORMS, caption_forms, with_article
from imagerag.generators.base import ImageKind


@pytest.mark.parametrize(
    ("concept", "prompt", "phrase"),
    [
        ("scarlet ibis", "a photo of a scarlet ibis, 85mm", "a scarlet ibis"),
        ("owl", "an owl", "an owl"),
        ("hourglass", "", "an hourglass"),
        ("unicorn", "", "a unicorn"),
        ("cherry trees", "", "cherry trees"),
        ("fishermen", "", "fishermen"),
        ("lens", "", "a lens"),
        ("rain", "a fox in the rain", "rain"),
        ("mount fuji", "a photo of Mount Fuji with cherry trees", "Mount Fuji"),
        ("mount fuji", "mount fuji, 8k", "mount fuji"),
        ("eiffel tower", "wide shot of the Eiffel Tower at dawn", "the Eiffel Tower"),
        ("ferrari f40", "A Ferrari F40 on a coastal road", "a Ferrari F40"),
        ("samurai", "SHOT OF A SAMURAI", "a samurai"),
        ("snow leopard", "Snow leopard on a cliff", "a snow leopard"),
        ("the red hat", "", "a red hat"),
    ],
)
def test_articles(concept: str, prompt: str, phrase: str) -> None:
    assert with_article(concept, prompt) == phrase


def test_each_kind_has_its_own_first_caption() -> None:
    assert set(FORMS) == set(get_args(ImageKind))
    assert caption_forms("owl", "an owl", "pictograms", 2) == ["owl", "a drawing of owl"]
    assert caption_forms("owl", "an owl", "photographs", 2) == ["a photo of an owl", "a close-up photo of an owl"]
    assert caption_forms("owl", "an owl", "any", 2) == ["owl", "a photo of an owl"]
    assert all(len(set(caption_forms("owl", "", kind, 5))) == 5 for kind in FORMS)
