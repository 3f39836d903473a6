"""ComfyUI as generator, against a server on loopback."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.errors import Cancelled, InvalidArgument, UserError
from imagerag.generators.base import DrawControl, DrawRequest, Reference
from imagerag.generators.registry import load_generator
from imagerag.generators.remote.comfyui import ComfyUI
from testing.remote_servers import a_png, comfy_server


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
            ("refuse", UserError, "refuses the workflow: .*no such checkpoint"),
        ],
    )
    def test_what_fails_there(self, tmp_path: Path, fail: str, error: type[Exception], said: str) -> None:
        file = tmp_path / "plain.json"
        file.write_text(json.dumps(workflow(0)))
        with comfy_server(fail) as (_, url), pytest.raises(error, match=said):
            ComfyUI(f"{file}@{url}").draw(DrawRequest("an owl", (1,)))

    def test_nobody_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IMAGERAG_COMFYUI_CHECKPOINT", "sdxl.safetensors")
        with pytest.raises(InvalidArgument, match=r"is ComfyUI running there\?"):
            ComfyUI("http://127.0.0.1:9").draw(DrawRequest("an owl", (1,)))

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{", "can't be read"),
            ('{"nodes": []}', "is not in API format"),
            ('{"1": {"class_type": "X"}}', "has no {{prompt}}"),
            ('{"1": {"class_type": "X", "a": "{{prompt}} {{promt}}"}}', "has {{promt}}, which is not known"),
        ],
    )
    def test_workflows_that_cannot_be_used(self, tmp_path: Path, text: str, said: str) -> None:
        file = tmp_path / "w.json"
        file.write_text(text)
        with pytest.raises(UserError, match=said):
            ComfyUI(f"{file}@http://127.0.0.1:9")

    def test_names(self) -> None:
        with pytest.raises(UserError, match="has no address"):
            ComfyUI("workflow.json")
        with pytest.raises(UserError, match="generator 'comfyui' is not known"):
            load_generator("comfyui")
        assert a_png().startswith(b"\x89PNG")
