"""Images inside the terminal: which protocol is detected, and what each protocol is sent."""

import base64
import io
import re
from typing import Any

import pytest
from PIL import Image

from imagerag.cli.terminal_images import CHUNK, detected, escape


def test_pictures_are_shown_where_the_terminal_can(start_chat: Any) -> None:
    _, take = start_chat(scores=[0.9], protocol="iterm2")
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
