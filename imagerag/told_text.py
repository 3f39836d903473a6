"""What is told of something on this machine to others: in the files of a folder that is given away."""

from imagerag.credentials import without_credentials
from imagerag.places import without_folders


def told_text(text: str) -> str:
    """Return a text, such as an error, without credentials and without folders of this machine."""
    return without_folders(without_credentials(text))
