"""Digests of pixels and of coded image data, which metadata don't change."""

import io

import pytest
from PIL import Image

from imagerag.store.image_data import data_sha256, format_of, pixels_sha256
from imagerag.store.png import encode_png
from testing.stored_images import encoded, picture


def test_pixels_are_the_same_however_they_are_compressed_and_differ_by_one_bit() -> None:
    image = picture()
    again = Image.open(io.BytesIO(encoded(image, compress_level=0)))
    assert pixels_sha256(again) == pixels_sha256(image)
    image.putpixel((3, 3), tuple(one ^ 1 for one in image.getpixel((3, 3))))  # type: ignore[arg-type, union-attr]
    assert pixels_sha256(again) != pixels_sha256(image)
    assert pixels_sha256(Image.new("RGB", (2, 8))) != pixels_sha256(Image.new("RGB", (8, 2)))
    assert pixels_sha256(Image.new("RGBA", (2, 2))) != pixels_sha256(Image.new("RGB", (2, 2)))
    assert pixels_sha256(Image.new("L", (2, 2))) == pixels_sha256(Image.new("RGB", (2, 2)))


@pytest.mark.parametrize(
    ("kind", "how"), [("jpeg", {}), ("jpeg", {"progressive": True}), ("webp", {}), ("webp", {"lossless": True})]
)
def test_metadata_change_no_digest_of_image_data_and_every_other_encoding_does(kind: str, how: dict[str, bool]) -> None:
    image = picture()
    exif = Image.Exif()
    exif[270] = "told"
    plain = encoded(image, kind.upper(), quality=90, **how)
    told = encoded(image, kind.upper(), quality=90, exif=exif, xmp=b"<x/>", comment=b"hello", **how)
    assert told != plain
    assert data_sha256(told, kind) == data_sha256(plain, kind)  # type: ignore[arg-type]
    other = encoded(image, kind.upper(), quality=89, **how)
    if not how.get("lossless"):
        assert data_sha256(other, kind) != data_sha256(plain, kind)  # type: ignore[arg-type]
    changed = bytearray(plain)
    changed[len(plain) * 2 // 3] ^= 1
    assert data_sha256(bytes(changed), kind) != data_sha256(plain, kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0", b"\xff\xd8\xff\xe0\xff\xff"])
def test_a_jpeg_that_is_cut_or_damaged_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="JPEG"):
        data_sha256(data, "jpeg")


def test_a_webp_that_is_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="WebP"):
        data_sha256(encoded(picture(), "WEBP")[:-20], "webp")


def test_formats_are_told_by_how_files_begin() -> None:
    image = picture()
    assert [format_of(encoded(image, kind)) for kind in ("PNG", "JPEG", "WEBP", "GIF")] == ["png", "jpeg", "webp", None]
    assert format_of(b"") is None
    assert format_of(encode_png(image)[:5]) is None
