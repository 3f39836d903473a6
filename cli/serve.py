"""The commands that serve others: they load the engine once and serve until they are ended."""

import argparse
import importlib.util
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from imagerag.cli.interrupt import ending_raises, status_of
from imagerag.cli.options import settings_of
from imagerag.cli.result_stream import results_alone
from imagerag.cli.terminal import logging_in_lines, say
from imagerag.errors import UserError
from imagerag.extras import need
from imagerag.profiles.resolve import resolve
from imagerag.settings import load_settings

if TYPE_CHECKING:
    from imagerag.server.service import Service


def serve_http(options: argparse.Namespace, stdout: TextIO) -> int:
    """Serve the page, the OpenAI-compatible API, and MCP where it is installed, until Ctrl-C; return the exit status.

    ``imagerag web`` is the same server, and opens a browser besides.

    Raises:
        UserError: something the person has to put right first.
    """
    for module in ("uvicorn", "httptools", "starlette", "python_multipart", "jsonschema"):
        need(module, "serve")
    with_mcp = importlib.util.find_spec("mcp") is not None
    return _serve(options, f"imagerag {options.command}", openai=True, mcp=with_mcp)


def _serve(options: argparse.Namespace, name: str, *, openai: bool, mcp: bool) -> int:
    from imagerag.server.app import build_app, listen, say_where, serve
    from imagerag.server.auth import is_loopback, read_tokens
    from imagerag.server.cross_origin import checked_origins

    if options.max_waiting < 1:
        raise UserError(f"max_waiting {options.max_waiting} is below 1; give --max-waiting how many may wait")
    tokens = read_tokens(options.token_file)
    origins = checked_origins(options.allow_origin, tokens)
    with logging_in_lines(), listen(options.host, options.port, tokens, options.public_url) as listener:
        service = open_service(options, options.max_waiting)
        try:
            app = build_app(
                service,
                tokens=tokens,
                loopback=is_loopback(options.host),
                may_fetch=getattr(options, "allow_fetch", False),
                public_url=options.public_url,
                openai=openai,
                web=openai,
                mcp=mcp,
                origins=origins,
            )
            service.begin_warming()
            where = say_where(name, listener, ["/", "/v1"] * openai + ["/mcp"] * mcp)
            if getattr(options, "no_browser", True) is False:
                webbrowser.open(where)
            serve(app, listener, service.stop_runs, behind_proxy=options.public_url is not None)
        except KeyboardInterrupt as ended:
            say(f"{name}: ended", file=sys.stderr)
            return status_of(ended)
        finally:
            service.close()
    return 0


def serve_mcp(options: argparse.Namespace, stdout: TextIO) -> int:
    """Serve MCP over standard input and output until the client closes it, or over HTTP, and return the exit status.

    Raises:
        UserError: something the person has to put right first.
    """
    need("mcp", "mcp")
    if options.http:
        return _serve(options, "imagerag mcp", openai=False, mcp=True)
    with results_alone(stdout, "utf-8") as messages:  # from before plug-ins are loaded: see there
        service = open_service(options)
        if sys.stdin.isatty():
            say("imagerag mcp: waiting for an MCP client on standard input; Ctrl-C ends", file=sys.stderr)
        from imagerag.server.mcp.server import build_mcp

        service.begin_warming()
        try:
            with logging_in_lines(), ending_raises(ctrl_c=True):
                build_mcp(service).serve_stdio(messages)
        except KeyboardInterrupt as ended:
            return status_of(ended)
        finally:
            service.close()
    return 0


def open_service(options: argparse.Namespace, max_waiting: int = 64) -> "Service":
    """Return the engine with the settings given.

    Raises:
        UserError: a setting, or the data directory, is of no use.
    """
    from imagerag.cli.draw import check_names
    from imagerag.cli.progress import loading_model
    from imagerag.profiles.downloads import bytes_of_chat_model
    from imagerag.server.allocator import bound_arenas

    bound_arenas()
    settings = load_settings(settings_of(options), file=Path(options.config) if options.config else None)
    check_names(resolve(settings))
    from imagerag.server.job_queue import JobQueue
    from imagerag.server.service import Service

    service = Service(settings, JobQueue(max_waiting=max_waiting))
    resolved = service.components.settings
    for text in resolved.notes:
        say(f"note: {text}", file=sys.stderr)
    try:
        with loading_model(quiet=False, expected=bytes_of_chat_model(resolved, resolved.vlm)):
            # A server that isn't there is told now, not with the first request, and so is a model that isn't.
            assert service.components.extra_tools is not None
    except UserError:
        service.close()
        raise
    return service
