"""Fixtures that several files of tests share."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.registry import load_chat_model, load_critic, load_writer
from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models import client
from imagerag.chat_models.providers import connect
from imagerag.chat_models.recording import open_recorder
from imagerag.chat_models.replay import open_recording
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from imagerag.graphs.state import Output
from imagerag.records import ReferenceRecord
from testing.openai_server import Reply, Script, serving
from testing.outcomes import image_record, verdict
from testing.scripted import ScriptedCritic
from testing.servers import Served, scripted_service
from testing.verdict_replies import OWL


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers with scripted engines, and stops them at the end."""
    served: list[Served] = []

    def start(settings: dict[str, Any] | None = None, **components: Any) -> Served:
        served.append(Served(scripted_service(tmp_path, **components), **(settings or {})))
        return served[-1]

    yield start
    for one in served:
        one.stop()


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout: an old ``build`` folder there would add to what a wheel holds."""
    root = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
    copied = tmp_path_factory.mktemp("release") / "checkout"
    ignored = shutil.ignore_patterns(".*", "build", "dist", "out", "*.egg-info", "__pycache__")
    shutil.copytree(root, copied, symlinks=True, ignore=ignored)
    return copied


@pytest.fixture(scope="session")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout, built with the libraries that are installed."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(checkout)]
    result = subprocess.run(build, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def output(tmp_path: Path) -> Output:
    """The outcome of a run of two images, the second drawn with a reference, as the graph returns it."""
    paths = [tmp_path / name for name in ("first.png", "second.png", "reference.png")]
    for shade, path in enumerate(paths):
        Image.new("RGB", (8, 8), (80 * shade, 0, 0)).save(path)
    images = [image_record(1, paths[0], 0.2, [], None), image_record(2, paths[1], 0.9, ["ref-1"], "image-1")]
    reference: ReferenceRecord = {
        "id": "ref-1",
        "kind": "retrieved",
        "path": str(paths[2]),
        "sha256": "1" * 64,
        "concept": "owl",
        "caption": "an owl",
        "title": "<script>alert(1)</script>",
        "similarity": 0.5,
        "source": "Noto Emoji",
        "licence": "Apache-2.0",
    }
    return {
        "prompt": "an owl & <friends>",
        "image": images[1],
        "verdict": verdict(0.9),
        "images": images,
        "references": [reference],
        "trace": [
            {
                "step": 1,
                "turn": 1,
                "node": "tools",
                "name": "generate",
                "summary": "image-1",
                "seconds": 1.0,
                "tokens": 0,
                "money": 0.0,
                "error": "<i>wrong</i>",
            }
        ],
        "stop_reason": "satisfied",
        "mode": "auto",
        "seconds": 3.0,
        "messages": [],
    }


@pytest.fixture
def judge_with(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a function that judges with a scripted model and returns verdict, meter and server."""
    open_servers = []

    def judge(script: Script | Sequence[Reply], fallback: float = 0.3) -> Any:
        settings = serving(script)
        server = settings.__enter__()
        open_servers.append(settings)
        critic = VlmCritic("openai:x", connect(server.name), lambda: ScriptedCritic([fallback] * 9))
        with using_meter(UsageMeter()) as meter:
            judged = critic.judge([OWL], "a b")[0]
        return judged, meter, server, critic

    yield judge
    for settings in open_servers:
        settings.__exit__(None, None, None)


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Retries wait for next to nothing; no chat model of an earlier test is reused, whose port may be another now."""
    monkeypatch.setattr(client, "BACKOFF", 0.001)
    load_chat_model.cache_clear()
    yield
    load_chat_model.cache_clear()


@pytest.fixture
def fresh_recordings(quick_retries: None) -> Iterator[None]:
    """Recordings, and the roles that write to them, are opened anew."""
    caches = (load_critic, load_writer, open_recorder, open_recording)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()
