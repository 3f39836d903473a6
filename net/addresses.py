"""Addresses that a person names, checked before anything is asked there."""

from urllib.parse import SplitResult, urlsplit

from imagerag.errors import UserError


def address_parts(address: str) -> SplitResult:
    """Return the parts of an address; its host and port can be read.

    Raises:
        UserError: it is no address that can be asked, such as ``http://[`` and ``http://host:port``.
    """
    import httpx  # here, since names of models without an address need none

    try:
        parts = urlsplit(address)
        _ = parts.port
        httpx.URL(address)
    except (ValueError, httpx.InvalidURL) as error:
        raise UserError(f"{address[:120]!r} is no address ({error}); give one like http://HOST:PORT") from error
    return parts
