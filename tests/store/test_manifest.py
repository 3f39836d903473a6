"""The manifest in an image: written, read, and refused."""

import json
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from imagerag.errors import InvalidArgument, UserError
from imagerag.store.image_data import pixels_sha256
from imagerag.store.images import ImageStore
from imagerag.store.manifest import Manifest, ManifestReference, read_manifest
from testing.stored_images import REFERENCE, VERDICT, encoded, manifest, picture


class TestManifest:
    def test_round_trip(self, tmp_path: Path) -> None:
        made = manifest()
        stored = ImageStore(tmp_path).put(picture(), made)
        pixels = pixels_sha256(picture())
        assert read_manifest(stored.path) == made.model_copy(update={"pixels": pixels})
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
        pixels = pixels_sha256(picture())
        assert read_manifest(tmp_path / "again.png") == made.model_copy(update={"pixels": pixels})

    def test_recipe(self) -> None:
        one = manifest()
        reference = ManifestReference.of({**REFERENCE, "path": "/elsewhere.png"})
        assert reference.path == ""
        moved = manifest(references=[reference.model_copy(update={"path": "/elsewhere.png"})])
        later = one.model_copy(update={"created": "2000-01-01T00:00:00+00:00"})
        assert one.recipe() == moved.recipe() == later.recipe() == one.with_verdict(VERDICT).recipe()
        for change in ({"seed": 1}, {"prompt": "x"}, {"reference_scale": 0.1}, {"references": []}, {"facts": {}}):
            assert manifest(**change).recipe() != one.recipe()

    def test_whom_to_thank_is_carried_and_changes_the_recipe_only_where_it_is_known(self) -> None:
        plain = ManifestReference.of(REFERENCE)
        named = ManifestReference.of({**REFERENCE, "creator": "Jane Roe", "link": "https://example.org/1"})
        assert (named.creator, named.link, named.licence_link) == ("Jane Roe", "https://example.org/1", "")
        assert "by Jane Roe" in named.attribution
        assert b"attribution" not in manifest(references=[named]).recipe()
        assert b"creator" not in manifest(references=[plain]).recipe()
        assert manifest(references=[named]).recipe() != manifest(references=[plain]).recipe()

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


def test_a_manifest_without_the_fields_that_came_later_keeps_its_address() -> None:
    plain = Manifest.new(prompt="an owl", seed=1, generator="patchwork", generator_revision="1")
    assert b"size" not in plain.recipe()
    assert b"loras" not in plain.recipe()
    other = Manifest.new(prompt="an owl", seed=1, generator="patchwork", generator_revision="1", size="2:1")
    assert other.recipe() != plain.recipe()
