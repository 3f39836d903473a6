"""What OpenAI's API sends and expects, as far as it is supported; fields that mean nothing here are ignored."""

import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from imagerag.modes import MODES, Mode
from imagerag.server.api_error import ApiError

MODEL = "imagerag"
MODELS: dict[str, Mode | None] = {MODEL: None} | {f"{MODEL}:{mode}": mode for mode in MODES}
"""Model names that clients can choose: the loop as the server is set, or in one of its modes."""


class RunOptions(BaseModel):
    """Our own settings of one request, under ``imagerag`` in its body (``extra_body`` of the Python client)."""

    thread: str = ""
    n: int | None = Field(default=None, ge=1, le=16)
    mode: Mode | None = None
    max_generations: int | None = Field(default=None, ge=1)
    max_seconds: float | None = Field(default=None, gt=0)
    max_steps: int | None = Field(default=None, ge=1)


class ImageUrl(BaseModel):
    """An image by address: ``data:``, one of ours, or, where allowed, any public one."""

    url: str


class FileId(BaseModel):
    """An uploaded image."""

    file_id: str


class TextPart(BaseModel):
    """Words."""

    type: Literal["text"]
    text: str


class ImagePart(BaseModel):
    """A picture by address."""

    type: Literal["image_url"]
    image_url: ImageUrl


class FilePart(BaseModel):
    """A picture by the id of its upload."""

    type: Literal["file"]
    file: FileId


Part = Annotated[TextPart | ImagePart | FilePart, Field(discriminator="type")]


class Message(BaseModel):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class StreamOptions(BaseModel):
    """What a stream ends with."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """``POST /v1/chat/completions``."""

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    n: Literal[1] | None = None
    imagerag: RunOptions = RunOptions()


def _count(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdigit() else value


class ImageRequest(BaseModel):
    """``POST /v1/images/generations``, and the words of ``/v1/images/edits``."""

    prompt: str
    model: str | None = None
    n: Annotated[int | None, BeforeValidator(_count)] = Field(default=None, ge=1, le=10)
    size: str | None = None
    response_format: Literal["url", "b64_json"] | None = None
    output_format: Literal["png", "jpeg", "webp"] = "png"
    output_compression: Annotated[int | None, BeforeValidator(_count)] = Field(default=None, ge=0, le=100)
    background: Literal["auto", "opaque"] | None = None
    partial_images: Annotated[int | None, BeforeValidator(_count)] = Field(default=None, ge=0, le=3)
    seed: Annotated[int | None, BeforeValidator(_count)] = Field(default=None, ge=0, lt=2**32)
    stream: bool | None = None
    imagerag: RunOptions = RunOptions()


def mode_of(model: str | None) -> Mode | None:
    """Return the mode that a model's name stands for; ``None`` for the server's own.

    Raises:
        ApiError: no such model.
    """
    if model is None:
        return None
    if model not in MODELS:
        known = ", ".join(MODELS)
        raise ApiError(404, f"model {model[:80]!r} is not known; choose one of: {known}", "model_not_found", "model")
    return MODELS[model]


def model_object(name: str) -> dict[str, Any]:
    """Return a model as the API lists it."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "imagerag"}


def chunk_object(completion_id: str, model: str, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    """Return one piece of a streamed completion."""
    return {
        "id": completion_id,
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}],
    }
