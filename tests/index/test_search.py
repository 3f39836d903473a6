"""The bundled library and the user's own pictures, searched together."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.components import Components
from imagerag.index.base import SearchOptions
from imagerag.index.search import CombinedIndex
from imagerag.index.user.store import UserPictures
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
        hits = [SimpleNamespace(sha256=f"{model}{at}", similarity=at) for at in similarities]

        def search(captions: list[str], k: int, options: SearchOptions) -> Any:
            assert isinstance(options.floor, float | int)
            return [[hit for hit in hits if hit.similarity >= options.floor][:k] for _ in captions]

        return SimpleNamespace(embedder=SimpleNamespace(model_id=model), search=search)

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
    assert not CombinedIndex(None, [pictures("open_clip:ViT-B-32/laion2b_s34b_b79k")]).comparable
    ensemble: Any = SimpleNamespace(search=None)
    assert not CombinedIndex(None, [ensemble]).comparable
    assert not CombinedIndex(None, [own, ensemble]).comparable
