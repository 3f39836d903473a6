"""``imagerag plugins``."""

import json

import pytest

from imagerag.cli.main import run
from imagerag.plugins import GROUPS, installed
from imagerag.tool_registry import TOOLS


def test_all_that_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    names = {group: [row["name"] for row in rows if row["group"] == group] for group in GROUPS}
    assert {"patchwork", "sdxl", "comfyui:NAME"} <= set(names["generators"])
    assert {"clip"} <= set(names["critics"])
    assert {"rules", "openai:MODEL"} <= set(names["chat_models"])
    assert {"folder", "webdataset", "csv"} <= set(names["collections"])
    assert {"bundled", "own"} <= set(names["searches"])
    assert set(TOOLS) <= set(names["tools"])
    assert all(row["package"] == "built in" for row in rows if row["name"] not in installed(row["group"]))


def test_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "generators (--generator)" in lines
    assert any(line.split() == ["patchwork", "built", "in"] for line in lines)
