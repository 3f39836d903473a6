"""Changes put together from what a request mentions."""

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.mentions import mentions_of
from imagerag.agent.follow_up.proposals import Change, new_thing, proposals_of, together
from testing.follow_ups import NAMES


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
    edit = Edit.of("a dog and a tree", NAMES, NAMES)
    several = [orders(list(one)) for one in together(edit, changes)]
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
