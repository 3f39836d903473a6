"""Images that nothing refers to, told by their addresses in whatever is stored."""

import os
from pathlib import Path

import pytest
from PIL import Image

from imagerag.store.files import address_path
from imagerag.store.garbage import addresses_in, unreferred, written_by_nobody
from imagerag.store.images import ImageStore
from imagerag.store.manifest import Manifest, ManifestReference

ADDRESS = "0123456789abcdef" * 4


@pytest.mark.parametrize("before", [b"", b"a", b"/images/01/", b"\xd9\x40", b"sha256:", b"00"])
@pytest.mark.parametrize("after", [b"", b"f", b".png", b"\xa3end"])
def test_an_address_is_found_in_any_packing(before: bytes, after: bytes) -> None:
    assert ADDRESS in set(addresses_in(before + ADDRESS.encode() + after))


def test_words_hold_none() -> None:
    assert list(addresses_in("an owl " + ADDRESS[:63] + "g " + "deadbeef")) == []


def _old(path: Path) -> None:
    os.utime(path, (1.0, 1.0))


def picture(store: ImageStore, colour: str, references: list[str]) -> str:
    used = [
        ManifestReference(sha256=one, concept="owl", kind="subject", caption="me", source="", licence="")
        for one in references
    ]
    manifest = Manifest.new(
        prompt=colour, seed=1, generator="patchwork", generator_revision="1", references=used, reference_scale=0.5
    )
    stored = store.put(Image.new("RGB", (16, 16), colour), manifest)
    _old(stored.path)
    return stored.sha256


def test_what_nothing_refers_to_can_go_and_references_of_what_stays_stay(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    subject = store.put_user_image(Image.new("RGB", (16, 16), "white"))
    _old(subject.path)
    kept = picture(store, "red", [subject.sha256])
    loose = picture(store, "blue", [])
    assert unreferred(store, {kept}) == [store.path(loose)]
    assert {path.stem for path in unreferred(store, set())} == {kept, loose, subject.sha256}


def test_one_that_is_new_or_asked_for_again_stays(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    white = Image.new("RGB", (16, 16), "white")
    first = store.put_user_image(white)
    assert unreferred(store, set()) == []
    _old(first.path)
    assert unreferred(store, set()) == [first.path]
    store.put_user_image(white)
    assert unreferred(store, set()) == [], "somebody has sent it again, and may refer to it in a moment"


def test_what_a_process_that_lives_is_writing_is_not_left_over(tmp_path: Path) -> None:
    from imagerag.store.leftovers import PREFIX, begun_here

    folder = tmp_path / "images" / "01"
    folder.mkdir(parents=True)
    ours = folder / f"{PREFIX}{begun_here()}-abc"
    machine = begun_here().partition("-")[0]
    theirs = folder / f"{PREFIX}{machine}-{2**22 + 5}-abc"
    for file in (ours, theirs):
        file.write_bytes(b"half")
    assert written_by_nobody(tmp_path) == [theirs]


def test_copies_of_what_was_found_go_unless_something_refers_to_them(tmp_path: Path) -> None:
    store, folder = ImageStore(tmp_path), tmp_path / "own" / "found"
    names = {what: digit * 64 for what, digit in (("thread", "1"), ("manifest", "2"), ("nobody", "3"), ("new", "4"))}
    for name in names.values():
        path = address_path(folder, name)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
        if name != names["new"]:
            _old(path)
    (folder / "11" / "notes.txt").write_text("mine")
    drawn = picture(store, "red", [names["manifest"]])
    assert unreferred(store, {drawn, names["thread"]}, copies=[folder, tmp_path / "nosuch"]) == [
        address_path(folder, names["nobody"])
    ]
    gone = {path.stem for path in unreferred(store, set(), copies=[folder])}
    assert gone == {drawn, names["thread"], names["manifest"], names["nobody"]}
