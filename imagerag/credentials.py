"""Credentials in addresses: taken out here of whatever is told, stored or sent on."""

import re
from typing import NamedTuple

HIDDEN = "[hidden]"

_ADDRESS = re.compile(r"(?<=://)[^\s\"'<>]+")
"""What follows the scheme of each address in a text, up to where a text goes on."""
_VALUE = re.compile(r"(?<==)(?:\[hidden\]|[^&#\s]*[^&#\s).,:;\]}])")
"""What stands behind it in a sentence is no part of it."""
_SERVER = re.compile(r"(?:[^:@\s]*\.[^:@\s]*|localhost|\[[^\]]*\])(?::\d{1,5})?", re.IGNORECASE)
"""What can only be a server before a path: a name with a dot, an address in numbers, or this machine."""


class _Cleaned(NamedTuple):
    text: str
    secrets: tuple[str, ...]


def without_credentials(text: str) -> str:
    """Return a text without the users and passwords of the addresses in it, and without the values of their queries and
    fragments.

    ``openai:m@http://user:password@host/v1?k=KEY`` becomes ``openai:m@http://host/v1?k=[hidden]``. What names a model
    stays what it was: host, path and the names of a query are kept, and so is a fragment that gives nothing a value.
    Where a path could be a part of a password, it is taken for one. Reads the text once; done twice, it changes nothing
    more.
    """
    return _ADDRESS.sub(lambda found: _cleaned(found[0]).text, text) if "://" in text else text


def without_query(name: str) -> str:
    """Return a text whose addresses are left without credentials, query and fragment: what they lead to, alone."""
    return re.sub(r"(://[^?#\s\"'<>]*)[?#][^\s\"'<>]*", r"\1", without_credentials(name))


def credentials_in(text: str) -> set[str]:
    """Return what ``without_credentials`` takes out of a text: users, passwords, values."""
    return {secret for found in _ADDRESS.findall(text) for secret in _cleaned(found).secrets if secret != HIDDEN}


def _cleaned(rest: str) -> _Cleaned:
    """Return an address, from its host on, without credentials, and what was taken out."""
    place, mark, query = rest.partition("?")
    authority, slash, path = place.partition("/")
    if not slash and not mark and "#" in authority:
        authority, mark, query = authority.partition("#")
    if "@" in query and "@" not in authority and not slash:  # a password may hold a question mark
        authority, mark, query = (rest.rpartition("@")[2], "", "")
        authority, mark, query = authority.partition("?")
    host = authority.rpartition("@")[2]
    # A password with a slash in it, which no standard allows, would pass for a path: host, port and what follows.
    if "@" in path and ":" in host and not _SERVER.fullmatch(host):
        host, slash, path = path.rpartition("@")[2].partition("/")
    path, hash_mark, fragment = path.partition("#") if slash else (path, "", "")
    if hash_mark and mark:  # a question mark within the fragment
        fragment, mark, query = f"{fragment}{mark}{query}", "", ""
    found = f"{host}{slash}{path}"
    taken = rest[: rest.find(found)] if not rest.startswith(found) else ""
    secrets = [piece for piece in re.split("[:@/?#]", taken) if piece]
    tail = ""
    for sign, part in ((mark, query), (hash_mark, fragment)):
        if "=" in part:
            secrets += _VALUE.findall(part)
            part = _VALUE.sub(HIDDEN, part)
        elif sign == "?" and part:
            secrets.append(part)
            part = HIDDEN
        tail += sign + part
    return _Cleaned(found + tail, (*secrets, *([taken.rstrip("@")] if taken else [])))
