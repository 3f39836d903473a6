"""The web page in Chromium: a whole conversation, stop and reload, and axe-core's findings."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testing.openai_requests import square
from testing.servers import Gate, Served


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    pytest.importorskip("axe_playwright_python")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium on PATH")
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])


def findings(page: Any) -> list[str]:
    """Return axe-core's serious and critical findings."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_whole_conversation_in_the_browser(
    chromium: Any, serve: Callable[..., Served], tmp_path: Path, scheme: str
) -> None:
    server = serve(scores=[0.3, 0.9])
    settings = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page = settings.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.goto(server.url)
    assert findings(page) == []

    # An upload, and a run by keyboard alone.
    (tmp_path / "me.png").write_bytes(square())
    page.set_input_files("#pictures", tmp_path / "me.png")
    page.wait_for_selector("#attached img")
    page.focus("#prompt")
    page.keyboard.type("an owl")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=the critic is satisfied")
    assert server.service.components.generator.requests[-1].references
    assert page.locator("#gallery > li").count() == 2
    assert findings(page) == []

    # Approval: one reference is taken out before the redraw.
    page.click("#settings summary")
    page.check("#approve")
    assert findings(page) == []
    page.fill("#prompt", "a cat")
    page.press("#prompt", "Enter")
    page.wait_for_selector("text=Redraw with these")
    assert findings(page) == []
    page.locator("[role=group] input:checked").first.uncheck()
    page.click("text=Redraw with these")
    page.wait_for_selector(".run:last-child .actions a")
    assert len(server.service.components.generator.requests[-1].references) == 2  # what is left, and the person's own

    # Going back to an earlier image, by its button.
    page.click("text=Go on from image-1")
    page.keyboard.type("make it red")
    page.press("#prompt", "Enter")
    page.click("button:enabled:has-text('Reject them all')")
    page.wait_for_selector("text=it was stopped")

    assert page.locator("img:visible").evaluate_all("all => all.every(one => one.naturalWidth > 0)")

    # Reload: all is still there, each turn as it was told. Two images side by side, closed by Escape.
    before = page.locator(".run").all_inner_texts()
    page.reload()
    page.wait_for_selector(".run:nth-of-type(6) .actions a")
    assert page.locator(".run").all_inner_texts() == before
    assert page.locator("[role=group] :enabled").count() == 0, "what was asked is answered"
    assert page.locator(".asked").all_inner_texts()[1:] == ["a cat", "go back to image-1 and make it red"]
    boxes = page.locator("#gallery input[type=checkbox]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.click("#compare")
    assert page.locator("#pair img").count() == 2
    assert findings(page) == []
    page.keyboard.press("Escape")
    assert not page.is_visible("#comparison")
    with page.expect_download() as download:
        page.click("text=Report >> nth=0")
    assert "imagerag" in Path(download.value.path()).read_text()

    # A phone's width.
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert findings(page) == []
    assert complaints == []
    settings.close()


@pytest.mark.slow
def test_stop_and_reload_while_drawing_in_the_browser(chromium: Any, serve: Callable[..., Served]) -> None:
    gate = Gate()
    server = serve(before_step=gate)
    page = chromium.new_page()
    page.set_default_timeout(15_000)
    page.goto(server.url)
    page.fill("#prompt", "an owl")
    page.press("#prompt", "Enter")
    page.wait_for_selector("text=step 1 of 4")
    page.reload()
    page.wait_for_selector(".asked")
    page.click("text=Stop")
    time.sleep(0.2)
    gate.open.set()
    page.wait_for_selector("text=it was stopped")
    assert server.service.components.generator.steps_done <= 2
    page.close()
