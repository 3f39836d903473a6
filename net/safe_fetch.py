"""Fetching pictures that a client names by address: off unless allowed, and never from this machine or its network."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

import anyio
import httpcore
import httpx

from imagerag.errors import UserError
from imagerag.net.bounded_body import ACCEPTED, BodyRefused, BoundedBody
from imagerag.net.public_addresses import is_public

MAX_BYTES = 20 * 2**20
MAX_REDIRECTS = 3
SECONDS = 15.0

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
    """Return a name's addresses. A resolver that hangs can't be stopped, so it is left to a thread of its own.

    Those of the loop's executor, which ``getaddrinfo`` of the loop takes, are waited for when the loop is closed.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def hand_over(addresses: list[str] | OSError) -> None:
        if answer.done():  # nobody waits any more
            return
        if isinstance(addresses, OSError):
            answer.set_exception(addresses)
        else:
            answer.set_result(addresses)

    def ask() -> None:
        found: list[str] | OSError
        try:
            found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except OSError as error:
            found = error
        except UnicodeError as error:
            found = OSError(str(error))
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(hand_over, found)

    threading.Thread(target=ask, name="imagerag-resolve", daemon=True).start()
    return await answer


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


async def fetch(url: str, backend: httpcore.AsyncNetworkBackend | None = None) -> bytes:
    """Fetch a picture's file.

    Args:
        url: ``http`` or ``https``.
        backend: makes the connections; only to public addresses unless given.

    Raises:
        Unfetched: not a public address, not reachable, not there, larger than ``MAX_BYTES``, or too slow.
    """
    shown = url[:80]
    transport = httpx.AsyncHTTPTransport(retries=0, trust_env=False)
    # httpx has no argument for the backend of its own transport's pool.
    transport._pool = httpcore.AsyncConnectionPool(
        ssl_context=httpx.create_ssl_context(), network_backend=backend or PublicOnly()
    )
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(
                transport=transport,
                trust_env=False,  # a proxy would resolve the name by itself
                follow_redirects=True,
                max_redirects=MAX_REDIRECTS,
                headers={"accept": "image/*", "accept-encoding": ACCEPTED, "user-agent": "imagerag"},
            ) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != 200:
                status = response.status_code
                why = f"{shown!r} answers with status {status}"
                raise Unfetched(why, "check the address", may_pass=status in (404, 429) or status >= 500)
            body = BoundedBody(response.headers.get("content-encoding", ""), MAX_BYTES)
            async for chunk in response.aiter_raw():
                body.add(chunk)
            return bytes(body.data)
    except BodyRefused as error:
        raise Unfetched(f"{shown!r} can't be taken: {error}", "send a smaller picture, or upload it") from error
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, httpcore.NetworkError) as error:
        reason = str(error) or type(error).__name__
        may_pass = not isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.TooManyRedirects)
        raise Unfetched(
            f"{shown!r} can't be fetched ({reason})", "upload the picture instead", may_pass=may_pass
        ) from error
