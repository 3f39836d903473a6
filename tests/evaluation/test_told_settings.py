"""What the folder of a run tells of its settings, which is given to others."""

import json

import pytest

from imagerag.evaluation.arms import read_arms
from imagerag.evaluation.told_settings import settings_text, told_settings
from imagerag.told_text import told_text

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("generator", f"openai:m@http://me:{SECRET}@host/v1?k={SECRET}", "openai:m@http://host/v1?k=[hidden]"),
        ("generator", "comfyui:/home/me/draw.json@http://host", "comfyui:draw.json@http://host"),
        ("vlm", "replay:/home/me/run.jsonl", "replay:run.jsonl"),
        ("lookup_model", "/home/me/a,/home/me/b,ViT-B-32:x", "a,b,ViT-B-32:x"),
        ("subject", ("/home/me/my cat.png", "dog.png"), ["my cat.png", "dog.png"]),
        ("lora", ("/home/me/style.safetensors:0.8",), ["style.safetensors:0.8"]),
        ("mcp_server", (f"env KEY={SECRET} npx -y search --token {SECRET}",), ["npx ..."]),
        ("mcp_server", (f"http://me:{SECRET}@host/mcp?k={SECRET}",), ["http://host/mcp?k=[hidden]"]),
        ("negative", "no cats, no /home/me/dogs.png", "no cats, no dogs.png"),
        ("library", ("bundled", "own"), ["bundled", "own"]),
        ("n", 3, 3),
        ("early_stop", False, False),
    ],
)
def test_files_by_their_names_addresses_without_credentials(name: str, value: object, told: object) -> None:
    found = told_settings({name: value})
    assert found == {name: told}
    assert told_settings(json.loads(json.dumps(found))) == found, "done twice, it changes nothing more"


def test_where_things_lie_is_not_told() -> None:
    places = {"home": "/h", "chroma": "http://u:p@h", "record": "/r", "c2pa_key": "/k.pem", "c2pa_cert": "/c.pem"}
    assert told_settings({**places, "n": 2}) == {"n": 2}


def test_an_arm_of_ones_own_is_told_in_these_words() -> None:
    (arm,) = read_arms([f"mine:generator=openai:m@http://me:{SECRET}@host/v1,n=2"])
    assert arm.about == settings_text(arm.settings) == "generator=openai:m@http://host/v1, n=2"
    assert arm.settings["generator"] == f"openai:m@http://me:{SECRET}@host/v1", "it is drawn with nevertheless"


def test_errors() -> None:
    told = told_text(f"'http://me:{SECRET}@host/v1' and '/home/me/x.png' are gone")
    assert told == "'http://host/v1' and 'x.png' are gone"
