"""Where things are on this machine: one function each takes that out of texts and names that others are given."""

import re

_FOLDER = re.compile(r"""(?<=['"])(?:/|[A-Za-z]:[\\/])[^'"]*[\\/](?=[^'"\\/]+['"])""")
"""The folder of a quoted absolute path."""
_PLACE = re.compile(
    r"(?P<kind>[a-z][a-z0-9_-]+:)?(?:~|/|[A-Za-z]:[\\/])(?:[^@]*[\\/])?(?P<name>[^@\\/]+)[\\/]*(?P<rest>@.*)?", re.S
)
_SETTINGS_FILE = re.compile(r"settings file '[^']*'")


def without_folders(text: str) -> str:
    """Return a text in which quoted absolute paths are names alone, and a settings file has none."""
    return _SETTINGS_FILE.sub("the settings file", _FOLDER.sub("", text))


def without_place(name: str) -> str:
    """Return the name of a model or a generator with an absolute path in it cut down to its last part.

    ``comfyui:/home/me/draw.json@http://host`` becomes ``comfyui:draw.json@http://host``; ``diffusers:somebody/model``
    stays.
    """
    found = _PLACE.fullmatch(name)
    return name if found is None else f"{found['kind'] or ''}{found['name']}{found['rest'] or ''}"
