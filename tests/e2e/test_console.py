"""Bad input through the real console entry: one clear line, the right exit status, nothing half-written."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest

from imagerag.store.images import ImageStore
from imagerag.store.manifest import Manifest, ManifestReference
from testing.maker_servers import maker_server

IMAGERAG = [sys.executable, "-m", "imagerag"]


def console(
    *arguments: str, home: Path | str, stdin: bytes | None = None, limit: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``imagerag`` in a process of its own."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("IMAGERAG_")}
    result = subprocess.run(
        [*IMAGERAG, *arguments],
        input=stdin if stdin is not None else b"",
        capture_output=True,
        env={**environ, "IMAGERAG_HOME": str(home)},
        preexec_fn=limit,
        timeout=300,
    )
    return subprocess.CompletedProcess(
        result.args, result.returncode, result.stdout.decode("utf-8"), result.stderr.decode("utf-8")
    )


def told(stderr: str) -> list[str]:
    """The lines on stderr without those of the progress."""
    return [line for line in stderr.splitlines() if not re.match(r"\w+: \d+ of \d+ in ", line)]


def assert_refused(result: subprocess.CompletedProcess[str], *said: str, status: int = 2) -> None:
    """One line on stderr that says this, nothing on stdout, and the status."""
    assert result.returncode == status, (result.returncode, result.stderr)
    lines = told(result.stderr)
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("imagerag: ")
    for words in said:
        assert words in lines[0], lines[0]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


class TestBeforeAnythingIsLoaded:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], ["no prompt", 'imagerag "a lobster in a kimono"']),
            ([""], ["''", "say what to draw"]),
            (["x" * 100_000], ["100000 characters", "at most 4000"]),
            (["an owl\x1b[2J"], [r"'\x1b'"]),
            (["an owl", "--mode", "fast"], ["'fast'", "lookup_first", "--mode"]),
            (["an owl", "--generator", "sdxxl"], ["'sdxxl'", "patchwork", "--generator"]),
            (["an owl", "--vlm", "gpt-9"], ["'gpt-9'", "rules", "--vlm"]),
            (["an owl", "--critic", "me"], ["'me'", "clip", "--critic"]),
            (["an owl", "--pipeline", "two-pass"], ["'two-pass'", "one-pass", "--pipeline"]),
            (["an owl", "--n", "0"], ["0", "1..16", "--n"]),
            (["an owl", "--n", "two"], ["'two'", "--n", "--help"]),
            (["an owl", "--seed", "-1"], ["-1", "--seed"]),
            (["an owl", "--seed", "x"], ["'x'", "--seed"]),
            (["an owl", "--max-seconds", "nan"], ["nan", "--max-seconds"]),
            (["an owl", "--sead", "7"], ["--sead", "imagerag --help"]),
            (["an owl", "--config", "/nowhere.toml"], ["'/nowhere.toml'", "--config"]),
            (["index", "shelf"], ["'shelf'", "status", "imagerag draw 'index shelf'"]),
            (["replay"], ["FILE.png", "imagerag draw 'replay'"]),
            (["replay", "/nowhere.png"], ["'/nowhere.png'"]),
        ],
    )
    def test_refused(self, arguments: Sequence[str], said: Sequence[str], home: Path) -> None:
        result = console(*arguments, home=home)
        assert_refused(result, *said)
        assert result.stdout == ""
        assert not home.exists()

    def test_as_json(self, home: Path) -> None:
        result = console("", "--json", home=home)
        assert_refused(result, "''")
        document = json.loads(result.stdout)
        assert document["stop_reason"] == "error"
        assert "''" in document["error"]

    def test_prompt_that_is_not_text(self, home: Path) -> None:
        assert_refused(console("-", home=home, stdin=b"an owl \xff\xfe"), "not UTF-8")

    def test_endless_prompt(self, home: Path) -> None:
        assert_refused(console("-", home=home, stdin=b"owl " * 1_000_000), "at most 4000")


class TestSubject:
    @pytest.mark.parametrize("kind", ["missing", "folder", "text", "cut", "huge"])
    def test_refused(self, kind: str, tmp_path: Path, home: Path) -> None:
        from PIL import Image

        file = tmp_path / "subject.png"
        if kind == "folder":
            file.mkdir()
        elif kind == "text":
            file.write_text("not an image")
        elif kind == "cut":
            Image.effect_noise((64, 64), 90).save(file)
            file.write_bytes(file.read_bytes()[:400])
        elif kind == "huge":
            Image.new("1", (40_000, 40_000)).save(file)
        result = console("my cat", "--subject", str(file), home=home)
        assert_refused(result, repr(str(file)))
        assert result.stdout == ""


class TestPlaces:
    def test_data_directory_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert_refused(console("an owl", home=tmp_path / "file" / "home"), repr(str(tmp_path / "file")[:-1])[:-1])

    def test_out_is_a_file(self, tmp_path: Path, home: Path) -> None:
        (tmp_path / "file").write_text("mine")
        result = console("an owl", "--out", str(tmp_path / "file"), home=home)
        assert_refused(result, repr(str(tmp_path / "file")))
        assert (tmp_path / "file").read_text() == "mine"

    def test_damaged_threads(self, home: Path) -> None:
        home.mkdir(mode=0o700)
        (home / "threads.sqlite").write_bytes(b"not a database" * 100)
        (home / "threads.sqlite").chmod(0o600)  # or else a note would say that it was open to others
        assert_refused(console("an owl", home=home), "threads.sqlite", "damaged")

    def test_full_disk(self, tmp_path: Path, home: Path) -> None:
        # Root may write anywhere, but not beyond this limit; SIGXFSZ ignored, the write fails as on a full disk.
        def small_files() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

        result = console("an owl", "--out", str(tmp_path / "out"), home=home, limit=small_files)
        assert_refused(result, "--home")
        assert not list((tmp_path / "out").glob("*"))

    def test_full_standard_output(self, home: Path) -> None:
        if not Path("/dev/full").exists():
            pytest.skip("this system has no /dev/full")
        with open("/dev/full", "w") as full:
            result = subprocess.run([*IMAGERAG, "", "--json"], stdout=full, stderr=subprocess.PIPE, text=True)
        assert_refused(result, "''")

    def test_corrupt_index(self, home: Path) -> None:
        assert console("index", "rebuild", home=home).returncode == 0
        damaged = [file for file in (home / "index").rglob("*.*") if file.is_file()]
        assert damaged
        for file in damaged:
            file.write_bytes(b"damaged")
        assert_refused(console("index", "status", home=home), "imagerag index rebuild")
        assert_refused(console("a lobster in a kimono", "--mode", "lookup_first", home=home), "imagerag index rebuild")
        assert console("index", "rebuild", home=home).returncode == 0


class TestReplay:
    def test_image_without_manifest(self, tmp_path: Path, home: Path) -> None:
        from PIL import Image

        file = tmp_path / "other.png"
        Image.new("RGB", (8, 8)).save(file)
        assert_refused(console("replay", str(file), home=home), repr(str(file)))

    def test_not_an_image(self, tmp_path: Path, home: Path) -> None:
        file = tmp_path / "text.png"
        file.write_text("text")
        assert_refused(console("replay", str(file), home=home), repr(str(file)))

    @pytest.mark.parametrize("kind", ["retrieved", "subject"])
    def test_reference_that_is_gone(self, kind: Literal["retrieved", "subject"], tmp_path: Path, home: Path) -> None:
        gone = ManifestReference(
            sha256="f" * 64, concept="owl", kind=kind, caption="an owl", title="an old owl", source="", licence=""
        )
        file = _drawn_by("patchwork", [gone], tmp_path)
        assert_refused(console("replay", str(file), home=home), repr(str(file)), "'an old owl'", "--home")

    def test_unknown_generator(self, tmp_path: Path, home: Path) -> None:
        file = _drawn_by("daydream", [], tmp_path)
        assert_refused(console("replay", str(file), home=home), repr(str(file)), "'daydream'", "patchwork")


def _drawn_by(generator: str, references: list[ManifestReference], folder: Path) -> Path:
    from PIL import Image

    manifest = Manifest.new(
        prompt="an owl", seed=1, generator=generator, generator_revision="1", references=references, reference_scale=0.5
    )
    return ImageStore(folder).put(Image.new("RGB", (8, 8)), manifest).path


def _start(home: Path, *arguments: str, **streams: int) -> subprocess.Popen[str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("IMAGERAG_")}
    return subprocess.Popen(
        [*IMAGERAG, *arguments],
        stdout=streams.get("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        text=True,
        env={**environ, "IMAGERAG_HOME": str(home)},
    )


ENDING = [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
LONG_RUN = ("a lobster in a kimono", "--mode", "no_lookup", "--n", "16", "--max-seconds", "600")


class TestCtrlC:
    @pytest.mark.parametrize("number", ENDING)
    def test_keeps_the_best_image(self, home: Path, number: signal.Signals) -> None:
        process = _start(home, *LONG_RUN)
        assert process.stdout is not None
        line = ""
        while "scores" not in line:
            line = process.stdout.readline()
            assert line, process.communicate()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 128 + number, err
        (line,) = told(err)
        assert line.startswith("imagerag: cancelled; the best image so far is ")
        assert Path(line.split(" is ", 1)[1]).is_file()
        assert "stopped: it was cancelled (cancelled)" in out

    @pytest.mark.parametrize("number", ENDING)
    def test_before_anything_is_drawn(self, home: Path, number: signal.Signals) -> None:
        process = _start(home, *LONG_RUN, "--json")
        time.sleep(1.5)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 128 + number, err
        assert told(err) == ["imagerag: cancelled; nothing was made yet"]
        assert json.loads(out)["stop_reason"] == "cancelled"

    @pytest.mark.parametrize("number", ENDING)
    @pytest.mark.parametrize("prefix", ["fal", "replicate"])
    def test_calls_off_the_job_of_an_images_api(self, home: Path, prefix: str, number: signal.Signals) -> None:
        with maker_server(prefix) as server:
            server.looks = -1
            process = _start(
                home, "an owl", "--profile", "pictograms", "--library", "bundled", "--critic", "clip",
                "--lookup-model", "embedded", "--mode", "no_lookup", "--generator", server.name,
            )  # fmt: skip
            assert server.polled.wait(60), process.communicate()
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
            assert server.called_off, "nobody waits for it, and it would be paid for"
        assert process.returncode == 128 + number, err
        assert told(err)[-1] == "imagerag: cancelled; nothing was made yet"

    def test_twice_ends_at_once(self) -> None:
        # A run that goes on for as long as this test likes: drawing may end before the second signal arrives.
        code = (
            "import time\n"
            "from imagerag.cli.interrupt import cancel_on_interrupt\n"
            "with cancel_on_interrupt() as cancel:\n"
            "    print('ready', flush=True)\n"
            "    cancel.wait()\n"
            "    print('cancelled', flush=True)\n"
            "    time.sleep(60)\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in ("ready\n", "cancelled\n"):
            assert process.stdout.readline() == line
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert err.strip() == "imagerag: ended at once"


class TestClosedOutput:
    def test_reader_goes_away(self, home: Path) -> None:
        process = _start(home, "an owl", "--max-generations", "1")
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        assert process.wait(timeout=120) == 141
        assert "Traceback" not in err
        assert "BrokenPipe" not in err

    def test_no_standard_streams(self, home: Path) -> None:
        command = " ".join(["exec", sys.executable, "-m", "imagerag", "''", "--json", ">&-", "2>&-", "<&-"])
        result = subprocess.run(["sh", "-c", command], env={**os.environ, "IMAGERAG_HOME": str(home)})
        assert result.returncode == 2
