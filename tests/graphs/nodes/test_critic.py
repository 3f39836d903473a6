"""The critic node: verdicts, manifests, and when redrawing stops."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models.providers import connect
from imagerag.chat_models.usage_meter import current_meter
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
from imagerag.interruptible import load_interruptibly
from imagerag.modes import Mode
from imagerag.profiles import resolve
from imagerag.settings import Settings
from imagerag.store.manifest import read_manifest
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.scripted_runs import GENERATE, run_scripted, thread
from testing.servers import Shelf
from testing.verdict_replies import answering, verdict_of


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


def slowly(value: Any) -> Any:
    """Load something for longer than a run is asked whether it has to end."""
    with current_meter().loading() as check:
        return load_interruptibly(lambda: time.sleep(1) or value, check)


def refused() -> Any:
    raise UserError("model 'timm/ViT-B-16-SigLIP2' is not on this machine")


def run_judged_over_http(tmp_path: Path, reply: Any, stand_in: Any, scores: int = 1, **settings: Any) -> Any:
    """Run a scripted model's drawings with a critic behind a server, and another one that stands in for it."""
    with serving(reply) as server:
        critic = VlmCritic("openai:x", connect(server.name), stand_in)
        model = ScriptedModel(script=[GENERATE] * scores, seen=[], offered=[])
        graph = build_graph(chat_model=model, critic=critic, generator=Squares(), index=Shelf())
        context = Settings(home=str(tmp_path), **settings)
        return graph.invoke({"prompt": "an owl", "seed": 7}, thread(), context=context)


def test_an_image_is_kept_where_the_run_is_cancelled_before_another_critic_is_loaded(tmp_path: Path) -> None:
    cancel = threading.Event()

    def reply(request: dict[str, Any], number: int) -> Reply:
        cancel.set()
        return Reply("{}", delay=30)

    result = run_judged_over_http(tmp_path, reply, lambda: slowly(ScriptedCritic([0.4])), cancel=cancel)
    assert (result["stop_reason"], result["image"]["id"], result["verdict"]) == ("cancelled", "image-1", None)
    assert Path(result["image"]["path"]).is_file()
    assert "image-1 was drawn for 'an owl' and is not judged; it was cancelled" in result["messages"][-1].text


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    ("stand_in", "limits", "reason", "why"),
    [
        (refused, {}, "error", "is not on this machine"),
        (lambda: slowly(None), {"max_loading_seconds": 0.1}, "loading", "loading budget used up"),
    ],
)
def test_an_image_is_kept_where_no_critic_can_be_loaded(
    tmp_path: Path, stand_in: Any, limits: dict[str, Any], reason: str, why: str
) -> None:
    result = run_judged_over_http(tmp_path, lambda request, number: Reply("busy", status=503), stand_in, **limits)
    assert (result["stop_reason"], result["image"]["id"], result["image"]["score"]) == (reason, "image-1", None)
    step = result["trace"][-1]
    assert (step["node"], step["name"]) == ("critic", "none")
    assert step["error"].startswith("image-1 not judged: ")
    assert why in step["error"]


@pytest.mark.usefixtures("quick_retries")
def test_what_was_judged_stays_the_best_where_no_critic_can_be_loaded_later(tmp_path: Path) -> None:
    judged = answering(verdict_of(True, False))

    def reply(request: dict[str, Any], number: int) -> Reply:
        return judged if number == 0 else Reply("busy", status=503)

    result = run_judged_over_http(tmp_path, reply, refused, scores=2)
    assert (result["stop_reason"], result["image"]["id"]) == ("error", "image-1")
    assert [record["score"] for record in result["images"]] == [0.5, None]
    assert result["verdict"]["critic"] == "openai:x"


def test_loading_a_critic_counts_as_loading_and_not_against_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()  # what is left behind holds up what is loaded next
    monkeypatch.setattr("imagerag.graphs.components.load_critic", lambda name, settings: ended.wait(30))
    graph = build_graph(generator=(squares := Squares()), index=Shelf())
    settings = Settings(
        home=str(tmp_path), profile="pictograms", critic="transformers:somebody/vlm", max_loading_seconds=0.2
    )
    try:
        result = graph.invoke({"prompt": "an owl", "seed": 7}, thread(), context=settings)
    finally:
        ended.set()
    assert (result["stop_reason"], result["image"], squares.requests) == ("loading", None, [])


def test_a_critic_without_its_key_is_told_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    squares = Squares()
    graph = build_graph(generator=squares, index=Shelf())
    settings = Settings(home=str(tmp_path), profile="pictograms", critic="openai:gpt-5.4-mini")
    with pytest.raises(UserError, match="set the variable OPENAI_API_KEY"):
        graph.invoke({"prompt": "an owl"}, thread(), context=settings)
    assert squares.requests == []


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
