"""Where in the picture each reference belongs."""

import pytest

from imagerag.generators.diffusion.reference_regions import EVERYWHERE, Box, regions


def test_a_spatial_relation_gives_each_concept_its_box() -> None:
    boxes = regions("an owl above a moon", ["owl", "moon"])
    assert boxes is not None
    owl, moon = boxes
    assert owl.top < moon.top
    assert owl.bottom <= moon.bottom


@pytest.mark.parametrize(
    ("prompt", "concepts"),
    [("an owl and a moon", ["owl", "moon"]), ("an owl above a moon", ["owl"]), ("an owl above a moon", ["owl", "cat"])],
)
def test_where_the_prompt_does_not_say_there_are_none(prompt: str, concepts: list[str]) -> None:
    assert regions(prompt, concepts) is None


def test_boxes_become_rows_and_columns_of_a_mask() -> None:
    box = Box(0.5, 0.0, 1.0, 0.25)
    assert (box.rows(8), box.columns(8)) == (slice(0, 2), slice(4, 8))
    assert Box(0.99, 0.99, 1.0, 1.0).rows(4) == slice(3, 4), "at least one row"
    assert box.joined(Box(0.0, 0.5, 0.25, 1.0)) == EVERYWHERE
