"""A person's word on the references before a redraw, over MCP: asked by elicitation where the client can, else told.

Only a valid answer redraws. Declining, dismissing and what does not fit the form are a no; of the last the run tells.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS, is_version_at_least
from pydantic import ValidationError

from imagerag.attribution import credit_of
from imagerag.errors import InvalidArgument
from imagerag.server.job_queue import QueueFull
from imagerag.server.markdown import MAX_CREDIT
from imagerag.server.run import Run
from imagerag.server.run_summary import clipped
from imagerag.server.service import Service

KEY = "references"
"""Names the question among those of one result."""
FIELD = "keep"
"""Of the form, and of its answer."""
NO_REDRAW = "no redraw"
"""The choice of none, where only one can be chosen."""
MULTIPLE_CHOICE = "2025-11-25"
"""The protocol version that brought several choices in one field, and defaults."""
MAX_CHOICES = 40
"""References in a form; the first ones found are the closest."""


def question(run: Run) -> str:
    """Return what the person is asked, in words."""
    asked = _asked(run)
    lines = [f"Redraw with {', '.join(asked['chosen'])}? Found, of which at most {asked['most']} can be used:"]
    lines += [f"{record['id']}: {_title(record)}" for record in asked["references"][:20]]
    return "\n".join(lines)


def form(run: Run, version: str) -> dict[str, Any]:
    """Return the form of the question as a JSON schema that a protocol version allows.

    From 2025-11-25 on any of the references can be chosen, and those the redraw would take are. Before that there is
    only one choice in a field and no default: the redraw's own references come first, then each alone, then none.
    """
    asked = _asked(run)
    references = asked["references"][:MAX_CHOICES]
    chosen = [name for name in asked["chosen"] if name in _found(run)][: asked["most"]]
    field: dict[str, Any] = {"title": "References", "description": "to redraw with; none: no redraw"}
    if is_version_at_least(version, MULTIPLE_CHOICE):
        choices = [{"const": record["id"], "title": f"{record['id']}: {_title(record)}"} for record in references]
        field |= {"type": "array", "items": {"anyOf": choices}, "default": chosen, "maxItems": asked["most"]}
    else:
        titles = {", ".join(chosen): f"{', '.join(chosen)}, as proposed"} if chosen else {}
        for record in references:
            titles.setdefault(record["id"], f"{record['id']} alone: {_title(record)}")
        titles[NO_REDRAW] = NO_REDRAW
        field |= {"type": "string", "enum": list(titles), "enumNames": list(titles.values())}
    return {"type": "object", "properties": {FIELD: field}, "required": [FIELD]}


def names(text: str) -> list[str]:
    """Return the ids in a text, parted by commas or spaces."""
    return text.replace(",", " ").split()


def kept(run: Run, content: Mapping[str, Any] | None) -> list[str]:
    """Return the references that a filled-in form keeps; none is a no.

    Raises:
        InvalidArgument: it is not filled in as the form wants it.
    """
    given = (content or {}).get(FIELD)
    if isinstance(given, str):
        given = [] if given.strip().casefold() == NO_REDRAW else names(given)
    found, most = _found(run), _asked(run)["most"]
    if not isinstance(given, list) or not all(name in found for name in given):
        shown = clipped(repr(dict(content or {})))
        raise InvalidArgument(f"the answer {shown} names other things than references found ({', '.join(found)})")
    chosen = list(dict.fromkeys(given))
    if len(chosen) > most:
        raise InvalidArgument(f"the answer names {len(chosen)} references, of which at most {most} can be used")
    return chosen


def answer(service: Service, run: Run, keep: Sequence[str]) -> None:
    """Go on with a run that asks: with these references, or, if there are none, without the redraw.

    Raises:
        ToolError: it asks nothing, the queue is full, or an id is not among those that were found.
    """
    if run.question is None:
        raise ToolError(f"run {run.id!r} asks nothing; its state is {run.status}")
    try:
        service.decide(run, list(dict.fromkeys(keep)) or None)
    except (QueueFull, InvalidArgument) as error:
        raise ToolError(str(error)) from error


def can_ask(ctx: Context[Any, Any]) -> bool:
    """Tell whether the client lets us show the person a form; one that names no mode means forms."""
    able = ctx.client_capabilities.elicitation if ctx.client_capabilities is not None else None
    return able is not None and (able.form is not None or able.url is None)


async def ask(service: Service, run: Run, ctx: Context[Any, Any]) -> InputRequiredResult | bool:
    """Ask the person and go on with the run by what is answered.

    Returns:
        Whether an answer came: where the client fails to ask, the run asks on, for answer_image. What the call has to
        be ended with, where the protocol wants it ended for that.

    Raises:
        ToolError: the queue is full.
    """
    version = ctx.protocol_version or ""
    if version in MODERN_PROTOCOL_VERSIONS:
        wanted = ElicitRequestFormParams(message=question(run), requested_schema=form(run, version))
        return InputRequiredResult(input_requests={KEY: ElicitRequest(params=wanted)}, request_state=run.id)
    said: ElicitResult | None = None
    try:
        said = await ctx.session.elicit_form(question(run), form(run, version), ctx.request_context.request_id)
    except asyncio.CancelledError:
        service.cancel(run)
        raise
    except ValidationError:
        pass  # what came is no answer at all
    except MCPError as error:
        run.tell(_note(f"the client could not ask about the redraw ({clipped(error.error.message)})"))
        return False
    _judge(service, run, said)
    return True


def take_answer(service: Service, run: Run, ctx: Context[Any, Any]) -> None:
    """Take in what a client of the newer protocol brings when it calls again; without an answer it is asked again.

    Raises:
        ToolError: the queue is full.
    """
    said = (ctx.input_responses or {}).get(KEY)
    if said is not None and run.asking is not None:
        _judge(service, run, said if isinstance(said, ElicitResult) else None)


def _judge(service: Service, run: Run, said: ElicitResult | None) -> None:
    """Go on by an answer; ``None`` is one that can't be read."""
    if run.asking is None:
        run.tell(_note("an answer about the redraw came after another one had been given; it was left out"))
        return
    keep: list[str] = []
    try:
        if said is None:
            raise InvalidArgument("the answer can't be read")
        keep = kept(run, said.content) if said.action == "accept" else []
    except InvalidArgument as error:
        run.tell(_note(f"not redrawn: {error}"))
    answer(service, run, keep)


def _note(text: str) -> dict[str, Any]:
    return {"event": "note", "text": text}


def _asked(run: Run) -> Mapping[str, Any]:
    return run.question or {"chosen": [], "references": [], "most": 0}


def _found(run: Run) -> list[str]:
    return [record["id"] for record in _asked(run)["references"]]


def _title(record: Mapping[str, Any]) -> str:
    return f"{clipped(record['title'])!r} for {clipped(record['concept'])!r}, {clipped(credit_of(record), MAX_CREDIT)}"
