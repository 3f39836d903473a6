"""What OpenAI's API sends and expects, as far as it is supported; answers name the fields that mean nothing here."""

import time
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from imagerag.server.openai.not_heeded import not_heeded
from imagerag.server.openai.seeds import Seed, whole
from imagerag.server.run_fields import RunFields

MODEL = "imagerag"


class Body(BaseModel):
    """The body of a request, which may have more fields than are heeded."""

    model_config = ConfigDict(extra="allow")
    UNUSED: ClassVar[frozenset[str]] = frozenset()
    """Fields that are checked and change nothing."""

    @model_validator(mode="before")
    @classmethod
    def without_nulls(cls, given: Any) -> Any:
        """Take a field that is null for one that is left out, as clients mean it that send all there are."""
        return {name: value for name, value in given.items() if value is not None} if isinstance(given, dict) else given

    def not_heeded(self) -> list[str]:
        """Return the names of the fields that were given and change nothing."""
        given = {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
        return not_heeded(given | (self.model_extra or {}), type(self).model_fields.keys() - self.UNUSED)


class RunOptions(RunFields):
    """Our own settings of one request, under ``imagerag`` in its body (``extra_body`` of the Python client)."""

    model_config = ConfigDict(extra="forbid")
    thread: str = ""


class ImageUrl(BaseModel):
    """An image by address: ``data:``, one of ours, or, where allowed, any public one."""

    url: str


PART_TYPES = {
    "text": "words",
    "input_text": "words",
    "output_text": "words",
    "refusal": "refusal",
    "image_url": "picture",
    "file": "file",
}
"""Types of a message's parts, those of words also as the responses endpoint calls them, and what each is read as."""


class FileSource(BaseModel):
    """A picture that was uploaded, or that is sent along."""

    file_id: str | None = None
    file_data: str | None = Field(default=None, description="base64, with or without 'data:...;base64,' before it")
    filename: str | None = None


class TextPart(BaseModel):
    """Words."""

    type: Literal["text", "input_text", "output_text"]
    text: str


class RefusalPart(BaseModel):
    """Words of a model that did not do as asked."""

    type: Literal["refusal"]
    refusal: str


def _address(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


class ImagePart(BaseModel):
    """A picture by address; some clients send the address alone."""

    type: Literal["image_url"]
    image_url: Annotated[ImageUrl, BeforeValidator(_address)]


class FilePart(BaseModel):
    """A picture as a file."""

    type: Literal["file"]
    file: FileSource


class OtherPart(BaseModel):
    """What means nothing here: thoughts, sound and whatever else clients keep in their conversations."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(default="", json_schema_extra={"not": {"enum": list(PART_TYPES)}})


def _part_kind(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return PART_TYPES.get(kind, "other") if isinstance(kind, str) else "other"


Part = Annotated[
    Annotated[TextPart, Tag("words")]
    | Annotated[RefusalPart, Tag("refusal")]
    | Annotated[ImagePart, Tag("picture")]
    | Annotated[FilePart, Tag("file")]
    | Annotated[OtherPart, Tag("other")],
    Discriminator(_part_kind),
]


class Message(BaseModel):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class StreamOptions(BaseModel):
    """What a stream ends with."""

    include_usage: bool = False


class FunctionName(BaseModel):
    """The function that has to be called, by name."""

    name: str


class ToolChoice(BaseModel):
    """Which tool has to be called."""

    model_config = ConfigDict(extra="allow")
    type: str


class JsonSchema(BaseModel):
    """A form for a text."""

    name: str = ""
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")


class ResponseFormat(BaseModel):
    """The form that the answer has to have; JSON is a text."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class ChatRequest(Body):
    """``POST /v1/chat/completions``."""

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    seed: Seed = None
    n: int | None = Field(default=None, ge=1, le=10)
    response_format: ResponseFormat | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    functions: list[dict[str, Any]] | None = None
    function_call: Literal["none", "auto"] | FunctionName | None = None
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None
    imagerag: RunOptions = RunOptions()
    UNUSED: ClassVar[frozenset[str]] = frozenset({"tools", "functions"})


def _format(value: Any) -> Any:
    return "jpeg" if value == "jpg" else value


class PictureStyle(Body):
    """How a picture is to be made and sent, wherever it is asked for."""

    size: str | None = None
    output_format: Annotated[Literal["png", "jpeg", "webp"], BeforeValidator(_format)] = "png"
    output_compression: Annotated[int | None, BeforeValidator(whole)] = Field(default=None, ge=0, le=100)
    background: Literal["auto", "opaque"] | None = None
    partial_images: Annotated[int | None, BeforeValidator(whole)] = Field(default=None, ge=0, le=3)
    quality: Literal["auto", "standard", "hd", "low", "medium", "high", "xhigh", "max"] | None = None
    moderation: Literal["auto", "low"] | None = None
    input_fidelity: Literal["high", "low"] | None = None
    UNUSED: ClassVar[frozenset[str]] = frozenset({"quality", "moderation", "input_fidelity"})

    def not_heeded(self) -> list[str]:
        """Return the names of the fields that were given and change nothing; PNG is compressed without loss."""
        idle = self.output_format == "png" and self.output_compression is not None
        return [*super().not_heeded(), *(["output_compression"] if idle else [])]


class ImageRequest(PictureStyle):
    """``POST /v1/images/generations``, and the words of ``/v1/images/edits``."""

    prompt: str
    model: str | None = None
    n: Annotated[int | None, BeforeValidator(whole)] = Field(default=None, ge=1, le=10)
    response_format: Literal["url", "b64_json"] | None = None
    style: Literal["vivid", "natural"] | None = None
    seed: Seed = None
    stream: bool | None = None
    imagerag: RunOptions = RunOptions()
    UNUSED: ClassVar[frozenset[str]] = PictureStyle.UNUSED | {"style"}


class PictureSource(BaseModel):
    """A picture of an edit that is sent as JSON: by its upload's id, or by address (``data:`` included)."""

    model_config = ConfigDict(extra="forbid")
    file_id: str | None = None
    image_url: str | None = None


class EditRequest(ImageRequest):
    """``POST /v1/images/edits`` as JSON."""

    images: list[PictureSource] = Field(min_length=1)
    mask: PictureSource | None = None
    markup: Any = None

    @model_validator(mode="before")
    @classmethod
    def named_as_in_forms(cls, given: Any) -> Any:
        """Take ``image``, one or several, for ``images``: so it is named where a form is sent."""
        if not isinstance(given, dict) or given.get("images") is not None or given.get("image") is None:
            return given
        image = given["image"]
        sources = [{"image_url": one} if isinstance(one, str) else one for one in _several(image)]
        return {name: value for name, value in given.items() if name != "image"} | {"images": sources}


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def model_object(name: str) -> dict[str, Any]:
    """Return a model as the API lists it."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "imagerag"}


def chunk_object(
    completion_id: str, model: str, delta: dict[str, Any], finish: str | None = None, index: int = 0
) -> dict[str, Any]:
    """Return one piece of a streamed completion."""
    return {
        "id": completion_id,
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": index, "delta": delta, "finish_reason": finish, "logprobs": None}],
    }
