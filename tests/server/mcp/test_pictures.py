"""Pictures and masks over MCP: one's own by address, or sent along."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from testing.mcp_clients import with_client
from testing.openai_requests import data_url, square
from testing.scripted import Squares
from testing.servers import scripted_service

pytest.importorskip("mcp")
from mcp import Client

from imagerag.errors import UserError
from imagerag.server.mcp.pictures import SentPictures, read_sent
from imagerag.server.thread_history import LOCAL
from imagerag.server.uploads import MAX_PICTURES

URL = str(data_url(square())["image_url"]["url"])


class SquaresInParts(Squares):
    redraws_parts = True


def half_white() -> str:
    mask, file = Image.new("L", (16, 16), 0), io.BytesIO()
    mask.paste(255, (0, 0, 8, 16))
    mask.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def test_a_part_of_an_image_is_redrawn_and_what_it_shows_is_known(tmp_path: Path) -> None:
    squares = SquaresInParts()

    async def talk(client: Client) -> None:
        first = (await client.call_tool("create_image", {"prompt": "a dog", "seed": 7, "n": 1})).structured_content
        address = first["image"]["uri"]
        asked: dict[str, Any] = {"prompt": "a crown", "pictures": [address, URL], "mask": half_white(), "seed": 90}
        second = (await client.call_tool("create_image", asked)).structured_content
        assert second["prompt"] == "a dog and a crown"
        full = (await client.read_resource(second["image"]["uri"])).contents[0]
        image = Image.open(io.BytesIO(base64.b64decode(full.blob)))
        assert (image.getpixel((12, 3))[0], image.getpixel((3, 3))[0]) == (7, 90)
        refused = await client.call_tool("create_image", {"prompt": "a crown", "pictures": ["http://x/a.png"]})
        assert refused.is_error
        assert "'http://x/a.png' is not an image of yours" in refused.content[0].text

    with_client(scripted_service(tmp_path, generator=squares), talk)
    assert [len(request.references) for request in squares.requests] == [0, 1]


@pytest.mark.parametrize(
    ("pictures", "mask", "refusal"),
    [
        ([URL] * (MAX_PICTURES + 1), "", "17 pictures are more than 16"),
        (["imagerag://images/" + "0" * 32], "", "pictures: .* is not an image of yours"),
        ([], "data:image/png;base64,%%%", "mask: .* is not a data: URL"),
        ([], "mask.png", "mask: 'mask.png' is not an image of yours"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_argument(
    tmp_path: Path, pictures: list[str], mask: str, refusal: str
) -> None:
    service = scripted_service(tmp_path)
    try:
        with pytest.raises(UserError, match=refusal):
            read_sent(service, LOCAL, pictures, mask)
        assert read_sent(service, LOCAL, [URL], "") == SentPictures((square(),))
    finally:
        service.close()
