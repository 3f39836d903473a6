"""A whole run that looks up the user's own pictures."""

from pathlib import Path

from imagerag.graphs.agent_graph import build_graph
from imagerag.index.user.store import UserPictures
from imagerag.settings import Settings
from testing.user_pictures import save_picture


def test_a_thing_that_only_its_owner_has_a_name_for_is_drawn(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "blorple.png", "flamingo")
    own.add([tmp_path / "p"])
    own.close()
    result = build_graph().invoke(
        {"prompt": "a blorple", "seed": 3},
        {"configurable": {"thread_id": "blorple"}},
        context=Settings(home=str(tmp_path / "home")),
    )
    first, best = result["images"][0], result["image"]
    assert "blorple" in first["verdict"]["missing"]
    (mine,) = [reference for reference in result["references"] if reference["title"] == "blorple"]
    assert mine["id"] in best["references"]
    assert best["score"] > first["score"] + 0.1
