"""What is told of something on this machine to others: in the files of a folder that is given away."""

from imagerag.credentials import without_credentials
from imagerag.places import without_folders


def told_text(text: str) -> str:
    """Return a text, such as an error, without credentials and without folders of this machine."""
    return without_folders(without_credentials(text))


MOST_OF_A_VALUE = 200
"""Characters: as many as a person looks through for what is wrong with it."""


def told_value(value: object) -> str:
    """Return a value that somebody gave as Python writes it, for an error: its beginning, where that is long.

    A table of a TOML file may be a value, and has megabytes.
    """
    text = repr(value)
    return text if len(text) <= MOST_OF_A_VALUE else f"{text[:MOST_OF_A_VALUE]}... ({len(text)} characters)"
