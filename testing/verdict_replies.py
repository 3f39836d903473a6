"""Verdicts as a chat model answers them, right and wrong."""

import json
from collections.abc import Sequence
from typing import Any

from PIL import Image

from testing.openai_server import Reply

OWL = Image.new("RGB", (2000, 1000), "brown")


def verdict_of(
    *present: bool, matches: bool | None = None, confidence: float = 0.8, names: Sequence[str] = "ab"
) -> Any:
    concepts = [
        {"concept": name, "kind": "content", "present": there, "confidence": confidence}
        for name, there in zip(names, present, strict=False)
    ]
    return {"concepts": concepts, "matches": all(present) if matches is None else matches}


def answering(value: Any) -> Reply:
    return Reply(json.dumps(value))


BAD_VERDICTS = [
    answering(verdict_of(True, False, matches=True)),
    answering(verdict_of(True, True, matches=False)),
    answering(verdict_of(True, False, names="aa")),
    answering(verdict_of(True, confidence=7)),
    answering({"concepts": [], "matches": True}),
    answering([]),
    Reply("Yes, but the owl is missing."),
    Reply(""),
    Reply(None, extra={"refusal": "I can't judge this."}),
    Reply("ha " * 50_000),
    Reply('{"concepts": ['),
    Reply("{" * 5000),
    Reply(calls=[("generate", {"prompt": "an owl"})]),
]


def request_kind(request: dict[str, Any]) -> str:
    asked = request.get("response_format", {}).get("type")
    return {"json_schema": "json_schema", "json_object": "json_mode"}.get(
        asked, "function_calling" if "tools" in request else "text"
    )
