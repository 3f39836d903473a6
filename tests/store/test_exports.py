"""Files of drawings in every format say how they were made."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from imagerag.store import xmp
from imagerag.store.digital_source import VOCABULARY
from imagerag.store.exports import copy_file, drawing_file, for_others, with_manifest
from imagerag.store.image_data import FileFormat, data_sha256, pixels_sha256
from imagerag.store.images import ImageStore
from imagerag.store.inline_pictures import smaller, whole_file
from imagerag.store.manifest import KEYWORD, ManifestReference, parse_manifest, read_manifest
from imagerag.store.png import read_text
from testing.stored_images import VERDICT, encoded, manifest, picture


def packet_in(data: bytes) -> xmp.Packet:
    """What another program finds: Pillow reads XMP by itself."""
    with Image.open(io.BytesIO(data)) as image:
        found = xmp.read_packet(image.info["xmp"])
    assert found is not None
    return found


def test_a_stored_drawing_carries_term_and_digest_and_a_verdict_changes_neither(tmp_path: Path) -> None:
    store, image = ImageStore(tmp_path), picture()
    stored = store.put(image, manifest())
    before = stored.path.read_bytes()
    assert packet_in(before).source_type == VOCABULARY + "trainedAlgorithmicMedia"
    assert store.manifest(stored.sha256).pixels == pixels_sha256(image)
    store.set_verdict(stored.sha256, VERDICT)
    after = stored.path.read_bytes()
    assert packet_in(after) == packet_in(before)
    assert store.manifest(stored.sha256).pixels == pixels_sha256(image)
    assert after.count(b"iTXt") == before.count(b"iTXt") == 2


def test_an_address_does_not_depend_on_what_was_added() -> None:
    made = manifest()
    later = made.model_copy(update={"pixels": "ab" * 32, "copy_of": "cd" * 32, "source_type": ""})
    assert later.recipe() == made.recipe()
    old = json.loads(made.text())
    for name in ("pixels", "copy_of", "source_type"):
        del old[name]
    assert parse_manifest(json.dumps(old), "old.png").recipe() == made.recipe()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_copy_in_any_format_has_term_manifest_and_digest(kind: FileFormat, mode: str) -> None:
    made = manifest().model_copy(update={"pixels": "ab" * 32})
    data = copy_file(picture(mode=mode), kind, made)
    found = packet_in(data)
    assert found.source_type == VOCABULARY + "trainedAlgorithmicMedia"
    told = parse_manifest(found.manifest, "x")
    assert (told.prompt, told.copy_of) == (made.prompt, "ab" * 32)
    assert told.references == made.references
    if kind == "png":
        assert told.pixels == pixels_sha256(Image.open(io.BytesIO(data)))
        assert read_text(io.BytesIO(data), KEYWORD) is None, "nothing draws these pixels again"
    else:
        assert found.data_sha256 == data_sha256(data, kind)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_picture_that_nobody_here_drew_is_not_marked(kind: FileFormat) -> None:
    with Image.open(io.BytesIO(copy_file(picture(), kind))) as image:
        assert "xmp" not in image.info


def test_a_png_is_marked_once_and_keeps_what_else_it_has() -> None:
    image = picture()
    once = with_manifest(encoded(image), manifest())
    twice = with_manifest(once, manifest(prompt="another"))
    assert twice.count(b"iTXt") == 2
    assert Image.open(io.BytesIO(twice)).tobytes() == image.tobytes()


def test_small_copies_within_pages_are_marked_and_tell_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(drawing_file(picture(size=(800, 600)), manifest()))
    for address in (smaller(file), smaller(file, lossy=True), whole_file(file)):
        import base64

        data = base64.b64decode(address.partition(",")[2])
        assert packet_in(data).source_type == VOCABULARY + "trainedAlgorithmicMedia"
    assert b"lobster" not in base64.b64decode(smaller(file).partition(",")[2])
    file.write_bytes(encoded(picture()))
    with Image.open(io.BytesIO(base64.b64decode(smaller(file).partition(",")[2]))) as image:
        assert "xmp" not in image.info


def test_a_file_of_before_there_was_xmp_is_read(tmp_path: Path) -> None:
    from imagerag.store.png import with_text

    old = json.loads(manifest().text())
    for name in ("pixels", "copy_of", "source_type"):
        del old[name]
    file = tmp_path / "old.png"
    file.write_bytes(with_text(encoded(picture()), KEYWORD, json.dumps(old)))
    assert read_manifest(file).prompt == manifest().prompt


def of_an_earlier_version() -> bytes:
    """Return a drawing whose manifest names places and a password, as those of before did."""
    reference = ManifestReference(
        sha256="1" * 64, concept="cat", kind="subject", caption="me", title="my cat.png", source="", licence="",
        path="/home/hunter2/my cat.png",
    )  # fmt: skip
    made = manifest().model_copy(
        update={
            "references": (reference,),
            "generator": "openai:m@http://hunter2:hunter2@host/v1",
            "facts": {"server": "http://hunter2:hunter2@host"},
        }
    )
    return drawing_file(picture(), made)


def test_what_leaves_the_machine_names_no_place_whichever_version_has_drawn_it(tmp_path: Path) -> None:
    old = of_an_earlier_version()
    assert b"hunter2" in old
    told = for_others(old)
    assert b"hunter2" not in told
    (tmp_path / "a.png").write_bytes(told)
    read = read_manifest(tmp_path / "a.png")
    assert (read.prompt, read.generator) == (manifest().prompt, "openai:m@http://host/v1")
    with Image.open(io.BytesIO(told)) as shown, Image.open(io.BytesIO(old)) as kept:
        assert shown.tobytes() == kept.tobytes()
    assert for_others(told) == told
    for same in (drawing_file(picture(), manifest()), encoded(picture(), "PNG"), b"no picture", old[:200]):
        assert for_others(same) == same, "what has none stays byte for byte, with its signature"
