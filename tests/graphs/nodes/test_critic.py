"""The critic node: verdicts, manifests, and when redrawing stops."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imagerag.embedders.calibration import bundled_calibration
from imagerag.embedders.clip import embedded_model_id
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.best_image import best_among
from imagerag.graphs.endings import ENDINGS
from imagerag.graphs.nodes.critic import _why_no_redraw
from imagerag.graphs.one_pass import build_one_pass
from imagerag.index.user.calibration_file import CalibrationFile
from imagerag.index.user_libraries import library_directory
from imagerag.modes import Mode
from imagerag.profiles import resolve
from imagerag.settings import Settings
from imagerag.store.manifest import read_manifest
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import GENERATE, run_scripted, thread


@pytest.mark.slow
def test_redrawing_that_stops_helping_ends_the_run(tmp_path: Path) -> None:
    result = run_scripted(tmp_path, [GENERATE] * 9, [0.5, 0.4, 0.4, 0.4, 0.99], max_generations=9)
    assert result["stop_reason"] == "no_improvement"
    assert len(result["images"]) == 4


def test_each_image_carries_its_manifest_with_the_verdict(tmp_path: Path) -> None:
    result = run_scripted(tmp_path, [GENERATE], [0.9])
    manifest = read_manifest(result["image"]["path"])
    assert (manifest.prompt, manifest.seed, manifest.generator) == ("an owl", 7, "squares")
    assert manifest.verdict == result["verdict"]


def test_of_equal_images_the_first_is_best_and_one_that_was_not_judged_is_not() -> None:
    def image(number: int, score: float | None) -> Any:
        verdict = None if score is None else {"critic": "clip", "satisfied": False, "score": score}
        return {"id": f"image-{number}", "score": score, "verdict": verdict}

    components: Any = SimpleNamespace(critic=None)
    best = best_among([image(1, 0.2), image(2, 0.7), image(3, 0.7), image(4, None)], components, "an owl")
    assert best is not None
    assert best["id"] == "image-2"
    assert best_among([], components, "an owl") is None


@pytest.mark.parametrize("build", [build_graph, build_one_pass])
@pytest.mark.parametrize("score", [0.1, 0.9])
def test_an_uncalibrated_verdict_ends_the_run_after_one_drawing_and_tells_why(
    build: Any, score: float, tmp_path: Path
) -> None:
    graph = build(critic=ScriptedCritic([score], uncalibrated=True), generator=Squares())
    told, result = [], None
    request = {"prompt": "an owl", "seed": 7}
    context = Settings(home=str(tmp_path))
    for mode, part in graph.stream(request, thread(), context=context, stream_mode=["custom", "values"]):
        told += [part["text"]] if mode == "custom" and part["event"] == "note" else []
        result = part if mode == "values" else result
    assert result is not None
    assert result["stop_reason"] == "uncalibrated"
    assert len(result["images"]) == 1
    assert result["references"] == []
    assert [text for text in told if "imagerag index add FOLDER" in text and "--critic" in text]
    assert ENDINGS["uncalibrated"] in result["messages"][-1].text


@pytest.mark.parametrize(
    ("library", "told"),
    [
        (("own",), "FOLDER --lookup-model M with 40 captioned pictures or more of the kind that is drawn ("),
        (("birds", "bundled"), "FOLDER --library birds --lookup-model M with 40"),
        (("bundled",), "of the kind that is drawn, searched by --library bundled,own ("),
    ],
)
def test_what_would_calibrate_a_critic_is_what_is_searched(library: tuple[str, ...], told: str) -> None:
    settings = resolve(Settings(generator="sdxl", critic="clip:M", lookup_model="M", library=library, vlm="rules"))
    assert told in _why_no_redraw("clip:M", settings, "auto")


@pytest.mark.parametrize("library", ["own", "birds"])
def test_a_library_that_is_said_to_show_another_kind_has_to_be_said_to_show_what_is_drawn(
    library: str, tmp_path: Path
) -> None:
    settings = resolve(Settings(home=str(tmp_path), generator="sdxl", critic="clip", library=("own", "birds"),
                                lookup_model="ViT-B-32:openai", vlm="rules"))  # fmt: skip
    named = " --library birds" if library == "birds" else ""
    calibrate = f"imagerag index calibrate{named} --lookup-model embedded"
    directory = library_directory(tmp_path, library)
    directory.mkdir(parents=True)
    file = CalibrationFile(directory, embedded_model_id())
    file.write(bundled_calibration())
    assert f"{calibrate} --shows photographs)" in _why_no_redraw("clip:embedded", settings, "auto")
    file.write(replace(bundled_calibration(), shows="photographs", captioned=3))
    assert f"{calibrate})" in _why_no_redraw("clip:embedded", settings, "auto")
    pictograms = replace(settings, makes="pictograms")
    assert f"{calibrate} --shows pictograms)" in _why_no_redraw("clip:embedded", pictograms, "auto")


@pytest.mark.parametrize(
    ("mode", "told"), [("auto", "nothing is looked up or drawn again;"), ("lookup_first", "nothing is drawn again;")]
)
def test_what_was_looked_up_first_is_not_said_not_to_be(mode: Mode, told: str) -> None:
    settings = resolve(Settings(profile="pictograms"))
    assert told in _why_no_redraw("clip:embedded", settings, mode)


def test_a_verdict_that_can_not_be_written_into_its_file_counts_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(store: Any, sha256: str, verdict: Any) -> None:
        raise UserError("'x.png' can't be written (No space left on device)")

    monkeypatch.setattr("imagerag.store.images.ImageStore.set_verdict", full)
    graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares())
    context = Settings(home=str(tmp_path))
    stream = graph.stream({"prompt": "an owl"}, thread(), context=context, stream_mode=["custom", "values"])
    chunks = list(stream)
    notes = [chunk["text"] for kind, chunk in chunks if kind == "custom" and chunk["event"] == "note"]
    assert "the verdict on image-1 is not written into its file: 'x.png' can't be written" in "\n".join(notes)
    assert chunks[-1][1]["verdict"]["score"] == 0.9
