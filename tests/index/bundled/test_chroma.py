"""Searching the bundled index."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from safetensors import safe_open

from imagerag.assets import asset
from imagerag.assets.library import Library, bundled_library
from imagerag.embedders.clip import embedded_model_id
from imagerag.errors import InvalidArgument
from imagerag.index.base import SearchOptions
from imagerag.index.bundled.chroma import ChromaIndex
from testing.colour_library import HUES, SIDE, ColourEmbedder, distinct, write_library


class TestSearch:
    def test_one_pass_for_all_captions(self, home: Path, library: Library) -> None:
        embedder = ColourEmbedder()
        index = ChromaIndex(home, embedder, library=library)
        found = index.search(["something red", " blue thing\n", "green"], 3)
        assert embedder.passes == [3]
        for hue, hits in zip(("red", "blue", "green"), found, strict=True):
            assert len(hits) == 3
            assert [hit.title.split()[0] for hit in hits] == [hue] * 3
            similarities = [hit.similarity for hit in hits]
            assert similarities == sorted(similarities, reverse=True)
            assert similarities[0] == pytest.approx(1, abs=0.01)
        hit = found[0][0]
        assert hit.words[1:] == ("red", "square")
        assert (hit.source.split()[0], hit.licence, hit.set) == ("Squares", "CC0-1.0", "squares")

    def test_path_is_a_picture_on_white(self, home: Path, library: Library) -> None:
        index = ChromaIndex(home, ColourEmbedder(), library=library)
        hits = index.search(["white"], 200)[0]
        assert len({hit.path for hit in hits}) == len(hits)
        seen_through = next(hit for hit in hits if hit.title == "red square 0")
        assert seen_through.path.is_relative_to(home)
        with Image.open(seen_through.path) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "RGB", (SIDE, SIDE))
            assert image.getpixel((0, 0)) == (255, 255, 255)
        assert index.image(seen_through.sha256).mode == "RGBA"

    def test_exclude_and_more_than_there_is(self, home: Path, library: Library) -> None:
        index = ChromaIndex(home, ColourEmbedder(), library=library)
        first = index.search(["red"], 5)[0]
        second = index.search(["red"], 5, SearchOptions(exclude={hit.sha256 for hit in first}))[0]
        assert len(second) == 5
        assert not {hit.sha256 for hit in first} & {hit.sha256 for hit in second}
        everything = index.search(["red"], 10_000)[0]
        assert len({hit.sha256 for hit in everything}) == len(everything) == distinct(library)
        assert index.search(["red"], 3, SearchOptions(exclude=[hit.sha256 for hit in everything])) == [[]]

    def test_variety_where_it_is_asked_for(self, home: Path, library: Library) -> None:
        index = ChromaIndex(home, ColourEmbedder(), library=library)
        reds = [hit.sha256 for hit in index.search(["red"], 200)[0] if hit.title.startswith("red")]
        few = SearchOptions(exclude=reds[3:])
        (plain,) = index.search(["red"], 3, few)
        assert [hit.title.split()[0] for hit in plain] == ["red"] * 3
        assert index.search(["red"], 3, replace(few, diverse=0.0)) == [plain]
        (varied,) = index.search(["red"], 3, replace(few, diverse=0.9))
        assert varied[0] == plain[0], "the nearest comes first"
        assert len(varied) == 3
        assert varied[1].title.split()[0] != "red"
        few = replace(few, floor=-1.0)
        (near,), (mixed,) = (index.search(["red"], 25, replace(few, diverse=how)) for how in (0.0, 0.9))
        assert [hit.sha256 for hit in mixed] != [hit.sha256 for hit in near], "the order, too"

    @pytest.mark.parametrize(
        ("captions", "k", "said"),
        [
            (["red"], 0, "k 0"),
            (["red"], -3, "k -3"),
            (["red", ""], 1, "''"),
            (["red", " \n"], 1, "is empty"),
            (["red \ud83d"], 1, "Unicode"),
            ("red", 1, "list of captions"),
        ],
    )
    def test_bad_arguments(self, captions: Any, k: int, said: str, tmp_path: Path, library: Library) -> None:
        with pytest.raises(InvalidArgument, match=said):
            ChromaIndex(tmp_path / "home", ColourEmbedder(), library=library).search(captions, k)
        assert not (tmp_path / "home").exists()

    def test_nothing_asked(self, tmp_path: Path, library: Library) -> None:
        index = ChromaIndex(tmp_path / "home", ColourEmbedder(), library=library)
        assert index.search([], 3) == []
        with pytest.raises(InvalidArgument, match="'abc'"):
            index.image("abc")
        assert index.image(library.entries[3].sha256).size == (SIDE, SIDE)
        assert not (tmp_path / "home").exists()


class ColourBlindEmbedder(ColourEmbedder):
    """Has the embedded CLIP's name and floor, and takes red pictures for blue ones."""

    def __init__(self) -> None:
        super().__init__(embedded_model_id())

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        hues = [[HUES[word] for word in text.replace(",", "").split() if word in HUES] for text in texts]
        return self._unit([np.mean(of_text or [(127.5,) * 3], axis=0) for of_text in hues])

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        colours = [np.asarray(image.convert("RGB"), float).mean((0, 1)) for image in images]
        return self._unit([HUES["blue"] if red > green + blue else (red, green, blue) for red, green, blue in colours])


def test_what_is_above_the_calibrated_floor_is_sought_beyond_the_nearest(tmp_path: Path) -> None:
    write_library(tmp_path / "library.parquet", 40)
    index = ChromaIndex(tmp_path / "home", ColourBlindEmbedder(), library=Library(tmp_path / "library.parquet"))
    (nearest,), (found,) = (
        index.search(["something blue"], 3, SearchOptions(floor=floor)) for floor in (-1.0, "calibrated")
    )
    assert [hit.title.split()[0] for hit in nearest] == ["red"] * 3
    assert [hit.title.split()[0] for hit in found] == ["blue"] * 3
    assert all(hit.path.is_file() for hit in found)
    assert len(list((tmp_path / "home" / "library").rglob("*.png"))) == 6, "what is left out is not drawn"


def test_a_synonym_of_a_concept_counts_as_found_among_the_nearest(tmp_path: Path) -> None:
    write_library(tmp_path / "library.parquet", 20)
    library = Library(tmp_path / "library.parquet")
    assert library.synonyms == {}, "those of the bundled library are its own"
    library.__dict__["synonyms"] = {"green square 1": ("malachite green", "verdure")}
    index = ChromaIndex(tmp_path / "home", ColourBlindEmbedder(), library=library)
    found = index.search(["a malachite", "an obsidian"], 3, SearchOptions(floor="calibrated"))
    assert [[hit.title for hit in hits] for hits in found] == [["green square 1"], []]


def test_synonyms_are_new_words_that_few_concepts_share() -> None:
    library = bundled_library()
    said = {name: words for name, *words in library.said}
    assert set(library.synonyms) <= set(said)
    assert not [name for name, words in library.synonyms.items() if {name, *said[name]} & set(words)]
    assert max(Counter(word for words in library.synonyms.values() for word in words).values()) <= 3
    assert "doggo" in library.synonyms["dog"]


class NameEmbedder(ColourEmbedder):
    """The embedded CLIP's vectors of the library's names, as they came with it."""

    dimension = 384

    def __init__(self, library: Library) -> None:
        with safe_open(str(asset("library_embeddings.safetensors")), "np") as file:
            super().__init__(file.metadata()["model_id"])
        names = library.stored_name_embeddings(self.model_id)
        assert names is not None
        self._names = dict(zip((concept.name for concept in library.concepts), names, strict=True))

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self._names[text] for text in texts])


@pytest.mark.slow
class TestBundledLibrary:
    def test_finds_what_an_exact_search_finds(self, tmp_path: Path) -> None:
        library = Library()
        embedder = NameEmbedder(library)
        index = ChromaIndex(tmp_path, embedder)
        names = [concept.name for concept in library.concepts][::30]
        found = index.search(names, 10)
        vectors = library.stored_embeddings(embedder.model_id)
        assert vectors is not None
        first = {entry.sha256: i for i, entry in reversed(list(enumerate(library.entries)))}
        kept = np.array(sorted(first.values()))
        scores = embedder.embed_texts(names) @ vectors[kept].T
        best = -np.sort(-scores, axis=1)[:, 9]
        right = [
            sum(hit.similarity >= least - 1e-5 for hit in hits) / 10 for hits, least in zip(found, best, strict=True)
        ]
        assert np.mean(right) >= 0.999
        assert index.status()["images"] == len(kept)
        hit = found[0][0]
        assert index.image(hit.sha256).size == (128, 128)
        assert hit.path.is_file()
