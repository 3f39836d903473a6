"""The server under load: 50 clients at once over HTTP beside the engine's own pace, a cancel, the largest results.

python -m benchmarks.server
"""

import asyncio
import contextlib
import importlib.util
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from mcp import Client

from benchmarks.settings import benchmark_settings
from imagerag.graphs.agent_graph import build_graph
from imagerag.server.mcp.server import build_mcp
from imagerag.server.service import Service
from testing.load_clients import CLIENTS, GENERATIONS, ClientRequest, client_requests, send, send_at_once
from testing.server_process import running_server


def own_pace(asked: list[ClientRequest]) -> float:
    """Return the seconds that the engine takes for these requests, one after the other, without any interface."""
    settings = benchmark_settings(max_generations=GENERATIONS)
    graph = build_graph()
    warm = benchmark_settings(max_generations=2)
    graph.invoke({"prompt": "a lobster in a kimono"}, {"configurable": {"thread_id": "warm"}}, context=warm)
    began = time.perf_counter()
    for request in asked:
        config = {"configurable": {"thread_id": f"{request.client}-{time.time_ns()}"}}
        graph.invoke({"prompt": request.prompt, "seed": request.seed}, config, context=settings)  # type: ignore[call-overload]
    return time.perf_counter() - began


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[str]:
    """Run ``imagerag serve`` in a process of its own, warm, and give its address."""
    with running_server(*arguments) as shown:
        # which looks something up, too
        send(shown.url, ClientRequest("warm", "a lobster in a kimono", 1), generations=2)
        yield shown.url


def steps_after_hanging_up(url: str, at_step: int = 5) -> tuple[int, float]:
    """Hang up in the middle of a drawing; return the step it was at and the seconds until the next request is drawn."""
    host, _, port = url.removeprefix("http://").partition(":")
    body = json.dumps({"model": "imagerag", "stream": True, "messages": [{"role": "user", "content": "a tiger"}]})
    seen = 0
    with socket.create_connection((host, int(port))) as line:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
        line.sendall((head + body).encode())
        for text in line.makefile("r"):
            if found := re.search(r"step (\d+) of", text):
                seen = int(found[1])
                if seen >= at_step:
                    break
    began = time.perf_counter()
    send(url, ClientRequest("next", "a dog", 4))
    return seen, time.perf_counter() - began


def steps_after_cancel() -> list[int]:
    """Cancel runs of the embedded engine in this process; return the denoising steps finished after each cancel."""
    late: list[int] = []
    with tempfile.TemporaryDirectory() as home:
        from imagerag.server.run import RunRequest
        from imagerag.settings import Settings

        service = Service(Settings(home=home))
        for at_step in (1, 5, 12, 20):
            run = service.create("bench", RunRequest("an owl and a tiger", seed=at_step))
            steps: list[int] = []
            reached = threading.Event()

            def count(
                event: object, steps: list[int] = steps, reached: threading.Event = reached, at: int = at_step
            ) -> None:
                if isinstance(event, dict) and event["event"] == "progress":
                    steps.append(event["done"])
                    if event["done"] == at:
                        reached.set()

            run.listen(count)
            reached.wait(60)
            service.cancel(run)
            before = len(steps)
            run.wait(60)
            late.append(len(steps) - before)
        service.close()
    return late


COLD = """
import sys, time
from imagerag.settings import Settings
from imagerag.server.run import RunRequest
from imagerag.server.service import Service
service = Service(Settings(home=sys.argv[1]))
run = service.create("bench", RunRequest("an owl and a tiger"))
time.sleep(float(sys.argv[2]))
loading = not any(event["event"] == "images" for event in run.events) and run.progress == (0, 0)
service.cancel(run)
began = time.perf_counter()
run.wait()
ended = time.perf_counter() - began
after = service.create("bench", RunRequest("a dog"))
after.wait()
print(loading, ended, after.status)
"""
"""A process that has loaded nothing yet cancels its first run after so many seconds, and draws another."""


def seconds_after_cold_cancels() -> list[float]:
    """Return the seconds in which runs ended that were cancelled while a new process loaded its models."""
    taken = []
    for moment in (0.0, 0.5, 1.5):
        with tempfile.TemporaryDirectory() as home:
            command = [sys.executable, "-c", COLD, home, str(moment)]
            loading, ended, after = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        if after != "done":
            raise RuntimeError(f"the run after a cold cancel ended as {after}")
        if loading == "True":
            taken.append(float(ended))
    return taken


WATCH = """() => {
  window.pressed = window.sent = window.step = 0;
  document.getElementById("prompt").addEventListener("keydown", () => { window.pressed = performance.now(); });
  new MutationObserver(() => {
    const line = [...document.querySelectorAll(".run p")].at(-1)?.textContent ?? "";
    if (window.pressed && line && !window.sent) window.sent = performance.now();
    if (window.pressed && line.includes("step") && !window.step) window.step = performance.now();
  }).observe(document.getElementById("log"), { subtree: true, childList: true, characterData: true });
}"""


def first_step_in_the_browser(url: str, times: int = 5) -> list[tuple[float, float]] | None:
    """Return, per try, the milliseconds from Enter to the first sign on the page and to the first denoising step seen.

    ``None`` without Playwright and a Chromium on PATH (``pip install 'imagerag[browser]'``).
    """
    path = shutil.which("chromium")
    if path is None or importlib.util.find_spec("playwright") is None:
        return None
    from playwright.sync_api import sync_playwright

    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for number in range(times):
            page = browser.new_page()
            page.goto(url)
            page.evaluate(WATCH)
            page.fill("#prompt", f"{['an owl', 'a cat', 'a dog', 'a crab', 'a tiger'][number % 5]}")
            page.press("#prompt", "Enter")
            page.wait_for_selector(".run .actions a")
            sent, step = page.evaluate("[window.sent - window.pressed, window.step - window.pressed]")
            taken.append((sent, step))
            page.close()
    return taken


def largest_results() -> dict[str, int]:
    """Return the bytes of each MCP tool's largest serialised result, of requests as large as they may be."""
    sizes: dict[str, int] = {}

    async def talk(service: Service) -> None:
        async with Client(build_mcp(service)) as client:

            async def size(name: str, **arguments: object) -> None:
                result = await client.call_tool(name, arguments)
                sizes[name] = len(result.model_dump_json(by_alias=True).encode())

            captions = [{"concept": f"concept {number}", "caption": "an animal " * 300} for number in range(16)]
            await size("generate", prompt="an owl and a tiger")
            await size("inspect_image", image_id="image-1", concepts=[f"a thing {number}" for number in range(200)])
            await size("propose_captions", concepts=[f"thing {number}" for number in range(200)], per_concept=5)
            await size("search_references", captions=captions, k=20)
            await size("regenerate_with_references", prompt="an owl", reference_ids=["ref-1"])
            await size("create_image", prompt="a lobster in a kimono", n=4)
            await size("start_image", prompt="a lobster in a kimono", thread="t")
            run_id = next(reversed(service.register._runs))
            await size("get_image", run_id=run_id, wait_seconds=40)
            await size("cancel_image", run_id=run_id)

    with tempfile.TemporaryDirectory() as home:
        from imagerag.settings import Settings

        service = Service(Settings(home=str(Path(home))))
        asyncio.run(talk(service))
        service.close()
    return sizes


def main() -> None:
    """Print the figures."""
    asked = client_requests()
    first = own_pace(asked[::2])
    with server("--max-waiting", str(CLIENTS)) as url:
        seconds, endings = send_at_once(url, asked)
        step, until_next = steps_after_hanging_up(url)
        seen = first_step_in_the_browser(url)
    # Half before and half after, so that whatever else the machine does weighs on both alike.
    own = first + own_pace(asked[1::2])
    print(f"{CLIENTS} clients at once: {dict(endings)}   (wanted: all right or refused)")
    print(f"  over HTTP {CLIENTS / seconds:.3f} images/s, the engine alone {CLIENTS / own:.3f} images/s: ")
    print(f"  ratio {own / seconds:.2f}   (wanted >= 0.9)")
    with server("--max-waiting", "10") as url:
        _, endings = send_at_once(url, asked)
    print(f"{CLIENTS} clients at once, 10 may wait: {dict(endings)}   (wanted: all right or refused)")
    print(f"hung up at step {step}; another client's picture was there {until_next:.1f} s later")
    if seen is None:
        print("first step in the browser: not measured, for want of Playwright or Chromium")
    else:
        print(f"Enter to first sign on the page      {max(sent for sent, _ in seen):6.0f} ms at worst of {len(seen)}")
        worst = max(step for _, step in seen)
        print(f"Enter to first denoising step seen   {worst:6.0f} ms at worst of {len(seen)}   (wanted <= 150)")
    print(f"steps finished after a cancel: {steps_after_cancel()}   (wanted <= 1 each)")
    cold = ", ".join(f"{seconds:.2f}" for seconds in seconds_after_cold_cancels())
    print(f"cancelled while a cold process loads: ended after {cold} s")
    for name, size in largest_results().items():
        print(f"MCP {name:28} {size:8,} bytes   (wanted < 1,000,000)")


if __name__ == "__main__":
    main()
