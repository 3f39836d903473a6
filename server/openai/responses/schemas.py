"""What ``/v1/responses`` takes."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from imagerag.server.api_error import ApiError
from imagerag.server.openai.asking_for_text import WantedFormat, refuse_calls, wanted_format
from imagerag.server.openai.schemas import Body, PictureSource, PictureStyle, RunOptions
from imagerag.server.openai.seeds import Seed


class ImageTool(PictureStyle):
    """How the picture is to be made and sent."""

    type: Literal["image_generation"] = "image_generation"
    action: Literal["auto", "generate", "edit"] | None = None
    model: str | None = None
    input_image_mask: PictureSource | None = None
    UNUSED: ClassVar[frozenset[str]] = PictureStyle.UNUSED | {"model"}


class OtherTool(BaseModel):
    """A tool of the client's, which is never called."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(json_schema_extra={"not": {"const": "image_generation"}})


def _kind(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "image_generation" if kind == "image_generation" else "other"


Tool = Annotated[
    Annotated[ImageTool, Tag("image_generation")] | Annotated[OtherTool, Tag("other")], Discriminator(_kind)
]


class TextFormat(BaseModel):
    """The form of the answer's words."""

    model_config = ConfigDict(extra="allow")
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")


class TextConfig(BaseModel):
    """How the answer's words are to be."""

    model_config = ConfigDict(extra="allow")
    format: TextFormat | None = None


class ToolChoice(BaseModel):
    """Which tool has to be called."""

    model_config = ConfigDict(extra="allow")
    type: str
    mode: str | None = None
    tools: list[dict[str, Any]] = []


class ResponseRequest(Body):
    """``POST /v1/responses``."""

    model: str | None = None
    input: str | list[Any]
    instructions: Any = None
    previous_response_id: str | None = None
    conversation: Any = None
    prompt: Any = None
    stream: bool | None = None
    background: bool | None = None
    store: bool | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    text: TextConfig | None = None
    metadata: dict[str, str] | None = None
    seed: Seed = None
    imagerag: RunOptions = RunOptions()
    UNUSED: ClassVar[frozenset[str]] = frozenset({"instructions"})

    @property
    def style(self) -> ImageTool:
        """How the picture is to be made and sent."""
        return next((tool for tool in self.tools or () if isinstance(tool, ImageTool)), ImageTool())

    def check(self) -> None:
        """Refuse what can't be answered.

        Raises:
            ApiError: names the field.
        """
        if self.conversation is not None:
            text = "conversations are not kept by an id here; go on with previous_response_id"
            raise ApiError(400, text, "unsupported", "conversation")
        if self.prompt is not None:
            raise ApiError(400, "there are no stored prompts here; send 'input'", "unsupported", "prompt")
        if self.previous_response_id and self.imagerag.thread:
            text = "give previous_response_id or imagerag.thread, not both"
            raise ApiError(400, text, "invalid_value", "previous_response_id")
        if self.background and self.store is False:
            text = "a response in the background is asked for later, so it has to be stored; leave store out"
            raise ApiError(400, text, "invalid_value", "store")
        choice = self.tool_choice
        draws = any(isinstance(tool, ImageTool) for tool in self.tools or ())
        if choice == "required" and self.tools and not draws:
            refuse_calls("tool_choice", "required")
        if isinstance(choice, ToolChoice) and choice.type == "allowed_tools":
            allowed = any(tool.get("type") == "image_generation" for tool in choice.tools)
            if choice.mode == "required" and not allowed:
                refuse_calls("tool_choice", "allowed_tools")
        elif isinstance(choice, ToolChoice) and choice.type != "image_generation":
            refuse_calls("tool_choice", choice.type)

    def wanted_format(self) -> WantedFormat | None:
        """Return the JSON that is asked for, if any is.

        Raises:
            ApiError: a schema is announced and not given.
        """
        wanted = self.text.format if self.text else None
        if wanted is None or wanted.type == "text":
            return None
        return wanted_format(wanted.type, wanted.json_schema, "text.format")

    def wants_words(self) -> bool:
        """Tell whether drawing is on offer and may not be done."""
        return self.tool_choice == "none" and any(isinstance(tool, ImageTool) for tool in self.tools or ())

    def unused(self) -> list[str]:
        """Return the names of what is sent along and changes nothing."""
        others = dict.fromkeys(tool.type for tool in self.tools or () if isinstance(tool, OtherTool))
        style = [f"tools.image_generation.{name}" for name in self.style.not_heeded()]
        verbosity = ["text.verbosity"] if self.text and (self.text.model_extra or {}).get("verbosity") else []
        return [*self.not_heeded(), *style, *(f"tools.{kind[:40]}" for kind in others), *verbosity]
