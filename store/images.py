"""The image store: every image lies under the hash of its pixels and its recipe, and none is ever half there."""

from __future__ import annotations

import io
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imagerag.errors import FileError, UserError
from imagerag.records import Verdict
from imagerag.regular_files import read_regular
from imagerag.store.exports import Signer, drawing_file, with_manifest
from imagerag.store.file_errors import file_error
from imagerag.store.files import address_path, cannot_read, is_address, write_whole
from imagerag.store.image_data import plain
from imagerag.store.manifest import Manifest, address, read_manifest
from imagerag.store.png import NotPng, encode_png, is_whole_png

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class StoredImage:
    """Where an image is.

    Attributes:
        sha256: its address: hex, 64 digits.
        path: the PNG file.
    """

    sha256: str
    path: Path


class ImageStore:
    """Images below ``root/images``, as ``ab/abcd....png``. Any number of threads and processes may use one folder.

    Args:
        root: the data directory; what is missing of it is made with the first image.
        signer: signs every drawing; none is signed if ``None``.
    """

    def __init__(self, root: str | Path, signer: Signer | None = None) -> None:
        self.root = Path(root)
        self.signer = signer
        self._lock = threading.Lock()

    def put(self, image: Image.Image, manifest: Manifest) -> StoredImage:
        """Store a drawn image with its manifest. An image that is there already stays as it is, verdict included.

        Args:
            image: any mode; kept as RGB, or RGBA where the mode has transparency.
            manifest: how it was drawn.

        Raises:
            UserError: the disk is full, read-only or not ours, or the drawing can't be signed; nothing is left behind.
        """
        image = plain(image)
        sha256 = address(image.tobytes(), image.size, image.mode, manifest.recipe())
        path = self.path(sha256)
        with self._lock:
            if self._is_whole(path):
                self._is_in_use(path)
            else:
                write_whole(path, drawing_file(image, manifest, self.signer))
        return StoredImage(sha256, path)

    def put_user_image(self, picture: str | Path | bytes | Image.Image) -> StoredImage:
        """Store a picture of the person's own, without a manifest; see
        ``imagerag.store.picture_decoding``.

        Args:
            picture: a file's path, a file's bytes, or an image.

        Raises:
            UserError: it can't be read as a picture, or not written.
        """
        from imagerag.store.picture_decoding import read_picture

        image = read_picture(picture)
        sha256 = address(image.tobytes(), image.size, image.mode)
        path = self.path(sha256)
        with self._lock:
            if _is_own_file(path) and is_whole_png(path):
                self._is_in_use(path)
            else:
                write_whole(path, encode_png(image))
        return StoredImage(sha256, path)

    def set_verdict(self, sha256: str, verdict: Verdict) -> None:
        """Write the critic's verdict into the manifest of an image; pixels and address stay.

        Raises:
            InvalidArgument: not an address.
            UserError: no such image, one without manifest, or it can't be written or signed.
        """
        path = self.path(sha256)
        with self._lock:
            manifest = self.manifest(sha256).with_verdict(verdict)
            try:
                png = with_manifest(self.data(sha256), manifest, self.signer)
            except NotPng as error:
                raise _damaged(path, error) from error
            write_whole(path, png)

    def manifest(self, sha256: str) -> Manifest:
        """Return how an image was made.

        Raises:
            InvalidArgument: not an address.
            UserError: no such image, or one without manifest (a person's own), or damaged.
        """
        return read_manifest(self._existing(sha256))

    def open(self, sha256: str) -> Image.Image:
        """Return an image, decoded, as RGB or RGBA.

        Raises:
            InvalidArgument: not an address.
            UserError: no such image, or it is damaged.
        """
        from PIL import Image as pil

        path = self._existing(sha256)
        data = self.data(sha256)
        try:
            with pil.open(io.BytesIO(data), formats=("PNG",)) as image:
                image.load()
                return image
        except (OSError, SyntaxError, ValueError) as error:
            raise _damaged(path, error) from error

    def data(self, sha256: str) -> bytes:
        """Return the file of an image, undecoded.

        Raises:
            InvalidArgument: not an address.
            UserError: no such image, or it can't be read.
        """
        path = self._existing(sha256)
        try:
            return read_regular(path, links=False)
        except OSError as error:
            raise cannot_read(path, error) from error

    def path(self, sha256: str) -> Path:
        """Return where an image of this address lies, or would.

        Raises:
            InvalidArgument: not an address; nothing else may become part of a path.
        """
        return address_path(self.root / "images", sha256)

    def __contains__(self, sha256: str) -> bool:
        """Tell whether there is an image of this address."""
        return is_address(sha256) and _is_own_file(self.path(sha256))

    @staticmethod
    def _is_in_use(path: Path) -> None:
        """Mark an image that is there already as new: whoever has asked for it may not refer to it yet."""
        with suppress(OSError):  # of a folder that is read-only nothing is removed either
            os.utime(path)

    def _existing(self, sha256: str) -> Path:
        path = self.path(sha256)
        if not _is_own_file(path):
            raise FileError(
                f"image {sha256!r} is not in the store at {str(self.root)!r}; "
                "set IMAGERAG_HOME (or --home) to the folder it was drawn in",
                path.name,
                "missing",
                f"image {sha256!r} is gone from the server's store",
            )
        return path

    def _is_whole(self, path: Path) -> bool:
        """Tell whether a drawn image is there, with manifest and pixels: a crashed disk may have left less."""
        if not _is_own_file(path):
            return False
        try:
            read_manifest(path)
        except UserError:
            return False  # it is written anew
        return is_whole_png(path)


def _is_own_file(path: Path) -> bool:
    """Tell whether a file of the store is there. None of it is a link: such a one leads out of the data directory."""
    return path.is_file() and not path.is_symlink()


def _damaged(path: Path, error: Exception) -> UserError:
    return file_error(path, error, verb="read", damaged="delete it and draw it again")
