"""Names of a suite's prompts, which are names of files, too."""

import re
import unicodedata

LONGEST = 60
"""Characters of the words in a name; a number before them keeps names apart."""


def prompt_name(number: int | str, text: str) -> str:
    """Return a name of small letters, digits and hyphens: the number or key of a prompt, and its first words."""
    key = f"{number:04d}" if isinstance(number, int) else in_file_name(number)
    words = in_file_name(text)[:LONGEST].strip("-")
    return f"{key}-{words}" if words else key


def in_file_name(text: str) -> str:
    """Return a text with nothing but small letters, digits and hyphens; accents are dropped, other scripts left out."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
