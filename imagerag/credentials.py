"""Credentials in addresses, headers and variables: taken out here of whatever is told, stored or sent on."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

HIDDEN = "[hidden]"

_ADDRESS = re.compile(r"(?<=://)[^\s\"'<>]+")
"""What follows the scheme of each address in a text, up to where a text goes on."""
_VALUE = re.compile(r"(?<==)(?:\[hidden\]|[^&#\s]*[^&#\s).,:;\]}])")
"""What stands behind it in a sentence is no part of it."""
_SERVER = re.compile(r"(?:[^:@\s]*\.[^:@\s]*|localhost|\[[^\]]*\])(?::\d{1,5})?", re.IGNORECASE)
"""What can only be a server before a path: a name with a dot, an address in numbers, or this machine."""


_ESCAPED = re.compile(r"(?i)(?<=%3A%2F%2F)[^\s\"'<>%]{0,200}+(?:%(?!40|2F)[0-9A-F]{2}[^\s\"'<>%]{0,200}+){0,20}%40")
"""User and password of an address that stands percent-encoded in another one."""
_BARE = re.compile(
    r"(?<![\w:/@.\\-])[^\s:/@\"'<>\\]{1,64}+:[^\s/@\"'<>\\]{1,100}+@(?=[\w.-]{1,100}:\d{2,5}\b)"
    r"|(?<![\w:/@.\\-])//[^\s:/@\"'<>\\]{1,64}+:[^\s/@\"'<>\\]{1,100}+@"
)
"""User and password before a host and a port, without a scheme, as in what is said of a proxy."""
_JSON_ADDRESS = re.compile(r"(?<=:\\/\\/)[^\s\"'<>\\@]{1,400}@")
"""The same in JSON that escapes slashes."""
_NAMES_OF_KEYS = (
    r"(?<![A-Za-z0-9])(?:api[_-]?key|(?:access|auth|refresh|session|id|security|bearer)[_-]?token|(?<=[_-])token|bearer"
    r"|client[_-]?secret|(?<=[_-])secret|(?:secret|private)[_-]?(?:access[_-]?)?key|passw(?:or)?d|passphrase)"
    r"(?![A-Za-z0-9])(?:_[A-Za-z0-9]{1,16})?+"
)
"""Of headers, fields of JSON and variables, such as ``X-Api-Key`` and ``OPENAI_API_KEY_2``."""
_NAMES_WITH_EQUALS = (
    r"(?:(?<![A-Za-z0-9])(?:token|secret)"
    r"|(?<=[?&])(?:key|sig|signature|auth|pass|pwd|pw|code))(?=\s{0,4}=)"
)
"""Words that are names of keys only where an equals sign follows; ``"token": "yes"`` is a piece of a model's answer."""
_HEADER = re.compile(
    r"(?i)((?:\b(?:proxy-)?authorization\b[\\\"']{0,4}\s{0,4}[:=]\s{0,4}(?:\\?[\"'])?+"
    r"(?:(?:basic|bearer|token|key|digest)\s{1,4})?+"
    rf"|(?:{_NAMES_OF_KEYS}|{_NAMES_WITH_EQUALS})"
    r"[\\\"']{0,4}\s{0,4}(?::(?!//)|=(?!=))\s{0,4}(?:\\?[\"'])?+))"
    r"(?!\[hidden\]|(?:none|null|true|false|YOUR_KEY)(?![A-Za-z0-9_]))"
    r"(?:(?<=\")[^\"\\\n]{1,400}(?=\\?\")|(?<=')[^'\\\n]{1,400}(?=\\?')|[^\s\"',;&<>()\[\]{}\\]{1,})"
)
"""What a header, a field of JSON or a setting of that name is given, however short it is.

Right behind its name nothing but the key itself is lost. Elsewhere in a text a short one may be anybody's word
(``test``, ``42``): to hide it everywhere would spoil the text, and tell by the holes how it reads. There it stays, and
whoever wants it hidden takes a longer one: see ``_SHORTEST_IN_TEXT``. ``YOUR_KEY`` stands for one in our own advice.
"""
_SCHEME = re.compile(r"\b((?:Basic|Bearer)\s{1,4})(?=[A-Za-z+/._~-]{0,200}[\d=])[A-Za-z0-9+/._~-]{8,}+={0,2}")
"""The value of such a header alone: with a digit in it, which a word has not."""
_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_-]{16,}|(?:hf|r8|gsk)_[A-Za-z0-9]{16,}|AIza[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{20,}"
    r"|xai-[A-Za-z0-9]{16,}|AKIA[A-Z0-9]{16}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*)"
)
"""Keys by how those of an issuer begin (OpenAI, Anthropic, Hugging Face, Replicate, Groq, Google, GitHub, xAI, AWS),
and JSON Web Tokens."""
_SECRET = re.compile(
    r"(?i)API_?KEY|(?:^|_)KEY(?:_|$)|TOKEN(?:_|$)|SECRET|PASSW|CREDENTIALS?$|(?:^|_)PAT$|^IMAGERAG_(?:MCP_TOKEN|SERVER_KEY)_"
)
"""Names of variables whose values are credentials."""
_PLACE = re.compile(r"[/~.]|[A-Za-z]:[\\/]")
"""How a path begins: such a variable may name a file."""
SHORTEST_SECRET = 6
"""Characters below which a variable's value is taken for a placeholder, such as ``none``."""
_SHORTEST_IN_TEXT = 8
"""The same where any text may have those characters; a word in small letters has to be twice as long."""


class _Cleaned(NamedTuple):
    text: str
    secrets: tuple[str, ...]


def without_credentials(text: str) -> str:
    """Return a text without the users and passwords of the addresses in it, and without the values of their queries and
    fragments.

    ``openai:m@http://user:password@host/v1?k=KEY`` becomes ``openai:m@http://host/v1?k=[hidden]``. What names a model
    stays what it was: host, path and the names of a query are kept, and so is a fragment that gives nothing a value.
    Where a path could be a part of a password, it is taken for one. Reads the text once; done twice, it changes nothing
    more. The same goes for what headers and settings of such names are given, for what looks like a key of a known
    issuer, and for the values of variables that are credentials by their names: servers repeat them in their answers.
    """
    for secret in _told_by_variables():
        if secret in text:
            text = text.replace(secret, HIDDEN)
    if "://" in text:
        text = _ADDRESS.sub(lambda found: _cleaned(found[0]).text, text)
    if "%3A%2F%2F" in text or "%3a%2f%2f" in text:
        text = _ESCAPED.sub("", text)
    if "@" in text and ":" in text:
        text = _JSON_ADDRESS.sub("", _BARE.sub("", text))
    return _KEY.sub(HIDDEN, _SCHEME.sub(rf"\1{HIDDEN}", _HEADER.sub(rf"\1{HIDDEN}", text)))


def keys_in(variables: Mapping[str, str]) -> set[str]:
    """Return the values of variables that are credentials by their names, and the users and passwords of proxies."""
    found = {
        value
        for name, value in variables.items()
        if len(value) >= SHORTEST_SECRET and _SECRET.search(name) and not value.isdecimal() and not _PLACE.match(value)
    }
    for name, value in variables.items():
        if name.lower().endswith("_proxy") and "@" in value:
            found |= {
                one
                for one in credentials_in(value if "://" in value else f"http://{value}")
                if len(one) >= SHORTEST_SECRET
            }
    return found


def _told_by_variables() -> Iterator[str]:
    """Yield credentials in variables that no other text is likely to have in it, the longest first."""
    found = keys_in(os.environ)
    for secret in sorted(found, key=len, reverse=True):
        is_word = secret.isalpha() and secret.islower() and len(secret) < 2 * _SHORTEST_IN_TEXT
        if len(secret) >= _SHORTEST_IN_TEXT and not is_word:
            yield secret


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
