"""A whole run from the console: its document, its page, its replay and its second turn."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.store.images import ImageStore
from imagerag.store.manifest import read_manifest

EMBEDDED = {key: value for key, value in os.environ.items() if not key.startswith("IMAGERAG_")}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], str, Path, Path]:
    """One real run from the console: its document, its stderr, the folder of its results and its data directory."""
    folder = tmp_path_factory.mktemp("run")
    out, home = folder / "out", folder / "home"
    command = [sys.executable, "-m", "imagerag", "a lobster in a kimono", "--seed", "7", "--json"]
    result = subprocess.run(
        [*command, "--out", str(out), "--html"],
        capture_output=True,
        text=True,
        env={**EMBEDDED, "IMAGERAG_HOME": str(home)},
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 1
    return json.loads(result.stdout), result.stderr, out, home


class TestRun:
    def test_document(self, finished: tuple[dict[str, object], str, Path, Path]) -> None:
        document, _, out, _ = finished
        required = {"image", "score", "satisfied", "missing", "stop_reason", "images", "references"}
        required |= {"mode", "thread_id", "seconds", "prompt", "seed", "verdict", "trace"}
        assert required <= set(document)
        images = document["images"]
        assert isinstance(images, list)
        assert images
        for image in images:
            assert {"id", "path", "seed", "score", "references"} <= set(image)
            assert Path(image["path"]).parent == out
            assert Path(image["path"]).name.startswith("a-lobster-in-a-kimono-")
        assert document["score"] == max(image["score"] for image in images)
        assert document["image"] in [image["path"] for image in images]
        references = document["references"]
        assert isinstance(references, list)
        assert references, "a lobster or a kimono is not in the base set"
        for reference in references:
            assert {"id", "path", "concept", "caption", "similarity", "source", "licence"} <= set(reference)

    def test_stderr_is_progress_only(self, finished: tuple[dict[str, object], str, Path, Path]) -> None:
        _, stderr, _, _ = finished
        lines = stderr.splitlines()
        assert lines
        assert all(re.match(r"\w+: \d+ of \d+ in", line) for line in lines), stderr

    def test_page(self, finished: tuple[dict[str, object], str, Path, Path]) -> None:
        document, _, out, _ = finished
        assert document["html"] == str(out / "a-lobster-in-a-kimono.html")
        assert "a lobster in a kimono" in Path(str(document["html"])).read_text(encoding="utf-8")

    def test_replay_is_identical(
        self, finished: tuple[dict[str, object], str, Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        document, _, _, home = finished
        arguments = ["replay", str(document["image"]), "--home", str(home), "--out", str(tmp_path)]
        assert run([*arguments, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["identical"] is True
        assert Path(told["replayed"]).is_file()
        assert run(arguments) == 0
        assert capsys.readouterr().out.startswith("identical")

    @pytest.mark.slow
    @pytest.mark.parametrize(("flag", "size"), [("--size=300x150", (300, 150)), ("--aspect=2:3", (128, 192))])
    def test_a_size_is_drawn_and_drawn_again(
        self, flag: str, size: tuple[int, int], capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        from PIL import Image

        where = ["--home", str(tmp_path)]
        once = ["--seed", "3", "--mode", "no_lookup", "--max-generations", "1", "--quiet"]
        assert run(["a red owl", flag, *once, *where]) == 0
        file = capsys.readouterr().out.strip()
        with Image.open(file) as image:
            assert image.size == size
        assert run(["replay", file, *where]) == 0
        assert capsys.readouterr().out.startswith("identical")

    def test_replay_of_changed_pixels(
        self, finished: tuple[dict[str, object], str, Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        from PIL import Image

        document, _, _, home = finished
        original = Path(str(document["image"]))
        with Image.open(original) as opened:
            changed = opened.convert("RGB")
        changed.putpixel((0, 0), (1, 2, 3))
        manifest = read_manifest(original).model_copy(update={"versions": {"torch": "0.1"}})
        file = ImageStore(tmp_path).put(changed, manifest).path
        assert run(["replay", str(file), "--home", str(home)]) == 1
        told = capsys.readouterr().out
        assert told.startswith("different: 1 of ")
        assert "torch was 0.1, is " in told

    def test_second_turn_tells_its_story(
        self, finished: tuple[dict[str, object], str, Path, Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        document, _, _, home = finished
        arguments = ["--home", str(home), "--thread", str(document["thread_id"]), "--max-generations", "1"]
        assert run([*arguments, "now make it blue"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert Path(lines[-1]).is_file()
        assert any("scores" in line for line in lines)
        assert any(line.startswith("stopped: ") for line in lines)

    def test_index_status(
        self, finished: tuple[dict[str, object], str, Path, Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        _, _, _, home = finished
        assert run(["index", "status", "--home", str(home), "--json"]) == 0
        status = json.loads(capsys.readouterr().out)
        assert status["library"] > 0
