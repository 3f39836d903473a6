"""Workflows in ComfyUI's API format, and the placeholders that a drawing fills in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imagerag.errors import UserError
from imagerag.regular_files import read_regular_text

CHECKPOINT = "IMAGERAG_COMFYUI_CHECKPOINT"
"""The variable with the file name of the checkpoint, as ComfyUI lists it."""
DEFAULTS: Mapping[str, object] = {
    "negative_prompt": "lowres, blurry, watermark",
    "steps": 30,
    "guidance": 5.0,
    "width": 1024,
    "height": 1024,
}
"""Values of placeholders that a drawing doesn't set."""

_HOLE = re.compile(r"\{\{(\w+)\}\}")


def read_workflow(file: Path) -> dict[str, Any]:
    """Return the workflow in a file.

    Raises:
        UserError: it can't be read, is not in API format, has no ``{{prompt}}`` or a placeholder that is not known.
    """
    try:
        workflow: dict[str, Any] = json.loads(read_regular_text(file))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"workflow {str(file)!r} can't be read ({error}); give --generator comfyui:FILE with one in API format"
        ) from error
    nodes = list(workflow.values()) if isinstance(workflow, dict) else []
    if not nodes or not all(isinstance(node, dict) and "class_type" in node for node in nodes):
        raise UserError(f"workflow {str(file)!r} is not in API format; in ComfyUI choose: Export (API)")
    if "prompt" not in set(holes(workflow)):
        raise UserError(f"workflow {str(file)!r} has no {{{{prompt}}}}; put it where the text goes")
    unknown = sorted(hole for hole in holes(workflow) if not _is_known(hole))
    if unknown:
        raise UserError(f"workflow {str(file)!r} has {{{{{unknown[0]}}}}}, which is not known")
    return workflow


def _is_known(hole: str) -> bool:
    return hole in {*DEFAULTS, "prompt", "seed", "scale", "checkpoint"} or bool(
        re.fullmatch(r"reference_[1-9]\d?", hole)
    )


def holes(workflow: Any) -> list[str]:
    """Return the placeholders that a workflow has."""
    return _HOLE.findall(json.dumps(workflow))


def reference_holes(workflow: Any) -> set[str]:
    """Return the placeholders for references that a workflow has."""
    return {hole for hole in holes(workflow) if hole.startswith("reference_")}


def with_values(part: Any, values: Mapping[str, object]) -> Any:
    """Fill the placeholders in; one that is all of a text becomes the value itself, a number stays one.

    Raises:
        UserError: a placeholder has no value.
    """
    if isinstance(part, dict):
        return {key: with_values(value, values) for key, value in part.items()}
    if isinstance(part, list):
        return [with_values(value, values) for value in part]
    if not isinstance(part, str):
        return part
    for hole in _HOLE.findall(part):
        if hole not in values:
            raise UserError(f"the workflow has {{{{{hole}}}}}, which is not set; set the variable {CHECKPOINT}")
    whole = _HOLE.fullmatch(part)
    return values[whole[1]] if whole else _HOLE.sub(lambda found: str(values[found[1]]), part)
