"""The settings of a run as its folder tells them, which is given to others: no keys, no places, no arguments of
commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imagerag.credentials import without_credentials
from imagerag.declaration import Setting
from imagerag.places import without_place
from imagerag.settings import DECLARED
from imagerag.shell_words import shown_server
from imagerag.told_text import told_text

OF_THIS_MACHINE = ("places", "output", "upkeep", "clients")
"""Groups of settings that say where things lie and go, and nothing of what is drawn."""
WORDS = ("negative",)
"""Settings in which a person writes what he wants."""


def told_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings and switches without what is nobody else's business; done twice, it changes nothing more.

    Files are told by their names, addresses without credentials, and commands by their programs. What only says where
    things lie on this machine is left out.
    """
    told = {}
    for name, value in settings.items():
        declared = DECLARED.get(name)
        if declared is None or declared.group not in OF_THIS_MACHINE:
            told[name] = _told(name, declared, value)
    return told


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return them in a line, as ``told_settings`` has them."""
    return ", ".join(f"{name}={value}" for name, value in told_settings(settings).items())


def _told(name: str, declared: Setting | None, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_told(name, declared, one) for one in value]
    if declared is None or not isinstance(value, str):
        return value
    if name == "mcp_server":
        return shown_server(value)
    if name in WORDS:
        return told_text(value)
    return ",".join(without_place(without_credentials(one)) for one in value.split(","))
