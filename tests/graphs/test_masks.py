"""A part of an image drawn anew, through the graph: what stays, what the whole shows then, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imagerag.agent.protocols import Brief, PastImage
from imagerag.cli.main import run
from imagerag.errors import UserError
from imagerag.graphs import build_graph
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.graphs.masks import ELSEWHERE, Masked, history_with, redrawn_again, whole_brief
from imagerag.records import ImageRecord
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread


def mask_file(folder: Path, size: tuple[int, int] = (128, 128)) -> Path:
    mask = Image.new("L", size, 0)
    width, height = size
    ImageDraw.Draw(mask).rectangle((width // 2, 0, width - 1, height // 2), fill=255)
    mask.save(folder / "mask.png")
    return folder / "mask.png"


def pixels(path: str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture
def drawn(tmp_path: Path) -> tuple[Any, Settings, Any]:
    """A graph with the embedded generator, its settings, and the result of its first turn, a dog."""
    graph = build_graph(critic=ScriptedCritic([0.9] * 20))
    settings = Settings(home=str(tmp_path), mode="no_lookup", seed=7)
    return graph, settings, graph.invoke({"prompt": "a dog"}, thread(), context=settings)


@pytest.mark.parametrize("words", ["a crown", "add a crown"])
def test_only_what_is_marked_changes_and_the_whole_goes_on(drawn: Any, tmp_path: Path, words: str) -> None:
    graph, settings, first = drawn
    file = mask_file(tmp_path)
    second = graph.invoke({"prompt": words, "mask": str(file)}, thread(), context=settings)
    before, after = pixels(first["image"]["path"]), pixels(second["image"]["path"])
    marked = np.asarray(Image.open(file)) == 255
    assert (before[~marked] == after[~marked]).all()
    assert (before[marked] != after[marked]).any()
    assert "dog" in second["prompt"]
    assert "crown" in second["prompt"]
    # A turn without a mask draws the whole again.
    third = graph.invoke({"prompt": "make the crown red"}, thread(), context=settings)
    assert "dog" in third["prompt"]
    assert (pixels(third["image"]["path"])[~marked] != before[~marked]).any()


@pytest.mark.parametrize("words", ["try again", "another one", "4 variations"])
def test_another_one_like_it_redraws_the_same_part(drawn: Any, tmp_path: Path, words: str) -> None:
    graph, settings, first = drawn
    settings = replace(settings, seed=None)
    file = mask_file(tmp_path)
    second = graph.invoke({"prompt": "a crown", "mask": str(file)}, thread(), context=settings)
    marked = np.asarray(Image.open(file)) == 255
    before = pixels(first["image"]["path"])
    for _ in range(2):
        told = list(graph.stream({"prompt": words}, thread(), context=settings, stream_mode="custom"))
        again = graph.get_state(thread()).values
        after = pixels(again["image"]["path"])
        assert again["prompt"] == second["prompt"]
        assert (before[~marked] == after[~marked]).all()
        assert (pixels(second["image"]["path"]) != after).any()
        assert any("only the part that was redrawn" in event.get("text", "") for event in told)


def test_a_generator_that_redraws_no_parts_draws_all_of_it_again_and_says_so(
    drawn: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, settings, _ = drawn
    graph.invoke({"prompt": "a crown", "mask": str(mask_file(tmp_path))}, thread(), context=settings)
    state = graph.get_state(thread()).values
    components = Components(settings, InjectedComponents(generator=Squares()))
    told: list[str] = []
    monkeypatch.setattr(Components, "tell", lambda self, text: told.append(text))
    brief = Brief(state["prompt"], state["image"]["id"], keep_seed=False)
    assert redrawn_again(brief, state["image"], state, components) is None
    assert "all of image-2 is drawn again" in told[0]


def test_a_change_of_what_is_there_is_let_through_the_mask(drawn: Any, tmp_path: Path) -> None:
    graph, settings, first = drawn
    second = graph.invoke({"prompt": "make it blue", "mask": str(mask_file(tmp_path))}, thread(), context=settings)
    marked = np.asarray(Image.open(tmp_path / "mask.png")) == 255
    before, after = pixels(first["image"]["path"]), pixels(second["image"]["path"])
    assert (before[~marked] == after[~marked]).all()
    assert second["prompt"] == "a blue dog"


def test_a_picture_of_ones_own_is_redrawn_and_not_drawn_with(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "mine.png")
    graph = build_graph(critic=ScriptedCritic([0.9]))
    settings = Settings(home=str(tmp_path), mask=str(mask_file(tmp_path, (90, 60))), seed=7, mode="no_lookup")
    result = graph.invoke({"prompt": "an owl", "subjects": [str(tmp_path / "mine.png")]}, thread(), context=settings)
    marked = np.asarray(Image.open(tmp_path / "mask.png")) == 255
    assert (pixels(result["image"]["path"])[~marked] == noise[~marked]).all()
    assert result["image"]["references"] == []


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        ({"mask": "mask.png"}, "no image yet to redraw a part of; give one with --subject"),
        ({"mask": "gone.png", "subjects": ["mine.png"]}, "gone.png"),
        ({"mask": "mask.png", "subjects": ["mine.png"]}, "the mask has 128x128 pixels, and the image 90x60"),
        ({"masked": "mine.png"}, "without a mask"),
        ({"mask": 3}, "mask '3' of the request is not a path"),
    ],
)
def test_what_can_not_be_redrawn_is_refused_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_: dict[str, Any], refusal: str
) -> None:
    monkeypatch.chdir(tmp_path)
    mask_file(tmp_path)
    Image.new("RGB", (90, 60)).save("mine.png")
    squares = Squares()
    squares.redraws_parts = True  # type: ignore[attr-defined]
    graph = build_graph(critic=ScriptedCritic([]), generator=squares)
    with pytest.raises(UserError, match=refusal):
        graph.invoke({"prompt": "an owl", **request_}, thread(), context=Settings(home=str(tmp_path / "home")))
    assert squares.requests == []


def test_a_generator_that_redraws_no_parts_says_so(tmp_path: Path) -> None:
    graph = build_graph(critic=ScriptedCritic([]), generator=Squares())
    settings = Settings(home=str(tmp_path), mask=str(mask_file(tmp_path)))
    with pytest.raises(UserError, match="'squares' can't redraw a part of an image, so --mask is of no use"):
        graph.invoke({"prompt": "an owl"}, thread(), context=settings)


def test_what_is_answered_in_words_leaves_the_mask_and_says_so(drawn: Any, tmp_path: Path) -> None:
    graph, settings, first = drawn
    told = [
        event["text"]
        for event in graph.stream(
            {"prompt": "thanks!", "mask": str(mask_file(tmp_path))}, thread(), context=settings, stream_mode="custom"
        )
        if event["event"] == "note"
    ]
    assert "the mask is not used: this turn is answered in words" in told
    assert graph.get_state(thread()).values["image"]["id"] == first["image"]["id"]


def test_the_command_line_redraws_a_part_and_replays_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    home = ["--home", str(tmp_path / "home")]
    mask_file(tmp_path)
    assert run([*home, "--thread", "sea", "--seed", "3", "--name", "dog", "a dog"]) == 0
    assert run([*home, "--thread", "sea", "--mask", "mask.png", "--name", "crown", "a crown"]) == 0
    marked = np.asarray(Image.open("mask.png")) == 255
    assert (pixels("dog.png")[~marked] == pixels("crown.png")[~marked]).all()
    capsys.readouterr()
    assert run(["replay", "crown.png", *home]) == 0
    assert "identical" in capsys.readouterr().out
    assert run(["replay", "crown.png", "--home", str(tmp_path / "elsewhere")]) == 2
    assert "an image of which a part was drawn anew" in capsys.readouterr().err


RECORD: Any = {"image": "a", "mask": "b", "prompt": "a dog"}
IMAGE: ImageRecord = {"id": "image-2"}  # type: ignore[typeddict-item]


class TestBrief:
    def test_a_change_is_one_of_the_whole_and_anything_else_comes_beside_it(self) -> None:
        masked = Masked(RECORD, IMAGE)
        assert whole_brief(Brief("a dog with a hat", "image-2"), masked, "put a hat on it").prompt == "a dog with a hat"
        added = whole_brief(Brief("a hat"), masked, "a hat")
        assert (added.prompt, added.base) == ("a dog and a hat", "image-2")
        unknown = Masked({**RECORD, "prompt": ""}, None)
        assert whole_brief(Brief("a hat"), unknown, "a hat") == Brief("a hat")
        assert whole_brief(Brief("a hat"), None, "a hat") == Brief("a hat")

    def test_a_change_goes_on_from_the_image_that_is_masked(self) -> None:
        history = [PastImage("image-1", "a cat", 1, standing=True), PastImage("image-2", "a dog", 2, standing=False)]
        assert [one.standing for one in history_with(history, Masked(RECORD, IMAGE))] == [False, True]
        with_other = history_with(history, Masked(RECORD, None))
        assert (with_other[-1].id, with_other[-1].prompt, with_other[-1].standing) == (ELSEWHERE, "a dog", True)
        assert not any(one.standing for one in with_other[:-1])
        assert history_with(history, None) is history
