"""The interactive chat: what can be typed, what is printed, and how a conversation goes back and branches."""

import io
import re
from pathlib import Path
from typing import Any

import pytest

from imagerag.cli.chat import Chat
from imagerag.store.manifest import read_manifest
from testing.servers import scripted_service


def test_a_conversation_is_drawn_taken_back_and_branched(start_chat: Any) -> None:
    chat, take = start_chat(scores=[0.9])
    assert "image-1 scores 0.90" in take("an owl")
    take("now make it red")
    assert "image-2" in take("/images")
    assert "back to: an owl" in take("/undo")
    assert "image-2" not in take("/images")
    assert "'copy'; 'sea' stays as it is" in take("/branch copy")
    take("now put it on the moon")
    assert start_chat.service.threads.state("", "copy")["prompt"] == "an owl on a moon"
    assert start_chat.service.threads.state("", "sea")["prompt"] == "an owl"
    assert "there is a conversation 'sea' already" in take("/branch sea")
    take("/undo")
    assert "back to the beginning" in take("/undo")
    assert "no turn to take back" in take("/undo")
    assert not chat.take("/quit")


def test_what_was_taken_back_stays_back_after_a_restart(start_chat: Any) -> None:
    _, take = start_chat(scores=[0.9])
    take("an owl")
    take("a cat")
    take("/undo")
    _, take = start_chat(scores=[0.9])
    assert start_chat.service.threads.state("", "sea")["prompt"] == "an owl"
    take("make it red")
    assert start_chat.service.threads.state("", "sea")["prompt"] == "a red owl"


def test_references_budget_and_saving(start_chat: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, take = start_chat(scores=[0.3, 0.9])
    assert "no image to save" in take("/save")
    take("an owl")
    assert "ref-1 for owl: a square, shelf, CC0" in take("/refs")
    assert "max_generations: 9" in take("/budget max_generations=9")
    assert "max_generations: 1" in take("/budget max_generations=1")
    assert "stopped: the generation budget ran out" in take("a cat")
    for wrong in ("max_generations=x", "max_dreams=1", "max_seconds=0", "max_steps"):
        assert re.search("not a number|is no limit|must be above 0", take(f"/budget {wrong}"))
    assert read_manifest("a-cat.png").prompt == "a cat", "copied when the turn ended"
    saved = take("/save").strip()
    assert (saved, read_manifest(saved).prompt) == ("a-cat-2.png", "a cat")
    assert take(f"/save {tmp_path / 'mine.png'}").strip() == str(tmp_path / "mine.png")


def test_the_image_of_each_turn_lands_here_under_a_readable_name(start_chat: Any, tmp_path: Path) -> None:
    here = Path.cwd()
    _, take = start_chat(scores=[0.9] * 9)
    assert take("an owl").splitlines()[-1] == str(here / "an-owl.png")
    assert take("make it red").splitlines()[-1] == str(here / "a-red-owl.png")
    assert take("/retry").splitlines()[-1] == str(here / "a-red-owl-2.png")
    assert read_manifest(here / "a-red-owl.png").prompt == "a red owl"
    said = take("what did you draw?")
    assert said.splitlines()[-1] == str(here / "a-red-owl-2.png"), "the picture as it stands, and no copy more"
    assert sorted(file.name for file in here.iterdir()) == ["a-red-owl-2.png", "a-red-owl.png", "an-owl.png"]
    listed = take("/images")
    assert str(here / "an-owl.png") in listed
    assert str(tmp_path) not in listed, "no path inside the store"
    (here / "an-owl.png").unlink()
    assert str(tmp_path) in take("/images"), "where the person has taken the copy away"


def test_without_copies_images_stay_in_the_data_directory(tmp_path: Path) -> None:
    service, out = scripted_service(tmp_path, scores=[0.9]), io.StringIO()
    try:
        Chat(service, "sea", out, copies=False).take("an owl")
    finally:
        service.close()
    assert out.getvalue().splitlines()[-1].startswith(str(tmp_path))
    assert not any(Path.cwd().iterdir())


def test_a_folder_that_cannot_be_written_to_is_told(start_chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Path.cwd() / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    _, take = start_chat(scores=[0.9])
    said = take("an owl")
    assert "the image stays in the data directory" in said


def test_mistakes_are_told_and_the_conversation_goes_on(start_chat: Any) -> None:
    _, take = start_chat(scores=[0.9])
    assert "'/nope' is no command" in take("/nope")
    assert "shorten it" in take("x" * 5000)
    assert "give the copy a name" in take("/branch")
    assert "is not a name" in take("/branch a/b")
    assert "image-1 scores" in take("an owl")


def test_talk_is_answered_and_nothing_is_drawn(start_chat: Any) -> None:
    _, take = start_chat(scores=[0.9])
    assert "Say what to draw" in take("hello")
    take("an owl")
    said = take("what did you draw?")
    assert "image-1 was drawn from 'an owl'" in said
    assert "(answered)" in said
    assert "I don't understand 'flubber it'" in take("flubber it")
    take("make it red")
    assert "back at image-1" in take("undo")
    assert "image-3" not in take("/images")
