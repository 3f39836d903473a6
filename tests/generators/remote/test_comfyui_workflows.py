"""Workflows in API format, and what is filled in."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.generators.remote.comfyui import ComfyUI
from imagerag.generators.remote.comfyui_workflows import read_workflow, reference_holes, with_values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "can't be read"),
        ("[" * 100_000, "can't be read"),
        ('{"nodes": []}', "is not in API format"),
        ("[]", "is not in API format"),
        ('{"1": {"class_type": "X"}}', "has no {{prompt}}"),
        ('{"1": {"class_type": "X", "a": "{{prompt}} {{promt}}"}}', "has {{promt}}, which is not known"),
    ],
)
def test_workflows_that_cannot_be_used(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "w.json"
    file.write_text(text)
    with pytest.raises(UserError, match=said):
        ComfyUI(f"{file}@http://127.0.0.1:9")
    with pytest.raises(UserError, match=said):
        read_workflow(file)


def test_a_number_stays_one_where_it_is_all_of_the_text() -> None:
    workflow = {"1": {"inputs": {"seed": "{{seed}}", "text": "{{prompt}}, {{seed}}", "from": ["{{reference_2}}", 0]}}}
    filled = with_values(workflow, {"seed": 7, "prompt": "an owl", "reference_2": "a.png"})
    assert filled["1"]["inputs"] == {"seed": 7, "text": "an owl, 7", "from": ["a.png", 0]}
    assert reference_holes(workflow) == {"reference_2"}
    with pytest.raises(UserError, match=r"\{\{seed\}\}, which is not set"):
        with_values(workflow, {"prompt": "an owl"})
