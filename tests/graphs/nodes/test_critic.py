"""The critic node: verdicts, manifests, and when redrawing stops."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from imagerag.graphs.best_image import best_among
from imagerag.store.manifest import read_manifest
from testing.scripted_runs import GENERATE, run_scripted


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
