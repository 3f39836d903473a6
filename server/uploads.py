"""Pictures that clients send: uploads, ``data:`` URLs, our own addresses, and, where allowed, public ones."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import UploadFile

from imagerag.errors import UserError
from imagerag.net.safe_fetch import fetch
from imagerag.server.api_error import ApiError
from imagerag.server.database import Entry
from imagerag.server.off_loop import on_pictures, reading
from imagerag.server.service import Service
from imagerag.store.data_urls import decoded, is_data_url, picture_of_base64
from imagerag.store.moderation import refusal_of_file
from imagerag.store.png import encode_png

MAX_UPLOAD = 20 * 2**20
"""Bytes of one uploaded picture."""

MAX_PICTURES = 16
"""Pictures in one request."""

MAX_FIELDS = 100
"""Fields of one form that are not files, several times what there are: reading each holds up what others wait for."""

OWN_PATH = re.compile(r"/images/([0-9a-f]{32})(?:\.png)?")
_BEFORE = re.compile(r"https?://.")
_ENDS_BEFORE = re.compile(r"[\s()]")
_LONGEST_BEFORE = len("https://") + 300
MAX_ADDRESSES = 64
"""Addresses of ours that are looked up for one conversation, its last ones."""


def own_addresses(text: str) -> Iterator[str]:
    """Yield the ids in the addresses of images of ours in a text, the last one first.

    The text is read once: each place that ends like such an address is held against the few characters before it.
    """
    place = text.rfind("/images/")
    while place >= 0:
        if found := OWN_PATH.match(text, place):
            before = _ENDS_BEFORE.split(text[max(0, place - _LONGEST_BEFORE) : place])[-1]
            if _BEFORE.search(before):
                yield found[1]
        place = text.rfind("/images/", 0, place)


async def read_upload(upload: UploadFile) -> bytes:
    """Return the bytes of an uploaded picture.

    Raises:
        ApiError: it is too large.
    """
    data = await upload.read(MAX_UPLOAD + 1)
    if len(data) > MAX_UPLOAD:
        raise ApiError(
            413, f"{upload.filename!r} has more than {MAX_UPLOAD} bytes; send a smaller picture", "too_large"
        )
    return data


async def picture_at(
    service: Service, client: str, url: str, own_hosts: frozenset[str], *, may_fetch: bool, field: str = "messages"
) -> bytes:
    """Return the file of a picture that a client names by address.

    Args:
        own_hosts: names and ports of this server; addresses there are looked up, not fetched.
        may_fetch: whether public addresses are fetched.
        field: of the request, for errors.

    Raises:
        ApiError: it is no picture's address, or none that may be used.
    """
    url = url.strip()
    if is_data_url(url):
        return await reading(_from_data, url, field)
    if (bare := await reading(picture_of_base64, url)) is not None:
        return bare
    try:
        components = urlsplit(url)
        own = OWN_PATH.fullmatch(components.path) if components.netloc.lower() in own_hosts else None
    except ValueError as error:
        raise ApiError(400, f"{url[:80]!r} is not an address", "invalid_image_url", field) from error
    if own:
        entry = await anyio.to_thread.run_sync(service.database.find, own[1], client)
        if entry is None:
            raise ApiError(400, f"{url[:80]!r} is not an image of yours", "invalid_image_url", field)
        return await on_pictures(lambda: encode_png(service.picture(entry)))
    if components.scheme not in ("http", "https"):
        shown = url[:40]
        raise ApiError(400, f"{shown!r} is no address of a picture; send a data: URL", "invalid_image_url", field)
    if not may_fetch:
        raise ApiError(
            400,
            f"this server fetches no addresses ({url[:80]!r}); send a data: URL, or upload the picture",
            "invalid_image_url",
            field,
        )
    try:
        data = await fetch(url)
        reason = await on_pictures(refusal_of_file, data, "fetched")
    except UserError as error:
        raise ApiError(400, str(error), "invalid_image_url", field) from error
    if reason:
        raise ApiError(400, f"{url[:80]!r} may not be used ({reason})", "invalid_image_url", field)
    return data


def _from_data(url: str, field: str) -> bytes:
    try:
        return decoded(url)
    except ValueError as error:
        shown = url[:40]
        raise ApiError(400, f"{shown!r}... is not a data: URL ({error})", "invalid_image_url", field) from error


def data_url(data: str) -> str:
    """Return the ``data:`` URL of a file that is sent in base64, with or without its beginning."""
    data = data.strip()
    return data if is_data_url(data) else f"data:application/octet-stream;base64,{data}"


def uploaded(service: Service, client: str, file_id: str) -> Entry:
    """Return the entry of a file's id as the API has it (``file-...``).

    Raises:
        ApiError: not a file of this client.
    """
    entry = service.database.find(file_id.removeprefix("file-"), client)
    if entry is None:
        raise ApiError(404, f"file {file_id[:80]!r} is not a file of yours", "file_not_found", "file_id")
    return entry
