"""Whether the server of a remote generator is there and has what is asked of it: images APIs and ComfyUI."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from imagerag.doctor.finding import Finding, of_error, ok, warning, wrong
from imagerag.doctor.keys import is_set, key_of
from imagerag.doctor.threads import left
from imagerag.errors import UserError, first_line
from imagerag.generators.registry import is_images_api, load_generator
from imagerag.generators.remote.comfyui_workflows import CHECKPOINT
from imagerag.profiles.resolve import RunSettings
from imagerag.shell_words import WINDOWS, quoted

PAST_RUNS = 16
"""Of a ComfyUI server that are looked at."""
CACHED = 0.5
"""Seconds below which ComfyUI has drawn nothing."""
SECONDS = 4.0
"""For one answer; ComfyUI's list of nodes is megabytes."""


def check_generator_server(settings: RunSettings) -> list[Finding]:
    """Return what there is to say of a generator that another machine runs; nothing of all others."""
    prefix = settings.generator.partition(":")[0]
    remote = is_images_api(settings.generator)
    if not remote and prefix != "comfyui":
        return []
    if remote and (key := key_of(settings.generator)) is not None and not is_set(key):
        return []  # the check of keys says so
    try:
        generator: Any = load_generator(settings.generator)
        return _images_api(generator) if remote else list(_comfyui(generator))
    except UserError as error:
        return [of_error("generator", error)]


def _images_api(generator: Any) -> list[Finding]:
    name = f"generator {generator.name!r}"
    if not generator.probe:
        return [ok("generator", f"{name}: its server can't be asked without drawing, so key and model aren't tried")]
    try:
        status = generator.asked_for_model(left(SECONDS))
    except httpx.HTTPError as error:
        text = f"{name}: its server can't be reached ({first_line(error)})"
        return [wrong("generator", text, "check the network, or the address behind @")]
    if status in (401, 403):
        return [wrong("generator", f"{name}: the server refuses the key ({status})", "set the variable to a valid key")]
    if status == 404 and generator.probe_knows_models:
        return [warning("generator", f"{name}: the server does not list this model", "check the model's name")]
    if status >= 400:
        return [warning("generator", f"{name}: the server answers {status}", "try again later")]
    known = "has the model" if generator.probe_knows_models else "takes the key; whether it has the model isn't tried"
    return [ok("generator", f"{name}: the server answers and {known}")]


def _comfyui(generator: Any) -> Iterator[Finding]:
    name = f"generator {generator.name!r}"
    try:
        with httpx.Client(base_url=generator.url, timeout=left(SECONDS)) as client:
            stats = client.get("/system_stats").raise_for_status().json()
            nodes = client.get("/object_info").raise_for_status().json()
        version = stats.get("system", {}).get("comfyui_version", "")
        yield ok("generator", f"{name}: ComfyUI {version} answers".replace("  ", " "))
    except (httpx.HTTPError, ValueError, AttributeError, RecursionError) as error:
        text = f"{name}: no ComfyUI answers there ({first_line(error)})"
        yield wrong(
            "generator", text, f"{_start(generator.url)}, or another address: --generator comfyui:http://HOST:PORT"
        )
        return
    lacks: dict[tuple[str, str], None] = {}
    for workflow in generator.workflows:
        lacks.update(dict.fromkeys(_lacking(workflow, nodes)))
    for text, mend in lacks:
        yield wrong("generator", f"{name}: {text}", mend)
    if not lacks:
        yield ok("generator", f"{name}: the server has the workflow's nodes and models")


def past_seconds(settings: RunSettings) -> list[float]:
    """Return how long the last runs of a ComfyUI server took, as its history tells; empty where it tells nothing.

    Its ``/history`` has for each prompt the messages of its execution, with times in milliseconds (``execution.py``).
    """
    if not settings.generator.startswith("comfyui:"):
        return []
    try:
        url = load_generator(settings.generator).url  # type: ignore[attr-defined]
        with httpx.Client(base_url=url, timeout=left(SECONDS)) as client:
            history = client.get("/history", params={"max_items": PAST_RUNS}).raise_for_status().json()
        return [took for one in history.values() if (took := _seconds_of(one)) is not None]
    except (UserError, httpx.HTTPError, ValueError, AttributeError, TypeError, KeyError, RecursionError):
        return []


def _seconds_of(run: Mapping[str, Any]) -> float | None:
    """Return how long one execution took; ``None`` of one that failed, or took nothing since all of it was cached."""
    times = {name: told.get("timestamp") for name, told in run["status"]["messages"]}
    began, ended = times.get("execution_start"), times.get("execution_success")
    if began is None or ended is None:
        return None
    seconds = (float(ended) - float(began)) / 1000
    return seconds if seconds > CACHED else None


def _start(url: str) -> str:
    """Return how ComfyUI is started so that it answers at an address (its ``comfy/cli_args.py``)."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if host in ("localhost", "127.0.0.1"):
        return f"start it in its folder: python main.py --listen 127.0.0.1 --port {port}"
    return f"start it in its folder on {host}: python main.py --listen 0.0.0.0 --port {port}"


def _lacking(workflow: Mapping[str, Any], nodes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a workflow asks of a server that isn't there, and what mends it.

    ``/object_info`` has for each class of nodes its inputs; of one that chooses, the choices.
    """
    for node in workflow.values():
        kind = node["class_type"]
        if kind not in nodes:
            yield (
                f"it has no node {kind!r}",
                "install the custom node that has it (ComfyUI-Manager), or another workflow",
            )
            continue
        for name, value in node.get("inputs", {}).items():
            choices = _choices(nodes[kind], name)
            if choices is None or not isinstance(value, str):
                continue
            if value == "{{checkpoint}}":
                value = os.environ.get(CHECKPOINT, "")
                if not value:
                    first = choices[0] if choices else "FILE.safetensors"
                    setting = "set" if WINDOWS else "export"
                    yield f"{CHECKPOINT} is not set", f"{setting} {quoted([f'{CHECKPOINT}={first}'])}"
                    continue
            if not re.search(r"\{\{\w+\}\}", value) and value not in choices:
                there = ", ".join(choices[:5]) or "none"
                yield f"{kind} has no {name} {value!r}", f"put the file there, or take one of: {there}"


def _choices(node: Mapping[str, Any], name: str) -> list[str] | None:
    """Return what an input may be; ``None`` if it is no choice. Newer servers say ``["COMBO", {"options": [...]}]``."""
    inputs = node.get("input", {})
    spec = {**inputs.get("optional", {}), **inputs.get("required", {})}.get(name)
    if not isinstance(spec, list) or not spec:
        return None
    if isinstance(spec[0], list):
        return [str(each) for each in spec[0]]
    if spec[0] == "COMBO" and len(spec) > 1 and isinstance(spec[1].get("options"), list):
        return [str(each) for each in spec[1]["options"]]
    return None
