"""Where things are on this machine: one function each takes that out of texts and names that others are given."""

import os
import re
from contextlib import suppress

_FOLDER = re.compile(r"""(?<=['"])(?:/|[A-Za-z]:[\\/]|\\\\)[^'"]*[\\/](?=[^'"\\/]+['"])""")
"""The folder of a quoted absolute path."""
_ROOTS = (
    "home",
    "Users",
    "root",
    "tmp",
    "var",
    "srv",
    "mnt",
    "media",
    "opt",
    "usr",
    "etc",
    "data",
    "private",
    "Volumes",
    "workspace",
    "workspaces",
    "scratch",
    "lustre",
    "gpfs",
    "nfs",
    "kaggle",
    "nix",
    "Library",
    "Applications",
)
"""Folders at the top of file systems, besides those of this machine. What begins with another one, as ``/v1/images``,
is an address on a server."""
_WORD = r"[^\s'\"<>|\\/:,;()\[\]]++"
"""A part of a path, up to a blank."""
_WORDS = rf"{_WORD}(?:[ ]{_WORD}){{0,4}}+"
"""Such a part with blanks in it; what stands behind it has to be the end of a folder's name."""
_GOING_ON = r"(?:and|or|nor|but|not|to|into|from|is|was)[ ](?![A-Z])"
"""How a sentence goes on behind a path: ``/srv/a/b and c/d`` are two. ``Rock and Roll`` is one folder."""
_PART = rf"(?:(?:(?<=/home/)|(?<=[/\\]Users[/\\])){_WORDS}|{_WORD}(?:[ ](?!{_GOING_ON}){_WORD}){{0,4}}+)"
"""A folder's name with blanks. A person's is one to the next slash, whatever words it has: better too much taken."""
_SLASH = r"(?:\\{1,2}|/)"
"""Windows' twice, where an error shows a path as Python writes it."""
_FILE = r"(?:[Ff][Ii][Ll][Ee]:(?://[^\s/'\"<>\\]{0,253})?)"
_PEOPLE = re.compile(
    rf"(?<![\w/.@\\]){_FILE}?(?:/(?:mnt/[a-z]/)?(?:home|Users)|[A-Za-z]:{_SLASH}Users){_SLASH}{_WORD}"
    rf"(?![\\/][^\s'\"])(?!(?:[ ]{_WORD}){{1,4}}[\\/])"
)
"""The folder of a person, alone: its last part is their name."""
_PLACE = re.compile(
    r"(?P<kind>[a-z][a-z0-9_-]+:)?(?:~|/|[A-Za-z]:[\\/])(?:[^@]*[\\/])?(?P<name>[^@\\/]+)[\\/]*(?P<rest>@.*)?", re.S
)
_SETTINGS_FILE = re.compile(r"settings file '[^']*'")


def _bare_path() -> re.Pattern[str]:
    """Return what finds the folder of an absolute path that is not in quotation marks."""
    here: list[str] = []
    if os.name == "posix":
        with suppress(OSError):
            here = [name for name in os.listdir("/") if name.isidentifier()]
    roots = "|".join(map(re.escape, dict.fromkeys([*_ROOTS, *here])))
    folders = rf"(?:{_PART}{_SLASH})*+(?={_WORD})"
    return re.compile(
        rf"(?<![\w/.@\\~-])(?:~[\w.-]{{0,32}}+/|/(?:{roots})/){folders}"
        rf"|(?<![\w/.@\\-]){_FILE}(?:/[A-Za-z]:)?/{folders}"
        rf"|(?<![\w/.@\\-]){_FILE}?[A-Za-z]:(?:\\{{1,2}}|/(?!/)){folders}"
        rf"|(?<![\w/.@\\-])\\{{2,4}}(?:\?\\{{1,2}}(?:[A-Za-z]:\\{{1,2}}|UNC\\{{1,2}})|(?=[\w.$-]{{1,253}}\\)){folders}"
    )


_BARE = _bare_path()  # here, and not when it is needed: on an event loop nothing may ask the disk


def without_folders(text: str) -> str:
    """Return a text in which absolute paths are names alone, people's folders ``~``, and a settings file has no name.

    A path that is not in quotation marks ends at the first blank behind its last slash.
    """
    text = _FOLDER.sub("", _PEOPLE.sub("~", _SETTINGS_FILE.sub("the settings file", text)))
    return _BARE.sub("", text) if "/" in text or "\\" in text else text


def without_place(name: str) -> str:
    """Return the name of a model or a generator with an absolute path in it cut down to its last part.

    ``comfyui:/home/me/draw.json@http://host`` becomes ``comfyui:draw.json@http://host``; ``diffusers:somebody/model``
    stays.
    """
    found = _PLACE.fullmatch(name)
    return name if found is None else f"{found['kind'] or ''}{found['name']}{found['rest'] or ''}"
