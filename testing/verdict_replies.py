"""Verdicts as a chat model answers them, right and wrong."""

import json
import math
import re
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


def seen(concept: str, present: bool, **details: str) -> dict[str, Any]:
    """Return one concept of a first verdict; ``details`` are what else the prompt asks of it, by their kinds."""
    asked = [{"kind": kind, "asked": text} for kind, text in details.items()]
    return {"concept": concept, "kind": "content", "present": present, "confidence": 0.5, "details": asked}


def presence(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"concepts": list(entries), "matches": all(entry["present"] for entry in entries)}


def details(*hold: bool, confidence: float = 0.5) -> dict[str, Any]:
    """Return the answers to numbered questions, in order."""
    answers = [{"number": at, "seen": "", "holds": one, "confidence": confidence} for at, one in enumerate(hold, 1)]
    return {"answers": answers}


def weighed(value: Any, *likelihoods: float) -> Reply:
    """Return a verdict as JSON, with log-probabilities that say how likely each true was against false, in order."""
    text = json.dumps(value)
    left = iter(likelihoods)
    tokens: list[dict[str, Any]] = []
    for piece in re.findall(r" ?(?:true|false)|[^tf ]+|[tf ]", text):
        word = piece.strip()
        alternatives = {piece: 1.0}
        yes = next(left, None) if word in ("true", "false") else None
        if yes is not None:
            alternatives = {piece.replace(word, "true"): yes, piece.replace(word, "false"): 1 - yes}
        listed = [{"token": token, "logprob": math.log(max(p, 1e-9))} for token, p in alternatives.items()]
        tokens.append({**next(one for one in listed if one["token"] == piece), "top_logprobs": listed})
    return Reply(text, logprobs=tokens)


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
