"""The images of one batch: one that can't be stored takes none of the others with it."""

from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from imagerag.store.images import ImageStore
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread
from testing.servers import Shelf


class FullDisk(ImageStore):
    """Has no room for the images of some places in the order in which they are stored."""

    def __init__(self, home: Path, without: set[int]) -> None:
        super().__init__(home)
        self._without = without
        self._asked = 0

    def put(self, *arguments: Any, **named: Any) -> Any:
        self._asked += 1
        if self._asked in self._without:
            raise UserError("'x.png' can't be written (No space left on device); make room there")
        return super().put(*arguments, **named)


def draw(home: Path, without: set[int], notes: list[str]) -> Any:
    graph = build_graph(
        critic=ScriptedCritic([0.9] * 4), generator=Squares(), index=Shelf(), store=FullDisk(home, without)
    )
    values: Any = None
    context = Settings(home=str(home), n=4, seed=7)
    for kind, chunk in graph.stream({"prompt": "an owl"}, thread(), context=context, stream_mode=["custom", "values"]):
        if kind == "values":
            values = chunk
        elif chunk["event"] == "note":
            notes.append(chunk["text"])
    return values


@pytest.mark.parametrize(("without", "seeds"), [({4}, [7, 8, 9]), ({2, 3}, [7, 10]), ({1}, [8, 9, 10])])
def test_images_that_could_be_stored_are_kept(tmp_path: Path, without: set[int], seeds: list[int]) -> None:
    notes: list[str] = []
    result = draw(tmp_path, without, notes)
    assert [image["seed"] for image in result["images"]] == seeds
    assert result["image"]["seed"] == seeds[0]
    assert [note for note in notes if "is lost" in note] == [
        f"image {number} of 4 (seed {6 + number}) is lost: 'x.png' can't be written (No space left on device); make "
        "room there"
        for number in sorted(without)
    ]


def test_where_none_could_be_stored_the_person_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'x\.png' can't be written \(No space left on device\)"):
        draw(tmp_path, {1, 2, 3, 4}, [])
