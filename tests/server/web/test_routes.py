"""The browser's door: its API with plain requests, the approval of a redraw, and the page itself in Chromium."""

import base64
import io
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph.types import Command
from PIL import Image

from imagerag.graphs import Settings, build_graph
from imagerag.graphs.turn import is_request
from imagerag.server.auth import Authenticator
from testing.scripted import STEPS, ScriptedCritic, Squares
from testing.servers import TOKENS, Gate, Served, Shelf, scripted_service
from tests.server.openai.test_api import square


def browser_of(server: Served) -> httpx.Client:
    client = httpx.Client(base_url=server.url, timeout=30)
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


def test_a_run_tells_every_step_and_a_conversation_is_told_again_after_a_restart(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    server = serve(scores=[0.3, 0.9])
    client = browser_of(server)
    told = draw(client, "an owl", thread="sea", seed=7)
    kinds = [event["event"] for event in told if event["event"] not in ("progress", "preview", "queued")]
    assert kinds == ["images", "verdict", "captions", "references", "images", "verdict", "stop", "end"]
    assert told[-1]["run"]["stop_reason"] == "satisfied"
    assert str(tmp_path) not in json.dumps(told)
    assert "/server/side" not in json.dumps(told)
    server.stop()

    again = Served(scripted_service(tmp_path, scores=[0.9]))
    try:
        client = httpx.Client(base_url=again.url, cookies=client.cookies, timeout=30)
        assert client.get("/web/threads").json()["threads"] == [{"thread": "sea", "title": "an owl"}]
        (turn,) = client.get("/web/threads/sea").json()["turns"]
        live = [event for event in told if event["event"] not in ("progress", "preview", "queued")]
        assert (turn["request"], turn["events"]) == ("an owl", live[:-1]), "every step, as it was told"
        for name in ("stop_reason", "seconds", "error", "image", "images"):
            assert turn["run"][name] == live[-1]["run"][name]
        assert client.get(turn["run"]["image"]["uri"]).headers["content-type"] == "image/png"
        draw(client, "go back to image-1 and make it red", thread="sea")
        turns = client.get("/web/threads/sea").json()["turns"]
        assert turns[1]["run"]["image"]["prompt"] == "a red owl"
        best = re.search("images/([0-9a-f]+)", turns[0]["run"]["image"]["uri"])
        assert best
        report = client.get(f"/web/report/{best[1]}")
        assert "the critic is satisfied" in report.text
        assert client.get(f"/web/manifest/{best[1]}").json()["seed"] == 7
        # A turn that no door has told, as those of the command line, is told from its records.
        (client_key,) = {row[0] for row in again.service.database._db.execute("SELECT client FROM runs")}
        again.service.database.forget_told(client_key, "sea", 1)
        bare = client.get("/web/threads/sea").json()["turns"][0]
        kinds = [event["event"] for event in bare["events"]]
        assert kinds == ["references", "images", "verdict", "images", "verdict"]
        assert (bare["run"]["image"], bare["run"]["seconds"]) == (turns[0]["run"]["image"], None)
    finally:
        again.stop()


def test_each_browser_is_a_client_of_its_own(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    mine, other = browser_of(server), browser_of(server)
    told = draw(mine, "an owl", thread="sea")
    image = told[-1]["run"]["image"]["uri"].removeprefix("/images/").removesuffix(".png")
    assert other.get("/web/threads").json() == {"threads": []}
    assert other.get("/web/threads/sea").json()["turns"] == []
    for path in (f"/web/report/{image}", f"/web/manifest/{image}", f"/web/runs/{told[-1]['run']['run_id']}/events"):
        assert other.get(path).status_code == 404
        assert mine.get(path).status_code == 200


def test_the_page_needs_the_token_where_there_is_one_and_keeps_it_from_scripts(serve: Callable[..., Served]) -> None:
    server = serve({"tokens": TOKENS, "loopback": False})
    client = httpx.Client(base_url=server.url, timeout=30)
    assert client.get("/").headers["location"] == "/login"
    assert client.get("/web/threads").status_code == 401
    assert client.post("/login", data={"token": "wrong-token-of-24-letters"}).status_code == 401
    entered = client.post("/login", data={"token": TOKENS[0]})
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/web/threads").status_code == 200
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_page_sees_its_place_in_the_queue_and_can_stop(serve: Callable[..., Served]) -> None:
    gate = Gate()
    server = serve(before_step=gate)
    first, second = browser_of(server), browser_of(server)
    held = first.post("/web/runs", json={"prompt": "an owl"}).json()["run_id"]
    assert gate.reached.acquire(timeout=20)
    waiting = second.post("/web/runs", json={"prompt": "a cat"}).json()
    assert waiting["position"] == 1
    told = events(second, waiting["run_id"])
    assert next(told) == {"event": "queued", "position": 1}
    first.post(f"/web/runs/{held}/cancel")
    gate.open.set()
    assert list(told)[-1]["run"]["status"] == "done"
    assert list(events(first, held))[-1]["run"]["status"] == "cancelled"
    assert server.service.components.generator.steps_done <= 2 + STEPS


@pytest.mark.parametrize(
    ("choice", "status", "references"),
    [("edit", "done", ["ref-2"]), ("reject", "cancelled", []), (None, "cancelled", [])],
)
def test_a_redraw_waits_for_the_persons_word_without_holding_the_engine(
    serve: Callable[..., Served], choice: str | None, status: str, references: list[str]
) -> None:
    server = serve(scores=[0.3, 0.9, 0.9])  # the owl, the cat, the owl again
    client = browser_of(server)
    run_id = client.post("/web/runs", json={"prompt": "an owl", "approve": True}).json()["run_id"]
    told = events(client, run_id)
    asked = next(event for event in told if event["event"] == "approval")
    assert asked["chosen"] == ["ref-1", "ref-2"]
    assert len(asked["references"]) > 2
    other = browser_of(server)
    assert draw(other, "a cat")[-1]["run"]["status"] == "done"
    if choice is None:
        client.post(f"/web/runs/{run_id}/cancel")
    else:
        client.post(f"/web/runs/{run_id}/decision", json={"choice": choice, "references": ["ref-2"]})
    end = list(told)[-1]["run"]
    assert end["status"] == status
    assert end["image"] is not None
    assert end["images"][-1]["references"] == references
    again = client.post(f"/web/runs/{run_id}/decision", json={"choice": "edit", "references": ["ref-1"]})
    assert again.status_code == 409


def test_programs_answer_the_interrupt_as_langchains_middleware_has_it(tmp_path: Path) -> None:
    graph = build_graph(generator=Squares(), critic=ScriptedCritic([0.3, 0.9]), index=Shelf())
    config: Any = {"configurable": {"thread_id": "t"}}
    settings = Settings(home=str(tmp_path), approve=True)
    graph.invoke({"prompt": "an owl"}, config, context=settings)
    (asked,) = graph.get_state(config).interrupts
    assert asked.value["review_configs"][0]["allowed_decisions"] == ["approve", "edit", "reject"]
    graph.invoke(Command(resume="yes"), config, context=settings)
    (again,) = graph.get_state(config).interrupts
    assert again.value == asked.value
    result = graph.invoke(Command(resume={"decisions": [{"type": "approve"}]}), config, context=settings)
    assert result["stop_reason"] == "satisfied"
    assert result["images"][-1]["references"] == asked.value["action_requests"][0]["args"]["reference_ids"]
    assert sum(is_request(message) for message in result["messages"]) == 1


def test_who_looks_on_sees_previews_and_who_comes_later_none(serve: Callable[..., Served]) -> None:
    gate = Gate()
    client = browser_of(serve(scores=[0.9], before_step=gate))
    run_id = client.post("/web/runs", json={"prompt": "an owl"}).json()["run_id"]
    told = []
    for event in events(client, run_id):
        gate.open.set()  # the first event is the first step, so somebody looks on
        told.append(event)
    (preview,) = (event for event in told if event["event"] == "preview")
    with Image.open(io.BytesIO(base64.b64decode(preview["png"]))) as image:
        assert image.size == (128, 85)
    assert "preview" not in {event["event"] for event in events(client, run_id)}


def test_mistakes_are_answered_with_what_is_valid(serve: Callable[..., Served]) -> None:
    client = browser_of(serve())
    for wish, says in (
        ({"prompt": "x", "seed": -1}, "seed"),
        ({"prompt": "x", "thread": "a/b"}, "'a/b' is not a name"),
        ({"prompt": "x", "mode": "dream"}, "mode"),
        ({"prompt": "x", "pictures": ["file-0"]}, "not a file of yours"),
    ):
        answer = client.post("/web/runs", json=wish)
        assert answer.status_code in (400, 404)
        assert says in answer.json()["error"]["message"]
    told = draw(client, "   ")
    assert "the prompt '' is empty" in told[-1]["run"]["error"]


# ---- the page in Chromium: pip install 'imagerag[browser]', and a Chromium on PATH


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


def test_a_cookie_of_another_program_on_this_host_hides_nobody() -> None:
    keeper = Authenticator(())
    mine = keeper.client({"cookie": "imagerag=abc"})
    assert keeper.client({"cookie": 'foo={"a": [1]}; imagerag=abc'}) == mine != "anonymous"
