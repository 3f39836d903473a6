"""Pictures are opened where they lie: looked-up ones in the index, all else in the image store."""

from pathlib import Path
from typing import Any, cast

from PIL import Image

from imagerag.store.images import ImageStore
from imagerag.store.manifest import Manifest
from imagerag.tools.engines import open_pixels


class OneColour:
    """An index, all of whose pictures are green."""

    def image(self, sha256: str) -> Image.Image:
        return Image.new("RGB", (4, 4), "green")


class Here:
    def __init__(self, home: Path) -> None:
        self.store = ImageStore(home)
        self.index = OneColour()


def test_a_picture_is_opened_where_it_lies(tmp_path: Path) -> None:
    components: Any = Here(tmp_path)
    manifest = Manifest.new(prompt="an owl", seed=1, generator="patchwork", generator_revision="1")
    stored = components.store.put(Image.new("RGB", (4, 4), "red"), manifest)
    record = {"kind": "subject", "sha256": stored.sha256}
    assert open_pixels(components, cast("Any", record)).getpixel((0, 0)) == (255, 0, 0)
    assert open_pixels(components, cast("Any", {**record, "kind": "retrieved"})).getpixel((0, 0)) == (0, 128, 0)
