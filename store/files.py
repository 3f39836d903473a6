"""Files that are there whole or not at all, and the one line a person reads when the disk says no."""

import errno
import os
import re
import sys
import tempfile
from pathlib import Path

from imagerag.errors import InvalidArgument, UserError
from imagerag.regular_files import read_regular
from imagerag.store.file_errors import file_error
from imagerag.store.leftovers import PREFIX, begun_here, sweep
from imagerag.store.private import private_folder

_ADDRESS = re.compile(r"[0-9a-f]{64}")


def write_whole(path: Path, data: bytes, *, durable: bool = True, private: bool = True) -> None:
    """Write a file so that a reader, a crash or a full disk never leaves a part of it under its name.

    Args:
        path: replaced if it exists; missing folders are made.
        data: the whole content.
        durable: wait until the content is on the disk; leave it out for what can be made again.
        private: only its owner may read it, and folders that are made for it; else as any new file.

    Raises:
        FileError: the disk is full, read-only or not ours; nothing is left behind.
    """
    temporary: str | None = None
    try:
        new = [folder for folder in path.parents if not folder.exists()] if durable else []
        private_folder(path.parent) if private else path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        handle, temporary = tempfile.mkstemp(prefix=f"{PREFIX}{begun_here()}-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if not private:  # the temporary file is
            os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, path)
        if durable:  # the names, too: of the file, and of each folder that was made for it
            for folder in (path.parent, *(folder.parent for folder in new)):
                sync_folder(folder)
    except BaseException as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise file_error(path, error) from error
        raise


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk. Windows has no such thing.

    Raises:
        OSError: the disk fails.
    """
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no such thing either
            raise
    finally:
        os.close(handle)


def is_address(sha256: str) -> bool:
    """Tell whether this is an address: a SHA-256 in 64 lower-case hexadecimal digits."""
    return bool(_ADDRESS.fullmatch(sha256))


def address_path(root: Path, sha256: str) -> Path:
    """Return where the PNG of this address lies below ``root``, or would: ``ab/abcd....png``.

    Raises:
        InvalidArgument: not an address; nothing else may become part of a path.
    """
    if not is_address(sha256):
        raise InvalidArgument(f"{sha256!r} is not the address of an image; it must be 64 hexadecimal digits")
    return root / sha256[:2] / f"{sha256}.png"


def read_whole(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        UserError: it is gone, or not to be read.
    """
    try:
        return read_regular(path)
    except OSError as error:
        raise cannot_read(path, error) from error


def make_writable(path: Path) -> None:
    """Create a folder if need be.

    Raises:
        OSError: it can't be created or written to.
    """
    path.mkdir(parents=True, exist_ok=True)
    # Permission bits say nothing about read-only mounts, and nothing at all to root: only writing tells.
    with tempfile.TemporaryFile(dir=path):
        pass


def cannot_read(path: str | Path, error: OSError, remedy: str = "check the path and its permissions") -> UserError:
    """Return the error that names the path, the reason and the way out."""
    return file_error(path, error, verb="read", otherwise=remedy)


_UMASK: int | None = None


def umask() -> int:
    """Read the umask once: reading means setting it, which another thread's new file could notice."""
    global _UMASK
    if _UMASK is None:
        _UMASK = os.umask(0o077)
        os.umask(_UMASK)
    return _UMASK
