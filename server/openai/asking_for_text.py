"""What a chat request asks for besides a picture: words, JSON, calls of the client's own tools, sound."""

from typing import Any, Literal, NamedTuple

from imagerag.server.api_error import ApiError
from imagerag.server.openai.schemas import ChatRequest, FunctionName, ToolChoice


class WantedFormat(NamedTuple):
    """JSON that is asked for.

    Attributes:
        schema: that it has to fit; any object where there is none.
        field: of the request, that asks for it.
    """

    schema: dict[str, Any] | None
    field: str


def check_chat(body: ChatRequest) -> None:
    """Refuse what can't be answered by a picture or by a text.

    Raises:
        ApiError: calls of tools are required, or sound is.
    """
    choice = body.tool_choice
    if choice == "required" or (isinstance(choice, ToolChoice) and not _leaves_open(choice)):
        refuse_calls("tool_choice", "a function" if isinstance(choice, ToolChoice) else choice)
    if isinstance(body.function_call, FunctionName):
        refuse_calls("function_call", body.function_call.name)
    if body.audio is not None or "audio" in (body.modalities or ()):
        field = "audio" if body.audio is not None else "modalities"
        raise ApiError(400, "this server answers with pictures and words, not with sound", "unsupported", field)


def _leaves_open(choice: ToolChoice) -> bool:
    """Tell whether a choice only narrows down which tools may be called, or says ``auto`` or ``none`` at length."""
    if choice.type in ("auto", "none"):
        return True
    more = choice.model_extra or {}
    allowed = more.get("allowed_tools")
    mode = allowed.get("mode") if isinstance(allowed, dict) else more.get("mode")
    return choice.type == "allowed_tools" and mode == "auto"


def format_of(body: ChatRequest) -> WantedFormat | None:
    """Return the JSON that a chat request asks for, if it does.

    Raises:
        ApiError: a schema is announced and not given.
    """
    wanted = body.response_format
    if wanted is None or wanted.type == "text":
        return None
    schema = wanted.json_schema.json_schema if wanted.json_schema else None
    return wanted_format(wanted.type, schema, "response_format")


def wanted_format(
    kind: Literal["json_object", "json_schema"], schema: dict[str, Any] | None, field: str
) -> WantedFormat:
    """Return a form of JSON.

    Raises:
        ApiError: a schema is announced and not given.
    """
    if kind == "json_schema" and schema is None:
        raise ApiError(400, f"{field} is of type 'json_schema' and holds no schema", "invalid_value", field)
    return WantedFormat(schema if kind == "json_schema" else None, field)


def refuse_calls(field: str, choice: str) -> None:
    """Refuse a request that can only be answered by a call of one of the client's tools.

    Raises:
        ApiError: always.
    """
    raise ApiError(
        400,
        f"{field} {choice[:80]!r} asks for a call of a tool of yours, and this server draws: it calls none; leave "
        f"{field} out, and the picture is drawn",
        "unsupported",
        field,
    )
