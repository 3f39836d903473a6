"""Playing conversations through the real graph, read by a chat model over HTTP that knows what is right, or not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.follow_up_corpus import Conversation, Corpus, Thing, Turn, Wanted
from testing.follow_up_play import Played, Player, hangs_on_failure, poisoned
from testing.follow_up_vlm import PerfectVlm
from testing.openai_server import serving
from testing.sketches import Pleased, Sketches

CORPUS = Corpus((), {})
Play = Callable[..., list[Played]]


def wanted(*names: str) -> tuple[Wanted, ...]:
    plain = " and ".join(f"a {name}" for name in names)
    return (Wanted(tuple(Thing(name) for name in names), (), None, None, plain),)


DOG = Turn("a dog", "new", 0, wanted("dog"))
WITH_CAT = Turn("add a cat", "change", 1, wanted("dog", "cat"), stays=("dog",))
WITH_BED = Turn("and a bed", "change", 2, wanted("dog", "cat", "bed"), stays=("dog", "cat"))


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    """Play turns; ``said`` is what the chat model takes each for, where that is something else."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    vlm = PerfectVlm()
    with serving(vlm.answer) as server:
        settings = Settings(home=str(tmp_path), profile="pictograms", vlm=server.name)
        graph = build_graph(generator=Sketches(), critic=Pleased())

        def played(*turns: Turn, said: dict[int, Turn] | None = None) -> list[Played]:
            taken_for = iter((said or {}).get(number, turn) for number, turn in enumerate(turns, 1))

            def before_turn(turn: Turn, image_id: str | None) -> None:
                vlm.turn, vlm.image_id = next(taken_for), image_id

            player = Player(graph, CORPUS, settings, tmp_path, before_turn)
            return player.play(Conversation("test", turns))

        yield played


def test_a_conversation_that_is_understood_goes_right(play: Play) -> None:
    outcome = play(DOG, WITH_CAT, WITH_BED)
    assert [one.ending for one in outcome] == ["right"] * 3
    assert [one.generations for one in outcome] == [1, 1, 1]
    assert all(one.stayed for one in outcome)
    assert not poisoned(outcome)


def test_what_is_lost_and_stays_lost_poisons_the_thread(play: Play) -> None:
    without_dog = replace(WITH_CAT, wanted=wanted("cat"))
    still_without = replace(WITH_BED, wanted=wanted("cat", "bed"))
    outcome = play(DOG, WITH_CAT, WITH_BED, said={2: without_dog, 3: still_without})
    assert [one.ending for one in outcome] == ["right", "wrong", "wrong"]
    assert [fault.text for fault in outcome[1].faults] == ["no dog"]
    assert not outcome[1].stayed
    assert poisoned(outcome)
    assert [hangs_on_failure(one, outcome) for one in outcome] == [False, False, True]


def test_something_unasked_that_is_gone_again_poisons_nothing(play: Play) -> None:
    with_pencil = replace(WITH_CAT, wanted=wanted("dog", "cat", "pencil"))
    outcome = play(DOG, WITH_CAT, WITH_BED, said={2: with_pencil})
    assert [one.ending for one in outcome] == ["right", "wrong", "right"]
    assert outcome[1].foreign == {"pencil"}
    assert not poisoned(outcome)


def test_what_the_prompt_is_to_say_may_be_seen_and_poisons_nothing(play: Play) -> None:
    in_snow = replace(wanted("dog")[0], plain="a dog and snow")
    snowing = Turn("let it snow", "change", 1, (in_snow,), stays=("dog",), says=("snow|snowy",))
    outcome = play(DOG, snowing, replace(snowing, say="more snow", goes_on_from=2))
    assert [one.ending for one in outcome] == ["right"] * 3
    assert all(not one.foreign for one in outcome)
    assert not poisoned(outcome)


def test_a_drawing_where_nothing_was_to_be_drawn_is_wrong(play: Play) -> None:
    thanks = Turn("thanks!", "talk", 1, wanted("dog"), draws=False)
    outcome = play(DOG, thanks, said={2: DOG})
    assert outcome[1].ending == "wrong"
    assert outcome[1].faults[0].text == "drew something where nothing was to be drawn"


def test_going_back_is_right_where_the_picture_is_the_earlier_one_again(play: Play) -> None:
    back = Turn("go back", "change", 1, wanted("dog"), draws=False)
    drawn_again = replace(back, draws=True)
    outcome = play(DOG, WITH_CAT, back, said={3: drawn_again})
    assert outcome[0].shown is not None
    assert outcome[2].shown is not None
    assert (outcome[2].ending == "right") == (outcome[2].shown.pixels == outcome[0].shown.pixels)


def test_several_pictures_are_counted_by_their_pixels(play: Play) -> None:
    four = Turn("4 variations", "change", 1, wanted("dog"), stays=("dog",), pictures=4)
    three = replace(four, pictures=3)
    assert play(DOG, four)[1].ending == "right"
    outcome = play(DOG, four, said={2: three})
    assert "3 different pictures, not 4" in [fault.text for fault in outcome[1].faults]


def test_the_picture_that_a_person_brings_is_drawn_with(play: Play, tmp_path: Path) -> None:
    badge = Wanted((Thing("badge"), Thing("birthday cake")), (), None, None, "a badge and a birthday cake")
    asked = Turn("my badge on a cake", "new", 0, (badge,), upload=("anchor", "badge"))
    outcome = play(asked)
    assert outcome[0].ending == "right"
    assert (tmp_path / "anchor.png").is_file()
