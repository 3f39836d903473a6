"""Keys of servers named by address: each belongs to one host and is sent to no other."""

import os
import re
from hashlib import sha256
from urllib.parse import urlsplit

from imagerag.errors import UserError
from imagerag.net.addresses import address_parts

SERVER_KEY = "IMAGERAG_SERVER_KEY"
"""The variable with the key of a server named by address; a provider's own key is never sent there."""

THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
"""Names of one host."""

_hosts: dict[str, str] = {}
"""The host that a key has been used for in this process, by the key's digest."""


def variable_of(prefix: str, url: str) -> str:
    """Return the variable of a server's own: of that host and port, and of no other.

    ``https://draw.example.org:9000/v1`` has ``PREFIX_DRAW_EXAMPLE_ORG_9000``.

    Args:
        prefix: what the variables of that kind begin with, without the last underscore.
        url: the server's address; a user and a password in it play no part.

    Raises:
        UserError: it is no address.
    """
    where = address_parts(url).netloc.rpartition("@")[2]
    return f"{prefix}_{re.sub('[^A-Z0-9]+', '_', where.upper()).strip('_')}"


def server_key(url: str) -> str:
    """Return the key for a server: its own variable's value, also where that is empty, or ``IMAGERAG_SERVER_KEY``.

    ``IMAGERAG_SERVER_KEY`` belongs to the host it was first used for in this process, whatever the port.

    Returns:
        The key, or ``""`` where the server gets none.

    Raises:
        UserError: it is no address; or ``IMAGERAG_SERVER_KEY`` was used for another host, and this server has no
            variable of its own.
    """
    own = variable_of(SERVER_KEY, url)
    if (key := os.environ.get(own)) is not None:
        return key
    key = os.environ.get(SERVER_KEY, "")
    if not key:
        return ""
    host = urlsplit(url).hostname or ""
    host = "localhost" if host in THIS_MACHINE else host
    first = _hosts.setdefault(sha256(key.encode()).hexdigest(), host)
    if first != host:
        raise UserError(
            f"the key in {SERVER_KEY} belongs to one host, and {first!r} has it: set the variable {own} to the key for "
            f"{host!r}, or to nothing if it needs none"
        )
    return key


def key_variable(url: str) -> str:
    """Return the variable that the key for a server is taken from: its own where that is set."""
    own = variable_of(SERVER_KEY, url)
    return own if own in os.environ else SERVER_KEY
