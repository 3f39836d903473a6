"""Fetching an image from the address that a server answered with: at that server itself, or on the open internet.

Nothing else is ever asked. A server that names itself as others can't (``localhost``, the address of its container)
is asked under the address that the person has configured.
"""

from __future__ import annotations

import asyncio
import ipaddress

import httpx
from PIL import Image

from imagerag.errors import UserError
from imagerag.generators.remote.calling import Reply, TransientError, answered, opened
from imagerag.net.public_addresses import is_public
from imagerag.net.safe_fetch import Unfetched, fetch

MAX_REDIRECTS = 3
_PORTS = {"http": 80, "https": 443}
_PRIVATE_DOMAINS = (".internal", ".local", ".lan", ".home.arpa", ".localdomain")
"""Domains of private networks, which no public name is in (ICANN's resolution of 2024 for ``internal``, RFC 6762,
RFC 8375; ``lan`` and ``localdomain`` by routers' and systems' habit)."""


def fetched_image(address: str, base: str, timeout: float) -> Image.Image:
    """Return the image at an address that a server has answered with.

    Args:
        address: absolute, or relative to the server's.
        base: the address of the server's API, as configured.
        timeout: seconds for one request to the server.

    Raises:
        TransientError: it can't be fetched now, or is not a whole image.
        UserError: it is at no address that may be fetched; the message is the reason alone.
    """
    return opened(_fetched(address, base, base.rstrip("/") + "/images/generations", timeout, MAX_REDIRECTS))


def own_addresses(address: str, base: str, asked: str) -> list[httpx.URL]:
    """Return where an address that a server gave can be fetched at that server itself, the likeliest first.

    Args:
        address: as the server gave it.
        base: the address of the server's API, as configured; all that is returned has its scheme, host and port.
        asked: what was asked for when the server gave it, which a relative address is relative to (RFC 3986).

    Returns:
        nothing where it is an address of somebody else.

    Raises:
        httpx.InvalidURL: it is no address.
    """
    own, given = httpx.URL(base), httpx.URL(address)
    if address.startswith("//"):
        given = own.join(address)
    if not given.is_relative_url:
        itself = own.copy_with(raw_path=given.raw_path)
        urls = [given] if _origin(given) == _origin(own) else [itself] if _means_itself(given, own) else []
    elif address.startswith("/"):
        prefix = own.path.rstrip("/").removesuffix("/v1")  # of a proxy, of which the server behind it knows nothing
        urls = [own.join(address), own.join(prefix + address)]
    else:
        root = own.copy_with(raw_path=b"/")
        urls = [httpx.URL(asked).join(address), httpx.URL(base.rstrip("/") + "/").join(address), root.join(address)]
    return list(dict.fromkeys(url for url in urls if _origin(url) == _origin(own)))


def _fetched(address: str, base: str, asked: str, timeout: float, redirects: int) -> bytes:
    try:
        own = own_addresses(address, base, asked)
        url = httpx.URL(address)
        url = url if url.scheme else httpx.URL(asked).join(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise UserError(f"{address[:80]!r} is no address") from error
    if url.scheme not in _PORTS or not url.host:
        raise UserError(f"{address[:80]!r} is no address of http")
    failure: TransientError | UserError | None = None
    # Without the key: an image needs none, and whoever wrote the address should not get it.
    with httpx.Client(timeout=timeout, follow_redirects=False) as client:
        for each in own:
            reply = answered(client, "GET", each)
            if reply.location and redirects:
                return _fetched(reply.location, base, str(each), timeout, redirects - 1)
            if reply.status == 200:
                return reply.body
            failure = failure or _failure(each, reply)
    if failure is not None and (url in own or url.host != httpx.URL(base).host):
        raise failure
    try:
        return asyncio.run(fetch(str(url)))
    except Unfetched as error:
        if failure is not None:
            raise failure from error
        if error.may_pass:
            raise TransientError(error.why) from error
        raise UserError(error.why) from error


def _failure(url: httpx.URL, reply: Reply) -> TransientError | UserError:
    if reply.location:  # another try would be led the same way round
        return UserError(f"{str(url)[:120]!r}: {reply.in_words}, and so did {MAX_REDIRECTS} addresses before")
    return TransientError(f"{str(url)[:120]!r}: {reply.in_words}", reply.wait)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, _port(url)


def _port(url: httpx.URL) -> int | None:
    return url.port or _PORTS.get(url.scheme)


def _means_itself(given: httpx.URL, own: httpx.URL) -> bool:
    """Tell whether an address can only be the server's own, by a name that is good where the server runs.

    Where the server itself is on this machine, ``localhost`` with another port may be another program: that is not
    guessed at.
    """
    same_port = _port(given) == _port(own)
    if given.host == own.host:  # by the other scheme: behind a proxy that encrypts
        return same_port or (given.port is None and own.port is None)
    if _is_loopback(given.host):
        return same_port or not _is_loopback(own.host)
    if not same_port:
        return False
    return _is_local(given.host) or (_in_private_domain(given.host) and _is_private(own.host))


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _is_local(host: str) -> bool:
    """Tell whether a host is one of a private network, by its address or by a name without a domain."""
    try:
        return not is_public(str(ipaddress.ip_address(host)))
    except ValueError:
        return "." not in host


def _in_private_domain(host: str) -> bool:
    return host.rstrip(".").endswith(_PRIVATE_DOMAINS)


def _is_private(host: str) -> bool:
    """Tell whether a host can only be one of a private network: a name of a server elsewhere means nothing there."""
    return _is_local(host) or _is_loopback(host) or _in_private_domain(host)
