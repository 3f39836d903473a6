"""The bundled library and the user's own pictures, searched together."""

from pathlib import Path

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.components import Components
from imagerag.index.user.store import UserPictures
from imagerag.settings import Settings
from testing.user_pictures import save_picture


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


def test_the_agents_look_up_searches_both(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "my own owl.png", "owl")
    own.add([tmp_path / "p"])
    own.close()
    hits = Components(Settings(home=str(tmp_path / "home"))).index.search(["my own owl"], 5)[0]
    assert hits[0].set == "own"
    assert {hit.set for hit in hits} > {"own"}
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)
