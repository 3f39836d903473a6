"""Requests as the web page sends them."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

from testing.servers import Served


def browser_of(server: Served) -> httpx.Client:
    client = httpx.Client(base_url=server.url, timeout=120)
    assert client.get("/").status_code == 200
    return client


def events(client: httpx.Client, run_id: str) -> Iterator[dict[str, Any]]:
    with client.stream("GET", f"/web/runs/{run_id}/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def draw(client: httpx.Client, prompt: str, **wish: Any) -> list[dict[str, Any]]:
    started = client.post("/web/runs", json={"prompt": prompt, **wish})
    assert started.status_code == 200, started.text
    return list(events(client, started.json()["run_id"]))
