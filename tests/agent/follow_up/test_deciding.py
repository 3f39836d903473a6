"""What rules make of a request, weighed against what it can mean."""

import pytest

from imagerag.agent.follow_up.deciding import Ruled, decided, exchanges_untold, likeliest
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.ranking import Reading
from testing.follow_ups import NAMES, read

WAYS = [Reading("a red dog", 0.3, ("make the dog red",)), Reading("", 0.4, ()), Reading("", 0.1, (), instead="new")]


def test_what_rules_agree_with_gets_likelier() -> None:
    found = decided(WAYS, Ruled("new"))
    assert found[0].instead == "new"
    assert sum(one.probability for one in found) == pytest.approx(1)
    assert decided(WAYS, Ruled("change", "a red dog"))[0].probability > 0.5


def test_a_change_that_rules_alone_make_is_one_way_more() -> None:
    found = decided(WAYS, Ruled("change", "a dog wearing a hat"))
    assert {one.prompt for one in found} == {"a dog wearing a hat", "a red dog", ""}
    assert len(found) == len(WAYS) + 1


def test_what_is_sure_wins_over_a_rule_that_names_a_thing_by_no_name() -> None:
    sure = [Reading("a gorilla", 0.98, ("replace the dog with a gorilla",)), Reading("", 0.02, ())]
    odd = Ruled("change", "a dog and a gorilla for dog", odd=True)
    assert decided(sure, odd)[0].prompt == "a gorilla"


def test_ways_that_show_the_same_count_together_and_nothing_is_held_unless_words_say_so() -> None:
    edit = Edit.of("a carrot and an onion", NAMES, NAMES)
    found = [
        Reading("a carrot with a garlic", 0.5, ("give the carrot a garlic", "remove the onion")),
        Reading("a carrot and a garlic", 0.3, ("replace the onion with a garlic",)),
        Reading("a carrot", 0.2, ("remove the onion",)),
    ]
    best = likeliest(found, Ruled("declined"), edit, ["rather", "garlic", "than", "onion"])
    assert (best.prompt, round(best.probability, 6)) == ("a carrot and a garlic", 0.8)
    assert (
        likeliest(found, Ruled("declined"), edit, ["give", "it", "garlic", "not", "onion"]).prompt
        == "a carrot with a garlic"
    )


@pytest.mark.parametrize(
    ("words", "untold"), [("make the bear a hat on", True), ("a hat instead", False), ("swap it for a hat", False)]
)
def test_a_thing_takes_the_place_of_another_where_words_say_so(words: str, untold: bool) -> None:
    assert exchanges_untold({"bear"}, {"hat"}, words.split()) is untold
    assert not exchanges_untold({"bear"}, {"bear", "hat"}, words.split())


def test_another_picture_is_what_rules_take_it_for() -> None:
    assert decided(WAYS, Ruled("new"))[0].instead in ("new", "")
    assert decided(WAYS, Ruled("back"))[-1].prompt == ""


def test_a_sure_change_is_drawn_in_the_place_of_a_thing_of_no_name() -> None:
    assert read("over hats fly owl", "two hats").prompt in ("two hats under an owl", "an owl above two hats")


def test_of_places_alone_one_is_not_as_good_as_another() -> None:
    ways = [
        Reading("a cat next to a dog", 0.4, ("put the cat next to the dog",)),
        Reading("a cat on a dog", 0.35, ("put the cat on the dog",)),
    ]
    edit = Edit.of("a cat and a dog", NAMES, NAMES)
    assert likeliest(ways, Ruled("declined"), edit, ["cat", "dog"]).probability == 0.4
    coloured = [one._replace(prompt=one.prompt.replace("a cat", "a red cat")) for one in ways]
    assert likeliest(coloured, Ruled("declined"), edit, ["cat", "dog"]).probability == pytest.approx(0.75)
