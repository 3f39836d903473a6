"""Where images are in answers."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from imagerag.generators.remote.calling import opened
from imagerag.generators.remote.image_answers import first_image
from testing.remote_servers import a_png

PNG = a_png()
TEXT = base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"b64_json": TEXT}]},
        {"data": [{"b64_json": f"data:image/png;base64,{TEXT}"}]},
        {"data": [{"b64_json": None, "url": f"data:image/png;base64,{TEXT}"}]},
        {"data": [{"url": "DATA:image/png;base64," + TEXT.replace("+", "%2B")}]},
        {"data": [f"data:image/png;base64,{TEXT}"]},
        {"data": {"b64_json": TEXT}},
        {"images": [TEXT]},
        {"artifacts": [{"base64": TEXT}]},
        {"b64_json": TEXT},
        [{"b64_json": TEXT}],
    ],
)
def test_in_the_answer_itself(body: Any) -> None:
    found = first_image(body)
    assert found is not None
    assert (found.data, found.address) == (PNG, "")


@pytest.mark.parametrize(
    ("body", "address"),
    [
        ({"data": [{"url": "https://example.org/a.png"}]}, "https://example.org/a.png"),
        ({"data": [{"b64_json": "", "url": " /images/a.png\n"}]}, "/images/a.png"),
        ({"data": [{"url": "generated/a.png"}]}, "generated/a.png"),
        ({"data": [{"url": "a.webp?size=1"}]}, "a.webp?size=1"),
        ({"data": [{"url": "generated/abcd"}]}, "generated/abcd"),
        ({"images": [{"url": "https://example.org/a"}]}, "https://example.org/a"),
        ({"output": ["https://example.org/a"]}, "https://example.org/a"),
        ({"data": [{"image_url": {"url": "https://example.org/a"}}]}, "https://example.org/a"),
    ],
)
def test_by_address(body: Any, address: str) -> None:
    found = first_image(body)
    assert found is not None
    assert (found.data, found.address) == (b"", address)


@pytest.mark.parametrize(
    "body", [None, 3, "", [], {}, {"data": None}, {"data": []}, {"data": [None]}, {"data": [{"url": None}]}]
)
def test_nowhere(body: Any) -> None:
    assert first_image(body) is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "GIF"])
def test_images_of_the_usual_kinds_are_opened_upright(kind: str) -> None:
    image = Image.new("RGB", (40, 20), "white")
    image.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right is due
    out = io.BytesIO()
    image.save(out, kind, **({} if kind == "GIF" else {"exif": exif}))
    read = opened(out.getvalue())
    assert read.mode == "RGB"
    if kind == "GIF":  # knows no such thing
        assert read.size == (40, 20)
        return
    assert read.size == (20, 40)
    top, bottom = (sum(read.getpixel((10, y))[1:]) for y in (5, 35))  # type: ignore[index]
    assert top < 120
    assert bottom > 400
