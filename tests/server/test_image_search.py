"""A client's images by words, by what they show and by likeness; nobody else's."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagerag.errors import FileError, UserError
from imagerag.server import image_search
from imagerag.server.database import ANONYMOUS, Database, Entry
from imagerag.server.image_search import ImageQuery, ImageSearch

COLOURS = {"red": (255, 0, 0), "pink": (255, 90, 90), "green": (0, 255, 0), "blue": (0, 0, 255)}


class ColourEmbedder:
    """Embeds an image as its mean colour, and a text as the colour that it names."""

    model_id, dimension = "colours", 3

    def __init__(self) -> None:
        self.embedded = 0

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return _unit(np.array([COLOURS[text] for text in texts], np.float32))

    def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        self.embedded += len(images)
        return _unit(np.stack([np.asarray(image.convert("RGB"), np.float32).mean((0, 1)) for image in images]))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Gallery:
    """A database of single-coloured images, whose address is the colour's name."""

    def __init__(self, home: Path) -> None:
        self.database, self.embedder = Database(home), ColourEmbedder()
        self.search = ImageSearch(self.database, lambda: self.embedder, self.opened)
        self.gone: set[str] = set()

    def opened(self, entry: Entry) -> Image.Image:
        if entry.sha256 in self.gone:
            raise FileError("gone", "x.png", "gone", "gone")
        return Image.new("RGB", (4, 4), COLOURS[entry.sha256])

    def add(self, client: str, colour: str, prompt: str, thread: str = "sea", number: int = 1) -> str:
        record = {"id": f"image-{number}", "sha256": colour, "prompt": prompt}
        return self.database.enter(client, thread, [record])[record["id"]].id  # type: ignore[list-item]

    def names(self, client: str = "me", **query: object) -> list[str]:
        return [one.entry.sha256 for one in self.search.find(client, ImageQuery(**query)).images]  # type: ignore[arg-type]


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    made = Gallery(tmp_path)
    yield made
    made.database.close()


def test_words_what_it_shows_and_likeness_find_the_clients_own_alone(gallery: Gallery) -> None:
    ids = {
        name: gallery.add("me", name, f"a {name} owl", number=n) for n, name in enumerate(("green", "pink", "red"), 1)
    }
    theirs = gallery.add("other", "blue", "a blue owl")
    assert gallery.names() == ["red", "pink", "green"], "newest first"
    assert gallery.names(words="OWL pink") == ["pink"]
    assert gallery.names(shows="red") == ["red", "pink", "green"]
    assert gallery.names(like=ids["pink"]) == ["red", "green"], "without the image itself"
    assert "blue" not in gallery.names(shows="blue"), "which is another client's"
    assert gallery.names("other", shows="red") == ["blue"]
    assert gallery.names(words="pink", shows="red") == ["pink"], "both together"
    with pytest.raises(UserError, match="is not an image of yours"):
        gallery.names(like=theirs)
    with pytest.raises(UserError, match="not both"):
        gallery.names(like=ids["red"], shows="red")
    gallery.add(ANONYMOUS, "red", "an owl")
    assert gallery.names(ANONYMOUS) == gallery.names(ANONYMOUS, shows="red") == []


def test_pages_follow_each_other_without_gap_or_repeat(gallery: Gallery) -> None:
    for number, name in enumerate(COLOURS, 1):
        gallery.add("me", name, "an owl", number=number)
    for query in ({}, {"shows": "red"}):
        pages = [gallery.names(**query, offset=at, limit=3) for at in (0, 3, 6)]
        assert [len(page) for page in pages] == [3, 1, 0]
        assert sorted(name for page in pages for name in page) == sorted(COLOURS)
    assert gallery.search.find("me", ImageQuery(limit=1)).total == 4


def test_each_image_is_embedded_once_also_where_branches_hold_it_again(gallery: Gallery) -> None:
    gallery.add("me", "red", "an owl")
    gallery.add("me", "red", "an owl", thread="branch")
    assert gallery.names(shows="red") == ["red"]
    assert gallery.names(shows="red") == ["red"]
    assert gallery.embedder.embedded == 1


def test_what_has_not_been_looked_at_yet_is_told_and_comes_with_the_next_search(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_search, "AT_ONCE", 1)
    for number, name in enumerate(COLOURS, 1):
        gallery.add("me", name, "an owl", number=number)
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(image_search.time, "monotonic", lambda: float(next(clock)))
    counts = []
    for _ in range(5):
        found = gallery.search.find("me", ImageQuery(shows="red"))
        counts.append((found.total, found.not_seen))
    assert counts[0][1] > 0
    assert counts[-1] == (4, 0)
    assert all(total + not_seen == 4 for total, not_seen in counts)


def test_an_image_whose_file_is_gone_hides_no_other(gallery: Gallery) -> None:
    gallery.add("me", "red", "an owl", number=1)
    gallery.add("me", "green", "an owl", number=2)
    gallery.gone.add("green")
    assert gallery.names(shows="red") == ["red"]
