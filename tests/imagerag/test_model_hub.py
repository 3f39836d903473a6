"""Weights that are not on this machine."""

import contextvars
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import RepositoryNotFoundError

from imagerag.errors import UserError
from imagerag.model_hub import Download, downloads_watched, hub_cache, not_fetched, refusal, weights_missing
from imagerag.moved_repositories import MOVED


def test_missing_weights_are_named_with_the_command_that_fetches_them() -> None:
    error = weights_missing("somebody/model", "the hub can't be reached")
    assert isinstance(error, UserError)
    assert "somebody/model" in str(error)
    assert "the hub can't be reached" in str(error)
    assert "hf download somebody/model" in str(error)
    some = weights_missing("somebody/model", "the hub can't be reached", patterns=("*.json", "model*.safetensors"))
    assert str(some).endswith("hf download somebody/model --include '*.json' --include 'model*.safetensors'")


@pytest.mark.parametrize("folder", ["/nosuch/folder", "a/b/c", "~/models/mine"])
def test_a_folder_that_is_not_there_is_not_to_be_downloaded(folder: str) -> None:
    told = str(not_fetched(folder, OSError("it looks like that is not the path to a directory")))
    assert told.startswith(f"model {folder!r} is neither a folder here nor")
    assert "hf download" not in told


def test_what_comes_from_the_hub_is_told_with_its_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    blobs = tmp_path / "models--somebody--model" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "before").write_bytes(b"x" * 1000)
    told: list[Download] = []
    seen = threading.Event()

    def report(download: Download) -> None:
        told.append(download)
        seen.set()

    with downloads_watched(report, total=1000, every=0.01):
        (blobs / "weights.incomplete").write_bytes(b"x" * 500)
        assert seen.wait(30)
    assert (told[0].done, told[0].total, told[0].ended) == (500, 1000, False)
    assert told[0].rate > 0
    assert (told[-1].done, told[-1].ended) == (500, True)
    assert [one.ended for one in told].count(True) == 1


def test_who_is_told_is_in_the_context_that_the_download_began_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As LangGraph's writer of events has to be, which raises in any other thread."""
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    (tmp_path / "models--somebody--model" / "blobs").mkdir(parents=True)
    run: contextvars.ContextVar[str] = contextvars.ContextVar("run", default="none")
    run.set("this one")
    told: list[str] = []
    seen = threading.Event()

    def report(download: Download) -> None:
        told.append(run.get())
        seen.set()

    with downloads_watched(report, every=0.01):
        (tmp_path / "models--somebody--model" / "blobs" / "weights.incomplete").write_bytes(b"x" * 500)
        assert seen.wait(30)
    assert set(told) == {"this one"}


def test_a_download_in_words() -> None:
    assert Download(2_500_000_000, 45e6).text == "downloading: 2.50 GB so far, 45.0 MB/s"
    assert Download(25 * 10**8, 45e6, 10**10).text == "downloading: 2.50 of about 10.00 GB (25%), 45.0 MB/s"
    assert Download(25 * 10**8, 45e6, 10**9).text == "downloading: 2.50 GB so far, 45.0 MB/s"
    assert Download(25 * 10**8, 45e6, 10**10, 55, ended=True).text == "downloaded: 2.50 GB in 55 s, 45.0 MB/s"


def test_where_nothing_comes_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "none"))
    told: list[int] = []
    with downloads_watched(lambda download: told.append(download.done), every=0.001):
        time.sleep(0.05)
    assert told == []


def test_the_cache_is_where_the_library_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", None)
    assert hub_cache() == Path(constants.HF_HUB_CACHE)
    monkeypatch.setenv("HF_HOME", "/models")
    assert hub_cache() == Path("/models/hub")
    monkeypatch.setenv("HUGGINGFACE_HUB_CACHE", "/older/cache")  # which the library heeds as well
    assert hub_cache() == Path("/older/cache")
    monkeypatch.setenv("HF_HUB_CACHE", "/models/cache")
    assert hub_cache() == Path("/models/cache")
    monkeypatch.setenv("PLACE", "/disk")
    monkeypatch.setenv("HF_HUB_CACHE", "$PLACE/cache")
    assert hub_cache() == Path("/disk/cache")


@pytest.mark.slow
@pytest.mark.parametrize(
    "variables",
    [
        {"HUGGINGFACE_HUB_CACHE": "/older/cache"},
        {"HF_HOME": "$PLACE/hf", "PLACE": "/disk"},
        {"XDG_CACHE_HOME": "/x", "HF_HUB_CACHE": "~/hub"},
        {"XDG_CACHE_HOME": "/x"},
    ],
)
def test_a_new_process_finds_it_where_the_library_does(variables: dict[str, str]) -> None:
    ours = "import imagerag.model_hub as hub; print(hub.hub_cache())"
    theirs = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    told = [
        subprocess.run([sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True)
        for code in (ours, theirs)
    ]
    assert told[0].stdout == told[1].stdout != ""


@pytest.mark.parametrize("repository", MOVED)
def test_a_repository_that_its_makers_took_away_is_told_with_its_copy(repository: str) -> None:
    class Absent(RepositoryNotFoundError):
        def __init__(self) -> None:
            Exception.__init__(self, "404")

    told = refusal(repository, Absent())
    assert told is not None
    assert told.kind == "absent"
    assert told.mend == f"name its copy there: {MOVED[repository]}"
    assert MOVED[repository] not in MOVED
    other = refusal("owner/none", Absent())
    assert other is not None
    assert "check its name" in other.mend


class _Circle(BaseHTTPRequestHandler):
    """Sends whoever asks to where they are."""

    def do_HEAD(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_hub_that_only_redirects_is_told_as_that(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Circle) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(Exception, match="redirects") as caught:
            hf_hub_download("a/b", "config.json", endpoint=address, cache_dir=tmp_path)
        server.shutdown()
    found = refusal("a/b", caught.value)
    assert found is not None
    assert (found.kind, found.mend) == ("unreachable", "check HF_ENDPOINT")
    told = str(not_fetched("a/b", caught.value))
    assert "sends from one address to the next without end" in told
