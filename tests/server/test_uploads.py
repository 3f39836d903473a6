"""Files sent by clients."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import openai
import pytest
from PIL import Image

from imagerag.server.api_error import ApiError
from imagerag.server.uploads import data_url as data_url_of
from imagerag.server.uploads import own_addresses, picture_at
from testing.openai_requests import MODEL, data_url, square, user
from testing.servers import Served


def test_pictures_of_ones_own_are_drawn_with(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    client = server.client()
    upload = client.files.create(file=("me.png", square()), purpose="vision")
    for part in (data_url(square("blue")), {"type": "file", "file": {"file_id": upload.id}}):
        client.chat.completions.create(model=MODEL, messages=[user("an owl like this", part)])
        request = server.service.components.generator.requests[-1]
        assert [reference.kind for reference in request.references] == ["subject"]
        assert request.references[0].image.size == (40, 30)


def test_files_can_be_sent_listed_read_and_deleted(serve: Callable[..., Served]) -> None:
    client = serve().client()
    sent = client.files.create(file=("../../me.png", square()), purpose="vision")
    assert (sent.filename, sent.purpose) == ("me.png", "vision")
    made = client.images.generate(model=MODEL, prompt="an owl")
    listed = {file.id: file for file in client.files.list()}
    assert len(listed) == 2
    assert made.data[0].url.rpartition("/")[2].removesuffix(".png") in {name.removeprefix("file-") for name in listed}
    assert Image.open(io.BytesIO(client.files.content(sent.id).read())).size == (40, 30)
    assert client.files.delete(sent.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(sent.id)


@pytest.mark.parametrize(
    ("url", "data"),
    [
        ("data:image/png;base64,AAEC", b"\0\1\2"),
        ("data:,a%20b", b"a b"),
        ("data:image/png;base64,AAE", b"\0\1"),
        ("data:image/png;BASE64,AAE=", b"\0\1"),
        ("DATA:image/png;base64,AAEC", b"\0\1\2"),
        ("data:image/png;base64,-_8=", b"\xfb\xff"),
        ("data:image/png;base64,-_8", b"\xfb\xff"),
        ("data:image/png;base64,AA\r\nEC\n", b"\0\1\2"),
        ("data:image/png;base64,%2B%2F8%3D", b"\xfb\xff"),
        (" data:image/png;base64,AAEC\n", b"\0\1\2"),
    ],
)
def test_a_data_url_holds_its_bytes(url: str, data: bytes) -> None:
    service: Any = None
    assert asyncio.run(picture_at(service, "someone", url, frozenset(), may_fetch=False)) == data


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("data:image/png;base64", "is not a data: URL"),
        ("data:image/png;base64,!", "is not a data: URL"),
        ("file:///etc/passwd", "is no address of a picture"),
        ("http://[", "is not an address"),
        ("http://example.org/a.png", "this server fetches no addresses"),
    ],
)
def test_other_addresses_are_refused(url: str, says: str) -> None:
    service: Any = None
    with pytest.raises(ApiError, match=says):
        asyncio.run(picture_at(service, "someone", url, frozenset(), may_fetch=False))


@pytest.mark.parametrize(
    ("sent", "url"),
    [
        ("AAEC", "data:application/octet-stream;base64,AAEC"),
        ("Data:image/png;base64,AAEC", "Data:image/png;base64,AAEC"),
    ],
)
def test_a_files_data_is_an_address(sent: str, url: str) -> None:
    assert data_url_of(sent) == url


ID = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (f"![x](http://a/images/{ID}.png) and https://b:1/images/{'f' * 32}", ["f" * 32, ID]),
        (f"https://myhttp.example/images/{ID}.png", [ID]),
        (f"http://a/images/x/images/{ID}", [ID]),
        (f"http:// a/images/{ID} and (a)/images/{ID} and http:///images/{ID}", []),
        (f"http://{'a' * 400}/images/{ID}", []),
    ],
)
def test_addresses_of_ours_are_found_from_the_last_one(text: str, ids: list[str]) -> None:
    assert list(own_addresses(text)) == ids


class CountingText(str):
    """Counts the characters that a search is given."""

    read = 0

    def rfind(self, *given: Any) -> int:
        found = super().rfind(*given)
        type(self).read += (given[2] if len(given) > 2 else len(self)) - max(found, 0)
        return found

    def __getitem__(self, key: Any) -> str:
        piece = super().__getitem__(key)
        type(self).read += len(piece)
        return piece


@pytest.mark.parametrize(
    "filling", ["http://", "http://a", "http://a/images/", f"(/images/{ID}", "https://" + "a" * 90]
)
def test_ten_times_the_text_is_ten_times_the_work(filling: str) -> None:
    work = []
    for size in (12_000, 120_000):
        CountingText.read = 0
        assert list(own_addresses(CountingText(filling * (size // len(filling))))) == []
        work.append(CountingText.read)
    assert work[1] <= 11 * work[0]
