"""What rules make of a request, weighed against what it can mean."""

import pytest

from imagerag.agent.follow_up.deciding import Ruled, decided
from imagerag.agent.follow_up.ranking import Reading

WAYS = [Reading("a red dog", 0.5, ("make the dog red",)), Reading("", 0.4, ()), Reading("", 0.1, (), instead="new")]


def test_what_rules_agree_with_gets_likelier() -> None:
    found = decided(WAYS, Ruled("declined"))
    assert found[0].prompt == ""
    assert found[0].instead == ""
    assert sum(one.probability for one in found) == pytest.approx(1)
    assert decided(WAYS, Ruled("change", "a red dog"))[0].probability > 0.5


def test_a_change_that_rules_alone_make_is_one_way_more() -> None:
    found = decided(WAYS, Ruled("change", "a dog wearing a hat"))
    assert {one.prompt for one in found} == {"a dog wearing a hat", "a red dog", ""}
    assert len(found) == len(WAYS) + 1


def test_a_change_that_is_sure_is_not_given_way_by_a_rule_that_makes_another() -> None:
    sure = [Reading("a red dog", 0.98, ("make the dog red",)), Reading("", 0.02, ())]
    assert decided(sure, Ruled("change", "a blue dog"))[0].prompt == "a red dog"


def test_another_picture_is_what_rules_take_it_for() -> None:
    assert decided(WAYS, Ruled("new"))[0].instead in ("new", "")
    assert decided(WAYS, Ruled("back"))[-1].prompt == ""
