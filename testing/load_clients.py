"""Many clients at once on the OpenAI API of a server, each with a request of its own."""

import io
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import openai

from imagerag.assets.library import Library
from imagerag.store.manifest import KEYWORD, Manifest
from imagerag.store.png import read_text

CLIENTS = 50
GENERATIONS = 1
"""Per request: what is measured is the interface, not how often the loop redraws."""


@dataclass(frozen=True)
class ClientRequest:
    """One client's request, unlike all others."""

    client: str
    prompt: str
    seed: int


def client_requests() -> list[ClientRequest]:
    """Return one request per client, each for another concept under another seed."""
    names = [concept.name for concept in Library().concepts if re.fullmatch(r"[a-z]+", concept.name)]
    step = len(names) // CLIENTS
    return [ClientRequest(f"client-{number}", f"a {names[number * step]}", 1000 + number) for number in range(CLIENTS)]


def send(url: str, request: ClientRequest, generations: int = GENERATIONS) -> str:
    """Send one request as the ``openai`` client does, and say how it ended: right, mixed up, refused, or lost."""
    client = openai.OpenAI(base_url=url + "/v1", api_key=request.client, max_retries=0, timeout=600)
    try:
        made = client.images.generate(
            model="imagerag",
            prompt=request.prompt,
            extra_body={"seed": request.seed, "imagerag": {"max_generations": generations}},
        )
    except openai.RateLimitError as error:
        return "refused" if int(error.response.headers.get("retry-after", 0)) > 0 else "refused without a time"
    except openai.OpenAIError as error:
        return f"lost ({type(error).__name__})"
    data = made.data or []
    file = httpx.get(data[0].url or "").content
    manifest = Manifest.model_validate_json(read_text(io.BytesIO(file), KEYWORD) or "{}")
    return "right" if (manifest.prompt, manifest.seed) == (request.prompt, request.seed) else "mixed up"


def send_at_once(url: str, asked: list[ClientRequest]) -> tuple[float, Counter[str]]:
    """Send all requests at once; return the seconds until the last answer, and how each ended."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(asked)) as clients:
        endings = Counter(clients.map(lambda request: send(url, request), asked))
    return time.perf_counter() - began, endings
