"""Files as people have them: every kind of picture that is odd or broken, each with what should become of it."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image


class Odd(NamedTuple):
    """One file.

    Attributes:
        name: of the file.
        data: its bytes.
        taken: whether it should be indexed; else it should be in the report.
        first: the corner's colour as it should be seen, where orientation or conversion could get it wrong.
    """

    name: str
    data: bytes
    taken: bool
    first: tuple[int, int, int] | None = None


RED, BLUE = (220, 30, 30), (30, 30, 220)


def picture(mode: str = "RGB", size: tuple[int, int] = (96, 64), salt: int = 0) -> Image.Image:
    """Return a picture that is red in its left half and blue in its right, with some marks that tell it from others."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:, : size[0] // 2] = RED
    pixels[:, size[0] // 2 :] = BLUE
    for bit in range(8):
        if salt >> bit & 1:
            pixels[size[1] // 2 : size[1] // 2 + 6, 8 + bit * 8 : 14 + bit * 8] = (250, 250, 60)
    return Image.fromarray(pixels).convert(mode)


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    """Return an image as a file of that kind."""
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def corpus() -> list[Odd]:
    """Return the files; all differ in content, and none is larger than a few megabytes."""
    count = iter(range(1, 1000))

    def new(mode: str = "RGB", size: tuple[int, int] = (96, 64)) -> Image.Image:
        return picture(mode, size, next(count))

    files: list[Odd] = []

    def take(name: str, data: bytes, first: tuple[int, int, int] | None = None) -> None:
        files.append(Odd(name, data, True, first))

    def leave(name: str, data: bytes) -> None:
        files.append(Odd(name, data, False))

    for mode in ("RGB", "L", "CMYK", "YCbCr"):
        take(f"{mode}.jpg", saved(new(mode), "JPEG", quality=95), RED if mode != "L" else None)
    for mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16"):
        image = (
            Image.fromarray(np.linspace(0, 65535, 64 * 96).astype(np.uint16).reshape(64, 96))
            if mode == "I;16"
            else None
        )
        kind = "TIFF" if mode == "PA" else "PNG"
        image = image or (new("RGBA").convert("LA").convert("PA") if mode == "PA" else new(mode))
        take(
            f"{mode.replace(';', '')}.{kind.lower()}", saved(image, kind), RED if mode in ("P", "RGB", "RGBA") else None
        )
    for mode in ("RGB", "RGBA", "CMYK", "LAB", "1", "F", "I"):
        image = new("RGB").convert("L").convert(mode) if mode in ("F", "I") else None
        if mode == "LAB":
            from PIL import ImageCms

            to_lab = ImageCms.buildTransform(
                ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
            )
            image = ImageCms.applyTransform(new(), to_lab)
        take(f"{mode}.tif", saved(image or new(mode), "TIFF"), RED if mode in ("RGB", "RGBA", "CMYK", "LAB") else None)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = _as_stored(new(), orientation)
        take(f"exif-{orientation}.jpg", saved(turned, "JPEG", exif=exif, quality=95), RED)
    frames = [new("RGB"), new("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        frames[0] = new()
        take(f"animated.{kind.lower()}", saved(frames[0], kind, save_all=True, append_images=frames[1:]), RED)
    transparent = new("RGBA")
    transparent.putalpha(Image.linear_gradient("L").resize(transparent.size))
    take("see-through.png", saved(transparent, "PNG"))
    take("all-transparent.png", saved(Image.new("RGBA", (40, 40), (9, 9, 9, 0)), "PNG"))
    take("palette-transparency.gif", saved(new("P"), "GIF", transparency=0))
    take("palette-transparency.png", saved(new("P"), "PNG", transparency=b"\x00\x80\xff"))
    take("progressive.jpg", saved(new(), "JPEG", progressive=True, quality=95), RED)
    take("lossless.webp", saved(new(), "WEBP", lossless=True), RED)
    take("bitmap.bmp", saved(new(), "BMP"), RED)
    take("portable.ppm", saved(new(), "PPM"), RED)
    take("icon.ico", saved(new("RGBA", (64, 64)), "ICO"))
    take("jpeg-2000.jp2", saved(new(), "JPEG2000"))
    take("one-pixel.png", saved(Image.new("RGB", (1, 1), RED), "PNG"), RED)
    take("a-line.png", saved(Image.new("RGB", (4000, 1), BLUE), "PNG"), BLUE)
    take("wrong-ending.png", saved(new(), "JPEG", quality=95), RED)
    take("no-ending", saved(new(), "PNG"), RED)
    take("UPPER.JPG", saved(new(), "JPEG", quality=95), RED)
    take("ümläut 图片 🦩.png", saved(new(), "PNG"), RED)
    take("broken-exif.jpg", _with_app1(saved(new(), "JPEG", quality=95), b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"), RED)
    take("thousands-of-texts.png", saved(new(), "PNG", pnginfo=_texts()), RED)
    take("large.jpg", saved(picture(size=(7000, 5000), salt=next(count)), "JPEG", quality=60), RED)
    take("large-16-bit.png", saved(Image.fromarray(np.full((5000, 6000), 30000, np.uint16)), "PNG", compress_level=1))
    take("trailing-bytes.png", saved(new(), "PNG") + b"more" * 100, RED)

    whole = {"jpg": saved(new(), "JPEG"), "png": saved(_noise(), "PNG"), "gif": saved(_noise(), "GIF")}
    whole |= {"webp": saved(_noise(), "WEBP"), "tif": saved(_noise(), "TIFF"), "bmp": saved(_noise(), "BMP")}
    leave("empty.jpg", b"")
    for ending, data in whole.items():
        leave(f"cut-at-head.{ending}", data[:20])
        leave(f"cut-in-half.{ending}", data[: len(data) // 2])
    leave("zeros.jpg", bytes(4096))
    leave("text.jpg", b"this is no picture\n" * 50)
    leave("page.png", b"<!DOCTYPE html><title>404</title>")
    leave("vector.svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    leave("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    leave("document.pdf", b"%PDF-1.7\n%%EOF\n")
    leave("notes.md", b"# notes\n")
    leave("damaged-data.png", _damaged(whole["png"]))
    leave("bomb.png", _png_header(30_000, 30_000))
    leave("bomb-of-zeros.png", _png_header(20_000, 20_000, zlib.compress(bytes(20_000 * 300))))
    leave("no-size.png", _png_header(0, 0))
    leave("signature-only.png", b"\x89PNG\r\n\x1a\n")
    return files


def write_corpus(folder: Path) -> list[Odd]:
    """Write the files below a folder, and return them."""
    folder.mkdir(parents=True)
    files = corpus()
    for odd in files:
        (folder / odd.name).write_bytes(odd.data)
    return files


_TURNS: dict[int, Callable[[Image.Image], Image.Image]] = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


def _as_stored(image: Image.Image, orientation: int) -> Image.Image:
    """Turn an upright picture so that the orientation turns it back."""
    return _TURNS[orientation](image)


def _noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(5).integers(0, 255, (64, 96, 3)).astype(np.uint8))


def _texts() -> Any:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for number in range(2000):
        info.add_text(f"key{number}", "x" * 50)
    return info


def _with_app1(jpeg: bytes, payload: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + jpeg[2:]


def _png_header(width: int, height: int, data: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _damaged(png: bytes) -> bytes:
    at = png.index(b"IDAT") + 40
    return png[:at] + bytes(200) + png[at + 200 :]
