"""Servers of remote generators: images APIs and ComfyUI."""

import json
from pathlib import Path

import pytest

from imagerag.doctor.servers import check_generator_server, past_seconds
from imagerag.generators.registry import load_generator
from testing.maker_servers import MAKERS, maker_server
from testing.remote_servers import comfy_server, images_server
from tests.doctor.conftest import SettingsOf


def told(settings_of: SettingsOf, generator: str) -> list[tuple[str, str, str]]:
    found = check_generator_server(settings_of(generator=generator))
    return [(finding.status, finding.text, finding.mend) for finding in found]


def test_generators_of_this_machine_have_no_server(settings_of: SettingsOf) -> None:
    assert told(settings_of, "patchwork") == []
    assert told(settings_of, "openai:gpt-image-2") == [], "its key is lacking, which another check says"


def test_an_images_api(settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch) -> None:
    with images_server() as server:
        assert told(settings_of, f"openai:gpt-image-2@{server.url}")[0][0] == "ok"
        assert told(settings_of, f"openai:another@{server.url}")[0][:1] == ("warning",)
        monkeypatch.setenv("IMAGERAG_SERVER_KEY", "wrong")
        status, text, _ = told(settings_of, f"openai:gpt-image-3@{server.url}")[0]
        assert (status, "refuses the key (401)" in text) == ("wrong", True)
        assert server.asked == [], "nothing is drawn"
    assert told(settings_of, "openai:m@http://127.0.0.1:9/v1")[0][0] == "wrong"


@pytest.mark.parametrize("prefix", MAKERS)
def test_an_images_api_of_another_maker(prefix: str, settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, expected in (("good", "ok"), ("wrong", "ok" if prefix == "fal" else "wrong")):
        monkeypatch.setenv("IMAGERAG_SERVER_KEY", key)
        load_generator.cache_clear()
        with maker_server(prefix) as server:
            ((status, text, _),) = told(settings_of, server.name)
        assert status == expected, text
        assert server.submissions == [], "nothing is drawn"
        assert (server.asked == []) is (prefix == "fal"), "fal's can't be asked without drawing"
    assert told(settings_of, f"{prefix}:{MAKERS[prefix].model}") == [], "its key is lacking, which another check says"


def test_comfyui(settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGERAG_COMFYUI_CHECKPOINT", raising=False)
    with comfy_server() as (comfy, url):
        found = told(settings_of, f"comfyui:{url}")
        assert found[0][:2] == ("ok", f"generator 'comfyui:{url}': ComfyUI 0.3.99 answers")
        assert found[1][0] == "wrong"
        assert found[1][2].endswith("IMAGERAG_COMFYUI_CHECKPOINT=sdxl.safetensors")
        monkeypatch.setenv("IMAGERAG_COMFYUI_CHECKPOINT", "none.safetensors")
        status, text, mend = told(settings_of, f"comfyui:{url}")[1]
        assert (status, "CheckpointLoaderSimple has no ckpt_name 'none.safetensors'" in text) == ("wrong", True)
        assert "sdxl.safetensors, other.safetensors" in mend
        monkeypatch.setenv("IMAGERAG_COMFYUI_CHECKPOINT", "other.safetensors")
        assert [status for status, *_ in told(settings_of, f"comfyui:{url}")] == ["ok", "ok"]
        assert comfy.prompts == [], "nothing is drawn"
    status, text, mend = told(settings_of, "comfyui:http://127.0.0.1:9")[0]
    assert (status, "no ComfyUI answers there" in text) == ("wrong", True)
    assert mend.startswith("start it in its folder: python main.py --listen 127.0.0.1 --port 9, or another address")
    assert "http://127.0.0.1:9" not in mend, "the address that failed is no way out"


def test_a_workflow_that_the_server_can_not_run(settings_of: SettingsOf, tmp_path: Path) -> None:
    file = tmp_path / "flow.json"
    loader = {"class_type": "LoraLoader", "inputs": {"lora_name": "a.safetensors", "strength": "{{scale}}"}}
    text = {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}"}}
    file.write_text(json.dumps({"1": text, "2": loader, "3": {"class_type": "Lacking", "inputs": {}}}))
    with comfy_server() as (comfy, url):
        comfy.nodes["LoraLoader"] = {"input": {"required": {"lora_name": ["COMBO", {"options": ["b.safetensors"]}]}}}
        found = told(settings_of, f"comfyui:{file}@{url}")
    assert [status for status, *_ in found] == ["ok", "wrong", "wrong"]
    assert "LoraLoader has no lora_name 'a.safetensors'" in found[1][1]
    assert "no node 'Lacking'" in found[2][1]


def test_a_workflow_that_can_not_be_read(settings_of: SettingsOf, tmp_path: Path) -> None:
    status, text, mend = told(settings_of, f"comfyui:{tmp_path / 'none.json'}@http://127.0.0.1:9")[0]
    assert (status, "can't be read" in text, mend) == (
        "wrong",
        True,
        "give --generator comfyui:FILE with one in API format",
    )


def run_of(seconds: float, *, failed: bool = False) -> dict[str, object]:
    end = "execution_error" if failed else "execution_success"
    messages = [["execution_start", {"timestamp": 1000}], [end, {"timestamp": 1000 + int(1000 * seconds)}]]
    return {"status": {"messages": messages}}


def test_how_long_a_comfyui_server_took_before(settings_of: SettingsOf) -> None:
    past = {"a": run_of(4), "b": run_of(9, failed=True), "c": run_of(0.01), "d": run_of(6)}
    with comfy_server(past=past) as (_, url):
        assert past_seconds(settings_of(generator=f"comfyui:{url}")) == [4, 6]
    for odd in ([], {"a": 3}, {"a": {"status": None}}):
        with comfy_server(past=odd) as (_, url):
            assert past_seconds(settings_of(generator=f"comfyui:{url}")) == []
    assert past_seconds(settings_of(generator="comfyui:http://127.0.0.1:9")) == []
    assert past_seconds(settings_of()) == []
