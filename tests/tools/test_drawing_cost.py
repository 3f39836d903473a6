"""What a batch of drawings may cost at most."""

import pytest

from imagerag.tools.drawing_cost import cost_of_drawing
from testing.scripted import Squares


class Charging(Squares):
    name, charges, output_tokens = "openai:gpt-image-2", True, 1000


class Free(Charging):
    charges = False


@pytest.mark.parametrize("generator", [Squares(), Free()])
def test_what_nobody_charges_for_costs_nothing(generator: Squares) -> None:
    assert cost_of_drawing(generator, "an owl", [(64, 64)], 2) is None


def test_each_candidate_costs_its_request_and_its_image() -> None:
    one, two = (cost_of_drawing(Charging(), "an owl", [], n) for n in (1, 2))
    shown = cost_of_drawing(Charging(), "an owl", [(512, 512)], 1)
    assert one is not None
    assert two is not None
    assert shown is not None
    assert (two.asked, two.answered) == (2 * one.asked, 2000)
    assert shown.asked > one.asked
    assert two.money == pytest.approx(2 * one.money)
    assert one.money > 0
