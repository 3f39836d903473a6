"""The table of suites: what each name reads, and what is said where something is missing."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import (
    SUITES,
    data_root,
    load_suite,
    retrieval_images,
    suite_names,
)
from testing.miniature_suites import MINIATURES, own_file


def test_each_suite_has_a_miniature() -> None:
    assert set(MINIATURES) == set(SUITES)


@pytest.fixture(params=sorted(MINIATURES))
def miniature(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    MINIATURES[request.param](tmp_path)
    return request.param, tmp_path


def test_a_suite_is_whole(miniature: tuple[str, Path]) -> None:
    name, data = miniature
    suite = load_suite(name, data)
    assert suite.name == name
    assert suite.source == SUITES[name].source
    names = [prompt.name for prompt in suite.prompts]
    assert len(set(names)) == len(names) > 0
    assert all(set(each) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for each in names)
    for prompt in suite.prompts:
        assert prompt.text
        assert prompt.stratum
        assert all((data / image).is_file() and not Path(image).is_absolute() for image in prompt.images)
        assert len({concept.text for concept in prompt.concepts}) == len(prompt.concepts)


def test_no_held_out_picture_may_be_looked_up(miniature: tuple[str, Path]) -> None:
    name, data = miniature
    if SUITES[name].retrieval is None:
        with pytest.raises(UserError, match="no pictures to look up in; those that have are imagenet"):
            retrieval_images(name, data)
        return
    suite = load_suite(name, data)
    offered = [image.path for image in retrieval_images(name, data)]
    held_out = {data / image for prompt in suite.prompts for image in prompt.images}
    assert offered
    assert held_out
    assert not held_out & set(offered)
    assert all(path.is_file() for path in offered)
    if suite.retrieval:
        assert not [file for file in held_out if file.is_relative_to(suite.retrieval)]


@pytest.mark.parametrize("name", SUITES)
def test_without_data_one_line_says_where_to_get_them(name: str, tmp_path: Path) -> None:
    for data, says in ((None, "give --data FOLDER"), (tmp_path, "finds"), (tmp_path / "gone", "is none")):
        with pytest.raises(UserError) as refused:
            load_suite(name, data)
        said = str(refused.value)
        assert says in said
        assert repr(name) in said
        assert SUITES[name].source in said
        assert "\n" not in said


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match="suite 'imagnet' is not known; did you mean 'imagenet'"):
        load_suite("imagnet")
    with pytest.raises(UserError, match=", ".join(suite_names())):
        load_suite("?")


def test_the_half_of_a_suite(tmp_path: Path) -> None:
    own_file(tmp_path)
    whole = load_suite(str(tmp_path / "suite.jsonl"))
    assert [prompt.text for prompt in whole.prompts] == ["two axolotls", "an owl"]
    assert [prompt.text for prompt in load_suite("jsonl", tmp_path / "suite.jsonl", "test").prompts] == ["two axolotls"]
    with pytest.raises(UserError, match="'pets' has no half 'development'; it has test"):
        load_suite("jsonl", tmp_path / "suite.jsonl", "development")
    MINIATURES["wise"](tmp_path)
    with pytest.raises(UserError, match="it has no halves; leave the split out"):
        load_suite("wise", tmp_path, "test")


def test_where_real_pictures_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_file(tmp_path)
    assert data_root("jsonl", tmp_path / "suite.jsonl") == tmp_path
    monkeypatch.chdir(tmp_path)
    assert data_root("suite.jsonl", None) == tmp_path
    assert data_root("wise", Path()) == tmp_path
    assert data_root("helm-logos", None) is None


def test_a_file_is_named_once(tmp_path: Path) -> None:
    own_file(tmp_path)
    with pytest.raises(UserError, match="is a file itself; leave --data"):
        load_suite(str(tmp_path / "suite.jsonl"), tmp_path)
    with pytest.raises(UserError, match="give --data FILE"):
        load_suite("jsonl")
    with pytest.raises(UserError, match=r"'gone\.jsonl' is a file of yours, and .* is none"):
        load_suite("gone.jsonl")


def elsewhere(tmp_path: Path) -> Path:
    """A suite of somebody else's, beside a private picture and a folder of such."""
    own_file(tmp_path / "suite")
    Image.new("RGB", (8, 8), "red").save(tmp_path / "private.png")
    (tmp_path / "suite" / "link.png").symlink_to(tmp_path / "private.png")
    (tmp_path / "suite" / "way").symlink_to(tmp_path)
    return tmp_path / "suite" / "suite.jsonl"


@pytest.mark.skipif(sys.platform == "win32", reason="links are for administrators there")
@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "an owl", "images": ["../private.png"]},
        {"prompt": "an owl", "images": ["{}/private.png"]},
        {"prompt": "an owl", "images": ["link.png"]},
        {"prompt": "an owl", "images": ["real/axolotl.png", "way/private.png"]},
        {"suite": "mine", "retrieval": ".."},
        {"suite": "mine", "retrieval": "{}"},
        {"suite": "mine", "retrieval": "way"},
    ],
)
def test_a_suite_names_nothing_outside_its_folder_unless_that_is_allowed(row: dict[str, Any], tmp_path: Path) -> None:
    file = elsewhere(tmp_path)
    lines = [json.dumps(row).replace("{}", str(tmp_path)), json.dumps({"prompt": "a cat"})]
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UserError, match=r"outside .*; give --allow-outside to read what lies elsewhere"):
        load_suite(str(file))
    assert load_suite(str(file), allow_outside=True).prompts


@pytest.mark.skipif(sys.platform == "win32", reason="links are for administrators there")
def test_so_does_a_public_suite(tmp_path: Path) -> None:
    MINIATURES["cub-200"](tmp_path / "data")
    suite = load_suite("cub-200", tmp_path / "data")
    picture = tmp_path / "data" / next(image for prompt in suite.prompts for image in prompt.images)
    picture.rename(tmp_path / "private.jpg")
    picture.symlink_to(tmp_path / "private.jpg")
    with pytest.raises(UserError, match=r"suite 'cub-200': .* is a link that leads outside"):
        load_suite("cub-200", tmp_path / "data")
    assert load_suite("cub-200", tmp_path / "data", allow_outside=True) == suite
