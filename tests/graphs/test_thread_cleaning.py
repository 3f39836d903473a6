"""Which images threads refer to, and which threads are old."""

import time
from pathlib import Path

import pytest

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.graphs.thread_cleaning import forget, old_threads, referred_images, refers_to, thread_names
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread
from testing.servers import Shelf


@pytest.fixture
def address(tmp_path: Path) -> str:
    """That of an image in thread ``sea``."""
    with open_checkpointer(tmp_path) as saver:
        graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares(), index=Shelf(), checkpointer=saver)
        output = graph.invoke({"prompt": "an owl"}, thread("sea"), context=Settings(home=str(tmp_path)))
    return str(output["images"][0]["sha256"])


def test_an_image_of_a_thread_is_referred_to_until_the_thread_is_forgotten(tmp_path: Path, address: str) -> None:
    with open_checkpointer(tmp_path) as saver:
        assert refers_to(saver, address)
        assert address in referred_images(saver)
        assert address not in referred_images(saver, {"sea"})
        assert not refers_to(saver, "0" * 64)
        assert forget(saver, "sea")
        assert not refers_to(saver, address)
        assert thread_names(saver) == []


def test_a_thread_is_as_old_as_its_last_turn(tmp_path: Path, address: str) -> None:
    with open_checkpointer(tmp_path) as saver:
        (old,) = old_threads(saver, time.time() + 60)
        assert old.name == "sea"
        assert abs(old.last - time.time()) < 600
        assert list(old_threads(saver, time.time() - 600)) == []


def test_a_thread_that_can_not_be_read_is_not_old(tmp_path: Path, address: str) -> None:
    with open_checkpointer(tmp_path) as saver:
        saver.conn.execute("UPDATE checkpoints SET checkpoint = x'c1c1'")
        saver.conn.commit()
        assert list(old_threads(saver, time.time() + 60)) == []
