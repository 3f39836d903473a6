"""A person's say before a redraw: the run stops at LangGraph's ``interrupt`` until the references are approved."""

from typing import Any

from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langgraph.types import interrupt

from imagerag.graphs.state import State
from imagerag.tool_registry import TOOLS


def request_approval(state: State) -> tuple[State, dict[str, Any] | None]:
    """Ask the person about the redraws that the model has called for; nothing of the step has run yet.

    A drawing with the person's own images alone needs no approval.

    The question and the answer have the schema of LangChain's human-in-the-loop middleware: ``action_requests`` with
    ``review_configs``, answered by ``{"decisions": [...]}`` of type ``approve``, ``edit`` (with an ``edited_action``)
    or ``reject``, one for each request; anything else is asked again. The answer may hold ``waited`` besides: seconds
    that do not count as the run's.

    Returns:
        The state to run the step on, its last message as the person has edited it; and, if the person has rejected the
        redraw, the update that ends the run instead.
    """
    last = state["messages"][-1]
    calls = list(last.tool_calls) if isinstance(last, AIMessage) else []
    asked = [place for place, call in enumerate(calls) if _needs_approval(call)]
    if not asked or not isinstance(last, AIMessage):
        return state, None
    question = {
        "action_requests": [
            {
                "name": calls[place]["name"],
                "args": calls[place]["args"],
                "description": f"redraw {state['prompt']!r} with these references",
            }
            for place in asked
        ],
        "review_configs": [
            {"action_name": name, "allowed_decisions": ["approve", "edit", "reject"]}
            for name in dict.fromkeys(calls[place]["name"] for place in asked)
        ],
    }
    answer = interrupt(question)
    while not _is_answer(answer, len(asked)):
        # Asked again rather than refused: LangGraph keeps an answer and would give it to every later attempt.
        answer = interrupt(question)
    for place, decision in zip(asked, answer["decisions"], strict=True):
        if decision["type"] == "reject":
            return state, _rejected(last, str(decision.get("message") or "the person rejected the redraw"))
        if decision["type"] == "edit":
            calls[place] = {**calls[place], "args": decision["edited_action"]["args"]}
    spent = {**state["spent"], "started": state["spent"]["started"] + float(answer.get("waited") or 0.0)}
    edited = AIMessage(last.content, tool_calls=calls, id=last.id, additional_kwargs=last.additional_kwargs)
    asked_state: Any = {**state, "messages": [*state["messages"][:-1], edited], "spent": spent}
    return asked_state, None


def _needs_approval(call: ToolCall) -> bool:
    traits = TOOLS.get(call["name"])
    return traits is not None and traits.needs_approval and bool(call["args"].get("reference_ids"))


def _is_answer(answer: Any, count: int) -> bool:
    decisions = answer.get("decisions") if isinstance(answer, dict) else None
    return isinstance(decisions, list) and len(decisions) == count and all(map(_is_decision, decisions))


def _is_decision(decision: Any) -> bool:
    match decision:
        case {"type": "approve" | "reject"} | {"type": "edit", "edited_action": {"args": dict()}}:
            return True
    return False


def _rejected(last: AIMessage, why: str) -> dict[str, Any]:
    answers = [
        ToolMessage(f"not run: {why}", tool_call_id=call["id"] or "", name=call["name"], status="error")
        for call in last.tool_calls
    ]
    return {"messages": answers, "halt": "cancelled"}
