"""The conversations of a browser: titles, favourites, search, export and deletion."""

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from imagerag.server.web.conversation_routes import ConversationRoutes
from testing.browser_requests import browser_of, draw
from testing.servers import Gate, Served


def test_a_conversation_is_named_marked_and_found(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    client, other = browser_of(server), browser_of(server)
    draw(client, "an owl", thread="sea")
    draw(client, "a cat", thread="land")
    assert client.patch("/web/threads/sea", json={"title": "  Birds of\nthe Night "}).status_code == 200
    assert client.patch("/web/threads/sea", json={"favourite": True}).status_code == 200
    listed = client.get("/web/threads").json()["threads"]
    assert listed[0] == {"thread": "sea", "title": "Birds of the Night", "favourite": True}
    assert [one["thread"] for one in listed] == ["sea", "land"]
    for words, names in (("night birds", ["sea"]), ("OWL", ["sea"]), ("cat", ["land"]), ("whale", [])):
        found = client.get("/web/threads", params={"q": words}).json()["threads"]
        assert [one["thread"] for one in found] == names, words
    refused = client.patch("/web/threads/sea", json={"title": "x" * 121})
    assert "has 121 characters; give at most 120" in refused.json()["error"]["message"]
    assert other.patch("/web/threads/sea", json={"title": "mine"}).status_code == 404
    client.patch("/web/threads/sea", json={"title": ""})
    assert client.get("/web/threads").json()["threads"][0]["title"] == "an owl"


def test_a_deleted_conversation_is_known_no_more(serve: Callable[..., Served]) -> None:
    gate = Gate()
    client = browser_of(serve(scores=[0.9], before_step=gate))
    run = client.post("/web/runs", json={"prompt": "an owl", "thread": "sea"}).json()["run_id"]
    assert gate.reached.acquire(timeout=20)
    refused = client.delete("/web/threads/sea")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "busy")
    gate.open.set()
    client.get(f"/web/runs/{run}/events")
    assert client.get("/web/threads/sea").json()["known"]
    client.patch("/web/threads/sea", json={"favourite": True})
    assert client.delete("/web/threads/sea").json()["deleted"]
    assert client.get(f"/web/runs/{run}/events").status_code == 404, "to tell it again would enter its images anew"
    assert client.get("/web/images").json()["images"] == []
    told = client.get("/web/threads/sea").json()
    assert told == {"thread": "sea", "title": "", "known": False, "turns": [], "running": []}
    assert client.delete("/web/threads/sea").status_code == 404
    draw(client, "a cat", thread="sea")
    assert not client.get("/web/threads").json()["threads"][0]["favourite"], "the mark went with the old one"


def test_images_are_listed_by_page_and_likeness_and_nobody_sees_anothers(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    client, other = browser_of(server), browser_of(server)
    for prompt in ("an owl", "a fox", "a dog"):
        draw(client, prompt, mode="no_lookup")
    draw(other, "a cat", thread="land", mode="no_lookup")
    first = client.get("/web/images", params={"limit": 2}).json()
    assert [one["title"] for one in first["images"]] == ["a dog", "a fox"]
    assert first["more"] == 1
    second = client.get("/web/images", params={"limit": 2, "offset": 2}).json()
    assert ([one["title"] for one in second["images"]], second["more"]) == (["an owl"], 0)
    like = first["images"][0]["uri"].split("/")[-1].removesuffix(".png")
    found = client.get("/web/images", params={"like": like}).json()["images"]
    assert {one["title"] for one in found} == {"an owl", "a fox"}
    assert all(-1 <= one["similarity"] <= 1 for one in found)
    assert len(client.get("/web/images", params={"shows": "bird"}).json()["images"]) == 3
    refused = other.get("/web/images", params={"like": like})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "like")
    assert [one["title"] for one in other.get("/web/images", params={"shows": "bird"}).json()["images"]] == ["a cat"]
    assert other.get("/web/images", params={"limit": 0}).status_code == 400


def test_an_export_holds_the_page_the_data_and_the_images(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.3, 0.9])
    client = browser_of(server)
    draw(client, "an owl", thread="sea")
    with zipfile.ZipFile(io.BytesIO(client.get("/web/threads/sea/export").content)) as archive:
        names = {"conversation.html", "conversation.json", "001-an-owl.png", "002-an-owl.png"}
        assert set(archive.namelist()) == names
        text = archive.read("conversation.json").decode()
    (turn,) = json.loads(text)["turns"]
    assert [image["path"] for image in turn["images"]] == ["001-an-owl.png", "002-an-owl.png"]
    assert "/server/side" not in text
    assert browser_of(server).get("/web/threads/sea/export").status_code == 404


def test_the_images_of_all_conversations_are_found_by_words(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    client = browser_of(server)
    draw(client, "an owl", thread="sea")
    draw(client, "a red cat", thread="land")
    found = client.get("/web/images").json()
    assert [one["thread"] for one in found["images"]] == ["land", "sea"]
    assert found["more"] == 0
    (cat,) = client.get("/web/images", params={"q": "CAT red"}).json()["images"]
    assert (cat["id"], cat["title"]) == ("image-1", "a red cat")
    assert client.get(cat["uri"]).headers["content-type"] == "image/png"
    assert browser_of(server).get("/web/images").json()["images"] == []


def test_an_export_of_many_images_is_not_held_in_memory(serve: Callable[..., Served], tmp_path: Path) -> None:
    """A conversation may have a thousand images, and any client may ask for it."""
    server = serve(scores=[0.3, 0.9])
    client = browser_of(server)
    for prompt in ("an owl", "a cat", "a dog"):
        draw(client, prompt, thread="sea")
    noise = io.BytesIO()
    Image.effect_noise((2000, 2000), 90).save(noise, "PNG")
    images = [*(server.service.store.root / "images").rglob("*.png")]
    for file in images:
        file.write_bytes(noise.getvalue())
    routes = ConversationRoutes(server.service)
    (name,) = [str(row[0]) for row in server.service.database.file.rows("SELECT DISTINCT client FROM entries")]
    tracemalloc.start()
    packed, length = routes._packed(name, "sea")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with packed, zipfile.ZipFile(packed) as archive:
        pictures = [one for one in archive.infolist() if one.filename.endswith(".png")]
    assert len(pictures) >= 5
    assert length > sum(one.file_size for one in pictures) > 15 * 2**20
    assert peak < 15 * 2**20
    answer = client.get("/web/threads/sea/export")
    assert int(answer.headers["content-length"]) == len(answer.content) == length


def test_a_conversation_of_any_script_is_kept_as_files(serve: Callable[..., Served]) -> None:
    client = browser_of(serve(scores=[0.9]))
    told = draw(client, "an owl", thread="梟_sea")
    image = client.get("/web/images").json()["images"][0]["uri"].rpartition("/")[2].removesuffix(".png")
    assert told
    for path in ("/web/threads/梟_sea/export", f"/web/report/{image}", f"/web/manifest/{image}"):
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        said = answer.headers["content-disposition"]
        assert said.startswith('attachment; filename="__sea')
        assert "; filename*=UTF-8''%E6%A2%9F_sea" in said
