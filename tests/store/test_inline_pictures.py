"""Pictures within a page: as they are, or small copies that tell nothing else."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imagerag.store.inline_pictures import smaller, whole_file


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    told = PngInfo()
    told.add_text("secret", "somewhere")
    Image.effect_noise((900, 600), 80).save(tmp_path / "p.png", pnginfo=told)
    return tmp_path / "p.png"


def opened(address: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


def test_a_whole_file_is_as_it_is(picture: Path) -> None:
    assert base64.b64decode(whole_file(picture).partition("base64,")[2]) == picture.read_bytes()


@pytest.mark.parametrize(
    ("side", "lossy", "kind", "size"),
    [(256, False, "PNG", (256, 171)), (256, True, "JPEG", (256, 171)), (800, False, "JPEG", (800, 533))],
)
def test_a_small_copy_has_no_manifest(picture: Path, side: int, lossy: bool, kind: str, size: tuple[int, int]) -> None:
    copy = opened(smaller(picture, side, lossy=lossy))
    assert (copy.format, copy.size) == (kind, size)
    assert "secret" not in copy.info


def test_a_small_picture_is_not_made_larger(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "p.png")
    assert opened(smaller(tmp_path / "p.png")).size == (8, 8)


def test_one_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        smaller(tmp_path / "p.png")
