"""A service with quick, scripted engines behind the real graph, queue, threads and files."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openai
import uvicorn
from PIL import Image

from imagerag.index.base import PLAIN_SEARCH, Hit, SearchOptions
from imagerag.server.app import build_app, listen, server_config
from imagerag.server.job_queue import JobQueue
from imagerag.server.run import Run, RunRequest
from imagerag.server.service import Service
from imagerag.server.thread_history import LOCAL
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares

TOKENS = ("alpha-token-of-24-letters", "beta-token-of-24-letters!")


class Shelf:
    """A reference index of plain squares: each caption finds the same ones."""

    name = "shelf"

    def __init__(self, text: str = "a square") -> None:
        self._text = text

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        hits = [
            Hit(
                sha256=f"{number:064x}",
                path=Path(f"/server/side/{number}.png"),
                title=self._text,
                words=(),
                similarity=0.5,
                source="shelf",
                licence="CC0",
                set="shelf",
            )
            for number in range(k)
        ]
        return [hits for _ in captions]

    def image(self, sha256: str) -> Image.Image:
        noise = random.Random(int(sha256, 16)).randbytes(300 * 300)  # the same in every process
        return Image.frombytes("L", (300, 300), noise).convert("RGB")


class Gate:
    """Holds drawings back before their second step until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self.open = threading.Event()

    def __call__(self, step: int) -> None:
        if step == 2:
            self.reached.release()
            assert self.open.wait(120), "the gate was never opened"


def scripted_service(
    home: Path,
    scores: Sequence[float] = (0.9,),
    before_step: Callable[[int], None] = lambda step: None,
    job_queue: JobQueue | None = None,
    **components: Any,
) -> Service:
    """Return a service whose critic gives these scores over and over."""
    squares = Squares(before_step)
    critic = ScriptedCritic(itertools.cycle(scores))
    chosen = {"generator": squares, "critic": critic, "index": Shelf()} | components
    return Service(Settings(home=str(home)), job_queue, **chosen)


class Served:
    """A server in this process, on a port of its own unless one is given."""

    def __init__(self, service: Service, port: int = 0, **settings: Any) -> None:
        self.service = service
        listener = listen("127.0.0.1", port, ())
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = server_config(build_app(service, **settings), log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: self._server.run(sockets=[listener]))
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def client(self, key: str = "someone", **settings: Any) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.url + "/v1", api_key=key, **({"max_retries": 0} | settings))

    def requests_under_way(self) -> int:
        return len(self._server.server_state.tasks)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(15)
        self.service.close()


def waiting_run(service: Service, thread: str = "sea", client: str = LOCAL) -> Run:
    run = service.create(client, RunRequest("an owl", thread=thread, approve=True, seed=7))
    while run.asking is None:
        assert not run.wait(0.01), run.error
    return run
