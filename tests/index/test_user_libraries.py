"""A person's own libraries, side by side."""

import json
from pathlib import Path
from typing import Any

import pytest

from imagerag.cli.main import run
from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.graphs.components import Components
from imagerag.graphs.libraries import open_index, searchable_libraries
from imagerag.index.user.store import UserPictures
from imagerag.index.user_libraries import indexed_models, library_directory, library_names
from imagerag.settings import Settings
from testing.user_pictures import save_picture


@pytest.mark.parametrize("name", ["bundled", "Birds", "../birds", "a b", "", ".", "x" * 65])
def test_a_name_of_no_use_is_refused_with_what_is(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"can't be a name; give --library small letters, digits, - and _"):
        library_directory(tmp_path, name)


def test_own_is_always_there(tmp_path: Path) -> None:
    assert library_names(tmp_path) == ["own"]
    assert indexed_models(tmp_path, "own") == []


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A data directory with an owl in ``own`` and a giraffe in ``birds``."""
    home = tmp_path / "home"
    for library, concept in (("own", "owl"), ("birds", "giraffe")):
        save_picture(tmp_path / library, f"my {concept}.png", concept)
        pictures = UserPictures(home, embedded_clip(), library=library)
        pictures.add([tmp_path / library])
        pictures.close()
    return home


@pytest.mark.slow
def test_libraries_are_searched_as_they_are_named(two: Path) -> None:
    def found(*libraries: str) -> set[str]:
        components = Components(Settings(home=str(two), library=libraries, lookup_floor=-1))
        return {hit.title for hit in components.index.search(["an animal"], 9)[0]}

    assert library_names(two) == ["own", "birds"]
    assert found("birds") == {"my giraffe"}
    assert found("own") == {"my owl"}
    assert found("own", "birds") == {"my owl", "my giraffe"}


def test_an_empty_one_is_left_out_without_loading_its_model(tmp_path: Path) -> None:
    asked = Settings(
        home=str(tmp_path), profile="comfyui", library=("own",), lookup_model="ViT-B-32:not-on-this-machine"
    )
    components = Components(asked)
    assert components.searchable[0] == ()
    assert "next: imagerag index add FOLDER --lookup-model ViT-B-32:not-on-this-machine" in components.searchable[1][0]
    assert components.index.search(["an owl"], 3) == [[]]
    assert Components(Settings(home=str(tmp_path))).searchable == (("bundled",), [])


@pytest.mark.slow
def test_one_that_is_not_there_is_named_with_those_there_are(two: Path) -> None:
    with pytest.raises(UserError) as raised:
        assert Components(Settings(home=str(two), library=("fish",))).index
    assert "library 'fish' is not known; give --library some of: bundled, own, birds" in str(raised.value)
    assert "imagerag index add FOLDER --library fish" in str(raised.value)


@pytest.mark.slow
def test_one_of_other_models_is_refused_if_named_and_left_out_with_a_note_if_not(two: Path, tmp_path: Path) -> None:
    home = tmp_path / "other"
    pictures = UserPictures(home, _Renamed(embedded_clip()))
    pictures.add([tmp_path / "own"])
    pictures.close()
    libraries, notes = Components(Settings(home=str(home))).searchable
    assert libraries == ("bundled",)
    assert (
        f"'own' was indexed with another@1, not with 'embedded'; next: imagerag index add {tmp_path / 'own'}"
        in notes[0]
    )
    with pytest.raises(UserError, match="was indexed with another@1"):
        assert Components(Settings(home=str(home), library=("own",))).searchable


@pytest.mark.slow
def test_each_is_searched_by_those_of_several_models_that_it_was_indexed_with(two: Path) -> None:
    models = ("ViT-B-32:openai", "embedded")
    libraries, notes = searchable_libraries(two, ("own", "birds"), models, named=True)
    assert libraries == ("own", "birds")
    assert [note.split(";")[0] for note in notes] == [
        f"it is searched by embedded alone: library {name!r} was indexed with {embedded_clip().model_id}, "
        "not with 'ViT-B-32:openai'"
        for name in libraries
    ]
    index = open_index(two, models=models, floor=-1, libraries=libraries)
    assert {hit.title for hit in index.search(["an owl"], 4)[0]} == {"my owl", "my giraffe"}


class _Renamed:
    """The embedded model under another id."""

    def __init__(self, embedder: Any) -> None:
        self._embedder = embedder
        self.model_id = "another@1"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)


@pytest.mark.slow
def test_index_adds_to_tells_of_and_searches_a_named_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGERAG_HOME", str(tmp_path / "home"))
    save_picture(tmp_path / "p", "my owl.png", "owl")

    def out(*argv: str) -> Any:
        capsys.readouterr()
        assert run(list(argv)) == 0
        return json.loads(capsys.readouterr().out)

    assert out("index", "add", str(tmp_path / "p"), "--library", "birds", "--json")["added"] == 1
    status = out("index", "status", "--json")
    assert (status["own"]["images"], status["libraries"]["birds"]["images"]) == (0, 1)
    assert run(["index", "status"]) == 0
    assert "library 'birds': 1 in 1 files" in capsys.readouterr().out
    assert out("index", "verify", "--library", "birds", "--json")["problems"] == []
    hits = out("search", "my owl", "--library", "birds", "--json")
    assert [hit["caption"] for hit in hits] == ["my owl"]
