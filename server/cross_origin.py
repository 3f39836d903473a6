"""Web pages of other origins that may send requests here (CORS): which, and what browsers are told."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from imagerag.errors import UserError
from imagerag.server.auth import TOKEN_VARIABLE
from imagerag.server.openai.not_heeded import HEADER
from imagerag.server.request_ids import REQUEST_ID

ANY = "*"
SHOWN = (REQUEST_ID, HEADER, "retry-after", "content-disposition", "mcp-session-id", "www-authenticate")
"""Headers of answers that those pages may read."""
HOUR = 3600


def checked_origins(given: Sequence[str], tokens: Sequence[str]) -> tuple[str, ...]:
    """Return the origins as browsers send them.

    Args:
        given: as a person writes them; several may stand in one, with commas between them.
        tokens: those that let clients in.

    Raises:
        UserError: one is no origin, or any page may come in while there is no token.
    """
    names = [name.strip() for text in given for name in text.split(",") if name.strip()]
    if ANY in names and not tokens:
        raise UserError(
            f"with --allow-origin '*' any page that is looked at on this machine could draw here: set {TOKEN_VARIABLE} "
            "or give --token-file FILE, or name the origins"
        )
    return tuple(dict.fromkeys(name if name in (ANY, "null") else _origin(name) for name in names))


def for_pages_of(origins: Sequence[str], app: ASGIApp) -> ASGIApp:
    """Return the application, which tells browsers that pages of these origins may send requests.

    Requests that ask whether others may be sent carry no token, so they are answered before the guard. Cookies are not
    let through: such a page sends its token itself.
    """
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=list(SHOWN),
        max_age=HOUR,
    )


def _origin(name: str) -> str:
    """Return an origin as browsers write it: small letters, no usual port, nothing behind the port.

    Raises:
        UserError: it is none.
    """
    refusal = f"--allow-origin {name[:80]!r} is no origin; give one like https://chat.example.org, or *"
    try:
        parts = urlsplit(name)
        port = parts.port
    except ValueError as error:
        raise UserError(refusal) from error
    if (
        not parts.scheme
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
        or parts.username
    ):
        raise UserError(refusal)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None and port != usual else "")
