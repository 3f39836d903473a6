"""The commands that open a door for others: they load the engine once and serve until they are ended."""

import argparse
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from imagerag.cli.interrupt import CANCELLED
from imagerag.cli.options import settings_of
from imagerag.errors import UserError
from imagerag.graphs.context import load_context

if TYPE_CHECKING:
    from imagerag.serve.studio import Studio


def serve_mcp(options: argparse.Namespace) -> int:
    """Serve MCP over standard input and output until the client closes it, and return the exit status.

    Raises:
        UserError: something the person has to put right first.
    """
    need("mcp", "mcp")
    studio = open_studio(options)
    if sys.stdin.isatty():
        print("imagerag mcp: waiting for an MCP client on standard input; Ctrl-C ends", file=sys.stderr)
    from imagerag.serve.mcp_server import build_mcp

    try:
        build_mcp(studio).run("stdio")
    except KeyboardInterrupt:
        return CANCELLED
    finally:
        studio.close()
    return 0


def open_studio(options: argparse.Namespace) -> "Studio":
    """Return the engine with the settings given.

    Raises:
        UserError: a setting, or the data directory, is of no use.
    """
    from imagerag.cli.draw import check_names

    context = load_context(settings_of(options), file=Path(options.config) if options.config else None)
    check_names(context)
    from imagerag.serve.studio import Studio

    return Studio(context)


def need(module: str, extra: str) -> None:
    """Make sure that an optional library is installed.

    Raises:
        UserError: it is not; the message has the command that installs it.
    """
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise UserError(
            f"this needs {module!r}, which is not installed; run: pip install 'imagerag[{extra}]'"
        ) from error
