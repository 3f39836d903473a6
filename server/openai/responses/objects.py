"""The JSON of a response and of its items."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from imagerag.server.openai.responses.schemas import ResponseRequest
from imagerag.server.openai.schemas import MODEL

Status = Literal["queued", "in_progress", "completed", "failed", "cancelled"]
PREFIXES = ("resp_", "msg_", "ig_")
"""Of the ids of a response, its message and its picture; what follows is the same in all three."""


@dataclass(frozen=True)
class Draft:
    """A response that is being made.

    Attributes:
        body: the request.
        unused: names of what is sent along and changes nothing.
        key: of its ids.
        created: seconds since the epoch.
    """

    body: ResponseRequest
    unused: list[str] = field(default_factory=list)
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def id(self) -> str:
        """Its id."""
        return f"resp_{self.key}"

    @property
    def message_id(self) -> str:
        """The id of its message."""
        return f"msg_{self.key}"

    @property
    def picture_id(self) -> str:
        """The id of its picture."""
        return f"ig_{self.key}"

    def response(
        self,
        status: Status,
        output: list[dict[str, Any]],
        *,
        tokens: int = 0,
        error: dict[str, Any] | None = None,
        about: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the response.

        Args:
            output: its items.
            tokens: that the run's models took.
            error: code and message of a failure.
            about: our own field, on the run.
        """
        body = self.body
        sent = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
        ended = status not in ("queued", "in_progress")
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "completed_at": int(time.time()) if status == "completed" else None,
            "status": status,
            "background": bool(body.background),
            "error": error,
            "incomplete_details": None,
            "instructions": body.instructions,
            "max_output_tokens": None,
            "metadata": body.metadata or {},
            "model": body.model or MODEL,
            "output": output,
            "parallel_tool_calls": False,
            "previous_response_id": body.previous_response_id,
            "reasoning": {"effort": None, "summary": None},
            "store": body.store is not False,
            "temperature": None,
            "text": sent.get("text") or {"format": {"type": "text"}},
            "tool_choice": sent.get("tool_choice") or "auto",
            "tools": sent.get("tools") or [],
            "top_p": None,
            "truncation": "disabled",
            "usage": usage_of(tokens) if ended else None,
            "imagerag": (about or {}) | {"not_heeded": self.unused},
        }

    def message(self, text: str, status: Literal["in_progress", "completed", "incomplete"]) -> dict[str, Any]:
        """Return the item of its words; without content while it is begun."""
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [text_part(text)] if text or status != "in_progress" else [],
        }

    def picture(
        self,
        status: Literal["in_progress", "generating", "completed", "failed"],
        *,
        size: str | None = None,
        prompt: str | None = None,
    ) -> dict[str, Any]:
        """Return the item of its picture, whose ``result`` is filled in by whoever sends it."""
        item: dict[str, Any] = {
            "id": self.picture_id,
            "type": "image_generation_call",
            "status": status,
            "result": None,
        }
        if status == "completed":
            item |= {
                "action": "generate",
                "background": "opaque",
                "output_format": self.body.style.output_format,
                "quality": "auto",
                "size": size,
                "revised_prompt": prompt,
            }
        return item


def text_part(text: str) -> dict[str, Any]:
    """Return words as a part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def usage_of(tokens: int) -> dict[str, Any]:
    """Return the tokens as a response counts them."""
    return {
        "input_tokens": tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens,
    }


def response_id_of(item_id: str) -> str | None:
    """Return the id of the response that an item of ours belongs to; ``None`` for other ids."""
    prefix = next((one for one in PREFIXES if item_id.startswith(one)), None)
    return None if prefix is None else "resp_" + item_id.removeprefix(prefix)
