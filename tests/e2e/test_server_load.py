"""Fifty clients at once on the OpenAI API: each is answered or refused."""

from collections import Counter
from pathlib import Path

import pytest

from imagerag.server.job_queue import JobQueue
from imagerag.server.service import Service
from imagerag.settings import Settings
from testing.load_clients import CLIENTS, client_requests, send_at_once
from testing.servers import Served


@pytest.mark.slow
def test_fifty_clients_get_their_own_picture_or_an_honest_refusal(tmp_path: Path) -> None:
    server = Served(Service(Settings(home=str(tmp_path)), JobQueue(max_waiting=8)))
    try:
        _, endings = send_at_once(server.url, client_requests())
        assert endings["right"] >= 9, "those that waited, and the one under way"
        assert endings == Counter(right=endings["right"], refused=CLIENTS - endings["right"])
        _, again = send_at_once(server.url, client_requests()[:3])
        assert again == Counter(right=3), "the refused may come back"
    finally:
        server.stop()
