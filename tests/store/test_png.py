"""Text chunks of PNG files."""

import io
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from imagerag.store.png import NotPng, encode_png, is_whole_png, on_white, read_text, with_text

PNG = encode_png(Image.effect_noise((20, 10), 90))


def test_a_text_is_written_exchanged_and_read_and_the_pixels_stay() -> None:
    once = with_text(PNG, "mine", "first")
    twice = with_text(once, "mine", "größer ✓")
    assert read_text(io.BytesIO(once), "mine") == "first"
    assert read_text(io.BytesIO(twice), "mine") == "größer ✓"
    assert read_text(io.BytesIO(twice), "other") is None
    assert Image.open(io.BytesIO(twice)).tobytes() == Image.open(io.BytesIO(PNG)).tobytes()
    assert twice.count(b"iTXt") == 1


def test_a_text_that_another_program_has_compressed_is_read() -> None:
    chunk, file = PngImagePlugin.PngInfo(), io.BytesIO()
    chunk.add_itxt("mine", "squeezed", zip=True)
    Image.new("L", (2, 2)).save(file, "PNG", pnginfo=chunk)
    assert read_text(io.BytesIO(file.getvalue()), "mine") == "squeezed"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"GIF89a", "is not a PNG file"),
        (PNG[:60], "breaks off"),
        (with_text(PNG, "mine", "x").replace(b"mine", b"mime"), "damaged"),
    ],
)
def test_what_is_no_whole_png_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(NotPng, match=said):
        read_text(io.BytesIO(data), "mime")


def test_a_file_is_whole_to_its_last_byte(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    data = encode_png(Image.new("RGB", (2, 2)))
    for kept, whole in ((len(data), True), (len(data) - 1, False), (len(data) - 20, False), (4, False), (0, False)):
        file.write_bytes(data[:kept])
        assert is_whole_png(file) == whole
    assert not is_whole_png(tmp_path / "gone.png")


def test_transparent_parts_become_white() -> None:
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (255, 0, 0, 255))
    assert [on_white(image).getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (255, 0, 0)]
    assert on_white(Image.new("L", (1, 1), 7)).getpixel((0, 0)) == (7, 7, 7)
