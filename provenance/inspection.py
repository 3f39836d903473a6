"""What a picture's file tells of how it was made: our manifest, XMP and C2PA, each verified as far as it can be."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from imagerag.errors import UserError, first_line
from imagerag.provenance.reading import ContentCredentials, read_credentials
from imagerag.store import xmp
from imagerag.store.image_data import FileFormat, data_sha256, format_of, pixels_sha256
from imagerag.store.manifest import KEYWORD, Manifest, parse_manifest
from imagerag.store.picture_decoding import MAX_PIXELS, read_file
from imagerag.store.picture_kinds import why_unreadable
from imagerag.store.picture_parts import MOST_PARTS, too_many_parts
from imagerag.store.png import NotPng, read_text

if TYPE_CHECKING:
    from PIL import Image

Pixels = Literal["unchanged", "changed", "unknown"]
"""``unknown``: neither a signature nor a digest says what they were."""
Verdict = Literal["intact", "changed", "invalid", "not verified", "without credentials"]
"""``intact``: the picture is the one that is told of; ``changed``: it is another; ``invalid``: the signature or the
manifest doesn't hold; ``not verified``: something is told, and nothing here says whether of this very picture."""


@dataclass(frozen=True)
class Inspection:
    """What one file tells of its picture.

    Attributes:
        file: as it was named.
        format: of the file.
        size: width and height in pixels; ``None`` where the picture can't be decoded.
        manifest: ours, of a drawing or a copy of one; ``None`` if there is none, or it can't be read.
        manifest_problem: why not; empty where it is all right or there is none.
        replayable: the file is a drawing itself, not a copy in another size or format.
        packet: what the XMP says, ours or another maker's; ``None`` without XMP.
        credentials: of C2PA; ``None`` without a C2PA manifest.
        pixels: see there.
    """

    file: str
    format: FileFormat
    size: tuple[int, int] | None
    manifest: Manifest | None
    manifest_problem: str
    replayable: bool
    packet: xmp.Packet | None
    credentials: ContentCredentials | None
    pixels: Pixels

    @property
    def source_types(self) -> tuple[str, ...]:
        """The addresses of the sources that XMP and C2PA give, each once."""
        of_xmp = (self.packet.source_type,) if self.packet is not None and self.packet.source_type else ()
        of_c2pa = self.credentials.source_types if self.credentials is not None else ()
        return tuple(dict.fromkeys([*of_xmp, *of_c2pa]))

    @property
    def elsewhere(self) -> str:
        """The address of a C2PA manifest that the file points to, which is not fetched; empty if it points to none."""
        address = self.packet.provenance if self.packet is not None else ""
        return address if address.startswith(("https://", "http://")) else ""

    @property
    def verdict(self) -> Verdict:
        """The whole in a word."""
        state = self.credentials.state if self.credentials is not None else None
        if self.pixels == "changed":
            return "changed"
        if state == "invalid" or self.manifest_problem:
            return "invalid"
        if state is None and self.manifest is None and not self.source_types and not self.elsewhere:
            return "without credentials"
        return "intact" if self.pixels == "unchanged" and state not in ("expired", "not verified") else "not verified"


def inspect_file(file: str | Path, anchors: str = "") -> Inspection:
    """Read and verify what a picture's file tells, without asking the network.

    Args:
        file: a PNG, JPEG or WebP, anybody's.
        anchors: certificates of authorities to be trusted, PEM.

    Raises:
        UserError: it can't be read, or is no such picture; of one that is signed and can't be decoded the signature
            tells.
    """
    name = f"image {str(file)!r}"
    data = read_file(Path(file))
    kind = format_of(data)
    if kind is None:
        why = why_unreadable(data) or "is no PNG, JPEG or WebP"
        raise UserError(f"{name} {why}; inspect reads PNG, JPEG and WebP")
    credentials = read_credentials(data, kind, anchors)
    try:
        image = _decoded(data, kind, name)
    except UserError:  # damaged, or larger than what is decoded here: then the signature tells, if it can
        if credentials is None or credentials.state == "not verified":
            raise
        whole: Pixels = "unchanged" if credentials.state in ("trusted", "valid") else "unknown"
        told: Pixels = "changed" if credentials.changed else whole
        return Inspection(str(file), kind, None, None, "", False, None, credentials, told)
    found = image.info.get("xmp")
    packet = xmp.read_packet(found) if isinstance(found, bytes) else None
    manifest, problem, replayable = _manifest(data, kind, packet, str(file))
    pixels = _pixels(data, kind, image, manifest, packet, credentials)
    return Inspection(str(file), kind, image.size, manifest, problem, replayable, packet, credentials, pixels)


def _decoded(data: bytes, kind: FileFormat, name: str) -> Image.Image:
    """Return the picture, decoded.

    Raises:
        UserError: it is damaged, or has more pixels than are decoded here.
    """
    from PIL import Image as pil

    if too_many_parts(data):
        raise UserError(f"{name} is made of more than {MOST_PARTS} parts; give one that was saved anew")
    formats = ("JPEG", "MPO") if kind == "jpeg" else (kind.upper(),)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = pil.open(io.BytesIO(data), formats=formats)
            if image.width * image.height > MAX_PIXELS:
                raise UserError(f"{name} has {image.width}x{image.height} pixels; give one of at most {MAX_PIXELS}")
            image.load()
            return image
    except (UserError, MemoryError):
        raise
    except Exception as error:  # decoders raise whatever they like on damaged files
        raise UserError(f"{name} is damaged ({first_line(error)}); give an undamaged copy of the file") from error


def _manifest(data: bytes, kind: FileFormat, packet: xmp.Packet | None, file: str) -> tuple[Manifest | None, str, bool]:
    """Return our manifest, what is wrong with it, and whether it is that of a drawing itself."""
    text = None
    if kind == "png":
        try:
            text = read_text(io.BytesIO(data), KEYWORD)
        except NotPng as error:
            return None, f"its manifest {error}", False
    replayable = text is not None
    text = text or (packet.manifest if packet is not None else "")
    if not text:
        return None, "", False
    try:
        return parse_manifest(text, file), "", replayable
    except UserError as error:
        return None, str(error), replayable


def _pixels(
    data: bytes,
    kind: FileFormat,
    image: Image.Image,
    manifest: Manifest | None,
    packet: xmp.Packet | None,
    credentials: ContentCredentials | None,
) -> Pixels:
    """Compare the pixels with all that says what they were; one that differs is enough."""
    same: list[bool] = []
    if kind == "png":
        if manifest is not None and manifest.pixels:
            same.append(pixels_sha256(image) == manifest.pixels)
    elif packet is not None and packet.data_sha256:
        same.append(data_sha256(data, kind) == packet.data_sha256)
    if credentials is not None and (credentials.changed or credentials.state in ("trusted", "valid")):
        same.append(not credentials.changed)
    if not same:
        return "unknown"
    return "unchanged" if all(same) else "changed"
