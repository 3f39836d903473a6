"""What a search service finds, judged by the look-up floor of our own model."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imagerag.embedders.calibration import Calibration, LookupFloor, Presence
from imagerag.embedders.clip import model_id_of
from imagerag.errors import InvalidArgument
from imagerag.graphs import libraries
from imagerag.graphs.libraries import open_index
from imagerag.index.base import PLAIN_SEARCH, Hit, SearchOptions
from imagerag.index.captions import common_names
from imagerag.index.plugin_search import SearchService
from imagerag.index.search import CombinedIndex
from imagerag.index.user.store import UserPictures
from testing.colour_library import HUES, ColourEmbedder
from testing.user_pictures import save_picture


class Squares:
    """A service that answers every query with a square of each colour, in its own order."""

    def __init__(self, home: Path | None = None) -> None:
        self.asked: list[SearchOptions] = []

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        self.asked.append(options)
        hits = [Hit(colour, Path(colour), f"file {colour[0]}", (), 0.5, "squares", "CC0-1.0", "s") for colour in HUES]
        return [hits[:k] for _ in captions]

    def image(self, sha256: str) -> Image.Image:
        if sha256 == "black":
            raise InvalidArgument("gone")
        return Image.new("RGBA", (8, 8), HUES[sha256])


def colours(found: list[list[Hit]]) -> list[list[str]]:
    return [[hit.sha256 for hit in hits] for hits in found]


def test_what_does_not_look_like_the_caption_is_not_found_and_the_order_stays() -> None:
    service = Squares()
    index = SearchService(service, ColourEmbedder(), lambda: LookupFloor("cosine", 0.9), "calibrated")
    (hits,) = index.search(["blue"], 5, SearchOptions(exclude=["x"]))
    assert colours([hits]) == [["blue"]]
    assert hits[0].similarity == pytest.approx(1)
    assert service.asked[0].exclude == ["x"]
    assert colours(index.search(["blue"], 5, SearchOptions(floor=-1))) == [["red", "green", "blue", "white"]]
    assert colours(index.search(["blue"], 5, SearchOptions(floor=2))) == [[]]


def test_words_that_say_what_was_asked_for_count_as_found() -> None:
    service = Squares()
    search = service.search

    def titled(captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        return [[replace(hit, title=f"a {hit.sha256} square") for hit in hits] for hits in search(captions, k, options)]

    service.search = titled  # type: ignore[method-assign]
    index = SearchService(service, ColourEmbedder(), lambda: LookupFloor("cosine", 2.0), "calibrated")
    assert colours(index.search(["red", "tartan"], 5)) == [["red"], []]


def test_nothing_is_left_out_where_no_floor_can_be_fitted() -> None:
    index = SearchService(Squares(), ColourEmbedder(), lambda: None, "calibrated")
    assert colours(index.search(["blue"], 9)) == [["red", "green", "blue", "white"]]


class NamesEmbedder(ColourEmbedder):
    """Its pictures and texts have nothing in common, but for the texts of colours."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.stack([np.random.default_rng(list(text.encode())).normal(size=self.dimension) for text in texts])
        for at, text in enumerate(texts):
            if text in HUES:
                rows[at] = super().embed_texts([text])[0]
        unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit


@pytest.fixture
def squares(monkeypatch: pytest.MonkeyPatch) -> NamesEmbedder:
    """A service that is installed by the name ``squares``, and a model of the name ``colours``."""
    embedder = NamesEmbedder()
    there = {"squares": Squares}
    monkeypatch.setattr(libraries, "installed", lambda group: there if group == "searches" else {})
    monkeypatch.setattr(libraries, "make", lambda group, name, home: there[name](home))
    monkeypatch.setattr(libraries, "clip_model", lambda model, device: embedder)
    monkeypatch.setattr(
        libraries, "model_id_of", lambda model: embedder.model_id if model == "colours" else model_id_of(model)
    )
    open_index.cache_clear()
    libraries.open_user_pictures.cache_clear()
    return embedder


def test_alone_a_service_is_floored_by_the_committed_names_and_pictures(squares: NamesEmbedder, tmp_path: Path) -> None:
    index = open_index(tmp_path, None, ("colours",), libraries=("squares",))
    assert colours(index.search(["blue"], 9)) == [["blue"]]
    strange = [name for name in common_names() if name not in HUES]
    answered = sum(bool(hits) for hits in index.search(strange, 1))
    assert answered <= 0.1 * len(strange)
    assert colours(open_index(tmp_path, None, ("colours",), -1.0, libraries=("squares",)).search(["blue"], 2)) == [
        ["red", "green"]
    ]


@pytest.mark.slow
def test_beside_a_calibrated_library_its_floor_is_taken(squares: NamesEmbedder, tmp_path: Path) -> None:
    own = UserPictures(tmp_path, squares)
    save_picture(tmp_path / "pictures", "a.png", "owl")
    own.add([tmp_path / "pictures"])
    floor = LookupFloor("cosine", 0.99999)  # no drawing of the null comes near it
    own.calibration_file.write(Calibration(squares.model_id, "names", 0, 1, Presence(30.0, 0.9), floor))
    own.close()
    index = open_index(tmp_path, None, ("colours",), libraries=("own", "squares"))
    found = index.search(["green"], 9)[0]
    assert [hit.sha256 for hit in found if hit.source == "squares"] == ["green"]


def test_the_model_of_pictograms_judges_no_pictures_of_a_service(squares: NamesEmbedder, tmp_path: Path) -> None:
    index = open_index(tmp_path, None, ("embedded",), libraries=("squares",))
    assert isinstance(index, CombinedIndex)
    assert colours(index.search(["tartan"], 9)) == [list(HUES)]


def test_offline_asks_no_search_service_since_nobody_knows_where_it_looks(
    squares: NamesEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagerag.index.user_libraries.installed", libraries.installed)
    told = ["search service 'squares' is not asked: --offline"]
    assert libraries.searchable_libraries(tmp_path, ("squares",), ("embedded",), True, offline=True) == ((), told)
