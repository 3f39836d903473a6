"""The name that the files of a run are to have."""

import re

from imagerag.errors import UserError

LONGEST = 100
"""Characters: every file system takes that many, and an ending and a number besides."""
_NAME = re.compile(r"""[^\s./\\:*?"<>|\x00-\x1f][^/\\:*?"<>|\x00-\x1f]*(?<![\s.])""")


def checked_file_name(name: str) -> str:
    """Return a name without ``.png``, which images have anyway; refuse what is no name of a file on every system.

    Raises:
        UserError: it is empty, too long, a path, or has letters that some system takes for something else.
    """
    name = name.removesuffix(".png")
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise UserError(
            f"file_name {name[:LONGEST]!r} is no name of a file; give --name up to {LONGEST} letters, none of them "
            '/ \\ : * ? " < > |, and no dot first or last; the folder is --out'
        )
    return name
