"""Look-ups are recorded once per prompt and replayed; controls find what they are to find."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.lookups import EvaluationIndex, RecordedLookups, addresses
from imagerag.evaluation.switches import Switches
from imagerag.index.base import PLAIN_SEARCH, Hit, SearchOptions
from testing.servers import Shelf


class Changing:
    """Finds something else each time, as the web does; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], int, SearchOptions]] = []

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        self.asked.append((list(captions), k, options))
        return [[hit(f"{len(self.asked)} {caption}")] for caption in captions]

    def image(self, sha256: str) -> Any:
        return Shelf().image(sha256)


def hit(title: str) -> Hit:
    return Hit(f"{hash(title) % 2**64:064x}", Path("/a/b.png"), title, ("word",), 0.5, "web", "CC0-1.0", "web")


def index_of(inner: Any, recorded: RecordedLookups, settings: dict[str, object] | None = None, **switches: Any) -> Any:
    return EvaluationIndex(lambda: inner, settings or {}, Switches(**switches), recorded)


def test_arms_of_one_prompt_see_the_same_web() -> None:
    inner, recorded = Changing(), RecordedLookups("p")
    first = index_of(inner, recorded).search(["an owl"], 2)
    again = index_of(inner, recorded, references=4).search(["an owl"], 2)
    assert first == again
    assert len(inner.asked) == 1


def test_what_was_recorded_is_replayed_by_the_next_process() -> None:
    lines: list[dict[str, Any]] = []
    first = index_of(Changing(), RecordedLookups("p", (), lines.append)).search(["an owl", "an axe"], 2)
    kept = [json.loads(json.dumps(line)) for line in lines]
    inner = Changing()
    assert index_of(inner, RecordedLookups("p", kept)).search(["an owl", "an axe"], 2) == first
    assert inner.asked == []


def test_another_search_is_another_recording() -> None:
    inner, recorded = Changing(), RecordedLookups("p")
    index_of(inner, recorded).search(["an owl"], 2)
    index_of(inner, recorded).search(["an owl"], 3)
    index_of(inner, recorded).search(["an owl"], 2, SearchOptions(exclude=("1" * 64,)))
    index_of(inner, recorded, {"lookup_floor": 0.3}).search(["an owl"], 2)
    index_of(inner, recorded, floor=False).search(["an owl"], 2)
    assert len(inner.asked) == 5


def test_without_floor_the_nearest_is_found_and_the_order_can_be_chosen() -> None:
    inner = Changing()
    index_of(inner, RecordedLookups("p"), floor=False).search(["an owl"], 2)
    index_of(inner, RecordedLookups("p"), order="fused").search(["an owl"], 2)
    index_of(inner, RecordedLookups("p"), order="similarity").search(["an owl"], 2)
    options = [asked[2] for asked in inner.asked]
    assert [one.floor for one in options] == [-1.0, None, None]
    assert [one.fused for one in options] == [None, True, False]


def test_random_pictures_are_the_same_each_time_and_of_nothing_that_was_asked_for() -> None:
    names = set()
    for prompt in map(str, range(20)):
        inner = Changing()
        found = index_of(inner, RecordedLookups(prompt), found="random").search(["a polar bear"], 3)
        again = index_of(Changing(), RecordedLookups(prompt), found="random").search(["a polar bear"], 3)
        assert found == again
        ((captions, k, options),) = inner.asked
        assert (len(captions), k, options.floor) == (3, 1, -1.0)
        assert not any("bear" in caption or "polar" in caption for caption in captions)
        names.update(captions)
    assert len(names) > 30


def test_mislabelled_ones_have_the_title_that_was_asked_for() -> None:
    ((first, *_),) = index_of(Changing(), RecordedLookups("p"), found="mislabelled").search(["an owl"], 2)
    assert (first.title, first.words) == ("an owl", ())


class Web(Changing):
    """A search service whose pictures are gone the second time that they are asked for."""

    services = ("web",)

    def image(self, sha256: str) -> Any:
        if self.asked:
            raise UserError("404")
        self.asked.append(([], 0, PLAIN_SEARCH))
        return Shelf().image(sha256)


def test_a_picture_of_the_web_is_kept_when_it_is_first_looked_at() -> None:
    kept: dict[str, bytes] = {}
    web = Web()
    index = index_of(web, RecordedLookups("p", keep=kept.__setitem__))
    first = index.image("3" * 64)
    assert index.image("3" * 64).tobytes() == first.tobytes()
    again = index_of(web, RecordedLookups("p", pictures=dict(kept)))
    assert again.image("3" * 64).tobytes() == first.tobytes()
    with pytest.raises(UserError, match="404"):
        index_of(web, RecordedLookups("p")).image("3" * 64)


class Listed(Changing):
    """An index whose pictures can be listed."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.every = tuple(f"{number:064x}" for number in range(count))


def test_a_smaller_retrieval_set_is_a_part_of_a_larger_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.evaluation.lookups.addresses", lambda index: index.every)
    left: list[set[str]] = []
    for size in (10, 4):
        inner = Listed(20)
        index_of(inner, RecordedLookups("p"), retrieval_size=size).search(["an owl"], 2)
        left.append(set(inner.every) - set(inner.asked[0][2].exclude))
    assert [len(one) for one in left] == [10, 4]
    assert left[1] < left[0]
    inner = Listed(20)
    assert index_of(inner, RecordedLookups("p"), retrieval_size=0).search(["an owl"], 2) == [[]]
    assert inner.asked == []


def test_what_can_not_be_listed_has_no_smaller_set() -> None:
    with pytest.raises(UserError, match="retrieval_size needs libraries"):
        addresses(Shelf())
