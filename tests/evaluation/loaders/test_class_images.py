"""Suites of classes: ImageNet, CUB-200, FGVC-Aircraft and iNaturalist."""

import json
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.class_images import ImageClass, class_suite
from imagerag.evaluation.loaders.data_folder import DataFolder
from imagerag.evaluation.loaders.registry import load_suite, retrieval_images
from imagerag.evaluation.records import Concept, Suite
from testing import miniature_suites
from testing.miniature_suites import picture, text


def asked(suite: Suite) -> list[str]:
    return [prompt.text for prompt in suite.prompts]


def keys(name: str, data: Path) -> list[tuple[str, str]]:
    return [(image.key, image.path.name) for image in retrieval_images(name, data)]


def test_a_class_is_asked_for_by_its_name(tmp_path: Path) -> None:
    folder = DataFolder("birds", tmp_path, "nowhere")
    real = picture(tmp_path / "real" / "1.jpg")
    suite = class_suite(folder, [ImageClass("1", "Barn Owl", (real,)), ImageClass("2", "Ibis")], licence="CC0-1.0")
    assert suite.prompts[0].name == "0001-barn-owl"
    assert suite.prompts[0].concepts == (Concept("Barn Owl", "thing", "Barn Owl"),)
    assert suite.prompts[0].images == ("real/1.jpg",)
    assert suite.notes == ("1 of 2 classes have no real picture to compare with (Ibis)",)


class TestImagenet:
    @pytest.mark.parametrize("layout", [miniature_suites.imagenet, miniature_suites.imagenet_of_kaggle])
    def test_both_layouts(self, layout: object, tmp_path: Path) -> None:
        layout(tmp_path)  # type: ignore[operator]
        suite = load_suite("imagenet", tmp_path)
        assert asked(suite) == ["tench", "crane"]
        assert all(len(prompt.images) == 1 for prompt in suite.prompts)
        assert suite.retrieval.endswith("train")
        assert keys("imagenet", tmp_path) == [
            ("n01440764", "n01440764_1.JPEG"),
            ("n02012849", "n02012849_1.JPEG"),
        ]

    def test_a_thousand_classes_without_names_have_those_of_open_clip(self, tmp_path: Path) -> None:
        for number in range(1000):
            picture(tmp_path / "val" / f"n{number:08d}" / "1.JPEG")
        suite = load_suite("imagenet", tmp_path)
        assert asked(suite)[:2] == ["tench", "goldfish"]
        assert "the classes are named by open_clip's list" in suite.notes

    def test_classes_that_nothing_names_are_refused(self, tmp_path: Path) -> None:
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

    def test_a_flat_folder_needs_the_solution(self, tmp_path: Path) -> None:
        miniature_suites.imagenet_of_kaggle(tmp_path)
        text(tmp_path / "LOC_val_solution.csv", "ImageId,PredictionString", "ILSVRC2012_val_00000001,85 1 2 3")
        with pytest.raises(UserError, match=r"LOC_val_solution\.csv:2 names no synset"):
            load_suite("imagenet", tmp_path)
        (tmp_path / "LOC_val_solution.csv").unlink()
        with pytest.raises(UserError, match=r"neither folders of classes in .* nor 'LOC_val_solution\.csv'"):
            load_suite("imagenet", tmp_path)

    def test_rare_classes_are_all_or_those_of_a_list(self, tmp_path: Path) -> None:
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


class TestCub:
    def test_the_test_half_is_held_out(self, tmp_path: Path) -> None:
        miniature_suites.cub(tmp_path)
        suite = load_suite("cub-200", tmp_path)
        assert asked(suite) == ["Black footed Albatross", "Laysan Albatross"]
        assert suite.prompts[0].images == ("CUB_200_2011/images/001.Black_footed_Albatross/Black_2.jpg",)
        assert keys("cub-200", tmp_path) == [("1", "Black_1.jpg"), ("1", "Black_3.jpg"), ("2", "Laysan_1.jpg")]
        assert suite.notes == ("1 of 2 classes have no real picture to compare with (Laysan Albatross)",)

    def test_what_is_wrong_is_told_by_line(self, tmp_path: Path) -> None:
        miniature_suites.cub(tmp_path)
        root = tmp_path / "CUB_200_2011"
        (root / "images" / "001.Black_footed_Albatross" / "Black_2.jpg").unlink()
        assert "1 pictures that images.txt lists are not there" in load_suite("cub-200", tmp_path).notes
        text(root / "image_class_labels.txt", "1 1")
        with pytest.raises(UserError, match=r"picture '2' of .* has no file or no class"):
            load_suite("cub-200", tmp_path)
        text(root / "classes.txt", "1")
        with pytest.raises(UserError, match=r"classes\.txt:1 is no number with something behind it: '1'"):
            load_suite("cub-200", tmp_path)


class TestAircraft:
    def test_the_test_half_is_held_out(self, tmp_path: Path) -> None:
        miniature_suites.aircraft(tmp_path)
        suite = load_suite("fgvc-aircraft", tmp_path)
        assert asked(suite) == ["707-320", "Cessna 172"]
        assert suite.prompts[1].images == ("fgvc-aircraft-2013b/data/images/0747566.jpg",)
        assert keys("fgvc-aircraft", tmp_path) == [("707-320", "1025794.jpg")]

    def test_what_is_wrong_is_told(self, tmp_path: Path) -> None:
        miniature_suites.aircraft(tmp_path)
        root = tmp_path / "fgvc-aircraft-2013b" / "data"
        (root / "images" / "0747566.jpg").unlink()
        assert load_suite("fgvc-aircraft", tmp_path).notes[0] == "1 pictures of the test half are not there"
        text(root / "images_variant_test.txt", "1514522")
        with pytest.raises(UserError, match=r"images_variant_test\.txt:1 is no picture with its variant"):
            load_suite("fgvc-aircraft", tmp_path)


class TestInaturalist:
    def test_annotations(self, tmp_path: Path) -> None:
        miniature_suites.inaturalist_2017(tmp_path)
        suite = load_suite("inaturalist", tmp_path)
        assert asked(suite) == ["Cyanocitta cristata", "Lumbricus terrestris"]
        assert suite.prompts[0].images == ("train_val_images/Aves/Cyanocitta cristata/b.jpg",)
        assert suite.retrieval == "", "both halves lie in one folder"
        assert keys("inaturalist", tmp_path) == [("0", "a.jpg")]

    def test_folders_of_2021(self, tmp_path: Path) -> None:
        miniature_suites.inaturalist_2021(tmp_path)
        suite = load_suite("inaturalist", tmp_path)
        assert asked(suite) == ["Cyanocitta cristata"]
        assert suite.retrieval == str(tmp_path / "train_mini")
        assert [name for _, name in keys("inaturalist", tmp_path)] == ["train_mini.jpg"]

    def test_names_of_2018_stand_in_a_file_of_their_own(self, tmp_path: Path) -> None:
        miniature_suites.inaturalist_2017(tmp_path)
        told = json.loads((tmp_path / "val2017.json").read_text(encoding="utf-8"))
        told["categories"] = [{"id": 0, "name": "0", "supercategory": "Aves"}]
        text(tmp_path / "val2017.json", json.dumps(told))
        with pytest.raises(UserError, match=r"numbers in place of names, and no 'categories\.json'"):
            load_suite("inaturalist", tmp_path)
        text(tmp_path / "categories.json", json.dumps([{"id": 0, "name": "Cyanocitta cristata"}]))
        assert asked(load_suite("inaturalist", tmp_path)) == ["Cyanocitta cristata"]

    def test_annotations_that_lack_something_are_refused(self, tmp_path: Path) -> None:
        miniature_suites.inaturalist_2017(tmp_path)
        told = json.loads((tmp_path / "val2017.json").read_text(encoding="utf-8"))
        told["annotations"][0]["image_id"] = 9
        text(tmp_path / "val2017.json", json.dumps(told))
        with pytest.raises(UserError, match=r"val2017\.json, annotations 1 is of picture '9', which is not listed"):
            load_suite("inaturalist", tmp_path)
        text(tmp_path / "val2017.json", json.dumps({**told, "images": []}))
        with pytest.raises(UserError, match="has nothing in 'images'"):
            load_suite("inaturalist", tmp_path)
