"""What a chat does with its last request: again, several times, in other words, in another size."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.server.run import RunRequest
from imagerag.server.thread_history import LOCAL
from imagerag.store.png import encode_png
from testing.scripted import Squares


class SquaresInParts(Squares):
    redraws_parts = True


def test_a_request_is_drawn_again_under_another_seed(start_chat: Any) -> None:
    _, take = start_chat(scores=[0.9] * 3)
    assert "no request to draw again" in take("/retry")
    take("an owl")
    assert "image-2" in take("/retry")
    state = start_chat.service.threads.state("", "sea")
    seeds = [record["seed"] for record in state["all_images"]]
    assert (state["prompt"], len({*seeds})) == ("an owl", 2)
    assert "back to: an owl" in take("/undo"), "both answers were turns"
    assert "/retry takes nothing" in take("/retry in red")


@pytest.mark.parametrize("lines", [["a dog", "put a crown on it"], ["a dog and a cat"], ["a dog next to a tree"]])
def test_drawing_again_adds_nothing(start_chat: Any, lines: list[str]) -> None:
    _, take = start_chat(scores=[0.9] * 9)
    for line in lines:
        take(line)
    state = start_chat.service.threads.state
    before = state("", "sea")["prompt"]
    take("/retry")
    take("/variations 2")
    images = [image for image in state("", "sea")["all_images"] if image["turn"] >= len(lines)]
    assert {image["prompt"] for image in images} == {before}
    assert len({image["seed"] for image in images}) == len(images) == 4


def test_a_part_that_was_redrawn_is_redrawn_again(start_chat: Any, tmp_path: Path) -> None:
    squares = SquaresInParts()
    chat, take = start_chat(scores=[0.9] * 20, generator=squares)
    take("a dog")
    service, drawn = start_chat.service, len(squares.requests)
    mask = encode_png(Image.new("RGB", (16, 16), "white"))
    run = service.create(LOCAL, RunRequest("a crown", thread="sea", mask=mask))  # as a page on this thread sends it
    assert run.wait(60)
    first = squares.requests[drawn]
    for line in ("/retry", "/variations 2", "another one", "/retry", "/edit a hat"):
        told = take(line)
        again = squares.requests[-1].redraw
        assert again is not None, line
        assert (again.image_sha256, again.mask_sha256) == (first.redraw.image_sha256, first.redraw.mask_sha256), line
        assert "only the part that was redrawn" in told
        assert squares.requests[-1].prompt == (first.prompt if line != "/edit a hat" else "a dog and a hat")
    assert chat.thread == "sea-2"
    assert service.threads.state(LOCAL, "sea-2")["turn"] == 2, "drawing again is no request of its own"
    take("make the hat red")
    assert squares.requests[-1].redraw is None


def test_variations_are_drawn_side_by_side(start_chat: Any) -> None:
    _, take = start_chat(scores=[0.9] * 8)
    take("an owl")
    take("/variations 2")
    take("/variations")
    images = start_chat.service.threads.state("", "sea")["all_images"]
    assert [record["turn"] for record in images] == [1, 2, 2, 3, 3, 3, 3]
    for wrong in ("0", "17", "many", "-1"):
        assert "is no number of variations" in take(f"/variations {wrong}")


def test_the_last_request_is_edited_in_a_branch(start_chat: Any) -> None:
    chat, take = start_chat(scores=[0.9] * 9)
    assert "has no turn yet" in take("/edit a cat")
    assert chat.thread == "sea"
    take("an owl")
    assert "from here on in 'sea-2'; 'sea' stays as it is" in take("/edit a cat")
    state = start_chat.service.threads.state
    assert [state("", name)["prompt"] for name in ("sea", "sea-2")] == ["an owl", "a cat"]
    take("now make it red")
    take("/edit now make it blue")
    assert chat.thread == "sea-3"
    assert [state("", name)["prompt"] for name in ("sea-2", "sea-3")] == ["a red cat", "a blue cat"]
    assert state("", "sea-3")["turn"] == 2
    assert "give the words" in take("/edit")


def test_a_size_holds_for_the_images_to_come(start_chat: Any) -> None:
    squares = Squares()
    _, take = start_chat(scores=[0.9] * 3, generator=squares)
    assert "the model's own" in take("/size")
    assert "32x16" in take("/size 32x16")
    take("an owl")
    take("/size 2:1")
    take("a cat")
    assert [str(request.size) for request in squares.requests] == ["32x16", "2:1"]
    for wrong in ("big", "1x1", "0:4"):
        assert "is not WIDTH" in take(f"/size {wrong}")


def test_an_image_is_shown_outside(start_chat: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("imagerag.cli.chat.open_file", lambda path: opened.append(str(path)) or "")
    _, take = start_chat(scores=[0.9] * 3)
    assert "no image to open yet" in take("/open")
    take("an owl")
    take("a cat")
    take("/open")
    take("/open image-1")
    assert opened == [str(Path.cwd() / "a-cat.png"), str(Path.cwd() / "an-owl.png")]
    assert "'image-9' is no image of this conversation; valid: image-1, image-2" in take("/open image-9")
    assert all(f"/{name}" in take("/help") for name in ("retry", "variations", "edit", "size", "open", "help"))


def test_what_drew_the_last_request_again_is_edited_away_with_it(start_chat: Any) -> None:
    chat, take = start_chat(scores=[0.9] * 9)
    for line in ("a cat", "now make it blue", "/retry", "/variations 2", "/edit now make it red"):
        take(line)
    state = start_chat.service.threads.state("", chat.thread)
    assert (state["prompt"], state["turn"]) == ("a red cat", 2), "not of the blue one"
