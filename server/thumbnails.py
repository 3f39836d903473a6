"""Previews: images made small enough for clients that take no more than a megabyte."""

import io

from PIL import Image

MAX_SIDE = 1024
MAX_BYTES = 400_000
"""Of one result's previews together, before base64 makes a third more of them; clients cap a result at about 1 MiB."""

MIME = "image/webp"


def preview(image: Image.Image, side: int = MAX_SIDE, most: int = MAX_BYTES, mark: bytes = b"") -> bytes:
    """Return the image as WebP, longest side at most ``side`` pixels, in at most ``most`` bytes.

    Args:
        image: what it shows.
        side: in pixels.
        most: bytes.
        mark: XMP that says how the image was made.
    """
    small = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    small.thumbnail((side, side))
    while True:
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=85, **({"xmp": mark} if mark else {}))
        if buffer.tell() <= most or min(small.size) <= 16:
            return buffer.getvalue()
        small = small.resize((max(16, small.width * 3 // 4), max(16, small.height * 3 // 4)))
