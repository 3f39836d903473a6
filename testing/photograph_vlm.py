"""A vision-language model over HTTP that knows the photographs of ``testing.photographs``."""

import base64
import io
import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from testing.openai_server import Reply
from testing.photographs import PHOTOGRAPHS
from testing.verdict_replies import weighed

THUMB = 16


def _thumb(picture: Image.Image) -> NDArray[np.float64]:
    small = np.asarray(picture.convert("RGB").resize((THUMB, THUMB)), np.float64).ravel()
    return np.asarray((small - small.mean()) / max(float(small.std()), 1e-6), np.float64)


_KNOWN = [_thumb(photograph.open()) for photograph in PHOTOGRAPHS]
LIKE = 0.8
"""Correlation from which on a picture is one of the photographs, cut a little differently."""


def subject_seen(picture: Image.Image) -> str | None:
    """Return the subject of the photograph that a picture is; ``None`` for any other picture."""
    seen = _thumb(picture)
    likeness = [float(known @ seen) / len(seen) for known in _KNOWN]
    best = int(np.argmax(likeness))
    return PHOTOGRAPHS[best].subject if likeness[best] >= LIKE else None


def answer(request: dict[str, Any], number: int) -> Reply:
    """Answer as a critic that is asked for a verdict, or which of two images is better."""
    pictures, text = _shown(request)
    if "Which of these two images" in text:
        return Reply(json.dumps({"better": "first"}))
    return _judge(pictures[-1], text)


def _judge(picture: Image.Image, text: str) -> Reply:
    asked = re.search(r"under these names: (\[.*?\])\.\n", text)
    if asked:
        names = [str(name) for name in json.loads(asked[1])]
    else:
        prompt = re.search(r'this prompt: (".*?(?<!\\)")', text)
        words = json.loads(prompt[1]).lower() if prompt else ""
        names = [photograph.subject for photograph in PHOTOGRAPHS if re.search(rf"\b{photograph.subject}", words)]
    seen = subject_seen(picture)
    entries = [{"concept": name, "kind": "content", "present": name == seen, "confidence": 0.9} for name in names]
    value = {"concepts": entries, "matches": all(entry["present"] for entry in entries)}
    return weighed(value, *(0.97 if entry["present"] else 0.03 for entry in entries))


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else " ".join(block.get("text", "") for block in content)


def _shown(request: dict[str, Any]) -> tuple[list[Image.Image], str]:
    pictures: list[Image.Image] = []
    texts: list[str] = []
    for message in request["messages"]:
        texts.append(_text(message))
        if isinstance(message["content"], list):
            for block in message["content"]:
                if block.get("type") == "image_url":
                    data = base64.b64decode(block["image_url"]["url"].partition(",")[2])
                    pictures.append(Image.open(io.BytesIO(data)))
    return pictures, "\n".join(texts)
