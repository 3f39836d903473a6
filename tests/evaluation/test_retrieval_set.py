"""What a suite brings to look up in is a library of its own, without anything that gives a class away."""

import sys
from pathlib import Path

import pytest
from PIL import Image

from imagerag.evaluation.records import Suite, SuitePrompt
from imagerag.evaluation.retrieval_set import PlainPictures, with_retrieval_set
from imagerag.evaluation.runner import common_settings
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.store import UserPictures
from imagerag.settings import Settings
from testing.colour_library import ColourEmbedder

SUITE = Suite("birds", (SuitePrompt("p", "a scarlet ibis"),))


@pytest.fixture(autouse=True)
def _embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.embedders.registry.clip_model", lambda *named: ColourEmbedder())
    monkeypatch.setattr("imagerag.index.user.calibrate.calibrate_if_outdated", lambda *own: None)


def pictures(folder: Path) -> list[Path]:
    files = []
    for number, colour in enumerate(("red", "blue")):
        file = folder / "001.Scarlet_Ibis" / f"Scarlet_Ibis_{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), colour).save(file)
        files.append(file)
    return files


def test_pictures_of_a_public_set_are_indexed_once_without_their_names(tmp_path: Path) -> None:
    files, notes = pictures(tmp_path / "data"), []
    told: list[tuple[str, int, int]] = []
    asked = common_settings(SUITE, Settings(home=str(tmp_path / "home")))
    settings = with_retrieval_set(SUITE, files, asked, lambda *one: told.append(one), notes.append)
    assert settings.library == ("eval-birds",)
    own = UserPictures(tmp_path / "home", ColourEmbedder(), library="eval-birds")  # type: ignore[arg-type]
    table = own.snapshot().table
    assert len(table) == 2
    for column in ("caption", "title"):
        assert set(table.column(column).to_pylist()) == {""}
    assert "bis" not in str(table.column("source").to_pylist())
    assert told[-1] == ("indexing", 2, 2)
    assert "imagerag index remove --all --library eval-birds" in notes[-1]
    with_retrieval_set(SUITE, files[:1], asked)
    assert len(own.snapshot().table) == 1


def test_another_library_that_is_asked_for_stays(tmp_path: Path) -> None:
    asked = common_settings(SUITE, Settings(home=str(tmp_path), library=("own",)))
    assert with_retrieval_set(SUITE, pictures(tmp_path / "data"), asked) is asked


def test_a_suite_without_pictures_looks_up_where_the_profile_does(tmp_path: Path) -> None:
    asked = common_settings(SUITE, Settings(home=str(tmp_path)))
    assert with_retrieval_set(SUITE, None, asked) is asked


def test_a_picture_that_is_gone_is_told(tmp_path: Path) -> None:
    (item,) = PlainPictures("birds", [tmp_path / "no.png"], Confined(tmp_path)).items(lambda item: True)
    assert "no.png" in item.problem
    assert PlainPictures("birds", [tmp_path / "no.png"], Confined(tmp_path)).owns("anything")


@pytest.mark.skipif(sys.platform == "win32", reason="links are for administrators there")
def test_pictures_that_a_public_set_names_elsewhere_are_left_out_and_that_is_told(tmp_path: Path) -> None:
    first, second = pictures(tmp_path / "data")
    second.rename(tmp_path / "private.png")
    second.symlink_to(tmp_path / "private.png")
    up = tmp_path / "data" / ".." / "private.png"
    asked = common_settings(SUITE, Settings(home=str(tmp_path / "home")))
    notes: list[str] = []
    with_retrieval_set(SUITE, [first, second, up], asked, note=notes.append, root=tmp_path / "data")
    own = UserPictures(tmp_path / "home", ColourEmbedder(), library="eval-birds")  # type: ignore[arg-type]
    assert own.snapshot().table.column("file").to_pylist() == [str(first)]
    assert "2 pictures of 'eval-birds' are left out; the first: " in notes[0]
    assert "--allow-outside" in notes[0]
    with_retrieval_set(SUITE, [first, second], asked, root=tmp_path / "data", allow_outside=True)
    assert len(own.snapshot().table) == 2
