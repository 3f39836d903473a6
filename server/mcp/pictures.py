"""Pictures that an MCP client sends along: by the address of an image of its own, or as a ``data:`` URL."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from imagerag.errors import UserError
from imagerag.server.database import Entry
from imagerag.server.service import Service
from imagerag.server.uploads import MAX_PICTURES
from imagerag.store.data_urls import decoded, is_data_url

_OWN = re.compile(r"imagerag://images/([0-9a-f]{32})")


class SentPictures(NamedTuple):
    """What a call brings along.

    Attributes:
        pictures: to draw with.
        mask: marks where to redraw, if anything does.
        masked: address in the store of the image that the mask is for; empty for the first picture, or what stands.
    """

    pictures: tuple[bytes, ...] = ()
    mask: bytes | None = None
    masked: str = ""


def read_sent(service: Service, client: str, pictures: Sequence[str], mask: str) -> SentPictures:
    """Return the pictures of a call; of one that was drawn here, and a mask is for, what it shows is known.

    Raises:
        UserError: too many, or one that is neither a ``data:`` URL nor an image of the client's.
    """
    if len(pictures) > MAX_PICTURES:
        raise UserError(f"{len(pictures)} pictures are more than {MAX_PICTURES}; send fewer")
    found = [_found(service, client, one, "pictures") for one in pictures]
    if not mask:
        return SentPictures(tuple(_file(service, one) for one in found))
    marks = _file(service, _found(service, client, mask, "mask"))
    if found and isinstance(found[0], Entry) and found[0].kind == "image":
        return SentPictures(tuple(_file(service, one) for one in found[1:]), marks, found[0].sha256)
    return SentPictures(tuple(_file(service, one) for one in found), marks)


def _found(service: Service, client: str, address: str, field: str) -> Entry | bytes:
    if is_data_url(address):
        try:
            return decoded(address)
        except ValueError as error:
            raise UserError(f"{field}: {address[:40]!r}... is not a data: URL ({error})") from error
    own = _OWN.fullmatch(address.strip())
    entry = service.database.find(own[1], client) if own else None
    if entry is None:
        raise UserError(
            f"{field}: {address[:80]!r} is not an image of yours; give imagerag://images/ID of one, or a data: URL"
        )
    return entry


def _file(service: Service, one: Entry | bytes) -> bytes:
    return service.file(one) if isinstance(one, Entry) else one
