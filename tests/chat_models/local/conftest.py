"""Local chat models of real architectures with tiny random weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagerag.chat_models.local.loading import load_local
from testing import tiny_chat_models as tiny_minds

SAVED: dict[str, Callable[[Path], Path]] = {
    "qwen-vl": tiny_minds.save_qwen_vl,
    "llava": tiny_minds.save_llava,
    "words-only": tiny_minds.save_words_only,
}


@pytest.fixture(scope="session", params=SAVED)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_local(f"transformers:{SAVED[request.param](tmp_path_factory.mktemp(request.param))}")
