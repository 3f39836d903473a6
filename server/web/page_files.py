"""The files of the page: its HTML, script and style sheet, read once."""

from functools import lru_cache
from importlib import resources

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


@lru_cache
def _text_of(name: str) -> str:
    return resources.files("imagerag.server.web").joinpath("page", name).read_text(encoding="utf-8")


async def page_file(name: str) -> Response:
    """Return one of the page's files, with the headers that keep other sites out of it."""
    text = await anyio.to_thread.run_sync(_text_of, name)
    headers = {
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }
    return Response(text, media_type=TYPES[name.rpartition(".")[2]], headers=headers)
