"""``imagerag credits``: whom to thank, and what is asked."""

import json
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.records import ReferenceRecord
from imagerag.store.exports import copy_file, drawing_file
from imagerag.store.manifest import Manifest, ManifestReference
from testing.stored_images import REFERENCE, encoded, manifest, picture


def drawn_with(*licences: str) -> Manifest:
    records: list[ReferenceRecord] = [
        {
            **REFERENCE,
            "sha256": f"{number:064x}",
            "title": f"picture {number}",
            "licence": licence,
            "creator": "Jane Roe",
        }
        for number, licence in enumerate(licences)
    ]
    return manifest(references=[ManifestReference.of(record) for record in records])


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "copy.png"])
def test_every_picture_has_its_line_and_every_ask_is_told_once(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = drawn_with("CC-BY-SA-4.0", "CC-BY-4.0", "CC0-1.0", "unknown")
    file = tmp_path / f"owl.{kind}"
    data = drawing_file(picture(), made) if kind == "png" else copy_file(picture(), kind.removeprefix("copy."), made)  # type: ignore[arg-type]
    file.write_bytes(data)
    assert run(["credits", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        '"picture 0" by Jane Roe, Noto Emoji u1f458, CC-BY-SA-4.0',
        '"picture 1" by Jane Roe, Noto Emoji u1f458, CC-BY-4.0',
    ]
    assert "licence unknown" in lines[3]
    asked = [line for line in lines if line.startswith("- ")]
    assert len(asked) == 3
    assert "2 pictures: CC-BY-4.0, CC-BY-SA-4.0" in asked[0]
    assert "1 picture: CC-BY-SA-4.0" in asked[1]
    assert "ask whoever holds the rights" in asked[2]
    assert "adaptation" in lines[-1]


@pytest.mark.parametrize(("count", "is_whole"), [(6, True), (900, False)])
def test_a_copy_without_room_for_all_of_a_drawing_names_whose_pictures_it_pasted_or_says_that_it_cannot(
    count: int, is_whole: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = [
        {"sha256": f"{number:064x}", "concept": "owl", "set": "openmoji", "reference": False, "more": "x" * 12_000}
        for number in range(count)
    ]
    made = manifest(facts={"objects": [{"phrase": "an owl", "examples": examples}]})
    (tmp_path / "owl.jpg").write_bytes(copy_file(picture(), "jpeg", made))
    assert run(["credits", str(tmp_path / "owl.jpg")]) == 0
    told = capsys.readouterr().out
    assert ("pictogram set openmoji" in told) == is_whole
    assert ("had no room for all" in told) != is_whole
    assert "nobody is to be named" not in told


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "owl.png").write_bytes(drawing_file(picture(), drawn_with("CC-BY-4.0")))
    assert run(["credits", str(tmp_path / "owl.png"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sources"][0]["asks"] == ["attribution"]
    assert told["asks"]["attribution"]["pictures"] == "1 picture: CC-BY-4.0"
    assert told["pixels"] == "unchanged"


def test_nobody_is_named_where_nothing_was_drawn_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "owl.png").write_bytes(drawing_file(picture(), drawn_with()))
    assert run(["credits", str(tmp_path / "owl.png")]) == 0
    assert "nobody is to be named" in capsys.readouterr().out


def test_a_picture_of_anybodys_has_no_credits_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photo.jpg").write_bytes(encoded(picture(), "JPEG"))
    assert run(["credits", str(tmp_path / "photo.jpg")]) == 2
    assert "carries no imagerag manifest" in capsys.readouterr().err
