"""``imagerag gc``: what of the data directory nothing needs any more."""

import argparse
from pathlib import Path
from typing import TextIO

from imagerag.cli.terminal import printable, say, say_json
from imagerag.errors import UserError
from imagerag.settings import load_settings
from imagerag.store.home import home_path

UNITS = ("bytes", "kB", "MB", "GB", "TB")
SHOWN = 10
"""Names of conversations that are printed."""


def gc(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print what can go, or has gone, and return the exit status.

    Raises:
        UserError: the data directory is not there, days are negative, a setting is wrong, or a file can't be read or
            removed.
    """
    from imagerag.server.cleaning import find_garbage, remove_garbage

    days = options.older_than
    if days is None:
        file = Path(options.config) if options.config else None
        days = load_settings({"keep_days": options.keep_days}, file=file).keep_days
    if days is not None and not days >= 0:
        raise UserError(f"older_than {days:g} is below 0; give --older-than a number of days")
    home = home_path(options.home)
    if not home.is_dir():
        raise UserError(f"data directory {str(home)!r} does not exist, so there is nothing to remove; see --home")
    garbage = (remove_garbage if options.yes else find_garbage)(home, days)
    if options.json:
        document = {
            "removed": options.yes,
            "threads": garbage.threads,
            "images": [str(file) for file in garbage.images],
            "leftovers": [str(file) for file in garbage.leftovers],
            "checkpoints": garbage.checkpoints,
            "bytes": garbage.bytes,
            "notes": garbage.notes,
        }
        say_json(document, stdout)
        return 0
    verb = "removed" if options.yes else "would remove"
    say(
        f"{verb} {len(garbage.images)} images and {len(garbage.leftovers)} leftovers: {size(garbage.bytes)}",
        file=stdout,
    )
    if days is not None:
        names = ", ".join(printable(name) for name in garbage.threads[:SHOWN])
        more = f" and {len(garbage.threads) - SHOWN} more" if len(garbage.threads) > SHOWN else ""
        say(f"{verb} {len(garbage.threads)} conversations{': ' + names + more if names else ''}", file=stdout)
    if options.yes:
        say(f"removed {garbage.checkpoints} checkpoints within ended turns", file=stdout)
    for note in garbage.notes:
        say(f"note: {note}", file=stdout)
    if not options.yes:
        say("nothing was changed; to remove it: imagerag gc --yes with the same options", file=stdout)
    return 0


def size(count: int) -> str:
    """Return a number of bytes as people read it: ``1.2 MB``."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {UNITS[unit]}" if unit == 0 else f"{value:.1f} {UNITS[unit]}"
