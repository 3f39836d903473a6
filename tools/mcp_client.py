"""One connection to somebody else's MCP server, held open by a loop of its own and asked from any thread."""

import asyncio
import atexit
import concurrent.futures
import contextlib
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import httpx2
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CONNECTION_CLOSED, CallToolResult, Tool

from imagerag.errors import BudgetExceeded, Cancelled, InvalidArgument, UserError
from imagerag.net.addresses import address_parts
from imagerag.net.server_keys import variable_of
from imagerag.shell_words import shown_server, split_command

CONNECT_SECONDS = 20.0
"""For a server to start and to tell its tools."""
TOKEN = "IMAGERAG_MCP_TOKEN"
"""What the variable with a server's token begins with; see ``token_variable``."""
READ_SECONDS = 300.0
"""Of silence for which a stream of a server is kept open, the MCP SDK's own default
(``MCP_DEFAULT_SSE_READ_TIMEOUT``); a call ends earlier, see ``Connection.call``."""
GRACE = 2.0
"""Seconds that a server has to end when this process does."""
MAX_TOOLS = 500
_POLL = 0.1

Answer = TypeVar("Answer")


class Connection:
    """A server, started or reached when ``connect`` is called, and again when it was lost.

    Args:
        server: a command with its arguments, or an http(s) address.

    Attributes:
        name: the server's own, made fit for identifiers.
        tools: what it offers.

    Raises:
        UserError: a command that can't be split into words.
    """

    def __init__(self, server: str) -> None:
        self.server = server
        self.name = "mcp"
        self.tools: list[Tool] = []
        self._client: Client | None = None
        self._closing: asyncio.Event | None = None
        self._held: concurrent.futures.Future[None] | None = None
        self._lock = threading.Lock()
        self._stderr: Any = None
        self._status: int | None = None
        if not _is_address(server):
            try:
                if not split_command(server):
                    raise ValueError("it is empty")
            except ValueError as error:
                raise UserError(
                    f"mcp_server {shown_server(server)!r} is no command ({error}); give --mcp-server 'COMMAND ARGS' or "
                    "an address"
                ) from error

    def connect(self, check: Callable[[], None] | None = None, seconds: float = CONNECT_SECONDS) -> None:
        """Make sure that the server is there.

        Args:
            check: called again and again meanwhile; raises where the run has ended.
            seconds: the longest wait, ``CONNECT_SECONDS`` at most.

        Raises:
            UserError: it isn't, or doesn't speak MCP; with the last it wrote to its standard error.
            Whatever ``check`` raises; the connection is given up then.
        """
        seconds = min(seconds, CONNECT_SECONDS)
        deadline = time.monotonic() + seconds
        late = f"no answer within {seconds:.3g} s"
        while not self._lock.acquire(timeout=_POLL):  # another run connects
            if check is not None:
                check()
            if time.monotonic() >= deadline:
                raise UserError(self._unreachable(late))
        held: concurrent.futures.Future[None] | None = None
        try:
            if self._client is not None:
                return
            ready: concurrent.futures.Future[None] = concurrent.futures.Future()
            held = self._held = asyncio.run_coroutine_threadsafe(self._hold(ready), _loop())
            _await(ready, check, deadline)
            held = None
        except TimeoutError as error:
            raise UserError(self._unreachable(late)) from error
        except (BudgetExceeded, Cancelled):
            raise
        except Exception as error:
            raise UserError(self._unreachable(_innermost(error))) from error
        finally:
            if held is not None:
                held.cancel()
            self._lock.release()

    def call(
        self, tool: str, arguments: Mapping[str, Any], *, check: Callable[[], None] | None, seconds: float
    ) -> CallToolResult:
        """Call a tool and wait for its result, for so many seconds at most.

        Raises:
            InvalidArgument: the server refuses, fails, or takes too long; the next call connects anew where needed.
            Whatever ``check`` raises, within a tenth of a second; the call is cancelled then.
        """
        deadline = time.monotonic() + seconds
        try:
            self.connect(check, seconds)
        except UserError as error:
            raise InvalidArgument(str(error)) from error
        client = self._client
        if client is None:
            raise InvalidArgument(f"the server {self.name!r} went away; try once more")
        pending = asyncio.run_coroutine_threadsafe(client.call_tool(tool, dict(arguments)), _loop())
        try:
            return _await(pending, check, deadline)
        except _TooLate:
            raise InvalidArgument(f"{tool!r} did not answer within {seconds:.0f} s") from None
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                self.drop()
                raise InvalidArgument(f"the server {self.name!r} went away during {tool!r}") from error
            raise InvalidArgument(f"the server {self.name!r} refuses {tool!r}: {str(error)[:500]}") from error
        except (OSError, RuntimeError, ValueError, ExceptionGroup, asyncio.CancelledError) as error:
            if isinstance(error, InvalidArgument):
                raise
            self.drop()
            raise InvalidArgument(f"the server {self.name!r} failed: {_innermost(error)[:500]}") from error
        except Exception as error:
            # The transports raise their own libraries' errors; one we don't know is a defect all the same.
            if type(error).__module__.partition(".")[0] not in ("anyio", "httpx2", "httpx", "httpcore", "mcp"):
                raise
            self.drop()
            raise InvalidArgument(f"the server {self.name!r} failed: {_innermost(error)[:500]}") from error
        finally:
            pending.cancel()

    def drop(self) -> None:
        """Let go of the server; a process that was started for it ends."""
        closing, self._client = self._closing, None
        if closing is not None:
            _loop().call_soon_threadsafe(closing.set)

    def close(self) -> None:
        """Drop it and wait for its end, shortly."""
        self.drop()
        if self._held is not None:
            with contextlib.suppress(Exception, concurrent.futures.CancelledError):
                self._held.result(GRACE)

    async def _hold(self, ready: "concurrent.futures.Future[None]") -> None:
        closing = self._closing = asyncio.Event()
        try:
            async with contextlib.AsyncExitStack() as stack:
                client = await stack.enter_async_context(Client(await self._transport(stack)))
                tools: list[Tool] = []
                cursor: str | None = None
                while len(tools) < MAX_TOOLS:
                    page = await client.list_tools(cursor=cursor)
                    tools += page.tools
                    cursor = page.next_cursor
                    if not cursor:
                        break
                info = client.server_info
                self.name = re.sub(r"[^a-zA-Z0-9_-]+", "_", info.name if info else "").strip("_")[:40] or "mcp"
                self.tools = tools[:MAX_TOOLS]
                self._client = client
                ready.set_result(None)
                await closing.wait()
        except Exception as error:
            if ready.done():
                return  # it went away while it was let go of; a call has told, or will
            ready.set_exception(error)
        finally:
            if self._closing is closing:
                self._client = None

    async def _transport(self, stack: contextlib.AsyncExitStack) -> Any:
        if _is_address(self.server):
            token = os.environ.get(token_variable(self.server))
            http = httpx2.AsyncClient(
                headers={"authorization": f"Bearer {token}"} if token else {},
                timeout=httpx2.Timeout(CONNECT_SECONDS, read=READ_SECONDS),
                event_hooks={"response": [self._notice]},
            )
            return streamable_http_client(self.server, http_client=await stack.enter_async_context(http))
        command, *arguments = split_command(self.server)
        self._stderr = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - the process writes on
        # The SDK hands on only harmless variables (PATH, HOME ...), so no key of ours gets there.
        return stdio_client(StdioServerParameters(command=command, args=arguments), errlog=self._stderr)

    async def _notice(self, response: httpx2.Response) -> None:
        self._status = response.status_code  # the SDK tells of no more than an error

    def _unreachable(self, why: str) -> str:
        said = ""
        if self._stderr is not None:
            self._stderr.seek(0)
            lines = [line.strip() for line in self._stderr.read()[-4000:].splitlines() if line.strip()]
            said = f"; it said: {lines[-1][:200]!r}" if lines else ""
        remedy = "start or mend it"
        if self._status in (401, 403):
            why = f"it answers {self._status}"
            remedy = f"set the variable {token_variable(self.server)} to a token that it takes"
        return (
            f"mcp_server {shown_server(self.server)!r} can't be used ({why}{said}); {remedy}, or leave --mcp-server out"
        )


class _TooLate(TimeoutError):
    """A deadline of ours, not a time-out of the transport's."""


def _await(pending: "concurrent.futures.Future[Answer]", check: Callable[[], None] | None, deadline: float) -> Answer:
    """Return a result when it is there.

    Raises:
        _TooLate: the deadline (``time.monotonic``) has passed.
        Exception: what it failed with, or what ``check`` raised.
    """
    while True:
        if check is not None:
            check()
        try:
            return pending.result(_POLL)
        except concurrent.futures.TimeoutError:
            if pending.done():
                raise
            if time.monotonic() >= deadline:
                raise _TooLate from None


def token_variable(server: str) -> str:
    """Return the variable with the bearer token of a server at an address: of that host and port, and of no other.

    ``https://search.example.org:9000/mcp`` has ``IMAGERAG_MCP_TOKEN_SEARCH_EXAMPLE_ORG_9000``.
    """
    return variable_of(TOKEN, server)


def _is_address(server: str) -> bool:
    """Tell whether a server is named by an address, or else by the command that starts it.

    Raises:
        UserError: it looks like an address and is none.
    """
    is_one = server.lower().startswith(("http:", "https:"))
    if is_one:
        address_parts(server)
    return is_one


def _innermost(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the loop of all connections, running in a thread of its own."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="mcp-connections", daemon=True).start()
    atexit.register(_close_all)
    return loop


def _close_all() -> None:
    close_connections()
    _loop().call_soon_threadsafe(_loop().stop)


_open: dict[str, Connection] = {}
_lock = threading.Lock()


def connection_to(server: str) -> Connection:
    """Return this process's one connection to a server, made now if need be.

    Raises:
        UserError: the server can't be reached.
    """
    with _lock:
        connection = _open.get(server)
        if connection is None:
            connection = Connection(server)
            connection.connect()
            _open[server] = connection
        return connection


def close_connections() -> None:
    """Let go of every server."""
    with _lock:
        connections = list(_open.values())
        _open.clear()
    for connection in connections:
        connection.close()
