"""The web page's API with plain requests: events, conversations, approval."""

import base64
import io
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from PIL import Image

from imagerag.server.database import FILE
from imagerag.server.web.page_files import MODULES
from testing.browser_requests import browser_of, draw, events
from testing.scripted import STEPS, Squares
from testing.servers import TOKENS, Gate, Served, scripted_service


def test_the_page_shows_an_open_question_after_a_restart(tmp_path: Path) -> None:
    server = Served(scripted_service(tmp_path, scores=[0.3]))
    client = browser_of(server)
    run_id = client.post("/web/runs", json={"prompt": "an owl", "thread": "sea", "approve": True}).json()["run_id"]
    first = next(event for event in events(client, run_id) if event["event"] == "approval")
    server.stop()
    again = Served(scripted_service(tmp_path, scores=[0.9]))
    try:
        client = httpx.Client(base_url=again.url, cookies=client.cookies, timeout=30)
        told = client.get("/web/threads/sea").json()
        assert told["running"] == [{"run_id": run_id, "request": "an owl"}]
        assert told["turns"] == []
        stream = events(client, run_id)
        assert next(event for event in stream if event["event"] == "approval") == first
        client.post(f"/web/runs/{run_id}/decision", json={"choice": "edit", "references": ["ref-2"]})
        end = list(stream)[-1]["run"]
        assert end["image"]["references"] == ["ref-2"]
        (turn,) = client.get("/web/threads/sea").json()["turns"]
        assert [event["event"] for event in turn["events"]].count("images") == 2
    finally:
        again.stop()


def test_what_a_question_refuses_the_page_is_told(tmp_path: Path) -> None:
    server = Served(scripted_service(tmp_path, scores=[0.3, 0.9]))
    try:
        client = browser_of(server)
        run_id = client.post("/web/runs", json={"prompt": "an owl", "thread": "sea", "approve": True}).json()["run_id"]
        next(event for event in events(client, run_id) if event["event"] == "approval")
        refused = client.post("/web/runs", json={"prompt": "a cat", "thread": "sea"})
        assert refused.status_code == 400
        assert "waits for your word" in refused.json()["error"]["message"]
        assert draw(client, "a cat", thread="land")[-1]["run"]["status"] == "done"
    finally:
        server.stop()


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
        assert client.get("/web/threads").json()["threads"] == [
            {"thread": "sea", "title": "an owl", "favourite": False}
        ]
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
        # A turn of which no events are stored, as those of the command line, is shown from its records.
        with closing(sqlite3.connect(tmp_path / FILE)) as database:
            (client_key,) = {row[0] for row in database.execute("SELECT client FROM runs")}
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_from_another_site_leaves_the_browser_who_it_is(serve: Callable[..., Served], site: str) -> None:
    """As a browser does it: it keeps the strict cookie back, and then loads the page again from the page itself."""
    url = serve().url
    linked = httpx.get(url + "/", headers={"sec-fetch-site": site, "sec-fetch-mode": "navigate"})
    assert linked.status_code == 200
    assert "set-cookie" not in linked.headers
    assert 'http-equiv="refresh"' in linked.text
    again = httpx.get(url + "/", headers={"sec-fetch-site": "same-origin", "cookie": "imagerag=mine"})
    assert "set-cookie" not in again.headers
    assert "page.js" in again.text
    assert "set-cookie" in httpx.get(url + "/", headers={"sec-fetch-site": "none"}).headers


def test_conversations_without_a_key_are_listed_to_nobody(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    made = httpx.post(f"{server.url}/v1/images/generations", json={"prompt": "an owl"}, timeout=30)
    assert made.status_code == 200
    assert httpx.get(f"{server.url}/web/threads").json() == {"threads": []}
    with_key = {"authorization": "Bearer somebody"}
    httpx.post(f"{server.url}/v1/images/generations", json={"prompt": "an owl"}, headers=with_key, timeout=30)
    assert len(httpx.get(f"{server.url}/web/threads", headers=with_key).json()["threads"]) == 1


def test_an_answer_in_words_is_told_and_told_again(serve: Callable[..., Served]) -> None:
    client = browser_of(serve(scores=[0.9]))
    draw(client, "an owl", thread="sea")
    told = draw(client, "thanks!", thread="sea")
    answer = next(event for event in told if event["event"] == "answer")
    assert answer["image"]["id"] == "image-1"
    assert told[-1]["run"]["stop_reason"] == "answered"
    assert told[-1]["run"]["images"] == []
    turn = client.get("/web/threads/sea").json()["turns"][-1]
    assert [event["event"] for event in turn["events"]] == ["answer", "stop"]
    assert turn["run"]["stop_reason"] == "answered"


def test_a_request_takes_the_place_of_an_earlier_one_in_a_copy(serve: Callable[..., Served]) -> None:
    client = browser_of(serve(scores=[0.9]))
    draw(client, "an owl", thread="sea")
    assert draw(client, "a cat", thread="sea")[-1]["turn"] == 2
    end = draw(client, "a dog", thread="sea", before=2)[-1]["run"]
    assert end["thread"] != "sea"
    copy = client.get(f"/web/threads/{end['thread']}").json()["turns"]
    assert [turn["request"] for turn in copy] == ["an owl", "a dog"]
    stays = client.get("/web/threads/sea").json()["turns"]
    assert [turn["request"] for turn in stays] == ["an owl", "a cat"]
    refused = client.post("/web/runs", json={"prompt": "a dog", "thread": "sea", "before": 7})
    assert "has no turn 7; its turns are 1 to 2" in refused.json()["error"]["message"]


@pytest.mark.slow
def test_an_image_is_drawn_once_more_and_settings_reach_the_drawing(serve: Callable[..., Served]) -> None:
    class WithNegatives(Squares):
        takes_negatives = True

    server = serve(scores=[0.9], generator=WithNegatives())
    client, other = browser_of(server), browser_of(server)
    long = "an owl " + "and a cat " * 30
    end = draw(client, long, thread="sea", negative="people")[-1]["run"]
    request = server.service.components.generator.requests[-1]
    assert request.negative == "people"
    image = end["image"]["uri"].removeprefix("/images/").removesuffix(".png")
    draw(client, "", thread="sea", again=image, seed=7)
    again = server.service.components.generator.requests[-1]
    assert again.prompt == request.prompt, "the whole of it, though clients see it shortened"
    assert other.post("/web/runs", json={"again": image}).status_code == 404


def test_a_limit_above_the_servers_is_told(tmp_path: Path) -> None:
    service = scripted_service(tmp_path)
    service.set_limits({"max_generations": 3})
    server = Served(service)
    try:
        told = draw(browser_of(server), "an owl", max_generations=9, max_seconds=5)
        notes = [event["text"] for event in told if event["event"] == "note"]
        assert notes == ["max_generations 9 is more than this server allows; 3 holds"]
    finally:
        server.stop()


def test_the_page_has_all_its_modules_and_tells_what_draws(serve: Callable[..., Served]) -> None:
    client = browser_of(serve())
    for name in MODULES:
        answer = client.get(f"/page/{name}")
        assert answer.headers["content-type"].startswith("text/javascript")
        for imported in re.findall(r'from "(/page[^"]*)"', answer.text):
            assert client.get(imported).status_code == 200
    assert client.get("/page/index.html").status_code == 404
    told = client.get("/web/server").json()
    assert told == {
        "vlm": "rules",
        "offers": {"profile": ["pictograms"], "generator": [], "critic": []},
        "masks": False,
        "sizes": {"sides": [16, 4096], "parts": [1, 100]},
        "pictures": 16,
        "characters": 4000,
        "negative": 4000,
    }, "given parts"
