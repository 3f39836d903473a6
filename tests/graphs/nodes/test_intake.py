"""The intake node: prompts, subjects and folders are checked before anything is drawn."""

import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.registry import load_driver
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.nodes.intake import check_prompt
from imagerag.settings import Settings
from imagerag.store.manifest import read_manifest
from imagerag.tools.builtin import MAX_PROMPT
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import GENERATE, run_scripted, thread


def test_subject_files_are_drawn_with(tmp_path: Path) -> None:
    Image.new("RGB", (50, 50), "blue").save(tmp_path / "mine.png")
    squares = Squares()
    graph = build_graph(critic=ScriptedCritic([0.9]), generator=squares)
    request = {"prompt": "an owl", "subjects": [str(tmp_path / "mine.png")]}
    result = graph.invoke(request, thread(), context=Settings(home=str(tmp_path)))
    assert squares.requests[0].references[0].kind == "subject"
    assert result["references"][0]["title"] == "mine.png"


class SquaresOfPhotographs(Squares):
    name, makes = "squares-of-photographs", "photographs"


def test_parts_that_do_not_go_together_are_in_the_outcome_of_who_listens_to_no_events(tmp_path: Path) -> None:
    graph = build_graph(critic=ScriptedCritic([0.9, 0.9]), generator=SquaresOfPhotographs())
    settings = Settings(home=str(tmp_path), profile="pictograms", library=("bundled",))
    result = graph.invoke({"prompt": "an owl"}, thread(), context=settings)
    step = result["trace"][0]
    assert (step["node"], step["name"]) == ("intake", "parts")
    assert "draws photographs, but library 'bundled' would put pictograms into a photograph" in step["summary"]
    sound = graph.invoke(
        {"prompt": "an owl"}, thread("u"), context=Settings(home=str(tmp_path), profile="local", vlm="rules")
    )
    assert "parts" not in [step["name"] for step in sound["trace"]]


def test_what_a_driver_takes_to_load_is_no_time_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, settings: Any) -> Any:
        time.sleep(0.6)
        return load_driver(name, settings)

    monkeypatch.setattr("imagerag.graphs.components.load_driver", load)
    graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares())
    settings = Settings(home=str(tmp_path), profile="pictograms")
    graph.invoke({"prompt": "an owl"}, thread(), context=settings)
    spent = graph.get_state(thread()).values["spent"]
    assert spent["loading"] >= 0.6


@pytest.mark.parametrize("prompt", ["", "   ", "x" * 100_000])
def test_a_prompt_that_is_empty_or_overlong_is_one_clear_error(tmp_path: Path, prompt: str) -> None:
    with pytest.raises(UserError, match="the prompt"):
        run_scripted(tmp_path, [], [], {"prompt": prompt})


def test_results_go_where_the_context_says_and_the_store_keeps_its_own(tmp_path: Path) -> None:
    out = tmp_path / "results"
    result = run_scripted(tmp_path / "home", [GENERATE, GENERATE, "I give up"], [0.5, 0.2], out=str(out))
    assert [Path(image["path"]) for image in result["images"]] == [out / "an-owl-1.png", out / "an-owl-2.png"]
    assert result["image"]["path"] == str(out / "an-owl-1.png")
    assert read_manifest(out / "an-owl-1.png").prompt == "an owl"


def test_a_results_folder_that_cannot_be_written_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another folder"):
        run_scripted(tmp_path / "home", [GENERATE], [0.9], out=str(tmp_path / "file"))
    assert not (tmp_path / "home" / "images").exists()


def test_a_prompt_is_stripped_and_bounded() -> None:
    assert check_prompt("  an owl\n") == "an owl"
    assert check_prompt("x" * MAX_PROMPT) == "x" * MAX_PROMPT
    for text in ("", " \n", "x" * (MAX_PROMPT + 1)):
        with pytest.raises(UserError, match="the prompt '"):
            check_prompt(text)


def test_the_syntax_of_other_tools_is_taken_out_and_told(tmp_path: Path) -> None:
    squares = Squares()
    graph = build_graph(critic=ScriptedCritic([0.9]), generator=squares)
    request = {"prompt": "(an owl:1.2) --ar 16:9 --no people"}
    settings = Settings(home=str(tmp_path), max_generations=1)
    chunks = list(graph.stream(request, thread(), context=settings, stream_mode="custom"))
    assert squares.requests[0].prompt == "an owl"
    notes = [chunk["text"] for chunk in chunks if chunk["event"] == "note"]
    assert notes[0] == "--ar 16:9 is ignored: the generator's own size is drawn"
    assert any("'people'" in note for note in notes)


def test_a_critic_that_is_not_here_is_told_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*_: Any) -> None:
        raise UserError("model 'x' is not on this machine")

    monkeypatch.setattr("imagerag.graphs.components.load_critic", lacking)
    squares = Squares()
    settings = Settings(home=str(tmp_path), critic="clip:ViT-B-32:openai")
    with pytest.raises(UserError, match="not on this machine"):
        build_graph(generator=squares).invoke({"prompt": "an owl"}, thread("t"), context=settings)
    assert not squares.requests
