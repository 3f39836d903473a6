"""Images in the size and the format that a client asks for."""

import io

import pytest
from PIL import Image

from imagerag.server.api_error import ApiError
from imagerag.server.renditions import encoded, size_of


@pytest.mark.parametrize(("text", "size"), [(None, None), ("auto", None), ("", None), ("64x32", (64, 32))])
def test_sizes_as_openai_writes_them(text: str | None, size: tuple[int, int] | None) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["64", "64x", "8x64", "64x5000", "-64x64", "64x64x64"])
def test_a_size_outside_what_can_be_had_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(ApiError, match=r"is not supported; give 'auto' or WIDTHxHEIGHT, each side 16\.\.4096"):
        size_of(text)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_an_image_is_scaled_until_it_covers_the_size_and_cropped(kind: str) -> None:
    wide = Image.new("RGBA", (300, 100), (255, 0, 0, 255))
    rendition = encoded(wide, (50, 50), kind)  # type: ignore[arg-type]
    image = Image.open(io.BytesIO(rendition.data))
    assert (image.format, image.size, rendition.size) == (kind.upper(), (50, 50), "50x50")


def test_a_jpeg_has_white_where_the_image_is_transparent() -> None:
    image = Image.open(io.BytesIO(encoded(Image.new("RGBA", (16, 16)), None, "jpeg").data))
    assert image.getpixel((8, 8)) == (255, 255, 255)
