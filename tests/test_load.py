"""Fifty clients at once on the OpenAI API, as benchmarks/serve.py measures: each gets its own picture or is refused."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.serve import CLIENTS, at_once, wishes
from imagerag.server.job_queue import EngineRoom
from imagerag.server.service import Studio
from imagerag.settings import Context
from testing.doors import Served


@pytest.mark.slow
def test_fifty_clients_get_their_own_picture_or_an_honest_refusal(tmp_path: Path) -> None:
    server = Served(Studio(Context(home=str(tmp_path)), EngineRoom(max_waiting=8)))
    try:
        _, endings = at_once(server.url, wishes())
        assert endings["right"] >= 9, "those that waited, and the one under way"
        assert endings == Counter(right=endings["right"], refused=CLIENTS - endings["right"])
        _, again = at_once(server.url, wishes()[:3])
        assert again == Counter(right=3), "the refused may come back"
    finally:
        server.stop()
