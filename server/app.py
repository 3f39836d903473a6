"""The server process: one service, and every HTTP API over it, behind one guard."""

import contextlib
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from imagerag.errors import FileError, ServiceError, UserError
from imagerag.net.addresses import address_parts
from imagerag.server.api_error import ApiError, refusal
from imagerag.server.auth import MAX_BODY, TOKEN_VARIABLE, Authenticator, AuthMiddleware, TooLarge, is_loopback
from imagerag.server.cross_origin import for_pages_of
from imagerag.server.database import ANONYMOUS
from imagerag.server.database_file import DatabaseFailed
from imagerag.server.ended_requests import EndedRequests
from imagerag.server.openai.api import OpenAIApi
from imagerag.server.paced_framing import with_paced_framing
from imagerag.server.request_ids import RequestIds
from imagerag.server.service import Service
from imagerag.server.time_limits import TooSlow, with_head_limit
from imagerag.server.unread_body import ClosingResponse
from imagerag.server.web.page_files import missing_page
from imagerag.server.web.routes import WebApi

if TYPE_CHECKING:
    from imagerag.server.mcp.server import Addition

SWITCH = 0.001
"""Seconds after which a thread that draws gives way to one that answers: Python's usual 5 ms come with each of the
dozen changes of threads between a request and the first step that its client sees."""

_log = logging.getLogger(__name__)


def build_app(
    service: Service,
    *,
    tokens: Sequence[str] = (),
    loopback: bool = True,
    may_fetch: bool = False,
    public_url: str | None = None,
    openai: bool = True,
    mcp: bool = True,
    web: bool = True,
    max_body: int = MAX_BODY,
    origins: Sequence[str] = (),
    mcp_addition: "Addition | None" = None,
) -> ASGIApp:
    """Return the ASGI application of the interfaces.

    Args:
        service: the engine.
        tokens: those that let in; may be empty on loopback only.
        loopback: whether the server listens on this machine only.
        may_fetch: whether pictures may be named by public addresses.
        public_url: where clients reach the server, if it stands behind a proxy.
        openai, mcp, web: which are served; MCP is at ``/mcp``, the page, which needs the first one too, at ``/``.
        max_body: bytes of one request; those without pictures may have less.
        origins: of web pages elsewhere that may send requests; ``*`` for any.
        mcp_addition: what a test of the protocol adds to the MCP server.
    """
    authenticator = Authenticator(tokens)
    routes: list[Any] = []
    lifespans: list[Any] = []
    if openai:
        routes += OpenAIApi(service, may_fetch, public_url).routes()
    if web:
        routes += WebApi(service, authenticator).routes()
    if mcp:
        from mcp.server.transport_security import TransportSecuritySettings

        from imagerag.server.mcp.server import build_mcp
        from imagerag.server.mcp.sessions import MOST_BUSY, MOST_OPEN, Sessions

        def client_of(headers: Mapping[str, str] | None) -> str:
            return authenticator.client(headers) or ANONYMOUS

        server = build_mcp(service, client_of, mcp_addition)
        # The guard has checked host and origin for every interface.
        security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        http = mcp_addition.http if mcp_addition is not None else {}
        app_of_sdk = server.streamable_http_app(transport_security=security, max_sessions=MOST_BUSY, **http)
        routes += [
            Route(one.path, Sessions(one.app, client_of, MOST_OPEN))
            for one in app_of_sdk.routes
            if isinstance(one, Route)
        ]
        lifespans.append(lambda: server.session_manager.run())

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for open_one in lifespans:
                await stack.enter_async_context(open_one())
            yield

    handlers: Any = {
        ApiError: _api_error,
        TooLarge: _too_large,
        TooSlow: _too_slow,
        ClientDisconnect: _broken_off,
        DatabaseFailed: _database_failed,
        HTTPException: _http_error_of_page if web else _http_error,
        FileError: _fault,
        ServiceError: _fault,
        Exception: _defect,
    }
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)
    public = urlsplit(public_url).netloc if public_url else ""
    guarded = AuthMiddleware(app, authenticator, loopback=loopback, max_body=max_body, public=public, origins=origins)
    return EndedRequests(RequestIds(for_pages_of(origins, guarded) if origins else guarded))


def serve(
    app: ASGIApp, listener: socket.socket, on_end: Callable[[], None] = lambda: None, *, behind_proxy: bool = False
) -> None:
    """Serve on a listening socket until a signal ends the process.

    Args:
        app: what is served.
        listener: the socket.
        on_end: called when the signal has come, before the requests that are under way get their time to end.
        behind_proxy: a proxy on this machine says by ``X-Forwarded-For`` where requests come from. Without one anybody
            here could say so, and be somebody else with each guess of a token.

    Raises:
        KeyboardInterrupt: the signal was that of Ctrl-C, or one that the caller's handlers raise one for.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await anyio.to_thread.run_sync(on_end)
            await super().shutdown(sockets)

    sys.setswitchinterval(SWITCH)
    server = Server(server_config(app, proxy_headers=behind_proxy))
    hung_up = getattr(signal, "SIGHUP", None)  # not on Windows
    previous = signal.getsignal(hung_up) if hung_up is not None else signal.SIG_IGN
    if hung_up is None or previous is signal.SIG_IGN:
        server.run(sockets=[listener])
        return
    came: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        came.append(number)
        server.handle_exit(number, frame)

    signal.signal(hung_up, end)
    try:
        server.run(sockets=[listener])
    finally:
        signal.signal(hung_up, previous)
    if came:
        signal.raise_signal(hung_up)


def server_config(app: ASGIApp, **settings: Any) -> Any:
    """Return the ``uvicorn.Config`` of a server: quiet, and with limits on how slowly a client may send.

    Args:
        app: what is served.
        settings: of uvicorn's, in place of ours.
    """
    import uvicorn

    # Without a configuration of its own, uvicorn logs where all others do, by the filter of what steers a terminal.
    ours: dict[str, Any] = {"log_level": "warning", "log_config": None, "access_log": False, "proxy_headers": False}
    ours |= {"timeout_graceful_shutdown": 5, "timeout_keep_alive": 30, "http": "httptools"}
    config = uvicorn.Config(app, **ours | settings)
    config.load()
    config.http_protocol_class = with_paced_framing(with_head_limit(config.http_protocol_class))
    return config


def listen(host: str, port: int, tokens: Sequence[str], public_url: str | None = None) -> socket.socket:
    """Return a listening socket.

    Raises:
        UserError: the address is taken or not this machine's, or reachable by others while there is no token.
    """
    if not is_loopback(host) and not tokens:
        raise UserError(
            f"{host!r} can be reached by others: set {TOKEN_VARIABLE}, or give --token-file FILE; "
            "or listen on this machine only, with --host 127.0.0.1"
        )
    if public_url is not None and not address_parts(public_url).netloc:
        raise UserError(f"{public_url!r} is no address; give --public-url one like https://draw.example.org")
    if public_url is not None and not is_loopback(urlsplit(public_url).hostname or "") and not tokens:
        raise UserError(f"at {public_url!r} others can reach it: set {TOKEN_VARIABLE}, or give --token-file FILE")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"{host}:{port} can't be listened on ({reason}); choose another with --host or --port"
        ) from error


def say_where(name: str, listener: socket.socket, paths: Sequence[str]) -> str:
    """Tell on stderr where the interfaces are, and return where the first one is."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    where = ", ".join(f"http://{shown}:{port}{path}" for path in paths)
    print(f"{name}: listening on {where}; Ctrl-C ends", file=sys.stderr, flush=True)
    return f"http://{shown}:{port}{paths[0]}"


async def _api_error(request: Request, error: ApiError) -> Response:
    if error.status >= 500:  # what happened is in the log already, without the name of the request
        _log.error("request %s failed: %s", request.scope.get("imagerag.request_id", ""), error)
    return error.response()


async def _fault(request: Request, error: Exception) -> Response:
    return await _api_error(request, refusal(error))


async def _too_large(request: Request, error: TooLarge) -> Response:
    return ClosingResponse(ApiError(413, str(error), "request_too_large").response())


async def _too_slow(request: Request, error: TooSlow) -> Response:
    return ClosingResponse(ApiError(408, str(error), "request_too_slow").response())


async def _broken_off(request: Request, error: ClientDisconnect) -> Response:
    # Nobody reads it, and nothing has failed here that a log should tell.
    return ApiError(400, "the connection was closed before all of the request had come", "broken_off").response()


async def _database_failed(request: Request, error: DatabaseFailed) -> Response:
    return ApiError(503, str(error), "database_failed", headers={"Retry-After": "30"}).response()


async def _http_error(request: Request, error: HTTPException) -> Response:
    codes = {404: "not_found", 405: "method_not_allowed"}
    text = f"{request.method} {request.url.path[:80]}: {error.detail}"
    return ApiError(error.status_code, text, codes.get(error.status_code, "invalid_request")).response()


async def _http_error_of_page(request: Request, error: HTTPException) -> Response:
    # Programs name JSON or any type; a person who has mistyped an address sees a page, and how to go on.
    if error.status_code == 404 and request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return await missing_page(request.url.path)
    return await _http_error(request, error)


async def _defect(request: Request, error: Exception) -> Response:
    _log.error("request %s failed", request.scope.get("imagerag.request_id", ""), exc_info=error)
    return ApiError(500, f"the server failed ({type(error).__name__}); its log says more", "internal_error").response()
