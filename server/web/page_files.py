"""The files of the page: its HTML, script and style sheet, read once."""

from functools import lru_cache
from html import escape
from importlib import resources
from string import Template

import anyio
from starlette.responses import Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
MODULES = frozenset(
    {
        *("all_images.js", "api.js", "composer.js", "conversations.js", "dom.js", "gallery.js", "lightbox.js"),
        *("paint.js", "settings.js", "shortcuts.js", "turn.js"),
    }
)
"""The modules of the page's script."""
MISSING = "missing.html"
MOST_SHOWN = 80
"""Characters of a path that are shown."""


@lru_cache
def _text_of(name: str) -> str:
    return resources.files("imagerag.server.web").joinpath("page", name).read_text(encoding="utf-8")


async def page_file(name: str) -> Response:
    """Return one of the page's files, with the headers that keep other sites out of it."""
    return _answer(name, await anyio.to_thread.run_sync(_text_of, name))


async def missing_page(path: str) -> Response:
    """Return what a browser shows where nothing is: which path that was, and the way to the page."""
    text = Template(await anyio.to_thread.run_sync(_text_of, MISSING)).substitute(path=escape(path[:MOST_SHOWN]))
    return _answer(MISSING, text, 404)


def _answer(name: str, text: str, status: int = 200) -> Response:
    headers = {
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }
    return Response(text, status, media_type=TYPES[name.rpartition(".")[2]], headers=headers)
