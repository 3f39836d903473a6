"""What a stored thread says of where its pictures are: it may be somebody else's, or have been moved."""

import base64
import shutil
from pathlib import Path
from typing import Any

import pytest

from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.graphs.stored_paths import paths_within
from imagerag.report.html import render_page
from imagerag.report.json_document import About, document_of
from imagerag.settings import Settings
from testing.scripted_runs import thread
from tests.graphs.test_thread_saver import draw, graph_of

ADDRESS = "ab" * 32
SECRET = "the-secret-of-another-file"


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ({"path": f"/data/images/ab/{ADDRESS}.png", "sha256": ADDRESS}, f"/data/images/ab/{ADDRESS}.png"),
        ({"path": "/data/link.png", "sha256": ADDRESS}, f"/data/images/ab/{ADDRESS}.png"),
        ({"path": "/data/library/ab/x.png", "sha256": ADDRESS, "kind": "retrieved"}, "/data/library/ab/x.png"),
        ({"path": "/etc/passwd", "sha256": ADDRESS}, f"/data/images/ab/{ADDRESS}.png"),
        ({"path": "/data/../etc/passwd", "sha256": ADDRESS}, f"/data/images/ab/{ADDRESS}.png"),
        ({"path": "/database/x.png", "sha256": ADDRESS, "kind": "subject"}, f"/data/images/ab/{ADDRESS}.png"),
        ({"path": "images/ab/x.png", "sha256": ADDRESS}, f"/data/images/ab/{ADDRESS}.png"),
        ({"path": "/etc/passwd", "sha256": ADDRESS, "kind": "retrieved"}, ""),
        ({"path": "/etc/passwd", "sha256": "../../../etc/passwd"}, ""),
        ({"path": "/etc/passwd", "sha256": 5}, ""),
        ({"path": "/data/a\0b", "sha256": ADDRESS}, f"/data/images/ab/{ADDRESS}.png"),
        ({"path": "/etc/passwd"}, "/etc/passwd"),
    ],
)
def test_a_path_is_one_of_the_data_directorys(record: dict[str, Any], path: str) -> None:
    home = Path("/data")
    for value, found in (
        (record, lambda one: one),
        ([[record]], lambda one: one[0][0]),
        ({"image": record}, lambda one: one["image"]),
    ):
        told = paths_within(value, home)
        assert found(told) == {**record, "path": path}
    if path == record["path"]:
        assert paths_within(record, home) == record


def test_what_is_nested_without_end_is_let_through() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    paths_within({"a": nested}, Path("/data"))


def test_a_report_of_a_foreign_thread_shows_no_other_file(tmp_path: Path) -> None:
    home, secret = tmp_path / "home", tmp_path / "secret.txt"
    home.mkdir()
    secret.write_text(SECRET)
    draw(home)
    with open_checkpointer(home) as saver:
        graph = graph_of(saver)
        state = graph.get_state(thread()).values
        image = {**state["all_images"][0], "path": str(secret), "references": ["ref-1"]}
        reference = {
            "id": "ref-1", "kind": "retrieved", "path": str(secret), "sha256": ADDRESS, "concept": "owl",
            "caption": "an owl", "title": "an owl", "similarity": 0.5, "source": "x", "licence": "CC0-1.0",
        }  # fmt: skip
        graph.update_state(
            thread(),
            {"images": [image], "references": [reference], "all_references": [reference], "image": image},
            as_node="finish",
        )
    with open_checkpointer(home) as saver:
        values = graph_of(saver).get_state(thread()).values
    assert values["image"]["path"] == state["all_images"][0]["path"], "that of its address"
    linked = tmp_path / "home" / "linked.png"
    linked.symlink_to(secret)
    values["references"].append({**reference, "id": "ref-2", "path": str(linked)})
    about: About = {
        "pipeline": "agent", "profile": "pictograms", "generator": "patchwork", "vlm": "rules", "critic": "clip",
        "thread_id": "t", "notes": [], "stop_detail": "",
    }  # fmt: skip
    page = render_page(document_of(values, about))
    assert base64.b64encode(SECRET.encode()).decode() not in page
    assert str(tmp_path) not in page


def test_a_data_directory_that_was_moved_finds_its_images(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    draw(tmp_path / "home")
    shutil.move(tmp_path / "home", tmp_path / "moved")
    with open_checkpointer(tmp_path / "moved") as saver:
        graph = graph_of(saver)
        values = graph.get_state(thread()).values
        assert all(Path(one["path"]).is_file() for one in values["all_images"])
        graph.invoke({"prompt": "now make it red"}, thread(), context=Settings(home=str(tmp_path / "moved")))
