"""The labelling page over real HTTP: its token, its blindness, and what it keeps."""

import io
import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import uvicorn
from PIL import Image, PngImagePlugin

from imagerag.errors import UserError
from imagerag.evaluation import label_server
from imagerag.evaluation.label_server import Session, build_label_app, serve_labels
from imagerag.evaluation.labels import Label, LabelFile, fingerprint, pairs_of
from imagerag.evaluation.run_folder import read_run
from imagerag.server.app import listen, server_config
from testing.evaluation_runs import TWO_ARMS, suite_of, write_run

TOKEN = "a-token-of-this-test"


@pytest.fixture
def session(tmp_path: Path) -> Session:
    run = read_run(write_run(tmp_path / "run", suite_of(3), TWO_ARMS, seeds=(0,), images=True))
    return Session(run, pairs_of(run), LabelFile(run.folder), "me")


@pytest.fixture
def client(session: Session) -> Iterator[httpx.Client]:
    with listen("127.0.0.1", 0, ()) as listener:
        server = uvicorn.Server(server_config(build_label_app(session, TOKEN), log_level="error"))
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/{TOKEN}/"
        with httpx.Client(base_url=address, trust_env=False) as client:
            yield client
        server.should_exit = True
        thread.join(15)


def test_whoever_has_not_the_token_gets_nothing(client: httpx.Client, session: Session) -> None:
    pair = fingerprint(session.pairs[0])
    answer = {"id": pair, "choice": "left"}
    for path in ("", "pair", "label.js", f"images/{pair}/left"):
        assert client.get(path).status_code == 200
        other = client.get(client.base_url.join(f"/another-token/{path}"))
        assert other.status_code == 404
    assert client.post(client.base_url.join("/another-token/labels"), json=answer).status_code == 404
    assert client.get(client.base_url.join("/")).status_code == 404
    assert client.get("", headers={"host": "evil.example"}).status_code == 421
    assert client.post("labels", json=answer, headers={"origin": "http://evil.example"}).status_code == 403
    assert session.file.labels == []


def test_the_page_loads_nothing_from_elsewhere_and_gives_its_address_to_nobody(client: httpx.Client) -> None:
    page = client.get("")
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http" not in page.text
    assert client.get("label.css").headers["content-type"].startswith("text/css")
    assert client.get("label_server.py").status_code == 404


def test_nothing_tells_which_arm_drew_an_image(client: httpx.Client, session: Session, tmp_path: Path) -> None:
    pair = session.pairs[0]
    drawing = next(one for key, one in session.run.drawings[pair.left].items() if key.prompt == pair.prompt)
    path = session.run.image(drawing)
    text = PngImagePlugin.PngInfo()
    text.add_text("imagerag", '{"arm": "agent"}')
    with Image.open(path) as image:
        image.load()
        image.save(path, pnginfo=text)
    said = client.get("pair").text
    sent = client.get(f"images/{fingerprint(pair)}/left").content
    assert b"agent" not in sent
    assert not any(arm in said for arm in TWO_ARMS)
    with Image.open(io.BytesIO(sent)) as shown, Image.open(path) as kept:
        assert shown.tobytes() == kept.tobytes()


def test_answers_one_after_the_other_with_one_taken_back(client: httpx.Client, session: Session) -> None:
    state = client.get("pair").json()
    assert (state["answered"], state["total"], state["can_go_back"]) == (0, 3, False)
    assert state["pair"]["prompt"] == session.run.prompts[session.pairs[0].prompt].text
    first = state["pair"]["id"]
    state = client.post("labels", json={"id": first, "choice": "left"}).json()
    assert (state["answered"], state["pair"]["id"]) == (1, fingerprint(session.pairs[1]))
    state = client.post("back", json={}).json()
    assert state["pair"]["id"] == first
    state = client.post("labels", json={"id": first, "choice": "same"}).json()
    for _ in range(2):
        state = client.post("labels", json={"id": state["pair"]["id"], "choice": "right"}).json()
    assert (state["answered"], state["pair"]) == (3, None)
    lines = [json.loads(line) for line in session.file.path.read_text(encoding="utf-8").splitlines()]
    assert [line["choice"] for line in lines] == ["left", "same", "right", "right"]
    assert {line["by"] for line in lines} == {"me"}
    again = Session(session.run, session.pairs, LabelFile(session.run.folder), "me")
    assert again.state()["answered"] == 3
    assert [label.choice for label in again.file.labels] == ["same", "right", "right"]
    other = Session(session.run, session.pairs, LabelFile(session.run.folder), "you")
    assert other.state()["answered"] == 0


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"id": "0" * 16, "choice": "left"}, 404, "there is no pair '0000000000000000'"),
        ({"id": "x", "choice": "best"}, 400, "no answer: Input should be 'left', 'right' or 'same'"),
        ({"choice": "left"}, 400, "no answer: Field required"),
        ([], 400, "no answer: "),
    ],
)
def test_refused(client: httpx.Client, session: Session, body: object, status: int, said: str) -> None:
    answer = client.post("labels", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(said)
    assert session.file.labels == []


def test_a_run_shows_no_picture_from_elsewhere(client: httpx.Client, session: Session, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "secret.png")
    name = fingerprint(session.pairs[0])
    for drawings in session.run.drawings.values():
        for key, drawing in drawings.items():
            drawings[key] = replace(drawing, image=str(tmp_path / "secret"))  # type: ignore[index]
    assert client.get(f"images/{name}/left").status_code == 404


def test_image_that_is_gone(client: httpx.Client, session: Session) -> None:
    name = fingerprint(session.pairs[0])
    for drawings in session.run.drawings.values():
        for drawing in drawings.values():
            session.run.image(drawing).unlink()
    answer = client.get(f"images/{name}/left")
    assert answer.status_code == 404
    assert "gone, damaged" in answer.json()["error"]["message"]
    assert client.get(f"images/{name}/above").status_code == 404


def test_disk_that_says_no_is_told(client: httpx.Client, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.file.path.mkdir()
    answer = client.post("labels", json={"id": fingerprint(session.pairs[0]), "choice": "left"})
    assert answer.status_code == 500
    assert "labels.jsonl" in answer.json()["error"]["message"]


def test_serving_ends_with_ctrl_c_and_sums_up(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process of its own is ended by a signal in ``tests/e2e/test_evaluation_pages.py``."""

    def serve(app: object, listener: object) -> None:
        raise KeyboardInterrupt

    pair = session.pairs[0]
    session.file.add(Label(pair.prompt, pair.seed, "base", "agent", "right"))
    monkeypatch.setattr(label_server, "serve", serve)
    found, notes = serve_labels(session.run.folder, browser=False)
    assert (found.labels, found.rates[0].wins) == (1, 1)
    assert notes == ()
    told = capsys.readouterr().err
    assert "imagerag eval label: listening on http://127.0.0.1:" in told
    assert "the same command goes on" in told
    with pytest.raises(UserError, match="has no arm 'x'"):
        serve_labels(session.run.folder, ["x", "base"], browser=False)


@pytest.mark.parametrize("kind", ["bomb", "torn", "no picture"])
def test_image_that_is_no_good_is_told(kind: str, client: httpx.Client, session: Session) -> None:
    """The folder may be anybody's: a picture of few bytes may have more pixels than there is memory for."""
    name = fingerprint(session.pairs[0])
    out = io.BytesIO()
    Image.new("1", (12_000, 9_000)).save(out, "PNG")
    data = {"bomb": out.getvalue(), "torn": out.getvalue()[:300], "no picture": b"\x89PNG\r\n\x1a\n" + bytes(50)}[kind]
    for drawings in session.run.drawings.values():
        for drawing in drawings.values():
            session.run.image(drawing).write_bytes(data)
    answer = client.get(f"images/{name}/left")
    assert answer.status_code == 404
    assert "gone, damaged or too large" in answer.json()["error"]["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="links are for administrators there")
def test_labels_are_not_written_through_a_link(client: httpx.Client, session: Session, tmp_path: Path) -> None:
    target = tmp_path / ".profile"
    target.write_text("")
    session.file.path.symlink_to(target)
    answer = client.post("labels", json={"id": fingerprint(session.pairs[0]), "choice": "left"})
    assert answer.status_code == 500
    assert "is a link" in answer.json()["error"]["message"]
    assert target.read_text() == ""
