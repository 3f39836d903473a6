"""ComfyUI as generator, against a server on loopback."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.errors import Cancelled, InvalidArgument, UserError
from imagerag.generators.base import DrawControl, DrawRequest, Reference
from imagerag.generators.registry import load_generator
from imagerag.generators.remote import comfyui_events
from imagerag.generators.remote.comfyui import ComfyUI
from imagerag.picture_size import PictureSize
from testing.faulty_servers import Fault, faulty_server
from testing.remote_servers import SAVED, Answer, a_png, comfy_server


def references(count: int) -> tuple[Reference, ...]:
    return tuple(Reference(Image.new("RGBA", (40, 30), "red"), f"thing {k + 1}") for k in range(count))


def workflow(places: int) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "1": {"class_type": "CLIPTextEncode", "inputs": {"text": "photo of {{prompt}}", "clip": ["4", 1]}},
        "3": {"class_type": "KSampler", "inputs": {"seed": "{{seed}}", "weight": "{{scale}}"}},
        "9": {"class_type": "SaveImage", "inputs": {}},
    }
    for k in range(1, places + 1):
        nodes[f"1{k}"] = {"class_type": "LoadImage", "inputs": {"image": f"{{{{reference_{k}}}}}"}}
    return nodes


NODE_ERRORS = {
    "4": {"class_type": "Loader", "errors": [{"message": "Value not in list", "details": "ckpt_name: no.safetensors"}]}
}


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"ASK_EVERY": 0.2, "ASK_SOON": 0.02, "GONE_AFTER": 0.5}.items():
        monkeypatch.setattr(comfyui_events, name, seconds)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    file = tmp_path / "plain.json"
    file.write_text(json.dumps(workflow(0)))
    return file


class TestComfyUI:
    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_none_one_and_the_most(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        monkeypatch.setenv("IMAGERAG_COMFYUI_CHECKPOINT", "sdxl.safetensors")
        file = tmp_path / "two.json"
        file.write_text(json.dumps(workflow(2)))
        steps: list[tuple[int, int]] = []
        previews: list[Image.Image] = []
        with comfy_server() as (comfy, url):
            generator = load_generator(f"comfyui:{file}@{url}")
            assert generator.max_references == 2
            request = DrawRequest("an owl", (7,), references(count), 0.6)
            drawing = generator.draw(
                request, DrawControl(None, lambda done, total: steps.append((done, total)), previews.append)
            )[0]
        assert drawing.image.getpixel((3, 3)) == (0, 128, 0)  # the saved image, not the one shown on the way
        assert steps == [(1, 3), (2, 3), (3, 3)]
        assert [preview.size for preview in previews] == [(8, 8)] * 3
        sent = comfy.prompts[0]
        if count:
            assert sent["3"]["inputs"] == {"seed": 7, "weight": 0.6}
            assert sent["1"]["inputs"]["text"].startswith("photo of According to")
            assert [sent[f"1{k}"]["inputs"]["image"] for k in (1, 2)] == [comfy.uploads[0], comfy.uploads[-1]]
            assert len(comfy.uploads) == count
        else:
            assert sent["4"]["inputs"]["ckpt_name"] == "sdxl.safetensors"
            assert sent["6"]["inputs"]["text"] == "an owl"

    def test_one_too_many(self, tmp_path: Path) -> None:
        file = tmp_path / "one.json"
        file.write_text(json.dumps(workflow(1)))
        with pytest.raises(InvalidArgument, match=r"2 references; .* takes at most 1"):
            ComfyUI(f"{file}@http://127.0.0.1:9").draw(DrawRequest("an owl", (1,), references(2)))

    def test_a_negative_prompt_has_its_place_or_is_not_taken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("IMAGERAG_COMFYUI_CHECKPOINT", "sdxl.safetensors")
        with comfy_server() as (comfy, url):
            assert ComfyUI(url).takes_negatives
            ComfyUI(url).draw(DrawRequest("an owl", (1,), negative="a dog"))
            texts = [str(node["inputs"].get("text", "")) for node in comfy.prompts[-1].values()]
        assert "lowres, blurry, watermark, a dog" in texts
        file = tmp_path / "w.json"
        file.write_text(json.dumps(workflow(0)))
        assert not ComfyUI(f"{file}@http://127.0.0.1:9").takes_negatives

    def test_width_and_height_are_those_nearest_to_the_size(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IMAGERAG_COMFYUI_CHECKPOINT", "sdxl.safetensors")
        sizes = []
        with comfy_server() as (comfy, url):
            for wanted in (None, PictureSize(16, 9, is_exact=False)):
                ComfyUI(url).draw(DrawRequest("an owl", (1,), size=wanted))
                sizes += [
                    (node["inputs"]["width"], node["inputs"]["height"])
                    for node in comfy.prompts[-1].values()
                    if "width" in node["inputs"]
                ]
        assert sizes == [(1024, 1024), (1344, 768)]

    def test_a_workflow_whose_answer_got_lost_is_not_queued_twice(self, tmp_path: Path) -> None:
        file = tmp_path / "plain.json"
        file.write_text(json.dumps(workflow(0)))
        with comfy_server("lost") as (comfy, url):
            assert ComfyUI(f"{file}@{url}").draw(DrawRequest("an owl", (1,)))
        assert len(comfy.prompts) == 1

    @pytest.mark.parametrize("running", ["p1", "somebody-elses"])
    def test_cancelling_interrupts_no_other_drawing(self, tmp_path: Path, running: str) -> None:
        file = tmp_path / "plain.json"
        file.write_text(json.dumps(workflow(0)))
        steps: list[int] = []

        def check() -> None:
            if steps:
                raise Cancelled

        with comfy_server("silent") as (comfy, url):
            comfy.running = running
            with pytest.raises(Cancelled):
                ComfyUI(f"{file}@{url}").draw(
                    DrawRequest("an owl", (1,)), DrawControl(check, lambda done, total: steps.append(done))
                )
            assert comfy.interrupted.is_set() == (running == "p1")

    @pytest.mark.parametrize(
        ("fail", "error", "said"),
        [
            ("node", InvalidArgument, "ComfyUI's KSampler failed: out of luck"),
            ("interrupted", InvalidArgument, "ComfyUI's drawing was interrupted there, at KSampler"),
            ("refuse", UserError, "refuses the workflow: .*no such checkpoint"),
        ],
    )
    def test_what_fails_there(self, tmp_path: Path, fail: str, error: type[Exception], said: str) -> None:
        file = tmp_path / "plain.json"
        file.write_text(json.dumps(workflow(0)))
        with comfy_server(fail) as (_, url), pytest.raises(error, match=said):
            ComfyUI(f"{file}@{url}").draw(DrawRequest("an owl", (1,)))

    @pytest.mark.slow
    @pytest.mark.parametrize("fail", ["silent", "monitor", "dropped", "deaf", "early"])
    @pytest.mark.parametrize("queued", [True, False])
    def test_the_history_has_what_events_do_not_tell(self, plain: Path, fail: str, queued: bool) -> None:
        with comfy_server(fail, late=3, queued=queued) as (comfy, url):
            drawing = ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1,)))[0]
        assert drawing.image.getpixel((3, 3)) == (0, 128, 0)
        assert len(comfy.prompts) == 1
        assert not comfy.interrupted.is_set()
        told = str(drawing.facts["notes"])
        assert ("events can't be read" in told) == (fail == "deaf")

    def test_a_history_that_is_written_after_the_event_is_waited_for(self, plain: Path) -> None:
        with comfy_server("early", late=5) as (comfy, url):
            assert ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1,)))
        assert comfy.asked == ["/history/p1"] * 6

    @pytest.mark.slow
    @pytest.mark.parametrize("fail", ["silent", "dropped", "deaf", "early"])
    def test_a_drawing_that_was_taken_out_of_the_queue(self, plain: Path, fail: str) -> None:
        with (
            comfy_server(fail, late=10**6, queued=False) as (_, url),
            pytest.raises(InvalidArgument, match="neither in its queue nor in its history"),
        ):
            ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1,)))

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("messages", "said"),
        [
            (
                [["execution_start", {}], ["execution_interrupted", {"node_type": "KSampler"}]],
                "interrupted there, at KS",
            ),
            (
                [["execution_error", {"node_type": "VAEDecode", "exception_message": "no\nmemory"}]],
                "VAEDecode failed: no mem",
            ),
            ([["execution_error", {"node_type": None, "exception_type": "OOM"}]], "a node failed: OOM"),
            ([None, ["execution_error"], ["x", 3]], "its log says why"),
            (None, "its log says why"),
        ],
    )
    def test_why_it_failed_is_read_from_the_history(self, plain: Path, messages: Any, said: str) -> None:
        entry = {"outputs": {}, "status": {"status_str": "error", "completed": False, "messages": messages}}
        with comfy_server("dropped", entry=entry) as (_, url), pytest.raises(InvalidArgument, match=said):
            ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1,)))

    @pytest.mark.parametrize(
        "outputs",
        [
            {"8": {"images": None}, "9": {"images": SAVED}},
            {"8": None, "9": {"images": [None, {"filename": None}, "x", *SAVED]}},
            {"8": {"text": ["x"]}, "9": {"images": SAVED}},
            {"8": {"images": [{"filename": "lost.png", "type": "temp"}]}, "9": {"images": SAVED}},
        ],
    )
    def test_nodes_without_an_image_are_left_out(self, plain: Path, outputs: Any) -> None:
        with comfy_server(entry={"outputs": outputs, "status": None}) as (_, url):
            drawing = ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1,)))[0]
        assert drawing.image.getpixel((3, 3)) == (0, 128, 0)

    @pytest.mark.slow
    @pytest.mark.parametrize("outputs", [None, {}, [], {"9": None}, {"9": {"images": None}}, {"9": {"images": [{}]}}])
    def test_a_workflow_that_saves_no_image(self, plain: Path, outputs: Any) -> None:
        with (
            comfy_server(entry={"outputs": outputs}) as (_, url),
            pytest.raises(InvalidArgument, match="saves no image"),
        ):
            ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1,)))

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("answer", "error", "said"),
        [
            (Answer(b"{}"), InvalidArgument, r"without a prompt_id; is that ComfyUI\?"),
            (Answer(b"null"), InvalidArgument, "without a prompt_id"),
            (Answer(b"[]"), InvalidArgument, "without a prompt_id"),
            (Answer(b"<html><title>Welcome</title></html>"), InvalidArgument, r"without a prompt_id \(Welcome\)"),
            (Answer(b'{"error": "no prompt", "node_errors": []}'), UserError, "refuses the workflow: no prompt"),
            (
                Answer(
                    b'{"error": {"type": "invalid_prompt", "message": "Cannot execute", "details": "no node X"}}', 400
                ),
                UserError,
                "refuses the workflow: Cannot execute: no node X",
            ),
            (
                Answer(
                    json.dumps({"error": {"message": "failed validation"}, "node_errors": NODE_ERRORS}).encode(), 400
                ),
                UserError,
                "refuses the workflow: 4: Value not in list: ckpt_name: no.safetensors",
            ),
            (Answer(b"not here", 404), UserError, r"can't be used: the server answered 404 \(not here\) to /prompt"),
            (Answer(b"no", 400), UserError, r"answered 400 \(no\) to /prompt; is that ComfyUI\?"),
            (Answer(b"who are you", 401), UserError, r"can't be used: the server answered 401 \(who are you\)"),
            (Answer(b'{"error": "out of luck"}', 500), InvalidArgument, r"answered 500 \(out of luck\), 3 of 3 tries"),
        ],
    )
    def test_answers_to_a_workflow(self, plain: Path, answer: Answer, error: type[Exception], said: str) -> None:
        with comfy_server(answer=lambda workflow: answer, queued=False) as (_, url), pytest.raises(error, match=said):
            ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1,)))

    def test_an_answer_without_an_id_is_made_up_for_by_the_queue(self, plain: Path) -> None:
        with comfy_server(answer=lambda workflow: Answer(b"{}")) as (comfy, url):
            assert ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1,)))
        assert len(comfy.prompts) == 1

    def test_nodes_that_are_left_out_are_told(self, plain: Path) -> None:
        errors = {"7": {"errors": [{"message": "Value not in list", "details": "mode"}], "class_type": "X"}}
        body = json.dumps({"prompt_id": "p1", "node_errors": errors}).encode()
        with comfy_server(answer=lambda workflow: Answer(body)) as (_, url):
            drawing = ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1,)))[0]
        assert "leaves a part of the workflow out: 7: Value not in list: mode" in str(drawing.facts["notes"])

    def test_an_image_that_is_not_there(self, plain: Path) -> None:
        with (
            comfy_server(view=Answer(b"gone", 404)) as (_, url),
            pytest.raises(InvalidArgument, match=r"'a.png' can't be fetched: the server answered 404 \(gone\)"),
        ):
            ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1,)))

    def test_what_a_batch_has_drawn_is_not_lost(self, plain: Path) -> None:
        def step(done: int, total: int) -> None:
            if done == 3:  # of three, of the first of two drawings
                comfy.answer = lambda workflow: Answer(b'{"error": "out of luck"}', 400)

        with comfy_server() as (comfy, url):
            drawn = ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1, 2)), DrawControl(None, step))
        assert [one.seed for one in drawn] == [1]
        assert "1 of 2 were not drawn: " in str(drawn[0].facts["notes"])

    def test_cancelling_before_the_server_tells_an_id_stops_the_drawing(self, plain: Path) -> None:
        def check() -> None:
            if comfy.prompts:
                raise Cancelled

        with comfy_server("lost") as (comfy, url):
            with pytest.raises(Cancelled):
                ComfyUI(f"{plain}@{url}").draw(DrawRequest("an owl", (1,)), DrawControl(check))
            assert comfy.interrupted.is_set()

    def test_nobody_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IMAGERAG_COMFYUI_CHECKPOINT", "sdxl.safetensors")
        with pytest.raises(InvalidArgument, match=r"is ComfyUI running there\?"):
            ComfyUI("http://127.0.0.1:9").draw(DrawRequest("an owl", (1,)))

    def test_names(self) -> None:
        with pytest.raises(UserError, match="has no address"):
            ComfyUI("workflow.json")
        with pytest.raises(UserError, match="generator 'comfyui' is not known"):
            load_generator("comfyui")
        assert a_png().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["hangs", "drips", "wrong"])
def test_a_server_that_fails_while_it_is_waited_for_holds_up_no_run_that_has_ended(fault: Fault, plain: Path) -> None:
    """Nor does the attempt to stop its drawing."""

    def ended() -> None:
        if time.monotonic() - began > 0.3:
            raise Cancelled

    with faulty_server(fault) as address:
        began = time.monotonic()
        with pytest.raises(Cancelled):
            ComfyUI(f"{plain}@{address}").draw(DrawRequest("an owl", (1,)), DrawControl(ended))
        assert time.monotonic() - began < 10
