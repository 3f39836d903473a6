"""Files of a drawing that leave the store, in any format: each says how it was made.

A PNG of the drawing's own pixels carries the manifest from which they can be drawn again, and XMP beside it. Any other
file is a copy, whose manifest stands within its XMP, where ``imagerag replay`` doesn't take it for the drawing.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Protocol

from imagerag.errors import UserError
from imagerag.store import xmp
from imagerag.store.image_data import FileFormat, data_sha256, pixels_sha256, plain
from imagerag.store.manifest import KEYWORD, Manifest, parse_manifest
from imagerag.store.png import C2PA, NotPng, encode_png, on_white, read_text, with_text, without_chunks

if TYPE_CHECKING:
    from PIL import Image

QUALITY = 90
"""Of JPEG and WebP, unless another is asked for."""


class Signer(Protocol):
    """Adds a signature over a whole file, and what it says of how the picture was made."""

    def sign(self, data: bytes, kind: FileFormat, manifest: Manifest) -> bytes:
        """Return the same file with a signed manifest in it, instead of one that it may have.

        Raises:
            UserError: it can't be signed.
        """


def drawing_file(image: Image.Image, manifest: Manifest, signer: Signer | None = None) -> bytes:
    """Return a drawing as a PNG file with its manifest, XMP and signature.

    Args:
        image: the drawing, RGB or RGBA.
        manifest: how it was drawn; its digest of the pixels is entered here.
        signer: signs it; nothing does if ``None``.

    Raises:
        UserError: it can't be signed.
    """
    return with_manifest(encode_png(image), manifest.model_copy(update={"pixels": pixels_sha256(image)}), signer)


def with_manifest(png: bytes, manifest: Manifest, signer: Signer | None = None) -> bytes:
    """Return the same PNG with this manifest, with its XMP and signature, instead of those it had.

    Raises:
        NotPng: it is none.
        UserError: it can't be signed.
    """
    unsigned = without_chunks(png, C2PA)
    marked = with_text(with_text(unsigned, xmp.KEYWORD, xmp.packet_of(manifest)), KEYWORD, manifest.text())
    return marked if signer is None else signer.sign(marked, "png", manifest)


def for_others(png: bytes, signer: Signer | None = None) -> bytes:
    """Return a stored PNG as it leaves this machine: earlier versions wrote places and server addresses into manifests.

    Args:
        png: the file; one without such things, or without a manifest of ours, comes back as it is.
        signer: signs what was changed, which takes an earlier signature away.

    Raises:
        UserError: it can't be signed.
    """
    try:
        text = read_text(io.BytesIO(png), KEYWORD)
        manifest = parse_manifest(text, "image") if text else None
    except (NotPng, UserError):  # whoever opens it says what is wrong
        return png
    if manifest is None or not manifest.names_places:
        return png
    return with_manifest(png, manifest.without_places(), signer)


def copy_file(
    image: Image.Image,
    kind: FileFormat,
    manifest: Manifest | None = None,
    quality: int | None = None,
    signer: Signer | None = None,
) -> bytes:
    """Return a copy of a drawing in another size or format, with XMP and signature.

    Args:
        image: the copy's pixels; see-through parts are white in a JPEG.
        kind: its format.
        manifest: of the drawing; ``None`` for a picture that nobody here has drawn, which is not marked.
        quality: 0..100, of JPEG and WebP; ``QUALITY`` if ``None``.
        signer: signs what is marked.

    Raises:
        UserError: it can't be signed.
    """
    image = on_white(image) if kind == "jpeg" else plain(image)
    # Scaled up, Pillow's usual level takes four times as long for files a tenth smaller.
    how: dict[str, Any] = (
        {"compress_level": 1} if kind == "png" else {"quality": QUALITY if quality is None else quality}
    )
    if manifest is None:
        return _encoded(image, kind, how)
    drawn = manifest.pixels
    if kind == "png":
        of_copy = manifest.model_copy(update={"pixels": pixels_sha256(image), "copy_of": drawn})
        data = with_text(_encoded(image, kind, how), xmp.KEYWORD, xmp.packet_of(of_copy, copy=True))
    else:
        of_copy = manifest.model_copy(update={"pixels": "", "copy_of": drawn})
        packet = xmp.packet_of(of_copy, copy=True)
        data = _encoded(image, kind, {**how, "xmp": packet.encode()})
        data = xmp.with_digest(data, data_sha256(data, kind))
    return data if signer is None else signer.sign(data, kind, of_copy)


def _encoded(image: Image.Image, kind: FileFormat, how: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    image.save(file, kind.upper(), **how)
    return file.getvalue()
