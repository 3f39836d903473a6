"""The arguments of the MCP tools that run the whole loop: those of every door, and the conversation's."""

import inspect
from typing import Annotated, Any

from pydantic import Field

from imagerag.server.offers import Offers
from imagerag.server.run_fields import RunFields
from imagerag.settings import OFFERED

_OWN: dict[str, tuple[Any, Any, str]] = {
    "thread": (str, "", "conversation to go on with; a new one when left out"),
    "pictures": (list[str], [], "pictures of your own to draw with: imagerag://images/ID of one, or data: URLs"),
    "mask": (
        str,
        "",
        "picture that marks where to redraw, white or transparent, named as in pictures: the first of those, or what "
        "the thread shows; nothing else changes",
    ),
    "approve": (bool, False, "ask the person about the references before each redraw"),
}
"""Type, default and description of those that only a conversation over MCP has."""


def loop_arguments(offers: Offers) -> list[inspect.Parameter]:
    """Return the arguments; those of the parts name what the server offers."""
    asked = "what to draw, or what to change: 'now put it on a boat'"
    arguments = [_parameter("prompt", Annotated[str, Field(description=asked)])]
    for name, (kind, default, text) in _OWN.items():
        arguments.append(_parameter(name, Annotated[kind, Field(description=text)], default))
    for name, one in RunFields.model_fields.items():
        about: dict[str, Any] = {"description": one.description}
        if name in OFFERED:
            names = offers.names(name)
            about["description"] = f"{one.description}: {', '.join(names) or 'none'}"
            about["json_schema_extra"] = {"enum": ["", *names]}
        kind = Annotated[(one.annotation, *one.metadata, Field(**about))]
        arguments.append(_parameter(name, kind, one.default))
    return arguments


def _parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
