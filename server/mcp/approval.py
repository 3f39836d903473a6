"""A person's word on the references before a redraw, over MCP: asked by elicitation where the client can, else told."""

import asyncio
from collections.abc import Sequence
from typing import Any

from mcp.server.elicitation import AcceptedElicitation, render_elicitation_schema
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, Field

from imagerag.errors import InvalidArgument
from imagerag.server.job_queue import QueueFull
from imagerag.server.run import Run
from imagerag.server.run_summary import clipped
from imagerag.server.service import Service

KEY = "references"
"""Names the question among those of one result."""


class ApprovalAnswer(BaseModel):
    """The person's word."""

    keep: str = Field(description="ids of the references to redraw with, by commas; empty: no redraw")


def question(run: Run, problem: str = "") -> str:
    """Return what the person is asked, in words."""
    asked = run.question or {"chosen": [], "references": [], "most": 0}
    lines = [f"{problem}\n"] if problem else []
    lines.append(f"Redraw with {', '.join(asked['chosen'])}? Found, of which at most {asked['most']} can be used:")
    for record in asked["references"][:20]:
        what = f"{clipped(record['title'])!r} for {clipped(record['concept'])!r}"
        lines.append(f"{record['id']}: {what}, {clipped(record['source'])}, {clipped(record['licence'])}")
    return "\n".join(lines)


def names(text: str) -> list[str]:
    """Return the ids in a text, parted by commas or spaces."""
    return text.replace(",", " ").split()


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
    """Tell whether the client lets us ask the person."""
    able = ctx.client_capabilities
    return able is not None and able.elicitation is not None


async def ask(service: Service, run: Run, ctx: Context[Any, Any]) -> InputRequiredResult | None:
    """Ask the person and go on with the run; where the protocol wants the call ended for that, return with what.

    Raises:
        ToolError: the queue is full.
    """
    problem = ""
    while run.asking is not None:
        if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
            form = ElicitRequestFormParams(message=question(run), requested_schema=_schema())
            return InputRequiredResult(input_requests={KEY: ElicitRequest(params=form)}, request_state=run.id)
        try:
            said = await ctx.elicit(question(run, problem), ApprovalAnswer)
        except asyncio.CancelledError:
            service.cancel(run)
            raise
        keep = names(said.data.keep) if isinstance(said, AcceptedElicitation) else []
        try:
            answer(service, run, keep)
        except ToolError as error:
            if run.asking is None or _is_full(error):
                raise
            problem = str(error)
    return None


def take_answer(service: Service, run: Run, ctx: Context[Any, Any]) -> None:
    """Take in what a client of the newer protocol brings when it calls again; what is of no use is asked again."""
    said = (ctx.input_responses or {}).get(KEY)
    if run.asking is None or not isinstance(said, ElicitResult):
        return
    keep = names(str((said.content or {}).get("keep", ""))) if said.action == "accept" else []
    found = [record["id"] for record in (run.question or {"references": []})["references"]]
    if all(name in found for name in keep):
        answer(service, run, keep)


def _schema() -> Any:
    return render_elicitation_schema(ApprovalAnswer)


def _is_full(error: ToolError) -> bool:
    return isinstance(error.__cause__, QueueFull)
