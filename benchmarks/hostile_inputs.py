"""One client sends the worst input of a kind, over and over, while another draws: how much longer the other waits.

Each kind beside the drawing alone, in turn, so that both see the same machine; and the memory above idle at the peak.

python -m benchmarks.hostile_inputs [KIND ...]
"""

import contextlib
import gzip
import io
import os
import re
import socket
import statistics
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from testing.server_process import Shown, running_server

ROUNDS = 3
"""Drawings alone, and as many beside the input, in turn."""
MOST_TIMES = 2.0
"""Of the other's latency alone."""
MOST_MEMORY = 512
"""MiB above idle."""
PAUSE = 0.02
"""Seconds between two of the same input: a client that is refused at once tries again."""


def drawing(shown: Shown, seed: int) -> float:
    """Return the seconds that a client with a key of its own waits for a picture."""
    body = {"model": "imagerag", "prompt": "a lobster in a kimono", "seed": seed, "imagerag": {"max_generations": 2}}
    began = time.perf_counter()
    answer = httpx.post(f"{shown.url}/v1/images/generations", json=body, headers=_key("the-other"), timeout=300)
    answer.raise_for_status()
    return time.perf_counter() - began


def _key(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}


ATTACKER = _key("attacker")


def _chat(shown: Shown, content: object, role: str = "assistant") -> None:
    said = [{"role": role, "content": content}, {"role": "user", "content": ""}]
    httpx.post(f"{shown.url}/v1/chat/completions", json={"model": "imagerag", "messages": said}, headers=ATTACKER)


def addresses(shown: Shown) -> None:
    """A long message of half addresses."""
    _chat(shown, "http://a" * 15_000)


def brackets(shown: Shown) -> None:
    """A long message of half images in Markdown."""
    _chat(shown, "![" * 200_000)


def large_body(shown: Shown) -> None:
    """A body of 64 MB."""
    httpx.post(f"{shown.url}/v1/chat/completions", content=b" " * 2**26, headers=ATTACKER, timeout=60)


def deep_json(shown: Shown) -> None:
    """JSON of 400,000 levels."""
    httpx.post(f"{shown.url}/v1/responses", content=b"[" * 400_000, headers=ATTACKER)


def many_values(shown: Shown) -> None:
    """JSON of half a million values."""
    httpx.post(f"{shown.url}/v1/chat/completions", content=b"[" + b"0," * 500_000 + b"0]", headers=ATTACKER)


def bomb_png(side: int = 8900, depth: int = 16) -> bytes:
    """Return a PNG of 79 megapixels of 16 bits, all black, in some hundred kB."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    row = b"\0" * (1 + side * depth // 8 * 3)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, depth, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


_BOMB: list[bytes] = []


def large_picture(shown: Shown) -> None:
    """A PNG of 79 megapixels and 16 bits."""
    _BOMB[:] = _BOMB or [bomb_png()]
    files = {"file": ("a.png", _BOMB[0])}
    httpx.post(f"{shown.url}/v1/files", files=files, data={"purpose": "vision"}, headers=ATTACKER, timeout=120)


def packed_twice(shown: Shown) -> None:
    """A picture packed in gzip twice, of gigabytes."""
    inner = gzip.compress(b"\0" * 2**28, 9)
    files = {"file": ("a.png", gzip.compress(inner, 9))}
    httpx.post(f"{shown.url}/v1/files", files=files, data={"purpose": "vision"}, headers=ATTACKER, timeout=120)


def many_parts(shown: Shown) -> None:
    """A form of 20,000 fields."""
    body = io.BytesIO()
    for number in range(20_000):
        body.write(b'--x\r\ncontent-disposition: form-data; name="f%d"\r\n\r\n1\r\n' % number)
    body.write(b"--x--\r\n")
    headers = {**ATTACKER, "content-type": "multipart/form-data; boundary=x"}
    httpx.post(f"{shown.url}/v1/images/edits", content=body.getvalue(), headers=headers, timeout=60)


def guesses(shown: Shown) -> None:
    """Logins by guessed tokens."""
    httpx.post(f"{shown.url}/login", json={"token": os.urandom(12).hex()})


def half_sent(shown: Shown) -> None:
    """A request of which half is sent, and which is left open."""
    where = urlsplit(shown.url)
    line = socket.create_connection((where.hostname or "", where.port or 80))
    line.sendall(b"POST /v1/files HTTP/1.1\r\nHost: %b\r\nContent-Length: 99999\r\n\r\nx" % where.netloc.encode())
    _OPEN.append(line)
    if len(_OPEN) > 200:
        _OPEN.pop(0).close()


_OPEN: list[socket.socket] = []


def mcp(shown: Shown, tool: str, arguments: dict[str, object]) -> None:
    """Call a tool over MCP."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = {**ATTACKER, "accept": "application/json, text/event-stream"}
    httpx.post(f"{shown.url}/mcp", json=call, headers=headers, timeout=120)


def many_concepts(shown: Shown) -> None:
    """A look at an image for 30,000 concepts."""
    mcp(shown, "inspect_image", {"image_id": "image-1", "concepts": [f"thing {k}" for k in range(30_000)]})


def many_requests(shown: Shown) -> None:
    """Drawings under a name that is new each time."""
    body = {"model": "imagerag", "prompt": "an owl"}
    key = _key(os.urandom(8).hex())
    with contextlib.suppress(httpx.TimeoutException):
        httpx.post(f"{shown.url}/v1/images/generations", json=body, headers=key, timeout=0.3)


KINDS: tuple[Callable[[Shown], None], ...] = (
    addresses, brackets, large_body, deep_json, many_values, large_picture, packed_twice, many_parts, guesses,
    half_sent, many_concepts, many_requests,
)  # fmt: skip


def memory(pid: int) -> float:
    """Return MiB that a process holds."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1024


@contextlib.contextmanager
def meanwhile(step: Callable[[], None], pause: float) -> Iterator[None]:
    """Do something again and again on a thread of its own, with so many seconds between."""
    over = threading.Event()

    def repeat() -> None:
        while not over.is_set():
            step()
            over.wait(pause)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def sending(kind: Callable[[Shown], None], shown: Shown) -> Iterator[list[int]]:
    """Send one input after the other meanwhile; the list holds their number."""
    sent = [0]

    def send() -> None:
        with contextlib.suppress(httpx.HTTPError, OSError):
            kind(shown)
        sent[0] += 1

    with meanwhile(send, PAUSE):
        yield sent


@contextlib.contextmanager
def watching(pid: int) -> Iterator[list[float]]:
    """Note the highest MiB that a process holds meanwhile."""
    most = [memory(pid)]

    def watch() -> None:
        most[0] = max(most[0], memory(pid))

    with meanwhile(watch, 0.02):
        yield most


def measure(kind: Callable[[Shown], None]) -> dict[str, float]:
    """Return the medians of the other's seconds alone and beside an input, and the memory at the input's peak."""
    with running_server() as shown:
        for seed in range(1, 4):
            drawing(shown, seed)
        idle = memory(shown.pid)
        with watching(shown.pid) as most, contextlib.suppress(httpx.HTTPError, OSError):
            kind(shown)
        alone, beside, sent = [], [], 0
        for seed in range(ROUNDS):
            alone.append(drawing(shown, 100 + seed))
            with sending(kind, shown) as counted:
                beside.append(drawing(shown, 200 + seed))
            sent += counted[0]
    return {
        "alone": statistics.median(alone),
        "beside": statistics.median(beside),
        "memory": most[0] - idle,
        "sent": float(sent),
    }


def main() -> None:
    """Print a line for each kind, and what was reached."""
    wanted = sys.argv[1:]
    missed = 0
    print(f"{'input':15} {'alone':>7} {'beside':>7} {'times':>6} {'MiB':>6} {'sent':>6}")
    for kind in KINDS:
        if wanted and kind.__name__ not in wanted:
            continue
        seen = measure(kind)
        times = seen["beside"] / seen["alone"]
        held = times <= MOST_TIMES and seen["memory"] <= MOST_MEMORY
        missed += not held
        print(
            f"{kind.__name__:15} {seen['alone']:6.2f}s {seen['beside']:6.2f}s {times:6.2f} {seen['memory']:6.0f} "
            f"{seen['sent']:6.0f}{'' if held else '  MISSED'}",
            flush=True,
        )
    print(f"wanted: at most {MOST_TIMES:.0f} times and {MOST_MEMORY} MiB; missed: {missed}")


if __name__ == "__main__":
    main()
