"""Where images are in answers."""

import base64
from typing import Any

import pytest

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
