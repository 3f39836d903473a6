"""MCP prompts: ways to ask for a picture, and the check of what a client fills in."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS
from mcp.types import Prompt as ListedPrompt
from pydantic import Field

DEFAULT_THREAD = "mcp"
"""The conversation of a client that names none."""

MOST = 80
"""Characters of a client's own text in an error."""

What = Annotated[str, Field(description="what to draw, in words")]
First = Annotated[str, Field(description="an image of the thread, such as image-1")]
Second = Annotated[str, Field(description="another image of the thread, such as image-2")]
Thread = Annotated[str, Field(description=f"the conversation they are in; {DEFAULT_THREAD} when left out")]


def draw(what: What) -> str:
    """Draw a picture with the whole loop, and say what is missing in it."""
    return (
        f"Draw this with create_image: {what}\n"
        "Show me the image, say which concepts the critic still misses, and name the references' sources and "
        "licences. Offer to go on in the same thread."
    )


def draw_step_by_step(what: What) -> str:
    """Draw, inspect, look up what is missing and redraw, one tool at a time."""
    return (
        f"Draw this step by step: {what}\n"
        "1. generate it. 2. inspect_image for each concept it asks for. 3. For what is absent, propose_captions, "
        "then search_references. 4. Look at the references; regenerate_with_references with those that show the "
        "concept. 5. inspect_image again; keep the better of the two images. Use one thread for all of it."
    )


def compare(first: First, second: Second, thread: Thread = DEFAULT_THREAD) -> str:
    """Inspect two images of a thread and say which is closer to what was asked for."""
    return (
        f"Call inspect_image for {first} and for {second} in the thread {thread}, compare the concepts found, and "
        "say which image is closer to what was asked for, and why."
    )


def add_prompts(server: MCPServer[Any]) -> None:
    """Offer the prompts."""
    for title, function in (
        ("Draw a picture", draw),
        ("Draw step by step", draw_step_by_step),
        ("Compare two images", compare),
    ):
        server.prompt(title=title, description=inspect.getdoc(function))(function)


def invalid(message: str) -> MCPError:
    """Return the error of a request that its sender can mend (-32602)."""
    return MCPError(code=INVALID_PARAMS, message=message)


def checked_arguments(
    prompts: Sequence[ListedPrompt], name: str, arguments: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what a client fills a prompt in with; a blank is as good as nothing: forms send what was left empty.

    Raises:
        MCPError: there is no such prompt, it has no such argument, or one that it needs is missing (-32602).
    """
    prompt = next((one for one in prompts if one.name == name), None)
    if prompt is None:
        raise invalid(f"there is no prompt {name[:MOST]!r}; valid: {', '.join(one.name for one in prompts)}")
    given = {key: value for key, value in (arguments or {}).items() if not isinstance(value, str) or value.strip()}
    takes = {argument.name: bool(argument.required) for argument in prompt.arguments or ()}
    missing = [key for key, needed in takes.items() if needed and key not in given]
    strange = [key for key in given if key not in takes]
    faults = []
    if missing:
        faults.append(f"prompt {name!r} needs the {_named(missing)}")
    if strange:
        subject = "it" if missing else f"prompt {name!r}"
        faults.append(f"{subject} has no {_named(strange)}; valid: {', '.join(takes) or 'none'}")
    if faults:
        raise invalid("; ".join(faults))
    return given


def _named(names: Sequence[str]) -> str:
    noun = "argument" if len(names) == 1 else "arguments"
    return f"{noun} {', '.join(repr(name[:MOST]) for name in names[:10])}"
