"""Changes put together from what a request mentions."""

import pytest

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.mentions import mentions_of
from imagerag.agent.follow_up.proposals import Change, compound, new_thing, proposals_of, side_of, together
from imagerag.agent.follow_up.ranking import combined, made, single_changes
from testing.follow_ups import NAMES


def taken_together(request: str, prompt: str) -> list[set[str]]:
    edit = Edit.of(prompt, NAMES, NAMES)
    read, singles = single_changes(edit, request.split())
    return [orders(list(one)) for one in combined(edit, read, singles, [0.0] * len(singles))]


def proposed(request: str, prompt: str = "a dog") -> list[Change]:
    edit = Edit.of(prompt, NAMES, NAMES)
    return list(proposals_of(edit, mentions_of(edit, request.split())))


def orders(changes: list[Change]) -> set[str]:
    return {" ".join(change.order) for change in changes}


def test_a_new_thing_can_come_go_to_somebody_or_take_the_place_of_something() -> None:
    found = orders(proposed("how about an owl on the dog"))
    assert {"add an owl", "give the dog an owl", "replace the dog with an owl", "put an owl on the dog"} <= found


def test_what_is_there_can_go_be_counted_look_otherwise_and_move() -> None:
    found = orders(proposed("the dog red behind the tree", "a dog and a tree"))
    assert {"remove the dog", "make the dog red", "put the dog behind the tree", "make it 2 dogs"} <= found


def test_a_pronoun_can_mean_each_thing_of_the_picture() -> None:
    assert {"make the dog red", "make the tree red"} <= orders(proposed("make it red", "a dog and a tree"))


def test_changes_of_different_words_are_taken_together() -> None:
    changes = proposed("the dog red and the tree blue", "a dog and a tree")
    several = [orders(list(one)) for one in together(changes)]
    assert {"make the dog red", "make the tree blue"} in several
    assert {"make the dog red", "make the dog blue"} not in several or len(changes) > 1
    assert all(len(one) > 1 for one in several)


def test_a_new_thing_is_one_another_or_several_as_it_is_said() -> None:
    edit = Edit.of("a dog", NAMES, NAMES)
    said = ["a red hat", "another dog", "three owls", "trees", "a couple of balloons"]
    things = [mentions_of(edit, text.split())[0] for text in said]
    assert [" ".join(new_thing(one)) for one in things] == [
        "a red hat", "another dog", "3 owls", "some trees", "two balloons",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "prompt", "order"),
    [
        ("and a hat , a red one", "a dog", "give the dog a red hat"),
        ("cats too , like three of them", "a dog", "add 3 cats"),
        ("an owl , tiny", "a dog", "add a small owl"),
        ("one of them red", "two dogs", "make one of the dogs red"),
        ("a second one , black", "a dog", "add another black dog"),
        ("2 more", "a dog", "make it 3 dogs"),
        ("2 fewer", "three dogs", "make it 1 dog"),
        ("exchange the dog and the tree", "a dog and a tree", "swap the dog and the tree"),
        ("the dog bigger than the tree", "a dog and a tree", "make the dog bigger than the tree"),
        ("the dog like the tree", "a dog and a red tree", "make the dog red"),
        ("all of it blue", "a dog and a tree", "make everything blue"),
        ("enlarge the dog", "a dog", "make the dog bigger"),
        ("a castle in the background", "a dog", "add a castle in the background"),
        ("tree left", "a dog", "put a tree to the left of the dog"),
        ("only the dog and the tree", "a dog , a tree and an owl", "only the dog and the tree"),
    ],
)
def test_changes_of_many_kinds_are_proposed(request_: str, prompt: str, order: str) -> None:
    assert order in orders(proposed(request_, prompt))


def test_a_size_that_is_said_may_be_that_which_is_to_change() -> None:
    assert "make the dog smaller" in orders(proposed("the dog is huge , scale it down"))
    assert "make the dog smaller" not in orders(proposed("bigger"))


def lists(request: str, prompt: str) -> list[tuple[str, ...]]:
    edit = Edit.of(prompt, NAMES, NAMES)
    mentions = mentions_of(edit, request.split())
    found = compound(edit, mentions, list(proposals_of(edit, mentions)))
    return [tuple(" ".join(change.order) for change in one) for one in found]


def test_a_list_of_looks_is_as_many_changes() -> None:
    found = lists("dog red , tree blue , owl green , hat gold", "a dog, a tree, an owl and a hat")
    assert ("make the dog red", "make the tree blue", "make the owl green", "make the hat gold") in found


def test_two_things_exchange_their_colours() -> None:
    assert ("make the dog blue", "make the tree red") in lists("exchange their colours", "a red dog and a blue tree")


def test_each_of_several_gets_a_colour_of_its_own() -> None:
    several = ("make the first dog red", "make the second dog blue", "make the third dog green")
    assert several in lists("one red , one blue , one green", "three dogs")
    changes = tuple(Change("colour each", tuple(order.split())) for order in several)
    assert made(Edit.of("three dogs", NAMES, NAMES), changes) == "a red dog and a blue dog and a green dog"


def test_a_side_of_the_picture_is_one_of_a_thing_unless_it_is_a_corner() -> None:
    edit = Edit.of("a dog", NAMES, NAMES)
    left, corner = (mentions_of(edit, words.split())[0] for words in ("left", "in the top left corner"))
    assert (side_of(left), side_of(corner)) == (("to", "the", "left", "of"), ())


@pytest.mark.parametrize(
    ("request_", "prompt", "order"),
    [
        ("an owl between the two", "a dog and a cat", "put an owl between the dog and the cat"),
        ("the owl in between", "a dog and a cat and an owl", "put the owl between the dog and the cat"),
        ("the dog on the other side", "a dog to the left of a cat", "put the dog to the right of the cat"),
        ("an owl on the opposite side", "a dog to the left of a cat", "put an owl to the right of the cat"),
        ("half of them", "four owls", "make it 2 owls"),
        ("triple the owls", "two owls", "make it 6 owls"),
        ("both smaller", "a dog and a cat", "make everything smaller"),
        ("the same for the cat", "a red dog and a cat", "make the cat red"),
        ("the dog in its own colour", "a red dog and a cat", "the dog without colour"),
        ("the dog as it was", "a large dog and a cat", "make the dog normal size"),
    ],
)
def test_less_usual_changes_are_proposed_and_can_be_made(request_: str, prompt: str, order: str) -> None:
    edit = Edit.of(prompt, NAMES, NAMES)
    words = request_.split()
    found = [one for one in proposals_of(edit, mentions_of(edit, words), words) if " ".join(one.order) == order]
    assert found
    assert made(edit, (found[0],)) not in (None, prompt)


def test_half_of_an_odd_number_is_not_proposed() -> None:
    words = ["half", "of", "them"]
    edit = Edit.of("three owls", NAMES, NAMES)
    assert not [one for one in proposals_of(edit, mentions_of(edit, words), words) if one.kind == "multiply"]


def test_a_size_that_is_mentioned_is_used_so_that_a_colour_may_come_with_it() -> None:
    found = taken_together("make the hat green and big", "a dog and a hat")
    assert {"make the hat green", "make the hat bigger"} in found


def test_what_goes_is_changed_in_no_other_way() -> None:
    found = taken_together("the hat green", "a dog and a hat")
    assert not any({"remove the hat", "make the hat green"} <= one for one in found)


def test_a_little_thing_is_small() -> None:
    assert "put a small owl next to the dog" in orders(proposed("and a little owl beside it"))


def test_so_many_more_are_counted_to_those_that_are_there() -> None:
    assert "make it 4 dogs" in orders(proposed("two more dogs", "two dogs"))


def test_a_thing_of_the_picture_can_be_handed_over() -> None:
    changes = proposed("let the owl have the hat", "a dog, a hat and an owl")
    change = next(one for one in changes if one.order == ("give", "the", "owl", "the", "hat"))
    assert change.kind == "hand"
    assert made(Edit.of("a dog, a hat and an owl", NAMES, NAMES), (change,)) == "a dog and an owl wearing a hat"


def test_what_was_there_before_can_come_back() -> None:
    edit = Edit.of("a dog", NAMES, NAMES, "a dog and a red hat", ["a dog and a red hat", "a dog"])
    words = ["i", "miss", "the", "hat"]
    change = next(one for one in proposals_of(edit, mentions_of(edit, words), words) if one.kind == "restore")
    assert made(edit, (change,)) == "a dog and a red hat"


def test_the_other_side_is_that_where_nothing_stands() -> None:
    found = orders(proposed("an owl on the other side of the tree", "a dog to the left of a tree"))
    assert "put an owl to the right of the tree" in found
    found = orders(proposed("the hat on the other side of the tree", "a dog next to a tree and a hat"))
    assert "put the hat to the right of the tree" in found


@pytest.mark.parametrize(("word", "time"), [("dark", "night"), ("rainy", "rain"), ("snowing", "snow")])
def test_times_and_weather_have_several_words(word: str, time: str) -> None:
    assert f"at {time}" in orders(proposed(f"{word} please"))


def test_what_is_there_comes_between_others_once() -> None:
    assert not [one for one in proposed("the dog between them", "a dog, a hat and an owl") if one.kind == "add between"]
