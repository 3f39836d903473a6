"""The command line with generators behind an address that can't make a redraw: the best image is handed over."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagerag.cli.main import run
from testing.openai_server import Reply, serving
from testing.remote_servers import Answer, comfy_server, images_server

pytestmark = pytest.mark.slow

PROMPT = "a kimono"
INSIDE = b'{"data": [{"url": "http://127.0.0.1:9/secret.png"}]}'


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Those of a run by rules, over the bundled library, whose images a critic never finds good enough."""
    monkeypatch.setenv("IMAGERAG_SERVER_KEY", "sk-stub")
    monkeypatch.setenv("IMAGERAG_COMFYUI_CHECKPOINT", "sdxl.safetensors")
    thing = {"concept": "kimono", "kind": "content", "present": False, "confidence": 0.9}
    verdict = Reply(json.dumps({"concepts": [thing], "matches": False}))
    with serving(lambda request, number: verdict) as critic:
        home, out = str(tmp_path / "home"), str(tmp_path / "out")
        yield [PROMPT, "--profile", "pictograms", "--library", "bundled", "--vlm", "rules", "--critic", critic.name,
               "--lookup-model", "embedded", "--home", home, "--out", out, "--json"]  # fmt: skip


def handed_over(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    assert run(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert Path(document["image"]).parent == tmp_path / "out"
    assert Path(document["image"]).is_file()
    return document


@pytest.mark.parametrize("pipeline", ["agent", "one-pass"])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b'{"detail": "Not Found"}', 404), "404 (Not Found) to /images/edits"),
        (Answer(b'{"error": {"message": "not for you"}}', 403), "403 (not for you) to /images/edits"),
        (Answer(b'{"error": "not implemented"}', 501), "501 (not implemented) to /images/edits"),
        (Answer(b'{"error": {"code": "billing_hard_limit_reached"}}', 400), "can't be paid for"),
        (Answer(b'{"error": {"code": "content_filter", "message": "no"}}', 400), "refuses this (no)"),
        (Answer(INSIDE), "'127.0.0.1' is not a public address"),
    ],
    ids=["404", "403", "501", "billing", "refused", "address"],
)
def test_an_images_api(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], pipeline: str, answer: Answer, said: str
) -> None:
    def script(number: int) -> Answer:
        return answer if server.asked[-1].path.endswith("/edits") else Answer()

    with images_server(script) as server:
        more = ["--generator", f"openai:m@{server.url}", "--pipeline", pipeline]
        document = handed_over([*arguments, *more], tmp_path, capsys)
    assert any(said in note for note in document["notes"])
    asked = [one.path.rpartition("/")[2] for one in server.asked]
    assert asked.count("edits") == 1
    if pipeline == "agent" and answer.body != b'{"error": {"code": "content_filter", "message": "no"}}':
        assert asked[-1] == "generations"  # the loop goes on without references
    else:
        assert said in document["stop_detail"]


@pytest.mark.parametrize("pipeline", ["agent", "one-pass"])
def test_a_node_that_is_not_there(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], pipeline: str
) -> None:
    def answer(workflow: Any) -> Answer | None:
        return missing if "IPAdapter" in json.dumps(workflow) else None

    missing = Answer(b'{"error": {"message": "no node IPAdapter"}, "node_errors": {}}', 400)
    nodes = {
        "1": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}"}},
        "2": {"class_type": "IPAdapter", "inputs": {"image": "{{reference_1}}"}},
    }
    file = tmp_path / "adapter.json"
    file.write_text(json.dumps(nodes))
    with comfy_server(answer=answer) as (_, url):
        more = ["--generator", f"comfyui:{file}@{url}", "--pipeline", pipeline]
        document = handed_over([*arguments, *more], tmp_path, capsys)
    assert any("refuses the workflow: no node IPAdapter" in note for note in document["notes"])


def test_the_first_drawing_is_one_clear_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with images_server(lambda number: Answer(b'{"detail": "no such model"}', 404)) as server:
        assert run([*arguments, "--generator", f"openai:m@{server.url}"]) == 2
    told = capsys.readouterr()
    assert "404 (no such model); check key and model" in told.err
    assert "Traceback" not in told.err


def test_a_server_that_fails_is_no_limit_to_raise(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagerag.generators.remote.calling.FIRST_WAIT", 0.01)
    with images_server(lambda number: Answer(b'{"error": "out of luck"}', 500)) as server:
        assert run([*arguments, "--generator", f"openai:m@{server.url}"]) == 2
    told = capsys.readouterr()
    assert "no image of 'a kimono' was made" in told.err
    assert "500 (out of luck), 3 of 3 tries" in told.err
    assert "raise that limit" not in told.err
    assert json.loads(told.out)["image"] is None
