"""One line of Python: the data directory's threads, settings as keywords, and mistakes in one line."""

import threading
from pathlib import Path

import pytest

from imagerag import draw
from imagerag.errors import UserError
from imagerag.graphs.result import Result
from testing.scripted import ScriptedCritic, Squares


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> Squares:
    squares = Squares()
    monkeypatch.setattr("imagerag.graphs.components.load_generator", lambda *named: squares)
    monkeypatch.setattr("imagerag.graphs.components.load_critic", lambda *named, **also: ScriptedCritic([0.9] * 9))
    return squares


def test_settings_are_keywords_and_a_thread_goes_on(tmp_path: Path, scripted: Squares) -> None:
    events: list[str] = []
    first = draw(
        "an owl",
        seed=7,
        size="32x16",
        n=2,
        home=tmp_path,
        thread="sea",
        on_event=lambda one: events.append(one["event"]),
    )
    assert type(first) is Result
    assert (first.seed, first.thread, len(first.images)) == (7, "sea", 2)
    assert first.open().size == (32, 16)
    assert {"images", "verdict", "stop"} <= {*events}
    again = draw("now make it red", home=tmp_path, thread="sea")
    assert again.prompt == "a red owl"
    assert draw("a cat", home=tmp_path).thread.startswith("run-")


def test_what_was_told_is_kept(tmp_path: Path) -> None:
    result = draw("an owl", home=tmp_path, negative="dog")
    assert any("takes no negative prompt" in note for note in result.notes)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sede": 3}, "draw takes no setting 'sede'; did you mean 'seed'?"),
        ({"qqqqq": 3}, "valid: profile"),
        ({"seed": "x"}, "seed 'x' is not a whole number"),
        ({"n": 99}, "n 99 is outside 1..16"),
        ({"approve": True}, "draw takes no setting 'approve'"),
        ({"config": "nothing.toml"}, "settings file 'nothing.toml' can't be read"),
    ],
)
def test_mistakes_are_one_line(settings: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        draw("an owl", home=tmp_path, **settings)  # type: ignore[arg-type]
    assert says in str(refused.value)
    assert not (tmp_path / "threads.sqlite").exists()


def test_an_event_stops_it(tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    result = draw("an owl", home=tmp_path, cancel=cancel)
    assert (result.image, result.stop_reason) == (None, "cancelled")


def test_lists_may_be_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nix\.png"):
        draw("an owl", home=tmp_path, subject="nix.png")
