"""Where the image of a run lands for the person: under a readable name in the folder they are in, and on the screen."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from imagerag.errors import UserError
from imagerag.regular_files import read_regular
from imagerag.store.output_files import folder_refused, readable_name, write_new

if TYPE_CHECKING:
    from imagerag.report.json_document import Document


def copy_here(document: "Document", name: str | None) -> str:
    """Copy the best image to the current folder, let the document name the copy, and return what is to be told of that.

    No file is ever written over. The data directory keeps the image in any case, so a folder that can't be written to
    is no failure of the run.

    Args:
        document: of a run that made an image.
        name: of the file, without ending; the prompt's words when ``None``.
    """
    assert document["image"] is not None
    copy, told = copied_here(document["image"], name or readable_name(document["prompt"]))
    document["image"] = copy
    for image in document["images"]:
        if image["best"]:
            image["path"] = copy
    return told


def copied_here(stored: str, name: str) -> tuple[str, str]:
    """Copy an image to the current folder, and return the copy's path and what is to be told of that.

    Args:
        stored: path of the image, which is returned where the folder can't be written to.
        name: of the file, without ending; numbered where it is taken.
    """
    try:
        folder = Path.cwd()
        try:
            data = read_regular(stored, links=False)
        except OSError as error:
            raise folder_refused(stored, error) from error
        return str(write_new(folder, name, ".png", data)), ""
    except (UserError, OSError) as error:
        return stored, f"the image stays in the data directory: {error}"


def open_file(path: str | Path) -> str:
    """Show a file in whatever this machine shows such files with, and return what is to be told where it can't."""
    unseen = sys.platform not in ("win32", "darwin") and not {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} & {*os.environ}
    try:
        shown = not unseen and webbrowser.open(Path(path).absolute().as_uri())
    except (webbrowser.Error, OSError) as error:
        return f"{str(path)!r} can't be opened: {error}"
    return "" if shown else f"nothing on this machine opens {str(path)!r}; the variable BROWSER names what does"
