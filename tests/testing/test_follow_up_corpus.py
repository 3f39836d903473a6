"""The conversations of ``benchmarks.follow_ups``: sound, and as many as are promised."""

from pathlib import Path

import pytest

from testing.follow_up_corpus import COLLECTIONS, HALVES, Conversation, Place, Thing, find, library_names, read_corpus


def all_conversations() -> list[Conversation]:
    return [conversation for half in COLLECTIONS for conversation in read_corpus(half).conversations]


def test_there_are_hundreds_of_follow_ups_in_conversations_of_two_to_six_turns() -> None:
    conversations = [conversation for half in HALVES for conversation in read_corpus(half).conversations]
    assert sum(len(conversation.turns) - 1 for conversation in conversations) >= 320
    assert {len(conversation.turns) for conversation in conversations} <= set(range(2, 7))


def test_the_halves_share_no_conversation_and_are_about_as_large() -> None:
    names = [{conversation.name for conversation in read_corpus(half).conversations} for half in HALVES]
    assert not names[0] & names[1]
    assert len({conversation.name for conversation in all_conversations()}) == len(all_conversations())
    assert abs(len(names[0]) - len(names[1])) <= 1


def test_every_conversation_begins_with_a_picture() -> None:
    assert all(conversation.turns[0].kind == "new" for conversation in all_conversations())


def test_talk_and_what_nobody_can_tell_draws_nothing() -> None:
    turns = [turn for conversation in all_conversations() for turn in conversation.turns]
    assert {turn.draws for turn in turns if turn.kind in ("talk", "unclear")} == {False}
    assert {kind: sum(turn.kind == kind for turn in turns) >= 10 for kind in ("change", "talk", "unclear")} == {
        "change": True,
        "talk": True,
        "unclear": True,
    }


def test_a_thing_is_read_with_count_size_and_colour() -> None:
    assert Thing.read("2 small light green egg", {}) == Thing("egg", 2, "light green", "small")
    assert Thing.read("car", {"car": ("automobile",)}) == Thing("car")


def test_a_name_of_the_library_is_not_taken_apart() -> None:
    assert Thing.read("black cat", {}) == Thing("black cat")
    assert Thing.read("orange fish", {}) == Thing("fish", 1, "orange")
    assert "orange book" in library_names()
    assert Thing.read("orange book", {}) == Thing("orange book")


def test_an_unknown_name_or_place_is_told() -> None:
    with pytest.raises(ValueError, match="'gryphon' of '2 red gryphon' is neither in the library nor"):
        Thing.read("2 red gryphon", {})
    with pytest.raises(ValueError, match="'cat near dog' names no place; valid: left of"):
        Place.read("cat near dog")
    with pytest.raises(ValueError, match="'owl' names 0 of"):
        find([Thing("cat")], "owl")


def test_a_place_is_read() -> None:
    assert Place.read("ice cream in front of hot dog") == Place("ice cream", "in front of", "hot dog")


def test_what_goes_without_saying_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "follow_ups_development.toml").write_text(
        """
[called]

[[conversations]]
name = "one"
turns = [
  {say = "a cat", kind = "new", things = ["cat"]},
  {say = "on a chair", kind = "change", things = ["cat", "chair"], places = ["cat on chair"], background = "blue"},
  {say = "thanks", kind = "talk"},
  {say = "two small red crowns", kind = "change", things = ["cat", "chair", "2 small red crown"]},
]
""",
        encoding="utf-8",
    )
    monkeypatch.setattr("testing.follow_up_corpus.FOLDER", tmp_path)
    first, second, talk, last = read_corpus("development").conversations[0].turns
    assert (first.goes_on_from, second.goes_on_from, talk.goes_on_from, last.goes_on_from) == (0, 1, 2, 3)
    assert (second.stays, last.stays) == (("cat",), ("cat", "chair"))
    assert (talk.draws, talk.wanted) == (False, second.wanted)
    assert second.wanted[0].plain == "a cat on a chair on a blue background"
    assert last.wanted[0].plain == "a cat and a chair and two small red crowns"
