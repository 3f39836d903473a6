"""Files that come as text, as clients and servers write them: in base64 (RFC 4648), or as ``data:`` URLs (RFC 2397)."""

from __future__ import annotations

import base64
from urllib.parse import unquote_to_bytes

from imagerag.store.picture_kinds import looks_like_picture

_SHORTEST = 40
"""Characters that a picture in base64 has at least."""


def is_data_url(text: str) -> bool:
    """Tell whether a text is a ``data:`` URL."""
    return text.lstrip()[:5].lower() == "data:"


def as_data_url(file: bytes, kind: str) -> str:
    """Return a file as a ``data:`` URL.

    Args:
        file: its bytes.
        kind: its media type, such as ``image/png``.
    """
    return f"data:{kind};base64,{base64.b64encode(file).decode()}"


def decoded(text: str) -> bytes:
    """Return what base64 holds, bare or as a ``data:`` URL.

    It may be of either alphabet, wrapped or not, with or without padding; of the URL, ``base64`` may be any of its
    parameters, in capitals and with spaces about it. One that does not say that it is base64 and holds a picture so is
    read, too.

    Raises:
        ValueError: it is none of these.
    """
    text = text.strip()
    if not is_data_url(text):
        return _of_base64(text)
    head, comma, body = text.partition(",")
    if not comma:
        raise ValueError("a data: URL without data")
    if "base64" in [parameter.strip().lower() for parameter in head[len("data:") :].split(";")]:
        return _of_base64(body)
    return picture_of_base64(body) or unquote_to_bytes(body)


def picture_of_base64(text: str) -> bytes | None:
    """Return the picture that a text is in bare base64; ``None`` where it is anything else."""
    if len(text) < _SHORTEST:
        return None
    try:
        data = _of_base64(text)
    except ValueError:
        return None
    return data if looks_like_picture(data) else None


def _of_base64(text: str) -> bytes:
    if "%" in text:  # taken out of a URL as it stood there
        text = unquote_to_bytes(text).decode("ascii", "replace")
    text = "".join(text.split()).translate(str.maketrans("-_", "+/")).rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
