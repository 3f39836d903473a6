"""The web page in Chromium: a whole conversation, stop and reload, and axe-core's findings."""

import base64
import contextlib
import os
import signal
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testing.offered_parts import offering_service
from testing.openai_requests import square
from testing.scripted import Squares
from testing.server_process import running_server, served_process
from testing.servers import Gate, Served, scripted_service


def findings(page: Any) -> list[str]:
    """Return axe-core's serious and critical findings."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
    ]


def opened(chromium: Any, url: str, width: int = 1280, height: int = 900, scheme: str = "light") -> Any:
    page = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
    page.set_default_timeout(60_000)
    page.goto(url)
    page.locator("#suggestions button").first.wait_for(state="attached")
    return page


def ask(page: Any, text: str) -> None:
    """Send a request by keyboard, and wait for its result."""
    before = page.locator(".result:not([hidden])").count()
    page.fill("#prompt", text)
    page.press("#prompt", "Enter")
    page.locator(".result:not([hidden])").nth(before).wait_for()


SCROLLS = "place => { const box = document.querySelector(place); return box.scrollHeight > box.clientHeight + 1; }"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_whole_conversation_in_the_browser(
    chromium: Any, serve: Callable[..., Served], tmp_path: Path, scheme: str
) -> None:
    server = serve(scores=[0.3, 0.9])
    page = opened(chromium, server.url, scheme=scheme)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
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
    assert not page.locator(".steps[open]").count(), "the steps fold away"
    page.click(".run summary")
    assert 'similarity 0.50 to "' in page.inner_text(".run .refs")
    assert findings(page) == []
    page.click(".run .refs .enlarge >> nth=0")
    assert page.is_visible("#lightbox-download")
    assert page.evaluate("() => document.querySelector('#lightbox-paint').hidden"), "nothing of it was drawn"
    page.keyboard.press("Escape")
    page.click(".run summary")
    assert "is drawn as the owl" in page.inner_text(".notes"), "what the person should know is not folded away"

    # Approval: another reference is chosen before the redraw.
    page.click("#settings-open")
    assert findings(page) == []
    page.check("#approve")
    page.keyboard.press("Escape")
    page.fill("#prompt", "a cat")
    page.press("#prompt", "Enter")
    page.wait_for_selector("text=Redraw with these")
    assert findings(page) == []
    while page.locator("[role=group] input:checked").count():
        page.locator("[role=group] input:checked").first.uncheck()
    page.click("text=Redraw with these")
    page.wait_for_selector("text=choose at least one")
    page.locator("[role=group] input").nth(1).check()
    page.click("text=Redraw with these")
    page.wait_for_selector(".run:last-child .result a")
    assert len(server.service.components.generator.requests[-1].references) == 1

    # Going back to an earlier image, by its button.
    page.click("text=Go on from image-1")
    page.keyboard.type("make it red")
    page.press("#prompt", "Enter")
    page.click("button:enabled:has-text('Reject them all')")
    page.wait_for_selector("text=it was cancelled")

    # Reload: all is still there, each turn as it was told. Two images side by side, closed by Escape.
    before = page.locator(".run").all_inner_texts()
    page.reload()
    page.wait_for_selector(".run:nth-of-type(6) .result a")
    assert page.locator(".run").all_inner_texts() == before
    assert page.locator("[role=group] button:enabled:visible").count() == 0, "what was asked is answered"
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
    assert complaints == []
    page.context.close()


def test_stop_and_reload_while_drawing_in_the_browser(chromium: Any, serve: Callable[..., Served]) -> None:
    gate = Gate()
    server = serve(before_step=gate)
    page = opened(chromium, server.url)
    page.fill("#prompt", "an owl")
    page.press("#prompt", "Enter")
    page.wait_for_selector("text=step 1 of 4")
    page.reload()
    page.wait_for_selector(".asked")
    page.click("text=Stop")
    time.sleep(0.2)
    gate.open.set()
    page.wait_for_selector("text=it was cancelled")
    assert server.service.components.generator.steps_done <= 2
    page.context.close()


def test_after_twelve_turns_the_result_is_in_view_and_near_by_keyboard(
    chromium: Any, serve: Callable[..., Served]
) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    for number in range(12):
        ask(page, f"{number + 2} owls")
    address = page.url
    for width, height in ((390, 844), (800, 1000), (1440, 900)):
        for scheme in ("light", "dark"):
            case = f"{width} {scheme}"
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            page.goto("about:blank")
            page.goto(address)
            page.locator(".result:not([hidden])").nth(11).wait_for()
            ask(page, "try again")
            page.wait_for_timeout(200)
            for part in ("img", ".why"):
                box = page.locator(f".run:last-child .result {part}").bounding_box()
                composer = page.locator("#composer").bounding_box()
                assert box["y"] >= 0, case
                assert box["y"] + box["height"] <= composer["y"] + 1, case
            assert composer["height"] <= height / 5, case
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width, case
            assert findings(page) == [], case
            page.click("#conversations-open")
            page.locator("#threads li").first.wait_for()
            assert findings(page) == [], case
            page.keyboard.press("Escape")
            page.click("#help-open")
            assert findings(page) == [], case
            page.keyboard.press("Escape")
            if width < 896:
                page.click("#gallery-toggle")
                assert findings(page) == [], case
                page.click("text=Go on from image-1 >> nth=0")
                assert page.evaluate("() => document.activeElement.id") == "prompt", case
                page.fill("#prompt", "")
            page.click(".run:last-child .enlarge")
            assert findings(page) == [], case
            page.keyboard.press("Escape")
            # From the top of the page: the second stop leads to the latest result, and the next to its first button.
            page.reload()
            page.locator(".result:not([hidden])").nth(11).wait_for()
            page.evaluate("() => { document.activeElement.blur(); document.querySelector('.skip').focus(); }")
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            page.keyboard.press("Tab")
            assert page.evaluate("() => document.activeElement.matches('.run:last-child .enlarge')"), case
    # Who reads further up is left there; the jump leads back.
    page.evaluate("() => { document.querySelector('#scroller').scrollTop = 0; }")
    page.wait_for_selector("#latest:visible")
    page.click("#latest")
    assert page.evaluate("() => document.querySelector('#scroller').scrollTop") > 0
    page.context.close()


def test_no_jump_is_offered_to_a_result_that_is_in_view(chromium: Any, serve: Callable[..., Served]) -> None:
    page = opened(chromium, serve(scores=[0.9]).url, width=390, height=520)
    for text in ("an owl", "a cat"):
        ask(page, text)
        page.wait_for_timeout(300)
        assert page.evaluate(SCROLLS, "#scroller"), "the result is higher than the view"
        assert not page.is_visible("#latest"), text
    page.evaluate("() => { document.querySelector('#scroller').scrollTop = 0; }")
    page.wait_for_selector("#latest:visible")
    page.click("#latest")
    page.locator("#latest").wait_for(state="hidden")
    page.context.close()


def test_what_is_written_is_kept_and_enter_queues(chromium: Any, serve: Callable[..., Served]) -> None:
    gate = Gate()
    page = opened(chromium, serve(before_step=gate).url)
    page.click("#settings-open")
    page.fill("#seed", "-3")
    page.keyboard.press("Escape")
    page.fill("#prompt", "an owl")
    page.press("#prompt", "Enter")
    assert "not sent, since a setting is not valid. Seed" in page.inner_text("#composer-error")
    assert page.is_visible("#settings")
    page.fill("#seed", "7")
    page.fill("#negative", "people")
    page.keyboard.press("Escape")
    assert page.inner_text("#settings-told") == "without people, seed 7"
    page.reload()
    page.wait_for_selector("#suggestions button")
    assert page.input_value("#prompt") == "an owl"
    assert page.inner_text("#settings-told") == "without people, seed 7"
    page.press("#prompt", "Enter")
    page.wait_for_selector("text=step 1 of 4")
    page.fill("#prompt", "a cat")
    page.press("#prompt", "Enter")
    page.wait_for_selector("text=1 of this conversation come first")
    page.press("#prompt", "ArrowUp")
    page.press("#prompt", "ArrowUp")
    assert page.input_value("#prompt") == "an owl"
    gate.open.set()
    page.locator(".result:not([hidden])").nth(1).wait_for()
    assert page.input_value("#prompt") == "an owl", "a draft is not lost when a run ends"
    page.context.close()


def test_each_tab_has_a_draft_of_its_own_and_leaves_it_when_it_is_closed(
    chromium: Any, serve: Callable[..., Served]
) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    ask(page, "an owl")

    def another() -> Any:
        tab = page.context.new_page()
        tab.goto(page.url)
        tab.locator(".result:not([hidden])").first.wait_for()
        return tab

    page.fill("#prompt", "make it red")
    other = another()
    assert other.input_value("#prompt") == "", "that is written elsewhere"
    other.fill("#prompt", "a cat")
    for tab, text in ((page, "make it red"), (other, "a cat")):
        for _ in range(2):
            tab.reload()
            tab.locator(".result:not([hidden])").first.wait_for()
            assert tab.input_value("#prompt") == text
    other.fill("#prompt", "")
    other.reload()
    other.locator(".result:not([hidden])").first.wait_for()
    assert other.input_value("#prompt") == "", "a reload leaves nothing behind"
    other.fill("#prompt", "two cats")
    other.goto("about:blank")
    other.close()
    third, fourth = another(), another()
    assert [tab.input_value("#prompt") for tab in (third, fourth)] == ["two cats", ""], "taken up once"
    assert page.input_value("#prompt") == "make it red"
    ask(third, "two cats")
    assert page.input_value("#prompt") == "make it red"
    page.context.close()


def test_on_a_phone_what_is_told_hides_neither_what_is_written_nor_the_way_out(
    chromium: Any, serve: Callable[..., Served]
) -> None:
    page = opened(chromium, serve(scores=[0.9]).url, width=390, height=844)
    page.click("#settings-open")
    close = page.locator("#settings button.main").bounding_box()
    assert close["y"] + close["height"] <= 844, "it is in view without scrolling"
    page.fill("#seed", "-3")
    page.click("#settings button.main")
    page.fill("#prompt", "an owl")
    page.press("#prompt", "Enter")
    page.wait_for_selector("#composer-error:visible")
    page.keyboard.press("Escape")
    assert findings(page) == []
    assert not page.evaluate(SCROLLS, "#composer")
    page.click("#settings-open")
    page.click("#settings-clear")
    page.keyboard.press("Escape")
    ask(page, "an owl")
    page.click(".result >> text=Edit")
    assert findings(page) == []
    assert not page.evaluate(SCROLLS, "#composer")
    assert page.locator("#composer").bounding_box()["height"] <= 844 / 5
    page.context.close()


def test_what_is_suggested_or_gone_on_from_loses_nothing_that_was_written(
    chromium: Any, serve: Callable[..., Served]
) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    page.click("#suggestions >> text=three red balloons")
    page.click("#suggestions >> text=a cat with a crown")
    assert page.input_value("#prompt") == "a cat with a crown", "one takes the place of another"
    page.fill("#prompt", "my own words")
    page.click("#suggestions >> text=three red balloons")
    assert page.input_value("#prompt") == "my own words"
    assert '"three red balloons" is not put in place of what is written' in page.inner_text("#composer-error")
    ask(page, "an owl")
    ask(page, "a cat")
    page.fill("#prompt", "make it red")
    page.click("text=Go on from image-1")
    page.click("text=Go on from image-2")
    page.reload()
    page.locator(".result:not([hidden])").nth(1).wait_for()
    assert page.input_value("#prompt") == "go back to image-2 and make it red"
    page.context.close()


def test_commands_on_a_result(chromium: Any, serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    requests = server.service.components.generator.requests
    page = opened(chromium, server.url)
    ask(page, "an owl")
    first = page.url
    page.click(".result >> text=Variations")
    page.locator(".result:not([hidden])").nth(1).wait_for()
    assert page.locator("#gallery > li").count() == 5
    for when in ("drawn", "told again"):
        others = page.locator(".run:last-child .candidates li")
        assert others.count() == 3, f"{when}: all four are in view, the best one large"
        assert findings(page) == []
        page.reload()
        page.locator(".result:not([hidden])").nth(1).wait_for()
    assert page.locator(".run").first.locator(".candidates").count() == 0
    others.last.locator("text=Take this").click()
    assert page.input_value("#prompt") == "go back to image-5 and "
    page.fill("#prompt", "")
    page.click(".run:last-child .result button:text-is('Redraw')")
    page.locator(".result:not([hidden])").nth(2).wait_for()
    assert [request.prompt for request in requests] == ["an owl"] * 3
    page.click(".run:last-child .result >> text=Use as subject")
    ask(page, "my badge on a cake")
    assert requests[-1].references
    # An earlier request in other words: a copy goes on from there, and the conversation stays.
    page.locator(".result").first.locator("text=Edit").click()
    assert page.input_value("#prompt") == "an owl"
    page.fill("#prompt", "a cat")
    page.press("#prompt", "Enter")
    page.wait_for_selector("text=This is a copy")
    page.locator(".result:not([hidden])").first.wait_for()
    assert page.locator(".asked").all_inner_texts() == ["a cat"]
    assert page.url != first
    page.go_back()
    page.goto(first)
    page.reload()
    page.locator(".result:not([hidden])").nth(3).wait_for()
    page.context.close()


def test_an_edited_request_is_kept_over_reloads_beside_the_draft(chromium: Any, serve: Callable[..., Served]) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    ask(page, "an owl")
    ask(page, "a cat")
    first = page.url
    page.fill("#prompt", "not sent yet")
    for way in ("button", "escape"):
        page.locator(".result").nth(1).locator("text=Edit").click()
        page.keyboard.press("End")
        page.keyboard.type(" in a hat")
        page.reload()
        page.wait_for_selector("#composer-note:visible")
        assert "In place of request 2" in page.inner_text("#composer-note")
        assert page.input_value("#prompt") == "a cat in a hat"
        page.locator(".result:not([hidden])").nth(1).wait_for()
        if way == "button":
            page.click("#composer-note-off")
        else:
            page.press("#prompt", "Escape")
        assert not page.is_visible("#composer-note")
        assert page.input_value("#prompt") == "not sent yet", way
    page.locator(".result").nth(1).locator("text=Edit").click()
    page.fill("#prompt", "a dog")
    page.reload()
    page.wait_for_selector("#composer-note:visible")
    page.press("#prompt", "Enter")
    page.wait_for_selector("text=This is a copy")
    page.locator(".result:not([hidden])").nth(1).wait_for()
    assert page.locator("#notice").bounding_box()["y"] > 0, "it is in view though the newest is"
    assert page.locator(".asked").all_inner_texts() == ["an owl", "a dog"]
    assert page.input_value("#prompt") == ""
    page.goto("about:blank")
    page.goto(first)
    page.locator(".result:not([hidden])").nth(1).wait_for()
    assert page.input_value("#prompt") == "not sent yet"
    assert not page.is_visible("#composer-note")
    page.context.close()


def test_back_and_forward_lead_from_conversation_to_conversation(chromium: Any, serve: Callable[..., Served]) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    ask(page, "an owl")
    first = page.url
    page.click("#new")
    assert page.url != first
    ask(page, "a cat")
    page.go_back()
    page.wait_for_selector(".asked:has-text('an owl')")
    assert page.url == first
    page.go_forward()
    page.wait_for_selector(".asked:has-text('a cat')")
    page.click("#conversations-open")
    page.click("[aria-label='Delete a cat']")
    page.click("text=Really delete?")
    page.wait_for_selector("#welcome:visible")
    page.keyboard.press("Escape")
    page.go_back()
    page.wait_for_selector(".asked:has-text('an owl')")
    page.context.close()


def test_the_tab_is_called_by_its_conversation(chromium: Any, serve: Callable[..., Served]) -> None:
    gate = Gate()
    page = opened(chromium, serve(scores=[0.9], before_step=gate).url)
    assert page.title() == "imagerag"
    page.fill("#prompt", "an owl")
    page.press("#prompt", "Enter")
    page.wait_for_selector("text=step 1 of 4")
    assert page.title() == "an owl - imagerag", "though it is not drawn yet"
    gate.open.set()
    page.locator(".result:not([hidden])").wait_for()
    ask(page, "a cat")
    assert page.title() == "an owl - imagerag", "what was first drawn, as the list of conversations calls it"
    other = page.context.new_page()
    other.goto(page.url)
    other.locator(".result:not([hidden])").nth(1).wait_for()
    page.click("#conversations-open")
    page.click("[aria-label='Rename an owl']")
    page.keyboard.type("Birds of the night")
    page.keyboard.press("Enter")
    for tab in (page, other):
        tab.wait_for_function("() => document.title === 'Birds of the night - imagerag'")
    page.keyboard.press("Escape")
    page.click("#new")
    assert page.title() == "imagerag"
    page.go_back()
    page.wait_for_function("() => document.title === 'Birds of the night - imagerag'")
    page.context.close()


def test_links_that_lead_nowhere_are_told(chromium: Any, serve: Callable[..., Served]) -> None:
    url = serve(scores=[0.9]).url
    for link in ("nothing", "%zz", "a/b", "%F0%9F", "x" * 500):
        page = opened(chromium, f"{url}/#{link}")
        page.wait_for_selector("#notice:has-text('There is no conversation')")
        assert page.is_visible("#suggestions")
        ask(page, "an owl")
        page.context.close()


def test_a_first_request_that_is_refused_begins_no_conversation(chromium: Any, serve: Callable[..., Served]) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    ask(page, "undo")
    told = page.inner_text(".result")
    assert "'undo' changes an earlier picture, and this conversation has none; say what to draw, or go on in" in told
    assert "--" not in told, "the page has no options of a command line"
    assert "#" not in page.url
    ask(page, "an owl")
    assert "#" in page.url
    page.reload()
    page.locator(".result:not([hidden])").wait_for()
    assert page.locator(".asked").all_inner_texts() == ["an owl"]
    page.context.close()


def test_a_size_that_is_not_drawn_is_told_before_it_is_sent(chromium: Any, serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    page = opened(chromium, server.url)
    for size, told in (("0x0", "16 to 4096"), ("5000x20", "16 to 4096"), ("1:101", "1 to 100"), ("wide", "16:9")):
        page.click("#settings-open")
        page.fill("#size", size)
        page.keyboard.press("Escape")
        assert told in page.inner_text("#settings-told"), size
        page.fill("#prompt", "an owl")
        page.press("#prompt", "Enter")
        assert "not sent, since a setting is not valid. Size or aspect" in page.inner_text("#composer-error")
        page.keyboard.press("Escape")
    assert page.locator(".run").count() == 0
    page.click("#settings-open")
    page.fill("#size", " 16:9 ")
    page.keyboard.press("Escape")
    ask(page, "an owl")
    assert str(server.service.components.generator.requests[-1].size) == "16:9"
    page.context.close()


def test_what_is_not_sent_is_told_with_its_value_and_kept(chromium: Any, serve: Callable[..., Served]) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    page.focus("#prompt")
    page.keyboard.insert_text("owl " * 1500)
    page.press("#prompt", "Enter")
    assert "has 5999 characters; shorten it to at most 4000" in page.inner_text("#composer-error")
    assert len(page.input_value("#prompt")) == 6000, "nothing of it is cut off"
    page.fill("#prompt", "an owl")
    page.click("#settings-open")
    page.fill("#seed", "-3")
    page.keyboard.press("Escape")
    page.press("#prompt", "Enter")
    assert 'a setting is not valid. Seed "-3": ' in page.inner_text("#composer-error")
    page.fill("#seed", "")
    page.focus("#negative")
    page.keyboard.insert_text("people, " * 1000)
    page.keyboard.press("Escape")
    page.press("#prompt", "Enter")
    told = page.inner_text("#composer-error")
    assert 'Must not show "people, people, ' in told
    assert "It has 7999 characters; shorten it to at most 4000." in told
    assert len(page.input_value("#negative")) == 8000, "nothing of it is cut off"
    assert page.locator("#negative:focus").is_visible()
    page.fill("#negative", "people, " * 100)
    page.keyboard.press("Escape")
    assert len(page.inner_text("#settings-told")) < 100, "a long one leaves room for what is written"
    ask(page, "an owl")
    page.context.close()


def test_what_is_retried_is_not_left_in_the_composer_to_be_sent_twice(
    chromium: Any, serve: Callable[..., Served]
) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    page.route("**/web/runs", lambda route: route.fulfill(status=429, json={"error": {"message": "the queue is full"}}))
    page.set_input_files("#pictures", {"name": "me.png", "mimeType": "image/png", "buffer": square()})
    page.wait_for_selector("#attached img")
    for text in ("an owl", "a cat"):
        page.fill("#prompt", text)
        page.press("#prompt", "Enter")
        page.wait_for_selector("#composer-error:visible")
        assert page.input_value("#prompt") == text
    page.unroute("**/web/runs")
    page.locator(".run").nth(0).locator("text=Retry").click()
    page.locator(".run:nth-of-type(6) .result:not([hidden])").wait_for()
    assert page.input_value("#prompt") == "a cat", "other words stay"
    page.locator(".run").nth(1).locator("text=Retry").click()
    page.locator(".run:nth-of-type(8) .result:not([hidden])").wait_for()
    assert page.locator(".asked").last.locator("img").count() == 1
    assert page.input_value("#prompt") == ""
    assert page.locator("#attached li").count() == 0
    assert not page.is_visible("#composer-error")
    page.context.close()


SLOW_POST = """() => {
  const send = window.fetch;
  window.fetch = async (path, options) => {
    if (options?.method === "POST") await new Promise((done) => setTimeout(done, 500));
    return send(path, options);
  };
}"""


def test_what_waits_to_be_sent_stays_in_its_conversation(chromium: Any, serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    page = opened(chromium, server.url)
    page.evaluate(SLOW_POST)
    for text in ("an owl", "a cat"):
        page.fill("#prompt", text)
        page.press("#prompt", "Enter")
    page.click("#new")
    ask(page, "a dog")
    assert page.locator(".asked").all_inner_texts() == ["a dog"]
    page.click("#conversations-open")
    page.locator("#threads li").nth(1).wait_for()
    assert page.locator("#threads li").count() == 2
    page.click("#threads >> text=an owl")
    page.locator(".result:not([hidden])").nth(1).wait_for()
    assert page.locator(".asked").all_inner_texts() == ["an owl", "a cat"]
    page.context.close()


PASTE = """([place, png]) => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(png), (sign) => sign.charCodeAt(0));
  data.items.add(new File([bytes], "badge.png", { type: "image/png" }));
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector(place).dispatchEvent(event);
}"""


def test_pictures_are_pasted_wherever_the_focus_is(chromium: Any, serve: Callable[..., Served]) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    for number, place in enumerate(("#prompt", "body", "#new"), start=1):
        colour = ("red", "blue", "green")[number - 1]
        page.evaluate(PASTE, [place, base64.b64encode(square(colour)).decode()])
        page.locator("#attached li").nth(number - 1).wait_for()
    shades = [f"rgb({number}, 9, 9)" for number in range(15)]
    page.set_input_files(
        "#pictures", [{"name": f"{one}.png", "mimeType": "image/png", "buffer": square(one)} for one in shades]
    )
    page.wait_for_selector("text=rgb(14, 9, 9).png is not added: a request takes 16 pictures at most")
    assert page.locator("#attached li").count() == 16
    page.context.close()


COPY_BOTH = """async ([png, text]) => {
  const bytes = Uint8Array.from(atob(png), (sign) => sign.charCodeAt(0));
  const picture = new Blob([bytes], { type: "image/png" });
  const words = new Blob([text], { type: "text/plain" });
  await navigator.clipboard.write([new ClipboardItem({ "image/png": picture, "text/plain": words })]);
}"""


def test_words_that_were_copied_with_a_picture_are_pasted_with_it(chromium: Any, serve: Callable[..., Served]) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for number, (text, pasted) in enumerate((("a red badge", "a red badge"), ("/home/me/image.png", "")), start=1):
        page.fill("#prompt", "")
        page.evaluate(COPY_BOTH, [base64.b64encode(square(f"rgb({number}, 9, 9)")).decode(), text])
        page.focus("#prompt")
        page.keyboard.press("Control+v")
        page.locator("#attached li").nth(number - 1).wait_for()
        assert page.input_value("#prompt") == pasted

    # While nothing is being written they go behind what is written already.
    page.fill("#prompt", "an owl with")
    page.evaluate(COPY_BOTH, [base64.b64encode(square("rgb(3, 9, 9)")).decode(), "a red badge"])
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Control+v")
    page.locator("#attached li").nth(2).wait_for()
    page.evaluate("() => navigator.clipboard.writeText('on a skateboard')")
    page.focus("#new")
    page.keyboard.press("Control+v")
    assert page.input_value("#prompt") == "an owl with a red badge on a skateboard"
    page.reload()
    page.locator("#attached li").nth(2).wait_for()
    assert page.input_value("#prompt") == "an owl with a red badge on a skateboard", "it is part of the draft"
    page.context.close()


def drop(page: Any, *files: Path, at: str = "#prompt") -> None:
    """Drop files of this machine as a person does, by the mouse."""
    box = page.locator(at).bounding_box()
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    event = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 5, "data": data}
    session = page.context.new_cdp_session(page)
    for step in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": step, **event})


def test_a_folder_that_is_dropped_is_told_and_not_taken_for_a_lost_server(
    chromium: Any, serve: Callable[..., Served], tmp_path: Path
) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    (tmp_path / "holiday").mkdir()
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "me.png").write_bytes(square())
    drop(page, tmp_path / "holiday", tmp_path / "notes.txt", tmp_path / "me.png")
    page.wait_for_selector("#attached img")
    page.wait_for_selector("text=holiday is not added: it can't be read: it is a folder")
    assert "notes.txt is not added" in page.inner_text("#composer-error"), "each one is told"
    assert not page.is_visible("#lost")
    page.context.close()


def test_a_request_waits_for_the_pictures_that_are_being_added(chromium: Any, serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    page = opened(chromium, server.url)
    page.evaluate(SLOW_POST)
    picture = {"name": "me.png", "mimeType": "image/png", "buffer": square()}
    page.set_input_files("#pictures", picture)
    page.fill("#prompt", "an owl")
    page.press("#prompt", "Enter")
    assert "Adding a picture; the request is sent after that" in page.inner_text("#adding")
    page.locator(".result:not([hidden])").wait_for()
    assert server.service.components.generator.requests[-1].references
    assert page.locator("#attached li").count() == 0
    assert not page.is_visible("#adding")

    # One that can't be added is told, and the request is not sent without it.
    page.set_input_files("#pictures", {**picture, "name": "bad.png", "buffer": b"no picture"})
    page.fill("#prompt", "a cat")
    page.press("#prompt", "Enter")
    page.wait_for_selector("text=bad.png is not added")
    assert page.input_value("#prompt") == "a cat"
    assert page.locator(".asked").count() == 1

    # One that comes when another conversation is open is not added to that.
    page.set_input_files("#pictures", picture)
    page.click("#new")
    page.wait_for_selector("text=me.png is not added: another conversation was opened meanwhile")
    assert page.locator("#attached li").count() == 0
    page.context.close()


def test_an_enlarged_image_is_zoomed_about_its_middle_and_dragged(chromium: Any, serve: Callable[..., Served]) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    ask(page, "an owl")
    with page.expect_download() as download:
        page.click(".result >> text=Download")
    assert download.value.suggested_filename == "001-an-owl.png"
    page.click(".result .enlarge")
    middle = """() => { const view = document.querySelector("#lightbox-view");
      return [(view.scrollLeft + view.clientWidth / 2) / view.scrollWidth,
              (view.scrollTop + view.clientHeight / 2) / view.scrollHeight, view.scrollHeight / view.clientHeight]; }"""
    for _ in range(4):
        page.keyboard.press("+")
    across, down, zoomed = page.evaluate(middle)
    assert zoomed > 2
    assert abs(across - 0.5) < 0.02
    assert abs(down - 0.5) < 0.02
    box = page.locator("#lightbox-view").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 80, steps=3)
    page.mouse.up()
    moved = page.evaluate(middle)
    assert moved[0] > across
    assert moved[1] > down
    assert moved[2] == zoomed, "dragging is no click"
    page.keyboard.press("-")
    assert abs(page.evaluate(middle)[1] - moved[1]) < 0.03
    page.mouse.click(x, y)
    assert "fit" in page.get_attribute("#lightbox-image", "class")
    page.context.close()


class SquaresInParts(Squares):
    redraws_parts = True


def test_a_part_is_painted_by_mouse_and_by_keyboard(chromium: Any, serve: Callable[..., Served]) -> None:
    squares = SquaresInParts()
    page = opened(chromium, serve(generator=squares, scores=[0.9]).url)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    ask(page, "a dog")
    for number, way in enumerate(("mouse", "keyboard"), start=2):
        page.click(".run:last-child .result >> text=Paint a part")
        page.wait_for_selector("#paint[open]")
        assert findings(page) == []
        page.click("#paint-done")
        assert "Mark a part first" in page.inner_text("#paint-told")
        box = page.locator("#paint-canvas").bounding_box()
        if way == "mouse":
            page.mouse.move(box["x"] + 5, box["y"] + 5)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 5, steps=4)
            page.mouse.up()
        else:
            page.focus("#paint-canvas")
            for _ in range(9):
                page.keyboard.press("ArrowUp")
            for _ in range(12):
                page.keyboard.press("Shift+ArrowLeft")
            page.keyboard.press("Space")
        assert "of the image is marked" in page.inner_text("#paint-told")
        page.click("#paint-done")
        page.wait_for_selector("#masked:visible")
        assert findings(page) == []
        page.reload()
        page.wait_for_selector("#masked:visible")
        page.locator(".result:not([hidden])").nth(number - 2).wait_for()
        ask(page, f"a crown {number}")
        assert not page.is_visible("#masked"), "it holds for one request"
        asked = squares.requests[-1].redraw
        assert asked is not None
        assert asked.prompt.startswith("a dog")
        width, height = asked.mask.size
        assert asked.mask.getpixel((2, 0)) == 255
        assert asked.mask.getpixel((width // 2, height - 1)) == 0
    ask(page, "another one")
    assert squares.requests[-1].redraw is not None, "the same part"
    assert "only the part that was redrawn for image-3" in page.inner_text(".run:last-child .notes")
    before = len(squares.requests)
    page.click(".run:last-child .result button:text-is('Redraw')")
    page.locator(".result:not([hidden])").nth(4).wait_for()
    assert squares.requests[before].redraw is not None
    ask(page, "now draw a castle")
    assert squares.requests[-1].redraw is None
    # A part that was redrawn is the one that other words are for.
    masked = page.locator(".asked").nth(1)
    assert "only the marked part of image-1" in masked.inner_text()
    before = squares.requests[1].redraw
    page.locator(".result").nth(1).locator("text=Edit").click()
    assert "Only the part of image-1 that was marked is redrawn" in page.inner_text("#composer-note")
    page.fill("#prompt", "a hat")
    page.press("#prompt", "Enter")
    page.wait_for_selector("text=This is a copy")
    page.locator(".result:not([hidden])").nth(1).wait_for()
    again = squares.requests[-1].redraw
    assert again is not None
    assert again.mask_sha256 == before.mask_sha256
    assert "only the marked part of image-1" in page.locator(".asked").nth(1).inner_text()
    assert complaints == []
    page.context.close()


def test_a_painted_part_and_a_picture_fit_the_composer_of_a_phone(chromium: Any, serve: Callable[..., Served]) -> None:
    page = opened(chromium, serve(generator=SquaresInParts(), scores=[0.9]).url, width=390, height=844)
    ask(page, "a dog")
    sizes = ((390, 844), (390, 664), (844, 390), (1440, 900))
    page.click(".result >> text=Paint a part")
    page.wait_for_selector("#paint[open]")
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(100)
        case = f"{width}x{height}"
        assert not page.evaluate(SCROLLS, "#paint"), case
        image, canvas, done = (page.locator(f"#paint-{part}").bounding_box() for part in ("image", "canvas", "done"))
        assert canvas == image, f"{case}: what is painted is where it is seen"
        assert done["y"] + done["height"] <= height, case
        assert findings(page) == [], case
    page.click("#paint-all")
    page.click("#paint-done")
    page.wait_for_selector("#masked:visible")
    page.set_input_files("#pictures", {"name": "me.png", "mimeType": "image/png", "buffer": square()})
    page.wait_for_selector("#attached img")
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(100)
        case = f"{width}x{height}"
        assert not page.evaluate(SCROLLS, "#composer"), case
        assert not page.evaluate(SCROLLS, "#along"), case
        along, row = page.locator("#along").bounding_box(), page.locator("#composer .row").bounding_box()
        assert along["y"] + along["height"] <= row["y"] + 1, case
        assert page.locator("#composer").bounding_box()["height"] <= max(height / 5, 168) + 1, case
        assert findings(page) == [], case
    page.click("[aria-label='Remove me.png']")
    assert page.locator("#attached li").count() == 0
    page.click("[aria-label='Redraw all of image-1']")
    assert not page.is_visible("#along"), "nothing goes along any more"
    page.context.close()


def test_parts_are_chosen_for_a_conversation_among_those_that_are_offered(chromium: Any, tmp_path: Path) -> None:
    with offering_service(tmp_path, "generator=circles", "critic=strict") as service:
        server = Served(service)
        try:
            page = opened(chromium, server.url)
            page.click("#settings-open")
            page.wait_for_selector("#generator:visible")
            assert not page.is_visible("#profile"), "there is one only"
            assert findings(page) == []
            page.select_option("#generator", "circles")
            page.keyboard.press("Escape")
            assert page.inner_text("#settings-told") == "drawn with circles"
            ask(page, "an owl")
            assert "drawn with circles, judged by kind, profile pictograms" in page.inner_text(".result")
            page.reload()
            page.locator(".result:not([hidden])").wait_for()
            assert "drawn with circles" in page.inner_text(".result")
            page.wait_for_selector("#settings-told:has-text('drawn with circles')")
            page.click("#new")
            assert page.inner_text("#settings-told") == "", "another conversation has its own"
            ask(page, "a cat")
            assert "drawn with squares" in page.inner_text(".result")
            page.context.close()
        finally:
            server.stop()


def test_images_are_found_by_words_by_what_they_show_and_by_likeness(
    chromium: Any, serve: Callable[..., Served]
) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    for text in ("an owl", "a cat", "a dog"):
        page.click("#new")
        ask(page, text)
    page.click("#all summary")
    page.locator("#all-images li").nth(2).wait_for()
    assert page.inner_text("#all-told") == "3 of 3"
    page.fill("#all-search", "CAT")
    page.locator("#all-images li").nth(1).wait_for(state="detached")
    page.select_option("#all-by", "shows")
    page.wait_for_selector("#all-told:has-text('by CLIP')", timeout=60_000)  # the model is loaded for it
    assert page.locator("#all-images li").count() == 3
    told = page.inner_text("#all-told")
    assert told == '3 of 3; most alike first, by CLIP, whether or not they show "CAT"', "no floor leaves any out"
    assert findings(page) == []
    page.click("#all-images >> text=Like this >> nth=0")
    page.wait_for_selector("#all-like:visible")
    page.locator("#all-images li").nth(2).wait_for(state="detached")
    assert page.locator("#all-images li").count() == 2, "without the image itself"
    page.click("#all-like-off")
    page.locator("#all-images li").nth(2).wait_for()
    page.context.close()


def test_the_open_gallery_of_a_narrow_page_gives_way_to_what_is_asked_for(
    chromium: Any, serve: Callable[..., Served], tmp_path: Path
) -> None:
    page = opened(chromium, serve(generator=SquaresInParts(), scores=[0.9]).url, width=390, height=780, scheme="dark")
    ask(page, "an owl")
    (tmp_path / "me.png").write_bytes(square())

    def open_gallery() -> None:
        page.click("#gallery-toggle")
        assert not page.is_visible("#chat")

    for key, place in (("/", "#prompt"), ("j", ".run")):
        open_gallery()
        page.keyboard.press(key)
        assert page.locator(f"{place}:focus").is_visible(), key

    # The link of an image whose conversation is open already.
    open_gallery()
    page.click("#all summary")
    page.click("#all-images a:not(.button)")
    assert page.locator(".run:focus").is_visible()

    # A part that is painted there, and a picture that is dropped on it, are for the composer.
    open_gallery()
    page.click("#gallery .enlarge")
    page.click("#lightbox-paint")
    page.click("#paint-all")
    page.click("#paint-done")
    page.wait_for_selector("#masked:visible")
    assert page.locator("#prompt:focus").is_visible()
    open_gallery()
    drop(page, tmp_path / "me.png", at="#gallery")
    page.wait_for_selector("#attached img:visible")
    page.context.close()


def test_conversations_are_named_found_exported_and_deleted(
    chromium: Any, serve: Callable[..., Served], tmp_path: Path
) -> None:
    page = opened(chromium, serve(scores=[0.9]).url)
    ask(page, "an owl")
    link = page.url
    page.click("#new")
    ask(page, "a cat")
    page.click("#all summary")
    page.locator("#all-images li").nth(1).wait_for()
    assert findings(page) == []
    page.fill("#all-search", "OWL")
    page.locator("#all-images li").nth(1).wait_for(state="detached")
    page.click("#all-images a")
    page.wait_for_selector(".asked:has-text('an owl')")
    page.click("#conversations-open")
    page.click("[aria-label='Rename an owl']")
    page.keyboard.type("Birds of the night")
    page.keyboard.press("Enter")
    page.wait_for_selector("[aria-label='Rename Birds of the night']:focus")
    for way in ("Escape", "Cancel"):
        page.click("[aria-label='Rename Birds of the night']")
        page.keyboard.type("no title")
        if way == "Escape":
            page.keyboard.press(way)
        else:
            page.click("#threads >> text=Cancel")
        page.wait_for_selector("[aria-label='Rename Birds of the night']:focus")
    page.click("[aria-label='Favourite: Birds of the night']")
    page.wait_for_selector("[aria-pressed=true][aria-label='Favourite: Birds of the night']:focus")
    assert "Birds" in page.locator("#threads li").first.inner_text()
    page.fill("#conversations-search", "CAT")
    page.locator("#threads li", has_text="Birds").wait_for(state="detached")
    assert page.locator("#threads li").count() == 1
    page.fill("#conversations-search", "night")
    page.locator("#threads li", has_text="Birds").wait_for()
    with page.expect_download() as download:
        page.click("[aria-label^='Export Birds']")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {"conversation.html", "conversation.json", "001-an-owl.png"} == set(archive.namelist())
    kept = "name => [...Object.keys(localStorage), ...Object.keys(sessionStorage)].filter((key) => key.endsWith(name))"
    name = link.rpartition("#")[2]
    for store in ("localStorage", "sessionStorage"):
        page.evaluate(f"name => {store}.setItem(`imagerag.draft.${{name}}`, '{{}}')", name)
    page.click("[aria-label^='Delete Birds']")
    page.click("text=Really delete?")
    page.locator("#threads li", has_text="Birds").wait_for(state="detached")
    assert page.evaluate(kept, name) == [], "nothing is kept of it"
    page.keyboard.press("Escape")
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector("text=There is no conversation")
    page.context.close()


HELD_SERVER = """
import sys, time
from pathlib import Path
from testing.servers import Served, scripted_service

begun = 0

def before_step(step):
    global begun
    begun += step == 1
    while begun > 1 and step == 2:  # the second drawing never ends
        time.sleep(60)

print("at", Served(scripted_service(Path(sys.argv[1]), before_step=before_step)).url + "/", file=sys.stderr, flush=True)
time.sleep(600)  # no thread is started any more once the first one has ended
"""


@contextlib.contextmanager
def killed_in_a_run(
    chromium: Any, home: Path, *queued: str, second: str = "a lobster in a kimono", picture: bytes = b""
) -> Iterator[tuple[Any, str]]:
    """Yield a page whose server was killed in its second run, and the port that the server had.

    Others may be queued behind that run, and a picture be sent with it.

    The run can't end: one that ends before the signal arrives would be no run that was lost.
    """
    with served_process([sys.executable, "-c", HELD_SERVER, str(home)], os.environ) as server:
        page = opened(chromium, server.url)
        ask(page, "an owl")
        if picture:
            page.set_input_files("#pictures", {"name": "me.png", "mimeType": "image/png", "buffer": picture})
            page.wait_for_selector("#attached img")
        page.fill("#prompt", second)
        page.press("#prompt", "Enter")
        page.wait_for_selector("text=step 1 of 4")
        for text in queued:
            page.fill("#prompt", text)
            page.press("#prompt", "Enter")
            page.wait_for_selector("text=waits for its turn")
        os.kill(server.pid, signal.SIGKILL)
        page.wait_for_selector("#lost:visible")
        page.fill("#prompt", "half a sentence")
    yield page, server.url.rpartition(":")[2]
    page.context.close()


def told_as_not_finished(page: Any) -> None:
    page.wait_for_selector("text=was not finished: ask for it again")
    assert page.locator(".asked").all_inner_texts() == ["an owl", "a lobster in a kimono"]
    assert page.input_value("#prompt") == "half a sentence"


def test_a_server_that_dies_in_a_run_is_told_and_the_page_comes_back(chromium: Any, tmp_path: Path) -> None:
    with killed_in_a_run(chromium, tmp_path) as (page, port), running_server("--port", port, home=tmp_path):
        page.locator("#lost").wait_for(state="hidden")
        told_as_not_finished(page)
        ask(page, "a lobster in a kimono")


def test_each_run_that_was_lost_is_told_with_what_was_sent_though_its_words_were_asked_before(
    chromium: Any, tmp_path: Path
) -> None:
    lost = killed_in_a_run(chromium, tmp_path, "a cat", second="an owl", picture=square())
    with lost as (page, port), running_server("--port", port, home=tmp_path):
        page.locator("#lost").wait_for(state="hidden")
        page.wait_for_selector('text="an owl" and "a cat" were not finished: ask for them again')
        assert page.locator("#notice").bounding_box()["y"] > 0
        assert page.locator(".asked").all_inner_texts() == ["an owl", "an owl", "a cat"]
        assert page.locator(".asked").nth(1).locator("img").count() == 1
        page.locator(".run").nth(1).locator("text=Retry").click()
        page.locator(".result:not([hidden])").nth(3).wait_for()
        assert page.locator(".asked").nth(3).locator("img").count() == 1


def test_a_run_that_was_lost_is_told_also_if_the_server_goes_away_again(chromium: Any, tmp_path: Path) -> None:
    with killed_in_a_run(chromium, tmp_path) as (page, port):
        page.route("**/web/threads/*", lambda route: route.abort(), times=1)
        with running_server("--port", port, home=tmp_path):
            page.wait_for_selector("text=This conversation can't be shown")
            page.locator("#lost").wait_for(state="hidden")
            told_as_not_finished(page)


def test_two_tabs_show_the_same_and_a_restarted_server_is_told(chromium: Any, tmp_path: Path) -> None:
    gate = Gate()
    server = Served(scripted_service(tmp_path, before_step=gate))
    page = opened(chromium, server.url)
    gate.open.set()
    ask(page, "an owl")
    other = page.context.new_page()
    other.goto(page.url)
    other.locator(".result:not([hidden])").wait_for()
    gate.open.clear()
    page.set_input_files("#pictures", {"name": "me.png", "mimeType": "image/png", "buffer": square()})
    page.wait_for_selector("#attached img")
    page.fill("#prompt", "a cat")
    page.press("#prompt", "Enter")
    other.wait_for_selector("text=step 1 of 4")
    assert other.locator(".asked").all_inner_texts() == ["an owl", "a cat"]
    port = int(server.url.rpartition(":")[2])
    gate.open.set()
    other.locator(".result:not([hidden])").nth(1).wait_for()
    for tab in (page, other):
        tab.locator(".asked").nth(1).locator("img").wait_for()
    server.stop()
    page.fill("#prompt", "a dog")
    page.press("#prompt", "Enter")
    page.wait_for_selector("#lost:visible")
    page.wait_for_selector("#composer-error:visible")
    assert page.input_value("#prompt") == "a dog"
    again = Served(scripted_service(tmp_path), port=port)
    try:
        page.locator("#lost").wait_for(state="hidden")
        page.locator(".result:not([hidden])").nth(1).wait_for()
        assert page.locator(".asked").all_inner_texts() == ["an owl", "a cat"]
        assert page.input_value("#prompt") == "a dog"
        ask(page, "a dog")
    finally:
        page.context.close()
        again.stop()
