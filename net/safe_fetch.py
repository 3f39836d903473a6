"""Fetching what clients and web sources name by address: never from this machine or its network.

The one exception is a server that the person has set by its address: see ``trusted``.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import Any, NamedTuple, Self

import anyio
import httpcore
import httpx

from imagerag.credentials import without_credentials
from imagerag.errors import UserError
from imagerag.net.addresses import address_parts
from imagerag.net.bounded_body import ACCEPTED, BodyRefused, BoundedBody
from imagerag.net.own_thread import in_own_thread
from imagerag.net.public_addresses import is_public

MAX_BYTES = 20 * 2**20
MAX_REDIRECTS = 3
SECONDS = 15.0

AGENT = "imagerag"
PICTURE = {"accept": "image/*"}

Resolve = Callable[[str, int], Awaitable[list[str]]]


class Unfetched(UserError):
    """A picture that could not be fetched.

    Attributes:
        why: the reason alone, without the way out that a client has.
        may_pass: whether another try may succeed.
    """

    def __init__(self, why: str, way_out: str, *, may_pass: bool = False) -> None:
        super().__init__(f"{why}; {way_out}")
        self.why = why
        self.may_pass = may_pass


async def _resolve(host: str, port: int) -> list[str]:
    """Return a name's addresses. A resolver that hangs can't be stopped, so it is left to a thread of its own."""

    def ask() -> list[str]:
        try:
            return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except UnicodeError as error:
            raise OSError(str(error)) from error

    return await in_own_thread(ask, "imagerag-resolve")


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Resolves a name once and connects to the very address that it has checked.

    The check is made where the connection is, so it holds for redirects, and for names that resolve to something else
    the second time (DNS rebinding).
    """

    def __init__(self, resolve: Resolve = _resolve) -> None:
        self._plain = httpcore.AnyIOBackend()
        self._resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, if every address of the name is public.

        Raises:
            Unfetched: one of them is not.
        """
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        if not addresses or not all(is_public(address) for address in addresses):
            raise Unfetched(f"{host[:80]!r} is not a public address", "upload the picture, or send it as a data: URL")
        return await self._plain.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Refuse.

        Raises:
            Unfetched: always.
        """
        raise Unfetched("a socket of this machine is not a public address", "upload the picture")

    async def sleep(self, seconds: float) -> None:
        """Wait between attempts."""
        await anyio.sleep(seconds)


class Origin(NamedTuple):
    """Scheme, host and port of a server."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str | httpx.URL) -> Origin:
        """Return that of an address.

        Raises:
            Unfetched: it is no address, or of another kind than ``http`` and ``https``.
        """
        try:
            parts = address_parts(str(url))
        except UserError as error:
            raise Unfetched(str(error), "give another one") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unfetched(f"{str(url)[:80]!r} is no http or https address", "give another one")
        return cls(parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))


@dataclass(frozen=True)
class Request:
    """What is asked of a server.

    Attributes:
        url: ``http`` or ``https``.
        json: body of a ``POST``; ``None`` for a ``GET``.
        form: fields of a form, the body of a ``POST`` in its place.
        headers: besides those that every request has.
        secret: whether address or headers hold a key: then no redirect is followed, which could carry it elsewhere.
        most: bytes that the answer may have, unpacked.
        seconds: that it may take, with its redirects.
    """

    url: str
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: bool = False
    most: int = MAX_BYTES
    seconds: float = 15.0
    form: Mapping[str, str] | None = None

    @property
    def shown(self) -> str:
        """The address as messages have it."""
        return without_credentials(self.url)[:80]


@dataclass(frozen=True)
class Answer:
    """What a server answers, whatever its status."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _ByOrigin(httpx.AsyncBaseTransport):
    """Takes requests to trusted servers by connections to anywhere, and all others by those to public addresses.

    It is asked anew for each redirect.
    """

    def __init__(self, trusted: Collection[Origin], backend: httpcore.AsyncNetworkBackend) -> None:
        self._trusted = frozenset(trusted)
        self._public = _transport(backend)
        self._anywhere = _transport(httpcore.AnyIOBackend()) if trusted else self._public

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        trusted = Origin.of(request.url) in self._trusted
        return await (self._anywhere if trusted else self._public).handle_async_request(request)

    async def aclose(self) -> None:
        await self._public.aclose()
        await self._anywhere.aclose()


def _transport(backend: httpcore.AsyncNetworkBackend) -> httpx.AsyncHTTPTransport:
    transport = httpx.AsyncHTTPTransport(retries=0, trust_env=False)
    # httpx has no argument for the backend of its own transport's pool.
    transport._pool = httpcore.AsyncConnectionPool(ssl_context=_ssl_context(), network_backend=backend)
    return transport


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    """Return what certificates are checked by; reading them takes longer than a request."""
    return httpx.create_ssl_context()


class SafeClient:
    """Asks servers on public addresses, each connection used again; bounded in bytes, seconds and redirects.

    Args:
        trusted: servers that the person has set by their address, which may be anywhere. Scheme, host and port count,
            so that an answer, or a redirect, that names another port of the same machine is refused.
        backend: makes the other connections; only to public addresses unless given.
        agent: how it introduces itself.
    """

    def __init__(
        self,
        trusted: Collection[Origin] = (),
        backend: httpcore.AsyncNetworkBackend | None = None,
        agent: str = AGENT,
    ) -> None:
        self._client = httpx.AsyncClient(
            transport=_ByOrigin(trusted, backend or PublicOnly()),
            trust_env=False,  # a proxy would resolve the name by itself
            max_redirects=MAX_REDIRECTS,
            headers={"accept-encoding": ACCEPTED, "user-agent": agent},
            timeout=None,  # each request has its own end
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(self, request: Request) -> Answer:
        """Return the answer.

        Raises:
            Unfetched: not a public address, not reachable, larger than it may be, or too slow.
        """
        shown = request.shown
        method = "GET" if request.json is None and request.form is None else "POST"
        try:
            async with (
                asyncio.timeout(request.seconds),
                self._client.stream(
                    method,
                    request.url,
                    json=request.json,
                    data=request.form,
                    headers=dict(request.headers),
                    follow_redirects=not request.secret,
                ) as response,
            ):
                body = BoundedBody(response.headers.get("content-encoding", ""), request.most)
                async for chunk in response.aiter_raw():
                    body.add(chunk)
                return Answer(response.status_code, dict(response.headers), bytes(body.data))
        except BodyRefused as error:
            raise Unfetched(f"{shown!r} can't be taken: {error}", "send a smaller picture, or upload it") from error
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, httpcore.NetworkError) as error:
            reason = str(error) or type(error).__name__
            may_pass = not isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.TooManyRedirects)
            raise Unfetched(
                f"{shown!r} can't be fetched ({reason})", "upload the picture instead", may_pass=may_pass
            ) from error


async def fetch(url: str, backend: httpcore.AsyncNetworkBackend | None = None) -> bytes:
    """Fetch a picture's file.

    Args:
        url: ``http`` or ``https``.
        backend: makes the connections; only to public addresses unless given.

    Raises:
        Unfetched: not a public address, not reachable, not there, larger than ``MAX_BYTES``, or too slow.
    """
    async with SafeClient(backend=backend) as client:
        request = Request(url, headers=PICTURE, most=MAX_BYTES, seconds=SECONDS)
        return picture_of(request, await client.ask(request))


def picture_of(request: Request, answer: Answer) -> bytes:
    """Return the file that an answer holds.

    Raises:
        Unfetched: its status says that it holds none.
    """
    if answer.status != 200:
        why = f"{request.shown!r} answers with status {answer.status}"
        raise Unfetched(why, "check the address", may_pass=answer.status in (404, 429) or answer.status >= 500)
    return answer.data
