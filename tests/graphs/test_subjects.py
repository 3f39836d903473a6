"""The person's own images: what they stand for, and that none is dropped without a word."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.subjects import owned
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread


class WithImages:
    """A thread to which images are sent."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.squares = Squares()
        self._graph = build_graph(critic=ScriptedCritic([0.9] * 9, ("dog",)), generator=self.squares)

    def say(self, request: str, *files: str) -> tuple[list[Any], list[str]]:
        """Return the references that the first drawing is made with, and the notes."""
        for file in files:
            Image.new("RGB", (50, 50), "blue").save(self.home / file)
        sent = {"prompt": request, "subjects": [str(self.home / file) for file in files]}
        drawn = len(self.squares.requests)
        chunks = list(self._graph.stream(sent, thread(), context=Settings(home=str(self.home)), stream_mode="custom"))
        notes = [chunk["text"] for chunk in chunks if chunk["event"] == "note"]
        new = self.squares.requests[drawn:]
        return (list(new[0].references) if new else []), notes


@pytest.mark.parametrize(
    ("request_", "own"),
    [
        ("my badge on a cake", ["badge"]),
        ("a cake with my badge on it", ["badge"]),
        ("this dog on a boat", ["dog"]),
        ("my red hat and my dog", ["hat", "dog"]),
        ("a dog on a boat", []),
    ],
)
def test_what_is_called_ones_own(request_: str, own: list[str]) -> None:
    assert owned(request_, parse_scene(request_)) == own


@pytest.mark.parametrize("request_", ["my badge on a cake", "a cake with my badge on it"])
def test_what_is_sent_is_drawn_as_what_it_is_called(tmp_path: Path, request_: str) -> None:
    references, notes = WithImages(tmp_path).say(request_, "one.png")
    assert [(one.kind, one.concept) for one in references] == [("subject", "badge")]
    assert notes == []


def test_what_the_request_does_not_name_is_told(tmp_path: Path) -> None:
    references, notes = WithImages(tmp_path).say("a cat", "badge.png")
    assert len(references) == 1
    assert notes == [
        "'badge.png' is drawn as the cat, since the request doesn't say what it shows; "
        'say "my cat", or name what it is ("my badge on a cake")'
    ]


def test_a_change_keeps_it_and_a_new_picture_leaves_it_out_and_says_so(tmp_path: Path) -> None:
    conversation = WithImages(tmp_path)
    conversation.say("my badge on a cake", "badge.png")
    references, _ = conversation.say("put a candle beside the cake")
    assert [one.concept for one in references] == ["badge"]
    references, notes = conversation.say("now draw a castle")
    assert references == []
    assert "without 'badge.png' of earlier" in notes[0]
    references, notes = conversation.say("now draw my badge on a boat")
    assert [one.concept for one in references] == ["badge"]
    assert notes == []


def test_a_thing_that_goes_takes_its_image_along(tmp_path: Path) -> None:
    conversation = WithImages(tmp_path)
    conversation.say("my badge on a cake", "badge.png")
    references, notes = conversation.say("remove the badge")
    assert references == []
    assert notes == ["'badge.png' is not drawn with any more: the picture has no badge"]


def test_an_image_sent_with_talk_is_told(tmp_path: Path) -> None:
    conversation = WithImages(tmp_path)
    conversation.say("a dog")
    _, notes = conversation.say("thanks", "badge.png")
    assert notes == ["'badge.png' is kept, and not drawn with: this turn is answered in words"]


def test_of_more_images_than_things_of_ones_own_it_is_told_what_they_are_drawn_as(tmp_path: Path) -> None:
    references, notes = WithImages(tmp_path).say("my badge on a cake", "front.png", "back.png")
    assert len(references) == 2
    assert notes == [
        "'back.png', picture 2 of 2, is drawn as the badge as well, since the request names no other thing of yours; "
        'name what each of them shows, in their order ("my badge and my hat ...")'
    ]
