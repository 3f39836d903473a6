"""What the page's requests take over: of an image that is drawn once more, and of an edited request."""

from collections.abc import Callable
from typing import Any

from PIL import Image

from imagerag.store.png import encode_png
from testing.browser_requests import browser_of, draw, events
from testing.openai_requests import square
from testing.scripted import Squares
from testing.servers import Served


def test_an_image_is_drawn_once_more_as_it_was_after_the_conversation_went_on(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    client = browser_of(server)
    badge = client.post("/v1/files", files={"file": square()}, data={"purpose": "vision"}).json()["id"]
    first = draw(client, "a cat", thread="sea", pictures=[badge], size="16:9", negative="people")[-1]["run"]["image"]
    image = first["uri"].removeprefix("/images/").removesuffix(".png")
    before = server.service.components.generator.requests[-1]
    draw(client, "now draw a castle", thread="sea", size="1:1", negative="")
    other = server.service.components.generator.requests[-1]
    assert (other.references, str(other.size)) == ((), "1:1")
    started = client.post("/web/runs", json={"again": image, "thread": "sea"}).json()
    assert len(started["pictures"]) == 1
    assert client.get(started["pictures"][0]).headers["content-type"] == "image/png"
    concepts = {one["concept"] for event in events(client, started["run_id"]) for one in _concepts(event)}
    again = server.service.components.generator.requests[-1]
    assert (again.prompt, len(again.references), str(again.size)) == ("a cat", len(before.references), "16:9")
    assert "no people" in concepts, "no generator without a negative prompt gets one, and the critic looks all the same"
    draw(client, "", thread="sea", again=image, size="2:1", negative="")
    assert str(server.service.components.generator.requests[-1].size) == "2:1", "what is asked for goes before"
    alone = client.post("/web/runs", json={"again": image}).json()
    list(events(client, alone["run_id"]))
    assert len(server.service.components.generator.requests[-1].references) == 1, "in another conversation as well"


def _concepts(event: dict[str, Any]) -> list[dict[str, Any]]:
    concepts: list[dict[str, Any]] = event["verdict"]["concepts"] if event["event"] == "verdict" else []
    return concepts


class SquaresInParts(Squares):
    redraws_parts = True


def test_an_edited_request_redraws_the_part_that_it_redrew(serve: Callable[..., Served]) -> None:
    squares = SquaresInParts()
    client = browser_of(serve(generator=squares, scores=[0.9]))
    draw(client, "a dog", thread="sea")
    marked = encode_png(Image.new("RGB", (16, 16), "white"))
    mask = client.post("/v1/files", files={"file": marked}, data={"purpose": "vision"}).json()["id"]
    draw(client, "a crown", thread="sea", mask=mask)
    before = squares.requests[-1].redraw
    told = client.get("/web/threads/sea").json()["turns"]
    assert [turn["masked"] for turn in told] == ["", "image-1"]
    copy = draw(client, "a hat", thread="sea", before=2, mask_of=2)[-1]["run"]["thread"]
    again = squares.requests[-1].redraw
    assert before is not None
    assert again is not None
    assert (again.prompt, again.image_sha256, again.mask_sha256) == (
        before.prompt.replace("crown", "hat"),
        before.image_sha256,
        before.mask_sha256,
    )
    assert client.get(f"/web/threads/{copy}").json()["turns"][-1]["masked"] == "image-1"
    refused = client.post("/web/runs", json={"prompt": "a cat", "thread": "sea", "before": 1, "mask_of": 1})
    assert refused.status_code == 400
    assert "redrew no part" in refused.json()["error"]["message"]


def test_an_image_of_which_a_part_was_redrawn_is_drawn_once_more_in_that_part(serve: Callable[..., Served]) -> None:
    squares = SquaresInParts()
    client = browser_of(serve(generator=squares, scores=[0.9]))
    draw(client, "a dog", thread="sea")
    marked = encode_png(Image.new("RGB", (16, 16), "white"))
    mask = client.post("/v1/files", files={"file": marked}, data={"purpose": "vision"}).json()["id"]
    image = draw(client, "a crown", thread="sea", mask=mask)[-1]["run"]["image"]
    before = squares.requests[-1]
    draw(client, "now draw a castle", thread="sea")
    assert squares.requests[-1].redraw is None
    for thread in ("sea", "sea", "other"):
        again = draw(client, "", thread=thread, again=image["uri"][len("/images/") : -len(".png")], n=2)[-1]["run"]
        image = again["image"]  # the next one draws this one again
        after = squares.requests[-1]
        assert (after.prompt, len(again["images"])) == (before.prompt, 2)
        assert after.redraw is not None
        assert before.redraw is not None
        assert (after.redraw.image_sha256, after.redraw.mask_sha256, after.redraw.prompt) == (
            before.redraw.image_sha256,
            before.redraw.mask_sha256,
            before.redraw.prompt,
        )


def test_a_request_that_was_refused_spoils_none_that_comes_after(serve: Callable[..., Served]) -> None:
    client = browser_of(serve(generator=SquaresInParts(), scores=[0.9]))
    draw(client, "a dog", thread="sea")
    wrong = client.post("/v1/files", files={"file": square()}, data={"purpose": "vision"}).json()["id"]
    refused = draw(client, "a hat", thread="sea", mask=wrong)[-1]
    assert "give a mask of the image's shape" in refused["run"]["error"]
    assert draw(client, "now draw a cat", thread="sea")[-1]["run"]["stop_reason"] == "satisfied"
    told = client.get("/web/threads/sea").json()["turns"]
    assert [(turn["request"], len(turn["run"]["images"])) for turn in told] == [("a dog", 1), ("now draw a cat", 1)]
    copy = draw(client, "a bird", thread="sea", before=2)[-1]["run"]["thread"]
    assert [turn["request"] for turn in client.get(f"/web/threads/{copy}").json()["turns"]] == ["a dog", "a bird"]
