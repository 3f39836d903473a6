"""A file is looked at as a whole: what it tells, and whether it is still the picture that it tells of."""

import io
from pathlib import Path

import pytest
from PIL import Image

from imagerag.errors import UserError
from imagerag.provenance.inspection import inspect_file
from imagerag.store import xmp
from imagerag.store.exports import copy_file, drawing_file
from imagerag.store.image_data import FileFormat
from imagerag.store.manifest import KEYWORD
from imagerag.store.png import with_text
from testing.certificates import Certified
from testing.stored_images import encoded, manifest, picture

KINDS: tuple[FileFormat, ...] = ("png", "jpeg", "webp")


@pytest.fixture
def unsigned(tmp_path: Path) -> dict[FileFormat, Path]:
    made = manifest()
    files = {"png": drawing_file(picture(), made), **{kind: copy_file(picture(), kind, made) for kind in KINDS[1:]}}
    for kind, data in files.items():
        (tmp_path / f"plain.{kind}").write_bytes(data)
    return {kind: tmp_path / f"plain.{kind}" for kind in files}  # type: ignore[misc]


def repainted(file: Path, out: Path, kind: str) -> Path:
    """Change one pixel as a paint program does, which keeps all metadata that it knows."""
    with Image.open(file) as image:
        image.load()
        told = {name: image.info[name] for name in ("xmp",) if name in image.info}
        texts = getattr(image, "text", {})
        image.putpixel((5, 5), tuple(255 - one for one in image.getpixel((5, 5))))  # type: ignore[arg-type, union-attr]
        image.save(out, kind.upper(), **(told if kind != "png" else {}), quality=100)
    if kind == "png":
        data = out.read_bytes()
        for name, text in texts.items():
            data = with_text(data, name, text)
        out.write_bytes(data)
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_file_is_intact(kind: FileFormat, signed: dict[FileFormat, Path], certificate: Certified) -> None:
    found = inspect_file(signed[kind], certificate.authority.read_text())
    assert (found.verdict, found.pixels) == ("intact", "unchanged")
    assert found.credentials is not None
    assert found.credentials.state == "trusted"
    assert found.manifest is not None
    assert found.manifest.prompt == manifest().prompt
    assert found.replayable == (kind == "png")
    assert [one.rpartition("/")[2] for one in found.source_types] == ["compositeWithTrainedAlgorithmicMedia"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_unsigned_file_is_compared_with_its_digest(
    kind: FileFormat, unsigned: dict[FileFormat, Path], tmp_path: Path
) -> None:
    found = inspect_file(unsigned[kind])
    assert (found.verdict, found.pixels, found.credentials) == ("intact", "unchanged", None)
    changed = inspect_file(repainted(unsigned[kind], tmp_path / f"changed.{kind}", kind))
    assert (changed.verdict, changed.pixels) == ("changed", "changed")
    assert changed.manifest is not None


@pytest.mark.parametrize("kind", KINDS)
def test_every_changed_pixel_of_a_signed_file_is_seen(kind: FileFormat, signed: dict[FileFormat, Path]) -> None:
    data = signed[kind].read_bytes()
    start = {"png": b"IDAT", "jpeg": b"\xff\xda", "webp": b"VP8 "}[kind]
    begin, file = data.rindex(start) + 30, signed[kind]
    told = 0
    for at in range(begin, begin + 400, 20):
        changed = bytearray(data)
        changed[at] ^= 4
        file.write_bytes(changed)
        told += inspect_file(file).verdict == "changed"  # also where the decoder stumbles
    assert told == 20


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_signed_picture_too_large_to_be_decoded_here_the_signature_tells(
    kind: FileFormat, signed: dict[FileFormat, Path], unsigned: dict[FileFormat, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cameras and scanners sign pictures of a hundred megapixels and more."""
    monkeypatch.setattr("imagerag.provenance.inspection.MAX_PIXELS", 10)
    found = inspect_file(signed[kind])
    assert (found.verdict, found.pixels, found.size) == ("intact", "unchanged", None)
    data = bytearray(signed[kind].read_bytes())
    data[data.rindex({"png": b"IDAT", "jpeg": b"\xff\xda", "webp": b"VP8 "}[kind]) + 30] ^= 4
    signed[kind].write_bytes(data)
    assert inspect_file(signed[kind]).verdict == "changed"
    with pytest.raises(UserError, match="pixels"):
        inspect_file(unsigned[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_stripped_file_is_without_credentials(
    kind: FileFormat, signed: dict[FileFormat, Path], tmp_path: Path
) -> None:
    with Image.open(signed[kind]) as image:
        plain = encoded(image.convert("RGB"), kind.upper())
    (tmp_path / "stripped").write_bytes(plain)
    found = inspect_file(tmp_path / "stripped")
    assert (found.verdict, found.manifest, found.packet, found.credentials) == ("without credentials", None, None, None)


def test_a_png_that_was_only_compressed_again_has_the_same_pixels(unsigned: dict[FileFormat, Path]) -> None:
    with Image.open(unsigned["png"]) as image:
        texts = dict(image.text)  # type: ignore[attr-defined]
        data = encoded(image, compress_level=9)
    for name, text in texts.items():
        data = with_text(data, name, text)
    unsigned["png"].write_bytes(data)
    assert inspect_file(unsigned["png"]).verdict == "intact"


def test_what_tells_something_and_can_be_compared_with_nothing_is_not_verified(tmp_path: Path) -> None:
    old = manifest().model_copy(update={"pixels": ""})
    (tmp_path / "old.png").write_bytes(with_text(encoded(picture()), KEYWORD, old.text()))
    found = inspect_file(tmp_path / "old.png")
    assert (found.verdict, found.pixels, found.replayable) == ("not verified", "unknown", True)


def test_a_manifest_that_was_tampered_with_is_no_reason_to_fail(tmp_path: Path) -> None:
    for text in ("{", '{"schema_version": 99}', "[" * 100_000):
        (tmp_path / "odd.png").write_bytes(with_text(encoded(picture()), KEYWORD, text))
        found = inspect_file(tmp_path / "odd.png")
        assert (found.verdict, found.manifest) == ("invalid", None)
        assert found.manifest_problem


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "reads PNG, JPEG and WebP"),
        (b"hello", "reads PNG, JPEG and WebP"),
        (encoded(picture(), "GIF"), "reads PNG, JPEG and WebP"),
        (encoded(picture())[:500], "damaged"),
        (encoded(picture(), "JPEG")[:200], "damaged"),
        (encoded(picture(), "WEBP")[:200], "damaged"),
        (encoded(Image.new("1", (10_000, 9_000))), "pixels"),
    ],
)
def test_what_is_no_such_picture_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "odd"
    file.write_bytes(data)
    with pytest.raises(UserError, match=said) as caught:
        inspect_file(file)
    assert repr(str(file)) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_manifest_that_lies_elsewhere_is_told_and_not_fetched(tmp_path: Path) -> None:
    for address, verdict in (
        ("https://example.org/m.c2pa", "not verified"),
        ("self#jumbf=/c2pa", "without credentials"),
    ):
        packet = (
            f'<rdf:RDF xmlns:rdf="{xmp.RDF}"><rdf:Description rdf:about="" xmlns:dcterms="{xmp.DCTERMS}"'
            f' dcterms:provenance="{address}"/></rdf:RDF>'
        )
        (tmp_path / "away.jpg").write_bytes(encoded(picture(), "JPEG", xmp=packet.encode()))
        found = inspect_file(tmp_path / "away.jpg")
        assert (found.verdict, found.elsewhere) == (verdict, address if verdict == "not verified" else "")


def test_xmp_that_is_no_xml_says_nothing(tmp_path: Path) -> None:
    out = io.BytesIO()
    picture().save(out, "JPEG", xmp=b"<!DOCTYPE x>")
    (tmp_path / "odd.jpg").write_bytes(out.getvalue())
    assert inspect_file(tmp_path / "odd.jpg").verdict == "without credentials"
