"""The data directory, the image store and the manifest: real files, real full and read-only disks."""

import io
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from imagerag.errors import InvalidArgument, UserError
from imagerag.records import ReferenceRecord, Verdict
from imagerag.store.home import home_directory
from imagerag.store.images import ImageStore
from imagerag.store.manifest import Manifest, ManifestReference, read_manifest

VERDICT: Verdict = {
    "satisfied": False,
    "score": 0.25,
    "concepts": [{"concept": "kimono", "kind": "content", "present": False, "score": 0.1}],
    "missing": ["kimono"],
    "critic": "clip",
}
REFERENCE: ReferenceRecord = {
    "id": "ref-1",
    "kind": "retrieved",
    "path": "/somewhere/kimono.png",
    "sha256": "ab" * 32,
    "concept": "kimono",
    "caption": "a red kimono",
    "title": "kimono",
    "similarity": 0.5,
    "source": "Noto Emoji u1f458",
    "licence": "Apache-2.0",
}


def manifest(**changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "prompt": "a lobster in a kimono, 着物 🦞",
        "seed": 2**32 - 1,
        "generator": "patchwork",
        "generator_revision": "1",
        "references": [ManifestReference.of(REFERENCE)],
        "reference_scale": 0.6,
        "facts": {"layout": [(0, 1)], "weights": {"a": 0.5}, "nothing": None},
    }
    return Manifest.new(**{**fields, **changes})


def picture(seed: int = 0, mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8), mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file grows beyond ``size`` bytes: a real failure of the operating system, for root too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def on_small_disk(script: str, place: Path, options: str) -> str:
    """Run Python on a mounted disk of its own at ``place``; returns what it prints."""
    if shutil.which("unshare") is None:
        pytest.skip("this system has no unshare")
    place.mkdir(exist_ok=True)
    mounting = [
        "unshare",
        "-Urm",
        "sh",
        "-c",
        'mount -t tmpfs -o size=64k tmpfs "$0" && eval "$1" && exec "$2" -c "$3" "$0"',
    ]
    probe = subprocess.run([*mounting, str(place), "true", sys.executable, "pass"], capture_output=True)
    if probe.returncode:
        pytest.skip("this system lets nobody mount")
    result = subprocess.run([*mounting, str(place), options, sys.executable, script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


class TestHome:
    def test_precedence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IMAGERAG_HOME", str(tmp_path / "environment"))
        assert home_directory() == tmp_path / "environment"
        assert home_directory(tmp_path / "given" / "deep") == tmp_path / "given" / "deep"
        assert (tmp_path / "given" / "deep").is_dir()
        monkeypatch.delenv("IMAGERAG_HOME")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        if sys.platform == "linux":
            assert home_directory() == tmp_path / "data" / "imagerag"

    def test_relative_and_tilde(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path / "me"))
        assert home_directory("here") == tmp_path / "here"
        assert home_directory("~/there") == tmp_path / "me" / "there"

    @pytest.mark.parametrize("below", ["", "home", "deep/home"])
    def test_file_in_the_way(self, below: str, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        with pytest.raises(UserError, match="IMAGERAG_HOME") as caught:
            home_directory(tmp_path / "file" / below)
        assert str(tmp_path / "file") in str(caught.value)
        assert (tmp_path / "file").read_text() == "mine"

    def test_read_only(self, tmp_path: Path) -> None:
        script = (
            "import sys\nfrom imagerag.errors import UserError\nfrom imagerag.store.home import home_directory\n"
            "try: home_directory(sys.argv[1])\nexcept UserError as error: print(error)"
        )
        said = on_small_disk(script, tmp_path / "disk", 'mount -o remount,ro "$0"')
        assert repr(str(tmp_path / "disk")) in said
        assert "Read-only file system" in said
        assert "set IMAGERAG_HOME" in said


class TestManifest:
    def test_round_trip(self, tmp_path: Path) -> None:
        made = manifest()
        stored = ImageStore(tmp_path).put(picture(), made)
        assert read_manifest(stored.path) == made
        assert made.references[0].licence == "Apache-2.0"
        assert made.facts["layout"] == [[0, 1]]
        assert set(made.versions) >= {"python", "torch", "diffusers"}
        assert made.created.endswith("+00:00")
        with Image.open(stored.path) as image:  # another reader of the same standard
            assert json.loads(image.text["imagerag"])["prompt"] == made.prompt

    def test_survives_other_programs(self, tmp_path: Path) -> None:
        made = manifest(prompt="owl " * 25_000)
        stored = ImageStore(tmp_path).put(picture(), made)
        info = PngImagePlugin.PngInfo()
        with Image.open(stored.path) as image:
            info.add_text("Software", "another program")
            info.add_itxt("imagerag", image.text["imagerag"], zip=True)
            image.save(tmp_path / "again.png", pnginfo=info)
        assert read_manifest(tmp_path / "again.png") == made

    def test_recipe(self) -> None:
        one = manifest()
        moved = manifest(references=[ManifestReference.of({**REFERENCE, "path": "/elsewhere.png"})])
        later = one.model_copy(update={"created": "2000-01-01T00:00:00+00:00"})
        assert one.recipe() == moved.recipe() == later.recipe() == one.with_verdict(VERDICT).recipe()
        for change in ({"seed": 1}, {"prompt": "x"}, {"reference_scale": 0.1}, {"references": []}, {"facts": {}}):
            assert manifest(**change).recipe() != one.recipe()

    def test_what_no_file_can_hold(self) -> None:
        with pytest.raises(InvalidArgument, match="Unicode"):
            manifest(prompt="owl \ud83d")
        with pytest.raises(TypeError):
            manifest(facts={"image": object()})
        with pytest.raises(ValueError, match="JSON"):
            manifest(facts={"weight": float("nan")})

    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            ("missing", "No such file"),
            ("folder", "Is a directory"),
            ("empty", "not a PNG"),
            ("text", "not a PNG"),
            ("jpeg", "not a PNG"),
            ("plain", "no imagerag manifest"),
            ("cut", "breaks off"),
            ("flipped", "damaged"),
            ("newer", "upgrade imagerag"),
            ("not-json", "damaged"),
            ("not-ours", "damaged"),
            ("nested", "damaged"),
        ],
    )
    def test_refused(self, kind: str, said: str, tmp_path: Path) -> None:
        file = tmp_path / "image.png"
        good = ImageStore(tmp_path / "home").put(picture(), manifest()).path.read_bytes()
        texts = {
            "newer": manifest().model_copy(update={"schema_version": 99}).text(),
            "not-json": "{",
            "not-ours": '{"schema_version": 1, "prompt": 7}',
            "nested": "[" * 200_000,
        }
        if kind == "folder":
            file.mkdir()
        elif kind in texts:
            info = PngImagePlugin.PngInfo()
            info.add_itxt("imagerag", texts[kind])
            picture().save(file, pnginfo=info)
        elif kind != "missing":
            at = good.index(b"lobster")
            contents = {
                "empty": b"",
                "text": b"hello",
                "jpeg": encoded(picture(), "JPEG"),
                "plain": encoded(picture()),
                "cut": good[: at + 5],
                "flipped": good[:at] + b"L" + good[at + 1 :],
            }
            file.write_bytes(contents[kind])
        with pytest.raises(UserError, match=said) as caught:
            read_manifest(file)
        assert repr(str(file)) in str(caught.value)
        assert "\n" not in str(caught.value)


class TestImages:
    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
    def test_put_and_open(self, mode: str, tmp_path: Path) -> None:
        store, image = ImageStore(tmp_path), picture(mode=mode)
        stored = store.put(image, manifest())
        assert stored.path == tmp_path / "images" / stored.sha256[:2] / f"{stored.sha256}.png"
        opened = store.open(stored.sha256)
        assert opened.mode == ("RGB" if mode == "L" else mode)
        assert np.array_equal(np.asarray(opened), np.asarray(image.convert(opened.mode)))
        assert stored.sha256 in store
        assert "0" * 64 not in store

    def test_address_covers_pixels_and_recipe(self, tmp_path: Path) -> None:
        store = ImageStore(tmp_path)
        stored = [
            store.put(image, made).sha256
            for image in (picture(0), picture(1), picture(0).transpose(Image.Transpose.ROTATE_90))
            for made in (manifest(), manifest(seed=3))
        ]
        assert len(set(stored)) == 6
        assert store.put(picture(0), manifest()).sha256 == stored[0]
        assert len(files(tmp_path)) == 6

    def test_verdict(self, tmp_path: Path) -> None:
        store = ImageStore(tmp_path)
        stored = store.put(picture(), manifest())
        before = store.open(stored.sha256).tobytes()
        store.set_verdict(stored.sha256, VERDICT)
        assert store.manifest(stored.sha256).verdict == VERDICT
        store.set_verdict(stored.sha256, {**VERDICT, "score": 0.75})
        assert store.manifest(stored.sha256).verdict == {**VERDICT, "score": 0.75}
        assert store.open(stored.sha256).tobytes() == before
        assert store.put(picture(), manifest()) == stored
        assert store.manifest(stored.sha256).verdict is not None, "a second put must not erase the verdict"
        assert files(tmp_path) == [stored.path]

    def test_same_image_at_once(self, tmp_path: Path) -> None:
        stores = [ImageStore(tmp_path) for _ in range(8)]
        made, start = manifest(), threading.Barrier(8)
        seen: list[bytes] = []

        def work(store: ImageStore) -> None:
            start.wait()
            for _ in range(5):
                seen.append(store.open(store.put(picture(size=(200, 200)), made).sha256).tobytes())

        threads = [threading.Thread(target=work, args=(store,)) for store in stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 40
        assert len(set(seen)) == 1
        assert len(files(tmp_path)) == 1

    def test_mends_what_a_crash_cut_short(self, tmp_path: Path) -> None:
        store = ImageStore(tmp_path)
        stored = store.put(picture(), manifest())
        stored.path.write_bytes(stored.path.read_bytes()[:-200])
        with pytest.raises(UserError, match="damaged"):
            store.open(stored.sha256)
        with pytest.raises(UserError, match="damaged"):
            store.set_verdict(stored.sha256, VERDICT)
        assert store.put(picture(), manifest()) == stored
        assert store.open(stored.sha256).tobytes() == picture().tobytes()

    def test_unknown(self, tmp_path: Path) -> None:
        store = ImageStore(tmp_path)
        for ask in (store.open, store.manifest, lambda sha256: store.set_verdict(sha256, VERDICT)):
            with pytest.raises(UserError, match="IMAGERAG_HOME"):
                ask("0" * 64)
            with pytest.raises(InvalidArgument, match="64 hexadecimal"):
                ask("../../etc/passwd")

    def test_full_disk(self, tmp_path: Path) -> None:
        store = ImageStore(tmp_path)
        stored = store.put(picture(size=(32, 32)), manifest())
        before = stored.path.read_bytes()
        with full_disk(1000):
            for write in (
                lambda: store.put(picture(1), manifest()),
                lambda: store.put_user_image(picture(1)),
                lambda: store.set_verdict(stored.sha256, VERDICT),
            ):
                with pytest.raises(UserError, match="IMAGERAG_HOME") as caught:
                    write()
                assert str(tmp_path) in str(caught.value)
        assert files(tmp_path) == [stored.path]
        assert stored.path.read_bytes() == before

    def test_full_and_read_only_mount(self, tmp_path: Path) -> None:
        script = """
import os, subprocess, sys
from pathlib import Path
from PIL import Image
from imagerag.errors import UserError
from imagerag.store.images import ImageStore
store = ImageStore(sys.argv[1])
kept = store.put_user_image(Image.effect_noise((32, 32), 90))
for size in (300, 32):
    try:
        store.put_user_image(Image.effect_noise((size, size), 80))
    except UserError as error:
        print(error)
    subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
print([path for path in Path(sys.argv[1]).rglob("*") if path.is_file()] == [kept.path])
"""
        full, read_only, whole = on_small_disk(script, tmp_path / "disk", "true").splitlines()
        assert "No space left on device" in full
        assert "Read-only file system" in read_only
        assert whole == "True"

    def test_file_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "home").write_text("mine")
        with pytest.raises(UserError, match="IMAGERAG_HOME"):
            ImageStore(tmp_path / "home").put(picture(), manifest())

    def test_permissions_are_those_of_any_new_file(self, tmp_path: Path) -> None:
        (tmp_path / "plain").touch()
        stored = ImageStore(tmp_path).put(picture(), manifest())
        assert stored.path.stat().st_mode == (tmp_path / "plain").stat().st_mode


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
