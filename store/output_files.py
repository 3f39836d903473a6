"""Files that a run leaves where the person asked for them: whole or not at all, and never over another file."""

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from imagerag.errors import UserError
from imagerag.records import ImageRecord
from imagerag.regular_files import read_regular
from imagerag.store.file_errors import file_error
from imagerag.store.files import make_writable, sync_folder, umask
from imagerag.store.leftovers import PREFIX, begun_here, sweep

LONGEST_NAME = 48


def readable_name(prompt: str) -> str:
    """Return the prompt as a file name without its ending: lower-case words joined by hyphens."""
    words = re.findall(r"\w+", prompt.lower())
    name = "-".join(words)[:LONGEST_NAME].rstrip("-")
    return name or "image"


def conversation_name(image: str, prompt: str) -> str:
    """Return the name of an image's file beside the others of its conversation, without ending: ``003-an-owl``.

    Args:
        image: its id, ``image-3``; one that a stored thread of somebody else's names may be any text.
        prompt: that it was drawn for.
    """
    number = re.sub(r"\W+", "", image.removeprefix("image-"))[:LONGEST_NAME]
    return f"{number:0>3}-{readable_name(prompt)}"


def make_folder(folder: str | Path) -> Path:
    """Create a folder for results if need be.

    Raises:
        UserError: it can't be made or written to.
    """
    path = Path(folder)
    try:
        make_writable(path)
    except OSError as error:
        raise folder_refused(path, error) from error
    return path


def write_new(folder: Path, stem: str, suffix: str, data: bytes, *, numbered: bool = False) -> Path:
    """Write a file under a name that no other file has, and return its path.

    Args:
        folder: must exist.
        stem, suffix: ``owl`` and ``.png`` make ``owl.png``, or ``owl-2.png`` where that is taken, and so on.
        data: the whole content.
        numbered: begin with ``owl-1.png``.

    Raises:
        UserError: it can't be written; nothing is left behind.
        ValueError: ``stem`` leads out of the folder.
    """
    if os.path.basename(stem) != stem:
        raise ValueError(f"{stem!r} is no name of a file")
    temporary: str | None = None
    try:
        sweep(folder)
        handle, temporary = tempfile.mkstemp(prefix=f"{PREFIX}{begun_here()}-", dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~umask())
        number = 1
        while True:
            name = f"{stem}{suffix}" if number == 1 and not numbered else f"{stem}-{number}{suffix}"
            path = folder / name
            try:
                _give_name(temporary, path)
            except FileExistsError:
                number += 1
                continue
            sync_folder(folder)
            return path
    except BaseException as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise folder_refused(folder, error) from error
        raise


def _give_name(temporary: str, path: Path) -> None:
    """Give a whole file its name, in one step, and not over another file.

    Raises:
        FileExistsError: there is a file of that name.
        OSError: the disk fails.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links; here an empty file reserves the name before it is replaced
        path.open("xb").close()
        os.replace(temporary, path)
    else:
        os.unlink(temporary)


def copy_images(
    images: Sequence[ImageRecord], prompt: str, folder: str | Path, name: str | None = None
) -> dict[str, str]:
    """Copy images to a folder under readable names, and return the new paths by image id.

    Args:
        images: to copy.
        prompt: whose words name the files.
        folder: made if need be.
        name: of the files, without number and ending, instead of the prompt's words.

    Raises:
        UserError: the folder can't be written to; what was copied before stays.
    """
    target = make_folder(folder).absolute()
    stem = name or readable_name(prompt)
    paths: dict[str, str] = {}
    for record in images:
        source = Path(record["path"])
        try:
            data = read_regular(source, links=False)
        except OSError as error:
            raise folder_refused(source, error) from error
        paths[record["id"]] = str(write_new(target, stem, source.suffix or ".png", data, numbered=True))
    return paths


def folder_refused(path: str | Path, error: OSError) -> UserError:
    """Return the error that says so, and what to do."""
    return file_error(path, error, verb="written to", otherwise="choose another folder")
