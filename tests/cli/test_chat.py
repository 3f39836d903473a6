"""The terminal's door: what is typed, what is told, and pictures inside the terminal."""

import base64
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.cli.chat import Chat
from imagerag.cli.terminal_images import CHUNK, detected, escape
from imagerag.store.manifest import read_manifest
from testing.servers import scripted_service


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Callable[..., tuple[Chat, Callable[[str], str]]]]:
    studios = []

    def start(thread: str = "sea", protocol: Any = "none", **components: Any) -> tuple[Chat, Callable[[str], str]]:
        studios.append(scripted_service(tmp_path, **components))
        out = io.StringIO()
        chat = Chat(studios[-1], thread, out, protocol)
        chat.greet()

        def take(line: str) -> str:
            out.truncate(0)
            out.seek(0)
            assert chat.take(line)
            return out.getvalue()

        return chat, take

    yield start
    for service in studios:
        service.close()


def test_a_conversation_is_drawn_taken_back_and_branched(talk: Callable[..., Any]) -> None:
    chat, take = talk(scores=[0.9])
    assert "image-1 scores 0.90" in take("an owl")
    take("now make it red")
    assert "image-2" in take("/images")
    assert "back to: an owl" in take("/undo")
    assert "image-2" not in take("/images")
    assert "'copy'; 'sea' stays as it is" in take("/branch copy")
    take("now put it on the moon")
    assert chat._studio.state("", "copy")["prompt"] == "an owl on a moon"
    assert chat._studio.state("", "sea")["prompt"] == "an owl"
    assert "there is a conversation 'sea' already" in take("/branch sea")
    take("/undo")
    assert "back to the beginning" in take("/undo")
    assert "no turn to take back" in take("/undo")
    assert not chat.take("/quit")


def test_what_was_taken_back_stays_back_after_a_restart(talk: Callable[..., Any]) -> None:
    _, take = talk(scores=[0.9])
    take("an owl")
    take("a cat")
    take("/undo")
    chat, take = talk(scores=[0.9])
    assert chat._studio.state("", "sea")["prompt"] == "an owl"
    take("make it red")
    assert chat._studio.state("", "sea")["prompt"] == "a red owl"


def test_references_budget_and_saving(
    talk: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, take = talk(scores=[0.3, 0.9])
    assert "no image to save" in take("/save")
    take("an owl")
    assert "ref-1 for owl: a square, shelf, CC0" in take("/refs")
    assert "max_generations: 9" in take("/budget max_generations=9")
    assert "max_generations: 1" in take("/budget max_generations=1")
    assert "stopped: the generation budget ran out" in take("a cat")
    for wrong in ("max_generations=x", "max_dreams=1", "max_seconds=0", "max_steps"):
        assert re.search("not a number|is no limit|must be above 0", take(f"/budget {wrong}"))
    saved = take("/save").strip()
    assert (saved, read_manifest(saved).prompt) == ("a-cat.png", "a cat")
    assert take("/save").strip() == "a-cat-2.png"
    assert take(f"/save {tmp_path / 'mine.png'}").strip() == str(tmp_path / "mine.png")


def test_mistakes_are_told_and_the_conversation_goes_on(talk: Callable[..., Any]) -> None:
    _, take = talk(scores=[0.9])
    assert "'/nope' is no command" in take("/nope")
    assert "shorten it" in take("x" * 5000)
    assert "give the copy a name" in take("/branch")
    assert "is not a name" in take("/branch a/b")
    assert "image-1 scores" in take("an owl")


def test_pictures_are_shown_where_the_terminal_can(talk: Callable[..., Any]) -> None:
    _, take = talk(scores=[0.9], protocol="iterm2")
    shown = re.search("\x1b]1337;File=inline=1;size=(\\d+);[^:]*:([^\a]+)\a", take("an owl"))
    assert shown
    data = base64.b64decode(shown[2])
    assert len(data) == int(shown[1])
    assert Image.open(io.BytesIO(data)).size == (16, 16)


def test_kitty_gets_a_png_in_chunks_that_it_takes() -> None:
    text = escape(Image.effect_noise((200, 100), 90), "kitty")
    chunks = re.findall("\x1b_G([^;]*);([^\x1b]*)\x1b\\\\", text)
    assert [head.endswith("m=1") for head, _ in chunks] == [True] * (len(chunks) - 1) + [False]
    assert max(len(data) for _, data in chunks) <= CHUNK
    picture = Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in chunks))))
    assert picture.size == (200, 100)


def test_sixels_paint_each_pixel_once_in_its_colour() -> None:
    image = Image.new("RGB", (20, 15), "red")
    image.paste("blue", (5, 4, 15, 13))
    text = escape(image, "sixel")
    assert text.startswith("\x1bP0;1q")
    assert text.endswith("\x1b\\")
    assert unsixelled(text) == [[image.getpixel((x, y)) for x in range(20)] for y in range(15)]


def unsixelled(text: str) -> list[list[Any]]:
    """Read sixels as a terminal does."""
    width, height = map(int, re.search(r'"1;1;(\d+);(\d+)', text).groups())  # type: ignore[union-attr]
    pixels: list[list[Any]] = [[None] * width for _ in range(height)]
    palette: dict[int, Any] = {}
    x = top = colour = 0
    body = text[text.index('"1;1;') :].removesuffix("\x1b\\")
    for define, use, repeat, letter, move in re.findall(
        r"#(\d+;2;\d+;\d+;\d+)|#(\d+)|!(\d+)(?=.)|([?-~])|([$-])", body
    ):
        if define:
            number, _, *rgb = map(int, define.split(";"))
            palette[number] = tuple(round(value * 255 / 100) for value in rgb)
        elif use:
            colour = int(use)
        elif repeat:
            count = int(repeat)
            continue
        elif letter:
            for _ in range(count):
                for row in range(6):
                    if (ord(letter) - 63) >> row & 1:
                        assert pixels[top + row][x] is None
                        pixels[top + row][x] = palette[colour]
                x += 1
        elif move:
            x = 0
            top += 6 * (move == "-")
        count = 1
    return pixels


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-256color"}, "none"),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "iTerm.app"}, "none"),
        ({}, "none"),
    ],
)
def test_terminals_are_known_by_what_they_set(environ: dict[str, str], protocol: str) -> None:
    assert detected(environ) == protocol


def test_references_are_kept_rejected_and_swapped_before_a_redraw(talk: Callable[..., Any]) -> None:
    _, take = talk(scores=[0.3, 0.9])
    assert "before a redraw: on" in take("/approve on")
    asked = take("an owl")
    assert "redraw with ref-1, ref-2?" in asked
    assert "* ref-1  a square for owl, shelf, CC0" in asked
    assert "image-2" not in asked
    assert "'what' is no answer; say keep, reject N" in take("what")
    assert "'ref-9' is not among the references found; valid: ref-1, ref-2" in take("swap 1 ref-9")
    assert "redraw with ref-3, ref-2?" in take("swap 1 3")
    assert "'ref-1' is not among ref-3, ref-2" in take("reject 1")
    assert "redraw with ref-3?" in take("reject 2")
    assert "image-2 scores 0.90" in take("keep")
    assert "with ref-3 " in take("/images")


@pytest.mark.parametrize("word", ["none", "reject", "/quit"])
def test_a_redraw_that_is_not_wanted_ends_with_the_first_image(talk: Callable[..., Any], word: str) -> None:
    chat, take = talk(scores=[0.3, 0.9])
    take("/approve on")
    take("an owl")
    chat.take(word)
    state = chat._studio.state("", "sea")
    assert state["stop_reason"] == "cancelled"
    assert state["image"]["id"] == "image-1"
    assert "off" in take("/approve off")


def test_commands_work_while_a_redraw_waits_for_a_word(talk: Callable[..., Any], tmp_path: Path) -> None:
    _, take = talk(scores=[0.9, 0.3])
    take("a cat")
    take("/approve on")
    assert "redraw with ref-1, ref-2?" in take("an owl")
    for command, says in (
        ("/help", "/undo"),
        ("/refs", "ref-1"),
        ("/images", "image-2"),
        ("/budget", "max_generations"),
        ("/branch copy", "this turn is not over; give your word on the redraw first: keep, reject N"),
        (f"/save {tmp_path / 'best'}", "best.png"),
        ("/nonsense", "is no command"),
    ):
        assert says in take(command)
    assert read_manifest(tmp_path / "best.png").prompt == "an owl", "of the turn that asks, not of the one before"
    assert "the redraw still waits for your word: keep" in take("/refs")
    assert "back to: a cat" in take("/undo")
    assert "image-2" not in take("/images")
    assert "no answer" not in take("now make it red"), "the question is gone"


def test_a_question_that_a_killed_process_has_left_is_asked_again(talk: Callable[..., Any]) -> None:
    chat, take = talk(scores=[0.3])
    take("/approve on")
    take("an owl")
    chat._studio.close()
    again, take = talk(scores=[0.9])
    assert "still waits" in take("/images")
    assert "image-2 scores 0.90" in take("keep")
    assert again._studio.state("", "sea")["stop_reason"] == "satisfied"
