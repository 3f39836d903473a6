"""The critic node: verdicts, manifests, and when redrawing stops."""

from pathlib import Path

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
