"""A person's say before a redraw: the run stops at LangGraph's ``interrupt`` until the references are approved."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langgraph.types import interrupt

from imagerag.graphs.state import State
from imagerag.tool_registry import TOOLS
from imagerag.tools.session import Emit

DECISIONS = ("approve", "edit", "reject", "respond")
"""Types of a decision in LangChain's human-in-the-loop middleware."""


class Approved(NamedTuple):
    """What the person has said.

    Attributes:
        state: to run the step on; its last message is as the person has edited it.
        answered: results of the calls that the person has answered for, which are not run.
        ended: the update that ends the run instead, if the person has said no.
    """

    state: State
    answered: list[ToolMessage]
    ended: dict[str, Any] | None = None


def asks_first(state: State, approve: bool) -> bool:
    """Tell whether redraws of this turn need a person's word.

    That is settled when the turn begins: whoever resumes it can leave nothing out. A turn that an earlier
    version began does not say; it is asked about.

    Args:
        state: of the thread.
        approve: what the context of this call says.
    """
    return approve or state.get("approve", True)


def request_approval(state: State, emit: Emit, by_rule: bool) -> Approved:
    """Ask the person about the redraws that the model has called for, one after the other; nothing of the step has run.

    A drawing with the person's own images alone needs no approval.

    Each question and answer has the schema of LangChain's human-in-the-loop middleware: ``action_requests`` with
    ``review_configs``, answered by ``{"decisions": [...]}`` with one of type ``approve``, ``edit`` (with an
    ``edited_action``), ``reject`` or ``respond`` (with a ``message`` for the model, in place of the redraw). Whatever
    else comes is a no, as ``reject`` is: the run ends with what it has. The answer may hold ``waited`` besides: seconds
    that do not count as the run's.

    Args:
        state: its last message holds the calls.
        emit: is told what is wrong with an answer.
        by_rule: whether a program decides, which can make nothing of words: then ``respond`` ends the run, too.
    """
    last = state["messages"][-1]
    calls = list(last.tool_calls) if isinstance(last, AIMessage) else []
    asked = [place for place, call in enumerate(calls) if _needs_approval(call)]
    if not asked or not isinstance(last, AIMessage):
        return Approved(state, [])
    answered: list[ToolMessage] = []
    waited = 0.0
    for place in asked:
        call = calls[place]
        answer = interrupt(_question(call, state["prompt"]))
        wrong = _what_is_wrong(answer, call["name"])
        if wrong is not None:
            text = f"the answer about the redraw is no decision ({wrong}), which counts as a no"
            emit({"event": "note", "text": text})
            return Approved(state, [], _rejected(last, text))
        waited += _seconds(answer)
        (decision,) = answer["decisions"]
        said = str(decision.get("message") or "")
        if decision["type"] == "respond" and by_rule:
            text = (
                f"the person's answer {said[:80]!r} needs a chat model to be understood (--vlm), so nothing is redrawn"
            )
            emit({"event": "note", "text": text})
            return Approved(state, [], _rejected(last, text))
        if decision["type"] == "reject":
            return Approved(state, [], _rejected(last, said or "the person rejected the redraw"))
        if decision["type"] == "respond":
            answered.append(ToolMessage(said, tool_call_id=call["id"] or "", name=call["name"]))
        if decision["type"] == "edit":
            calls[place] = {**call, "args": decision["edited_action"]["args"]}
    spent = {**state["spent"], "started": state["spent"]["started"] + waited}
    edited = AIMessage(last.content, tool_calls=calls, id=last.id, additional_kwargs=last.additional_kwargs)
    approved: Any = {**state, "messages": [*state["messages"][:-1], edited], "spent": spent}
    return Approved(approved, answered)


def _question(call: ToolCall, prompt: str) -> dict[str, Any]:
    described = f"redraw {prompt!r} with these references"
    return {
        "action_requests": [{"name": call["name"], "args": call["args"], "description": described}],
        "review_configs": [{"action_name": call["name"], "allowed_decisions": list(DECISIONS)}],
    }


def _needs_approval(call: ToolCall) -> bool:
    traits = TOOLS.get(call["name"])
    return traits is not None and traits.needs_approval and bool(call["args"].get("reference_ids"))


def _what_is_wrong(answer: Any, tool: str) -> str | None:
    """Say why something is no answer to a question about one call of a tool; ``None`` if it is one."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("decisions"), list):
        return f'{_shown(answer)}; answer {{"decisions": [{{"type": "approve"}}]}}'
    if len(answer["decisions"]) != 1:
        return f"{len(answer['decisions'])} decisions about one redraw; give one"
    (decision,) = answer["decisions"]
    match decision:
        case {"type": "approve" | "reject"} | {"type": "respond", "message": str()}:
            return None
        case {"type": "edit", "edited_action": {"args": dict()} as action}:
            if action.get("name", tool) == tool:
                return None
            return f"{_shown(action['name'])} instead of {tool!r}; edit its args, or reject"
    return f"{_shown(decision)}; valid types: {', '.join(DECISIONS)}, edit with edited_action, respond with message"


def _shown(value: Any) -> str:
    return f"{str(value)[:80]!r}"


def _seconds(answer: Mapping[str, Any]) -> float:
    """Return the seconds that the person took, as far as the answer tells them."""
    waited = answer.get("waited")
    told = isinstance(waited, int | float) and not isinstance(waited, bool) and math.isfinite(waited)
    return max(0.0, float(waited)) if told else 0.0  # type: ignore[arg-type]


def _rejected(last: AIMessage, why: str) -> dict[str, Any]:
    answers = [
        ToolMessage(f"not run: {why}", tool_call_id=call["id"] or "", name=call["name"], status="error")
        for call in last.tool_calls
    ]
    return {"messages": answers, "halt": "cancelled"}
