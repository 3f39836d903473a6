"""Decoding users' pictures."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from imagerag.errors import UserError
from imagerag.store import picture_decoding
from imagerag.store.images import ImageStore
from imagerag.store.picture_decoding import LARGE, MAX_PIXELS, is_large, read_picture
from testing.stored_images import encoded, picture


def _sixteen_bits() -> bytes:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    return encoded(Image.fromarray(ramp))


def _rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(Image.new("RGB", (60, 30), "red"), "JPEG", exif=exif)


def _animated() -> bytes:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


class TestUserImages:
    @pytest.mark.parametrize(
        ("data", "mode", "size", "middle"),
        [
            (encoded(Image.new("RGB", (20, 10), "red")), "RGB", (20, 10), (255, 0, 0)),
            (encoded(Image.new("RGBA", (20, 10), (255, 0, 0, 255))), "RGB", (20, 10), (255, 0, 0)),
            (encoded(Image.new("RGBA", (20, 10), (255, 0, 0, 128))), "RGBA", (20, 10), (255, 0, 0, 128)),
            (encoded(Image.new("LA", (20, 10), (7, 128))), "RGBA", (20, 10), (7, 7, 7, 128)),
            (encoded(Image.new("P", (20, 10), 0), transparency=0), "RGBA", (20, 10), (0, 0, 0, 0)),
            (encoded(Image.new("1", (20, 10), 1)), "RGB", (20, 10), (255, 255, 255)),
            (encoded(Image.new("CMYK", (20, 10), (0, 255, 255, 0)), "TIFF"), "RGB", (20, 10), (255, 0, 0)),
            (encoded(Image.new("F", (20, 10), 0.5), "TIFF"), "RGB", (20, 10), (128, 128, 128)),
            (encoded(Image.new("I;16", (20, 10), 32896)), "RGB", (20, 10), (128, 128, 128)),
            (_rotated(), "RGB", (30, 60), (254, 0, 0)),
            (_animated(), "RGB", (20, 20), (255, 0, 0)),
            (encoded(Image.new("RGB", (3000, 30), "red"), "JPEG"), "RGB", (1024, 10), (254, 0, 0)),
            (encoded(Image.new("RGBA", (30, 3000), (255, 0, 0, 128))), "RGBA", (10, 1024), (255, 0, 0, 128)),
            (encoded(Image.new("RGB", (9000, 1), "red")), "RGB", (1024, 1), (255, 0, 0)),
        ],
    )
    def test_made_plain(
        self, data: bytes, mode: str, size: tuple[int, int], middle: tuple[int, ...], tmp_path: Path
    ) -> None:
        store = ImageStore(tmp_path / "home")
        (tmp_path / "picture").write_bytes(data)
        stored = store.put_user_image(data)
        assert store.put_user_image(tmp_path / "picture") == stored
        assert store.put_user_image(str(tmp_path / "picture")) == stored
        image = store.open(stored.sha256)
        assert (image.mode, image.size) == (mode, size)
        assert image.getpixel((image.width // 2, image.height // 2)) == middle
        with pytest.raises(UserError, match="no imagerag manifest"):
            store.manifest(stored.sha256)

    def test_sixteen_bits_keep_their_range(self, tmp_path: Path) -> None:
        store = ImageStore(tmp_path)
        image = np.asarray(store.open(store.put_user_image(_sixteen_bits()).sha256))
        assert (image.min(), image.max()) == (0, 255)
        assert abs(float(image.mean()) - 127.5) < 1

    def test_keeps_no_metadata(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x010F] = "secret camera"
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        data = encoded(picture(), exif=exif, icc_profile=profile, comment="secret place")
        stored = ImageStore(tmp_path).put_user_image(data)
        with Image.open(stored.path) as image:
            assert not image.info
        assert b"secret" not in stored.path.read_bytes()

    def test_leaves_the_given_image_alone(self, tmp_path: Path) -> None:
        image = picture(mode="RGBA", size=(2000, 20))
        before = image.tobytes()
        ImageStore(tmp_path).put_user_image(image)
        assert (image.size, image.mode) == ((2000, 20), "RGBA")
        assert image.tobytes() == before

    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            ("missing", "No such file"),
            ("folder", "folder"),
            ("pipe", "no regular file"),
            ("empty", "is no image"),
            ("text", "is no image"),
            ("eps", "is no image"),
            ("cut", "can't be decoded"),
            ("broken", "can't be decoded"),
            ("bomb", "pixels"),
            ("small bomb", "pixels"),
            ("large", "at most 100 MB"),
        ],
    )
    @pytest.mark.filterwarnings("error")
    def test_refused(self, kind: str, said: str, tmp_path: Path) -> None:
        file = tmp_path / "subject.png"
        good = encoded(picture(size=(64, 64)))
        contents = {
            "empty": b"",
            "text": b"not an image",
            "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            "cut": good[:2000],
            "broken": good[:200] + bytes(byte ^ 255 for byte in good[200:400]) + good[400:],
        }
        if kind == "folder":
            file.mkdir()
        elif kind == "pipe":
            os.mkfifo(file)
        elif kind == "large":
            with file.open("wb") as sparse:
                sparse.truncate(200 * 2**20)
        elif kind == "bomb":
            Image.new("1", (14_000, 14_000)).save(file)
        elif kind == "small bomb":
            Image.new("1", (10_000, 8_500)).save(file)
        elif kind != "missing":
            file.write_bytes(contents[kind])
        store = ImageStore(tmp_path / "home")
        with pytest.raises(UserError, match=said) as caught:
            store.put_user_image(file)
        assert repr(str(file)) in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "home").exists()
        if kind in contents:
            with pytest.raises(UserError, match="uploaded image"):
                store.put_user_image(contents[kind])


def test_a_picture_is_read_from_a_path_from_bytes_or_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    given = Image.new("L", (6, 4), 7)
    given.save(file)
    for one in (file, str(file), file.read_bytes(), given):
        read = read_picture(one)
        assert (read.mode, read.size, read.getpixel((0, 0))) == ("RGB", (6, 4), (7, 7, 7))
    assert given.mode == "L", "the given image is left as it was"


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder; give an image file"):
        read_picture(tmp_path)
    with pytest.raises(UserError, match="gone"):
        read_picture(tmp_path / "gone.png")
    with pytest.raises(UserError, match=r"the uploaded image \(4 bytes\)"):
        read_picture(b"text")
    with pytest.raises(UserError, match="image 'mine'"):
        read_picture(io.BytesIO(b"text").getvalue(), name="image 'mine'")


PEAK = """
import resource, sys
import numpy
from imagerag.store.picture_decoding import read_picture
data = open(sys.argv[1], "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read_picture(data)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the peak of memory is told otherwise there")
@pytest.mark.parametrize("mode", ["I;16", "RGBA", "P", "F", "CMYK"])
def test_the_largest_picture_takes_no_more_than_half_a_gigabyte(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "large.tif"
    Image.new(mode, (10_000, 7_990)).save(file, "TIFF", compression="tiff_deflate")
    told = subprocess.run([sys.executable, "-c", PEAK, str(file)], capture_output=True, text=True, check=True)
    assert int(told.stdout) < 512


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "L", "P", "I;16", "I", "F", "CMYK"])
def test_a_picture_read_in_strips_looks_like_one_read_whole(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.meshgrid(np.linspace(0, 1, 4200), np.linspace(0, 1, 2100))
    grey = (x + y) / 2
    if mode in ("I;16", "I", "F"):
        kinds = {"I;16": (60000, np.uint16), "I": (90000, np.int32), "F": (1, np.float32)}
        most, kind = kinds[mode]
        image = Image.fromarray((grey * most).astype(kind))
    else:
        image = Image.fromarray((np.stack([x, y, grey, 1 - grey], -1) * 255).astype(np.uint8), "RGBA").convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    image.save(file, "TIFF", compression="tiff_lzw", exif=exif)
    whole = read_picture(file.getvalue())
    monkeypatch.setattr(picture_decoding, "IN_STRIPS", 1)
    strips = read_picture(file.getvalue())
    assert (strips.mode, strips.size) == (whole.mode, whole.size) == (whole.mode, (512, 1024))
    difference = np.abs(np.subtract(*(np.asarray(_seen(image), np.int16) for image in (strips, whole))))
    assert difference.max() <= (40 if mode == "P" else 4)


def _seen(image: Image.Image) -> Image.Image:
    """What is transparent has no colour."""
    return image.convert("RGBa") if image.mode == "RGBA" else image


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_decoding, "LARGE", 100)
    within, most = [0], [0]
    upright = ImageOps.exif_transpose

    def counted(image: Image.Image) -> Image.Image:
        within[0] += 1
        most[0] = max(most[0], within[0])
        threading.Event().wait(0.02)
        within[0] -= 1
        return upright(image)

    monkeypatch.setattr(ImageOps, "exif_transpose", counted)
    data = encoded(Image.new("RGB", (20, 10), "red"))
    threads = [threading.Thread(target=read_picture, args=(data,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


@pytest.mark.filterwarnings("error")
def test_a_signalling_nan_is_black_and_warns_of_nothing() -> None:
    """Damage makes such a number of a float picture's pixel; numpy warned of it on the person's terminal."""
    values = np.full((16, 16), 0.5, np.float32)
    values.view(np.uint32)[0, 0] = 0x7F800001
    data = encoded(Image.fromarray(values), "TIFF")
    assert np.frombuffer(bytes.fromhex("0100807f"), np.uint8).tobytes() in data
    read = read_picture(data)
    assert read.getpixel((0, 0)) == (0, 0, 0)
    assert read.getpixel((9, 9)) == (128, 128, 128)


@pytest.mark.parametrize(
    ("size", "large"), [((2000, 2000), True), ((1999, 2000), False), ((1, 1), False), ((8900, 8900), True)]
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_pictures_head_tells_whether_it_is_large(size: tuple[int, int], large: bool, kind: str) -> None:
    assert (size[0] * size[1] >= LARGE) == large
    assert is_large(encoded(Image.new("1" if kind == "PNG" else "L", size), kind)) == large


def test_what_is_no_picture_is_not_large() -> None:
    assert not is_large(b"no picture")
    assert not is_large(b"")
    side = int(MAX_PIXELS**0.5) * 2
    assert not is_large(b"P5 %d %d 255 " % (side, side)), "it is refused without being decoded"
