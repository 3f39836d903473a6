"""The labelling page and the report of an evaluation in Chromium, and the command that serves the first."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from imagerag.evaluation.report import write_report
from testing.evaluation_runs import TWO_ARMS, Made, suite_of, write_run

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", suite_of(3), TWO_ARMS, seeds=(0,), images=True)


@contextmanager
def labelling(folder: Path, *arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run ``imagerag eval label`` and give its address."""
    command = [sys.executable, "-m", "imagerag", "eval", "label", str(folder), "--no-browser", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = next((found for line in process.stderr if (found := re.search(r"(http://\S+/)[;\s]", line))), None)
        assert found is not None, process.stdout
        yield found[1], process
    finally:
        process.kill()
        process.communicate()


def findings(page: Any) -> list[str]:
    """Return axe-core's serious and critical findings."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
def test_answers_survive_a_kill_and_the_command_goes_on_and_sums_up(folder: Path) -> None:
    with labelling(folder, "--by", "me") as (address, process):
        first = httpx.get(f"{address}pair", trust_env=False).json()
        httpx.post(f"{address}labels", json={"id": first["pair"]["id"], "choice": "left"}, trust_env=False)
        process.kill()
    with labelling(folder, "--by", "me") as (address, process):
        state = httpx.get(f"{address}pair", trust_env=False).json()
        assert (state["answered"], state["total"]) == (1, 3)
        assert state["pair"]["id"] != first["pair"]["id"]
        httpx.post(f"{address}labels", json={"id": state["pair"]["id"], "choice": "same"}, trust_env=False)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "agent over base" in out
    assert "the same command goes on" in err
    assert "imagerag eval report" in err


def test_labelling_by_keyboard_alone(chromium: Any, folder: Path) -> None:
    with labelling(folder) as (address, _):
        page = chromium.new_context(viewport={"width": 1000, "height": 800}).new_page()
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text))
        page.goto(address)
        count = page.locator("#count")
        count.get_by_text("0 of 3 labelled").wait_for()
        page.locator("#pair img").first.wait_for()
        assert findings(page) == []
        for key, said in (
            ("ArrowLeft", "1 of 3"), ("Backspace", "1 of 3"), ("ArrowRight", "1 of 3"), ("ArrowDown", "2 of 3"),
        ):  # fmt: skip
            page.locator("#choose-left:enabled").wait_for()
            page.keyboard.press(key)
            count.get_by_text(f"{said} labelled").wait_for()
        page.locator("#choose-left:enabled").wait_for()
        page.locator("#choose-right").focus()
        page.keyboard.press("Enter")
        page.get_by_text("All pairs are labelled").wait_for()
        assert page.locator("#pair").is_hidden()
        assert findings(page) == []
        assert problems == []
    lines = [json.loads(line) for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["choice"] for line in lines] == ["left", "right", "same", "right"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_opens_from_the_disk(chromium: Any, tmp_path: Path, scheme: str) -> None:
    arms = {**TWO_ARMS, **{f"size-{at}": Made(TWO_ARMS["base"].chance, 2, 40, {"retrieval_size": at}) for at in (0, 9)}}
    folder = write_run(tmp_path / "run", suite_of(6), arms, images=True)
    write_report(folder)
    page = chromium.new_context(viewport={"width": 1000, "height": 800}, color_scheme=scheme).new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.goto((folder / "report.html").as_uri())
    assert page.locator("svg").count() >= 6
    assert page.get_by_text("presence against retrieval size").count() >= 1
    assert findings(page) == []
    page.get_by_role("link", name="known").first.click()
    image = page.locator("img").first
    image.scroll_into_view_if_needed()
    page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth > 0")
    assert findings(page) == []
    assert problems == []
