"""A thread goes on with its own profile, which ``profiles show`` and the doctor know as well."""

import io
from pathlib import Path

import pytest

from imagerag.cli.parser import parse
from imagerag.cli.thread_profile import profile_of_thread, size_of_thread
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data directory with a thread that began with the profile comfyui."""
    home = tmp_path / "home"
    home.mkdir()
    with open_checkpointer(home) as saver:
        graph = build_graph(checkpointer=saver)
        graph.update_state(
            {"configurable": {"thread_id": "t"}}, {"profile": "comfyui", "run_size": "640x480"}, as_node="finish"
        )
    return home


def told(*argv: str) -> str:
    command, options = parse(argv)
    out = io.StringIO()
    command.runner()(options, out)
    return out.getvalue()


def test_the_profile_of_a_thread(home: Path) -> None:
    assert profile_of_thread(Settings(home=str(home), thread="t")) == "comfyui"
    assert profile_of_thread(Settings(home=str(home), thread="another")) is None
    assert profile_of_thread(Settings(home=str(home))) is None


def test_nothing_is_made_to_find_none(tmp_path: Path) -> None:
    assert profile_of_thread(Settings(home=str(tmp_path / "none"), thread="t")) is None
    assert not (tmp_path / "none").exists()


def test_show_tells_it_whatever_is_named(home: Path) -> None:
    line = told("profiles", "show", "--home", str(home), "--thread", "t", "--profile", "pictograms").splitlines()[0]
    assert line.split(maxsplit=2)[1:] == ["comfyui", "the thread"]


@pytest.mark.slow
def test_the_doctor_checks_it(home: Path) -> None:
    text = told("doctor", "--home", str(home), "--thread", "t", "--offline")
    assert "profile: 'comfyui': comfyui:http://127.0.0.1:8188" in text


def test_show_tells_the_size_that_a_thread_goes_on_with(home: Path) -> None:
    def size(*flags: str) -> list[str]:
        lines = told("profiles", "show", "--home", str(home), *flags).splitlines()
        return next(line for line in lines if line.startswith("size ")).split(maxsplit=2)[1:]

    assert size_of_thread(Settings(home=str(home), thread="t")) == "640x480"
    assert size("--thread", "t") == ["640x480", "the thread"]
    assert size("--thread", "another") == ["none", "default"]
    assert size("--thread", "t", "--size", "64x64") == ["64x64", "flag --size"]
