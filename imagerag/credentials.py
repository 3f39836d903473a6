"""Credentials in addresses: one function takes them out of whatever is told, stored or sent on."""

import re

HIDDEN = "[hidden]"

_ADDRESS = re.compile(r"(?<=://)[^\s\"'<>]+")
"""What follows the scheme of each address in a text, up to where a text goes on."""
_VALUE = re.compile(r"(?<==)(?:\[hidden\]|[^&#\s]*[^&#\s).,:;\]}])")
"""What stands behind it in a sentence is no part of it."""


def without_credentials(text: str) -> str:
    """Return a text without the users and passwords of the addresses in it, and without the values of their queries.

    ``openai:m@http://user:password@host/v1?k=KEY`` becomes ``openai:m@http://host/v1?k=[hidden]``. What names a model
    stays what it was: host, path and the names of a query are kept. Reads the text once; done twice, it changes nothing
    more.
    """
    return _ADDRESS.sub(lambda found: _clean(found[0]), text) if "://" in text else text


def _clean(rest: str) -> str:
    """Return an address, from its host on, without credentials."""
    place, mark, query = rest.partition("?")
    authority, slash, path = place.partition("/")
    if not slash and not mark and "#" in authority:
        authority, mark, query = authority.partition("#")
    if "@" in query and "@" not in authority and not slash:  # a password may hold a question mark
        authority, mark, query = (rest.rpartition("@")[2], "", "")
        authority, mark, query = authority.partition("?")
    host = authority.rpartition("@")[2]
    # A password with a slash in it, which no standard allows, would pass for a path.
    if "@" in path and ":" in host:
        _, _, after = path.rpartition("@")
        if not host.rpartition(":")[2].isdigit():
            host, slash, path = after.partition("/")
    hidden = _VALUE.sub(HIDDEN, query) if "=" in query else (HIDDEN if mark == "?" and query else query)
    return host + slash + path + mark + hidden
