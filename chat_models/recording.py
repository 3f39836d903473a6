"""A run's exchanges with its models, written as JSON lines while it runs.

Every line belongs to a run, by number. The first line of a run tells what was asked for and under which seed; the
others are one exchange each: who asked (``driver``, ``critic`` or ``writer``), the request with its digest, and the
answer with its tool calls and usage, or the failure. Images stand there as the SHA-256 of the Base64 sent. Neither
headers nor keys are part of an exchange, and keys that a server repeats in its words are taken out.
"""

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.base import message_to_dict

from imagerag.chat_models.endings import finish_reason, unsound_ending
from imagerag.chat_models.images import encoded_in
from imagerag.chat_models.logprobs import FIELDS as LOGPROBS
from imagerag.credentials import SHORTEST_SECRET, credentials_in, keys_in, without_credentials
from imagerag.errors import UserError
from imagerag.places import without_place

Role = Literal["driver", "critic", "writer", "reranker"]

VERSION = 1
"""Of the file's layout."""

NAMES = ("model", "vlm", "critic", "generator")
"""Of a line: names of models, which may have addresses and folders in them."""


@dataclass(frozen=True)
class Request:
    """What is put to a model, in a form that is the same whenever the same is asked.

    Attributes:
        messages: one mapping each; images by SHA-256, and calls numbered, since their ids are made up each time.
        shapes: SHA-256 of the tools' or the schema's JSON.
    """

    messages: list[dict[str, Any]]
    shapes: str

    @classmethod
    def of(cls, messages: Sequence[BaseMessage], shapes: str) -> "Request":
        """Return the request that those messages make."""
        numbers: dict[str, int] = {}
        return cls([_plain(message, numbers) for message in messages], _sha256(shapes.encode("utf-8", "replace")))

    @property
    def digest(self) -> str:
        """SHA-256 of it, as canonical JSON."""
        text = json.dumps([self.messages, self.shapes], sort_keys=True, default=str)
        return _sha256(text.encode("utf-8", "replace"))


def _plain(message: BaseMessage, numbers: dict[str, int]) -> dict[str, Any]:
    blocks: list[Any] = [message.content] if isinstance(message.content, str) else list(message.content)
    plain: dict[str, Any] = {"type": message.type, "content": [_block(block) for block in blocks]}
    if calls := getattr(message, "tool_calls", ()):
        plain["calls"] = [
            [numbers.setdefault(call["id"] or "", len(numbers)), call["name"], call["args"]] for call in calls
        ]
    if answered := getattr(message, "tool_call_id", None):
        plain["answers"] = numbers.setdefault(answered, len(numbers))
    return plain


def _block(block: Any) -> Any:
    if isinstance(block, dict) and block.get("type") == "text":
        return block.get("text", "")
    if (encoded := encoded_in(block)) is not None:
        return {"image": _sha256(encoded.encode())}
    return block


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Recorder:
    """Writes exchanges to a file of its own, one line each, at once, so that a run that breaks off is there too.

    Args:
        file: a new or an empty file.

    Raises:
        UserError: it can't be written, or has something in it.
    """

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._lock = threading.Lock()
        self._runs: dict[str, int] = {}
        self._secrets: set[str] = set()
        self._count = 0
        try:
            with self._file.open("a", encoding="utf-8") as opened:
                used = opened.tell() > 0
        except OSError as error:
            raise UserError(f"record file {file!r} can't be written ({error}); give --record another file") from error
        if used:
            raise UserError(f"record file {file!r} has something in it already; give --record a new file, or remove it")

    def begin(self, run: str, **facts: Any) -> None:
        """Enter a run, known by its id, and what it was asked for."""
        with self._lock:
            self._runs[run] = len(self._runs) + 1
        self._write({"run": self._runs[run], "version": VERSION, **facts})

    def enter(self, run: str, role: Role, model: str, request: Request, outcome: Mapping[str, Any]) -> None:
        """Enter one exchange of that run."""
        with self._lock:
            self._count += 1
            number = self._count
        told = {"digest": request.digest, "messages": request.messages, "shapes": request.shapes}
        head = {"run": self._runs.get(run, 0), "exchange": number, "role": role, "model": model}
        self._write({**head, "request": told, **outcome})

    def _write(self, line: dict[str, Any]) -> None:
        with self._lock:
            self._secrets |= _keys_in_addresses(*(line.get(name) for name in NAMES))
            secrets = sorted({*self._secrets, *keys_in(os.environ)}, key=len, reverse=True)
        line = _without_keys(line, secrets)
        # What a model was asked and said stays as it is, or it could not be played back; these are names and errors.
        line |= {name: without_place(without_credentials(line[name])) for name in NAMES if line.get(name)}
        if "failure" in line:
            line["failure"] = {**line["failure"], "why": without_credentials(line["failure"]["why"])}
        text = json.dumps(line, ensure_ascii=False, default=str)
        try:
            with self._lock, self._file.open("a", encoding="utf-8", errors="replace") as opened:
                opened.write(text + "\n")
        except OSError as error:
            raise UserError(
                f"record file {str(self._file)!r} can't be written ({error}); give --record another file"
            ) from error


@lru_cache(maxsize=16)
def open_recorder(file: str) -> Recorder:
    """Return this process's one recorder of that file.

    Raises:
        UserError: it can't be written, or another process has written it.
    """
    return Recorder(file)


def answered(message: AIMessage) -> dict[str, Any]:
    """Return an answer as an exchange tells it; what the server says about its own response is left out."""
    data = message_to_dict(message)["data"]
    kept = ("content", "additional_kwargs", "tool_calls", "invalid_tool_calls", "usage_metadata", "id")
    answer = {name: data[name] for name in kept if data.get(name)}
    told: dict[str, Any] = {}
    metadata = data.get("response_metadata") or {}
    told |= {field: metadata[field] for field in LOGPROBS if metadata.get(field)}  # of which scores are made
    if unsound_ending(message):
        told["finish_reason"] = finish_reason(message)
    if told:
        answer["response_metadata"] = told
    return {"answer": answer}


def _keys_in_addresses(*names: str | None) -> set[str]:
    """Return what may be a key in a server's address."""
    found = {secret for name in names if name for secret in credentials_in(name)}
    return {secret for secret in found if len(secret) >= SHORTEST_SECRET}


def _without_keys(value: Any, secrets: Sequence[str]) -> Any:
    match value:
        case str():
            for secret in secrets:
                value = value.replace(secret, "[key]")
            return value
        case dict():
            return {_without_keys(name, secrets): _without_keys(inner, secrets) for name, inner in value.items()}
        case list() | tuple():
            return [_without_keys(inner, secrets) for inner in value]
    return value
