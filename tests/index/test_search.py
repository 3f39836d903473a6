"""The bundled library and the user's own pictures, searched together."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.components import Components
from imagerag.index.base import Hit, SearchOptions
from imagerag.index.search import CombinedIndex
from imagerag.index.user.store import UserPictures
from imagerag.licences import LicencePolicy
from imagerag.settings import Settings
from testing.user_pictures import save_picture


@pytest.mark.slow
def test_below_the_floor_the_agent_is_told_that_there_is_nothing(tmp_path: Path) -> None:
    result = build_graph().invoke(
        {"prompt": "zqxvw grmpfl", "seed": 1},
        {"configurable": {"thread_id": "nothing"}},
        context=Settings(home=str(tmp_path / "home"), mode="lookup_first"),
    )
    assert result["references"] == []
    assert result["image"] is not None
    said = [str(message.content) for message in result["messages"] if message.type == "tool"]
    assert any("the library has nothing for" in text for text in said)


@pytest.mark.slow
def test_the_agents_look_up_searches_both(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "my own owl.png", "owl")
    own.add([tmp_path / "p"])
    own.close()
    hits = Components(Settings(home=str(tmp_path / "home"))).index.search(["my own owl"], 5)[0]
    assert hits[0].set == "own"
    assert {hit.set for hit in hits} > {"own"}
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)


def test_hits_of_two_models_come_in_turn_and_those_below_the_floor_not_at_all() -> None:
    def index(model: str, *similarities: float) -> Any:
        hits = [
            SimpleNamespace(sha256=f"{model}{at}", similarity=at, set="s", licence="CC0-1.0") for at in similarities
        ]

        def search(captions: list[str], k: int, options: SearchOptions) -> Any:
            assert isinstance(options.floor, float | int)
            return [[hit for hit in hits if hit.similarity >= options.floor][:k] for _ in captions]

        return SimpleNamespace(
            embedder=SimpleNamespace(model_id=model), search=search, own=[SimpleNamespace(name="own")]
        )

    combined = CombinedIndex(index("library", 0.9, 0.8, 0.3), [index("own", 0.7, 0.2)], floor=0.45)
    (found,) = combined.search(["an owl"], 9)
    assert [hit.sha256 for hit in found] == ["own0.7", "library0.9", "library0.8"]
    assert [hit.sha256 for hit in combined.search(["an owl"], 1)[0]] == ["own0.7"]
    assert len(combined.search(["an owl"], 9, SearchOptions(floor=-1))[0]) == 5


def test_only_similarities_of_one_space_are_sorted_over_captions(own: UserPictures) -> None:
    """What is fused of several ranks, or of several models, comes in an order that its similarities don't have."""

    def pictures(model_id: str) -> UserPictures:
        made = UserPictures.__new__(UserPictures)
        made.embedder = SimpleNamespace(model_id=model_id)  # type: ignore[assignment]
        return made

    assert CombinedIndex(None, [own]).comparable
    assert not CombinedIndex(None, [own], diverse=0.5).comparable
    assert not CombinedIndex(None, [pictures("open_clip:ViT-B-32/laion2b_s34b_b79k")]).comparable
    ensemble: Any = SimpleNamespace(search=None)
    assert not CombinedIndex(None, [ensemble]).comparable
    assert not CombinedIndex(None, [own, ensemble]).comparable


class Pile:
    """Finds its pictures in their order, whatever is asked for, but for those that are excluded."""

    def __init__(self, *licences: str, name: str = "own") -> None:
        self.embedder = SimpleNamespace(model_id="m")
        self.own = [SimpleNamespace(name=name)]
        self.asked: list[list[str]] = []
        self._hits = [
            Hit(f"{name}-{at}", Path(), "", (), 0.5, name, licence, name) for at, licence in enumerate(licences)
        ]

    def search(self, captions: list[str], k: int, options: SearchOptions) -> list[list[Hit]]:
        self.asked.append(list(captions))
        return [[hit for hit in self._hits if hit.sha256 not in options.exclude][:k] for _ in captions]


def test_what_may_not_be_drawn_with_is_passed_over_and_told() -> None:
    told: list[str] = []
    own: Any = Pile("CC-BY-NC-4.0", "unknown", "our own", "all rights reserved", "CC BY 4.0")
    (found,) = CombinedIndex(None, [own]).search(["an owl"], 3, SearchOptions(tell=told.append))
    assert [hit.licence for hit in found] == ["own", "our own", "CC BY 4.0"]
    assert told == [
        "2 pictures found are not used for their licence (CC-BY-NC-4.0, all rights reserved); --licences takes others "
        "than those that allow changes and commercial use"
    ]
    service: Any = Pile("unknown", "CC-BY-ND-4.0", "CC0-1.0", name="own")
    other: Any = Pile(name="own")
    (found,) = CombinedIndex(None, [other], services=[service]).search(["an owl"], 3)
    assert [hit.licence for hit in found] == ["CC0-1.0"], "a service's pictures are not one's own, whatever it says"
    (found,) = CombinedIndex(None, [own], policy=LicencePolicy(("any",))).search(["an owl"], 9)
    assert len(found) == 5


def test_a_picture_of_ones_own_library_is_own_unless_it_comes_from_elsewhere() -> None:
    def licence(**known: Any) -> str:
        hit = Hit("a", Path(), "", (), 0.5, known.pop("source", "/home/me/a.png"), "unknown", "own", **known)
        own: Any = SimpleNamespace(
            embedder=SimpleNamespace(model_id="m"), search=lambda *_: [[hit]], own=[SimpleNamespace(name="own")]
        )
        return CombinedIndex(None, [own]).search(["an owl"], 1)[0][0].licence

    assert licence() == "own"
    assert licence(source="https://example.org/1") == licence(link="https://x.org/1") == "unknown"
    assert licence(creator="Jane Roe") == "unknown"


def test_the_web_is_asked_for_what_is_lacking_alone_by_two_captions_at_most() -> None:
    near: Any = SimpleNamespace(
        embedder=SimpleNamespace(model_id="m"),
        own=[SimpleNamespace(name="own")],
        search=lambda captions, k, options: [
            [Hit("a", Path(), "", (), 0.5, "own", "unknown", "own")] if "owl" in caption else [] for caption in captions
        ],
    )
    web: Any = Pile(name="web")
    captions = ["a drawing of an owl", "a bird of the night", "a kimono of old", "kimono", "a robe"]
    concepts = ("owl", "owl", "kimono", "kimono", "kimono")
    found = CombinedIndex(None, [near], web=web).search(captions, 2, SearchOptions(concepts=concepts))
    assert web.asked == [["kimono"], ["a robe"]]
    assert [len(hits) for hits in found] == [1, 0, 0, 0, 0]
    filled: Any = Pile("CC0-1.0", name="web")
    found = CombinedIndex(None, web=filled).search(captions, 2, SearchOptions(concepts=concepts))
    assert filled.asked == [["a drawing of an owl", "kimono"]]
    assert CombinedIndex(None, web=filled).search(["kimono"], 2)[0][0].licence == "CC0-1.0"
