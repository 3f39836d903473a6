"""Who may come in: tokens, hosts, origins and the size of what is sent, checked before any interface sees a request."""

import asyncio
import hashlib
import hmac
import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imagerag.errors import UserError
from imagerag.server.database import ANONYMOUS
from imagerag.server.guesses import Guesses
from imagerag.server.off_loop import sender
from imagerag.server.pace import Pace
from imagerag.server.time_limits import TooSlow, seconds_left
from imagerag.server.unread_body import CLOSING, lingering

MAX_BODY = 64 * 2**20
"""Bytes of one request that may bring pictures: a few photographs, in base64 if need be."""
MAX_WORDS = 2**20
"""Bytes of any other request: words alone."""
MAX_LOGIN = 8 * 2**10
"""Bytes of a login, which anybody may send."""
UNPACED = 2**20
"""Bytes of each body that are taken in as they come: no request of words alone has more."""
BODY_BURST = 64 * 2**20
"""Bytes beyond those that a client's bodies may have at once: some photographs are not held up ..."""
BODY_RATE = 4 * 2**20
"""... and for each second after that. A body of 64 MiB takes a third of a second of the processor's time to be read,
parsed and refused: of one client that sends them over and over, one in 16 s is read."""
SHORTEST_WAIT = 0.02
"""Seconds; shorter waits for a body are put off until they add up."""
REQUEST_RATE = 100
"""Requests that a client may make in each second ..."""
REQUEST_BURST = 300
"""... beyond so many at once: a page with all its thumbnails. The cheapest takes some 2 ms of the event loop."""
WITH_PICTURES = frozenset({"/v1/chat/completions", "/v1/responses", "/v1/images/edits", "/v1/files"})
MIN_TOKEN = 16
"""Characters of a token; shorter ones can be guessed."""
TOKEN_VARIABLE = "IMAGERAG_TOKEN"
LOGIN = "/login"
"""Where the server's own page brings a token, which is kept in a cookie."""
OPEN_PATHS = ("/images/",)
"""Reachable without a token: an image's address is itself a secret of 128 bits, for browsers send no token with it."""
OPEN_PAGES = frozenset({"/", LOGIN, "/page.css", "/page.js", "/health", "/openapi.json"})
"""Reachable without a token, since there is nothing of anybody's in them."""
COOKIE = "imagerag"
"""Holds a browser's token, or, where none is needed, the random name under which it is a client of its own."""
ELSEWHERE = frozenset({"cross-site", "same-site"})
"""``Sec-Fetch-Site`` of what another site has led to; browsers keep a strict cookie back then, of ``same-site`` not."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reachable from this machine only."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_tokens(file: str | None, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the tokens that let clients in; each is a client of its own.

    Args:
        file: one token a line; empty lines and those that begin with ``#`` do not count.
        environ: ``os.environ`` unless given; ``IMAGERAG_TOKEN`` is one more.

    Raises:
        UserError: the file can't be read, or a token is too short.
    """
    environ = os.environ if environ is None else environ
    lines = [environ.get(TOKEN_VARIABLE, "")]
    if file is not None:
        try:
            lines += Path(file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"token file {file!r} can't be read ({error}); give one with a token a line") from error
    tokens = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if short := [token for token in tokens if len(token) < MIN_TOKEN]:
        raise UserError(
            f"a token has {len(short[0])} characters; take {MIN_TOKEN} or more, for example: openssl rand -hex 24"
        )
    return tuple(dict.fromkeys(tokens))


class GuessedTooOften(Exception):
    """Too many wrong tokens came from one address.

    Attributes:
        wait: seconds until the next one is looked at.
    """

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many wrong tokens came from this address; the next one is looked at in {wait} s")
        self.wait = wait


class Authenticator:
    """Knows the tokens, and tells from a request's headers whose it is.

    Args:
        tokens: those that let in; without any, everyone may come in, and whoever brings a token of his own choice is a
            client by himself.
    """

    def __init__(self, tokens: Sequence[str] = ()) -> None:
        self._known = [_digest(token) for token in tokens]
        self._guesses = Guesses()

    def client(self, headers: Mapping[str, str] | None, host: str = "") -> str | None:
        """Return the client's name, or ``None`` if the request may not come in.

        Args:
            headers: of the request.
            host: the address that it comes from, which has to wait after many wrong tokens; not counted if empty.

        Raises:
            GuessedTooOften: it has to wait.
        """
        given = (headers or {}).get("authorization", "")
        scheme, _, token = given.partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else self._cookie((headers or {}).get("cookie", ""))
        digest = _digest(token)
        if self._known:
            # Every token is compared, in constant time, so that neither their number nor a near miss shows in the time.
            matches = [hmac.compare_digest(digest, known) for known in self._known]
            if host and token:
                # Said of right ones, too, or what is answered at once would tell the right one among the wrong.
                if wait := self._guesses.wait(host, digest):
                    raise GuessedTooOften(wait)
                self._guesses.tell(host, digest, right=any(matches))
            if not any(matches):
                return None
        return "client-" + digest.hex()[:16] if token else ANONYMOUS

    @property
    def has_tokens(self) -> bool:
        """Whether a token is needed, so that clients can't choose who they are."""
        return bool(self._known)

    @staticmethod
    def _cookie(header: str) -> str:
        # Not by http.cookies, which gives up at what another program on this host may have put in front of ours.
        return cookie_parser(header).get(COOKIE, "")


class AuthMiddleware:
    """ASGI middleware that turns away what may not come in, in the shape of OpenAI's errors.

    Args:
        app: what comes behind.
        authenticator: knows the tokens.
        loopback: the server listens on this machine only; then the names in ``Host`` must be this machine's, or a web
            page anywhere could reach it under a name that its owner points here (DNS rebinding).
        max_body: bytes of a request.
        public: name and port under which a proxy makes the server known, as in ``Host``; empty if there is none.
        origins: of web pages elsewhere that may send requests, as in ``Origin``; ``*`` for any.
    """

    def __init__(
        self,
        app: ASGIApp,
        authenticator: Authenticator,
        *,
        loopback: bool,
        max_body: int = MAX_BODY,
        public: str = "",
        origins: Sequence[str] = (),
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._loopback = loopback
        self._max_body = max_body
        self._public = public.lower()
        self._origins = frozenset(origins)
        self._pace = Pace(BODY_RATE, BODY_BURST, SHORTEST_WAIT)
        self._pace_of_requests = Pace(REQUEST_RATE, REQUEST_BURST, SHORTEST_WAIT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        known = _name_of(host) in LOOPBACK_NAMES or (self._public and host.lower() == self._public)
        if self._loopback and not known:
            await _refuse(scope, send, 421, "wrong_host", f"{host[:80]!r} is not a name of this machine")
            return
        origin = headers.get("origin", "")
        ours = (
            _netloc(origin) in (host.lower(), self._public or host.lower())
            if origin
            else not _is_sent_by_others(scope, headers)
        )
        # A login would change whose the person's browser is, for the server's own page, too.
        if not ours and (scope["path"] == LOGIN or not self._origins & {"*", origin}):
            who = f"pages of {origin[:80]!r}" if origin else "pages of other sites"
            text = f"{who} may not send requests here; --allow-origin names those that may"
            if scope["path"] == LOGIN:
                text = f"{who} may not log in here; they send their token with each request"
            await _refuse(scope, send, 403, "wrong_origin", text)
            return
        if not ours:  # such a page brings its token itself, and never the cookie of this server's own page
            headers.pop("cookie", None)
        open_to_all = scope["path"].startswith(OPEN_PATHS) or scope["path"] in OPEN_PAGES
        try:
            client = self._authenticator.client(headers, "" if open_to_all else host_of(scope))
        except GuessedTooOften as error:
            await self._in_turn(host_of(scope))
            retry = ((b"retry-after", str(error.wait).encode()),)
            await _refuse(scope, send, 429, "too_many_wrong_tokens", str(error), retry)
            return
        # Where everybody may choose his name, a new one with each request would be let in at once.
        paced = client if client is not None and self._authenticator.has_tokens else host_of(scope)
        await self._in_turn(paced)
        if client is None and not open_to_all:
            text = f"no valid token; send it as 'Authorization: Bearer ...' (set {TOKEN_VARIABLE} or see --token-file)"
            await _refuse(scope, send, 401, "invalid_api_key", text)
            return
        scope["imagerag.client"] = client or ANONYMOUS
        most = self._most(scope["path"])
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > most:
            await _refuse(scope, lingering(receive, send), 413, "request_too_large", str(TooLarge(most)), CLOSING)
            return
        sender.set(paced)
        await self._app(scope, _Counted(receive, most, self._pace, paced), send)

    async def _in_turn(self, client: str) -> None:
        """Wait while a client has had more than its share of requests."""
        if wait := self._pace_of_requests.wait(client, 1, asyncio.get_running_loop().time()):
            await asyncio.sleep(wait)

    def _most(self, path: str) -> int:
        """Return the bytes that a request of that path may have."""
        if path == LOGIN:
            return min(self._max_body, MAX_LOGIN)
        return self._max_body if path in WITH_PICTURES else min(self._max_body, MAX_WORDS)


class TooLarge(Exception):
    """A body without a declared length turned out larger than may be sent."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the request is larger than the {most} bytes that may be sent there; send less of it")


class _Counted:
    def __init__(self, receive: Receive, most: int, pace: Pace, client: str) -> None:
        self._receive = receive
        self._pace = pace
        self._client = client
        self._most = most
        self._left = most
        self._more = True
        self._refused = False
        self._began: float | None = None

    async def __call__(self) -> Message:
        if self._more:
            now = asyncio.get_running_loop().time()
            self._began = now if self._began is None else self._began
            left = seconds_left(self._began, now, self._most - self._left)
            try:
                async with asyncio.timeout(max(left, 0.001)):
                    message = await self._receive()
            except TimeoutError as error:
                raise TooSlow from error
            self._more = bool(message.get("more_body", False))
        else:
            message = await self._receive()
        size = len(message.get("body", b""))
        self._left -= size
        if self._left < 0 and not self._refused:
            self._refused = True  # what still comes is only thrown away
            raise TooLarge(self._most)
        if size and self._most - self._left > UNPACED:
            wait = self._pace.wait(self._client, size, asyncio.get_running_loop().time())
            if wait:
                await asyncio.sleep(wait)  # meanwhile uvicorn reads no more than one buffer of the connection
        return message


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _name_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_sent_by_others(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Tell whether a browser says that a page of another site sends this, and not by which; links are no such thing."""
    return scope.get("method") not in ("GET", "HEAD") and headers.get("sec-fetch-site") in ELSEWHERE


def host_of(scope: Scope) -> str:
    """Return the address that a request comes from."""
    return str((scope.get("client") or ("unknown",))[0])


async def _refuse(
    scope: Scope, send: Send, status: int, code: str, message: str, more: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    kinds = {401: "authentication_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "invalid_request_error")
    error: dict[str, Any] = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    body = json.dumps(error).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *more]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
