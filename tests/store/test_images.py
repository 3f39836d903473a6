"""The image store: real files, real full and read-only disks."""

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagerag.errors import InvalidArgument, UserError
from imagerag.store.images import ImageStore
from testing.stored_images import VERDICT, files, full_disk, manifest, on_small_disk, picture


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

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps others out by itself")
    def test_an_image_is_its_owners_alone(self, tmp_path: Path) -> None:
        stored = ImageStore(tmp_path).put(picture(), manifest())
        assert stored.path.stat().st_mode & 0o777 == 0o600
