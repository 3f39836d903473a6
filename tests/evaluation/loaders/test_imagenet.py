"""ImageNet, and its rare classes."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import load_suite
from testing import miniature_suites
from testing.miniature_suites import picture, text
from tests.evaluation.loaders.shown import asked, keys


@pytest.mark.parametrize("layout", [miniature_suites.imagenet, miniature_suites.imagenet_of_kaggle])
def test_both_layouts(layout: object, tmp_path: Path) -> None:
    layout(tmp_path)  # type: ignore[operator]
    suite = load_suite("imagenet", tmp_path)
    assert asked(suite) == ["tench", "crane"]
    assert all(len(prompt.images) == 1 for prompt in suite.prompts)
    assert suite.retrieval.endswith("train")
    assert keys("imagenet", tmp_path) == [
        ("n01440764", "n01440764_1.JPEG"),
        ("n02012849", "n02012849_1.JPEG"),
    ]


def test_a_thousand_classes_without_names_have_those_of_open_clip(tmp_path: Path) -> None:
    for number in range(1000):
        picture(tmp_path / "val" / f"n{number:08d}" / "1.JPEG")
    suite = load_suite("imagenet", tmp_path)
    assert asked(suite)[:2] == ["tench", "goldfish"]
    assert "the classes are named by open_clip's list" in suite.notes


def test_classes_that_nothing_names_are_refused(tmp_path: Path) -> None:
    miniature_suites.imagenet(tmp_path)
    text(tmp_path / "LOC_synset_mapping.txt", "n01440764 tench")
    with pytest.raises(UserError, match="no name of class 'n02012849'"):
        load_suite("imagenet", tmp_path)
    (tmp_path / "LOC_synset_mapping.txt").unlink()
    with pytest.raises(UserError, match="and 2 classes in place of 1,000"):
        load_suite("imagenet", tmp_path)
    text(tmp_path / "synset_words.txt", "tench n01440764")
    with pytest.raises(UserError, match=r"synset_words\.txt:1 is no synset with its words"):
        load_suite("imagenet", tmp_path)


def test_a_flat_folder_needs_the_solution(tmp_path: Path) -> None:
    miniature_suites.imagenet_of_kaggle(tmp_path)
    text(tmp_path / "LOC_val_solution.csv", "ImageId,PredictionString", "ILSVRC2012_val_00000001,85 1 2 3")
    with pytest.raises(UserError, match=r"LOC_val_solution\.csv:2 names no synset"):
        load_suite("imagenet", tmp_path)
    (tmp_path / "LOC_val_solution.csv").unlink()
    with pytest.raises(UserError, match=r"neither folders of classes in .* nor 'LOC_val_solution\.csv'"):
        load_suite("imagenet", tmp_path)


def test_rare_classes_are_all_or_those_of_a_list(tmp_path: Path) -> None:
    miniature_suites.imagenet(tmp_path)
    suite = load_suite("imagenet-rare", tmp_path)
    assert asked(suite) == ["tench", "crane"]
    assert any("every class counts as rare" in note for note in suite.notes)
    text(tmp_path / "rare_classes.txt", "# two ways to name one", "Crane  # the bird", "", "n02012849")
    suite = load_suite("imagenet-rare", tmp_path)
    assert asked(suite) == ["crane"]
    assert {prompt.stratum for prompt in suite.prompts} == {"rare"}
    text(tmp_path / "rare_classes.txt", "crane", "unicorn")
    with pytest.raises(UserError, match=r"rare_classes\.txt:2 names no class of this set: 'unicorn'"):
        load_suite("imagenet-rare", tmp_path)
