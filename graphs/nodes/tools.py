"""The tools node: runs what the model called, one call after the other, and loses nothing when a limit strikes."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.tools import BaseTool
from pydantic import ValidationError

from imagerag.chat_models.answer_cleaning import NOT_JSON
from imagerag.chat_models.usage_meter import UsageMeter
from imagerag.errors import (
    BudgetExceeded,
    Cancelled,
    DrawingFailed,
    DrawingRefused,
    GeneratorUnavailable,
    InvalidArgument,
    UserError,
    first_line,
)
from imagerag.graphs.budget import check_generation, memory_of_run, meter_step, seconds_left, stop_check, stop_reason
from imagerag.graphs.components import Components
from imagerag.graphs.kept_back import keep_for_a_drawing
from imagerag.graphs.masks import redraw_of
from imagerag.graphs.nodes.finish import unfinished
from imagerag.graphs.rule_fallback import drawn_with_first
from imagerag.graphs.state import Spent, State
from imagerag.graphs.state_queries import images_of_turn, offered_tools, quotes_in, since_request
from imagerag.graphs.trace import trace_step
from imagerag.picture_size import PictureSize
from imagerag.records import TraceStep
from imagerag.tool_registry import TOOLS
from imagerag.tools.session import Emit, ToolSession, using_session

MOST_SHOWN = 40
"""Characters of an argument's name that are repeated."""

_log = logging.getLogger(__name__)


def run_tool_calls(
    state: State,
    components: Components,
    tools: Mapping[str, BaseTool],
    emit: Emit,
    answered: Sequence[ToolMessage] = (),
) -> dict[str, Any]:
    """Run the tool calls of the last message in order, each seeing what the ones before it made.

    They run one by one on purpose: image ids count up, and one drawing already uses every core.

    Args:
        state: of the thread.
        components: of the run.
        tools: our own, by name.
        emit: is told what happens.
        answered: results of calls that a person has answered for, which are not run.
    """
    last = state["messages"][-1]
    calls = last.tool_calls if isinstance(last, AIMessage) else []
    spent: Spent = {**state["spent"]}
    session = open_session(state, components, spent, emit)
    tools = {**tools, **components.extra_tools}
    offered = offered_tools(state, components.extra_tools)
    by_person = {message.tool_call_id: message for message in answered}
    results: list[ToolMessage] = []
    trace: list[TraceStep] = []
    halt: BudgetExceeded | Cancelled | GeneratorUnavailable | None = None
    with using_session(session):
        for call in calls:
            began = time.perf_counter()
            error: str | None = None
            meter = UsageMeter()
            if call["id"] in by_person:
                result = by_person[call["id"]]
            elif halt is not None:
                result = _refused(call, f"not run: {halt}")
            else:
                try:
                    with meter_step(state["limits"], spent, components.settings) as meter:
                        if not (session.made_images or images_of_turn(state["all_images"], state["turn"])):
                            # writers and rerankers may not use it up either
                            keep_for_a_drawing(
                                meter, components, state["limits"], state["prompt"], drawn_with_first(state)
                            )
                        result = _run(call, tools, offered, session)
                except GeneratorUnavailable as gone:
                    halt = gone
                    result = _refused(call, str(gone))
                except (BudgetExceeded, Cancelled) as stop:
                    halt = stop
                    result = _refused(call, unfinished(stop))
            if result.status == "error":
                error = str(result.text)
            # The end of the run is told by the node that ends it, but for why the generator is of no use.
            if error is not None and (halt is None or error == str(halt)):
                emit({"event": "note", "text": f"{call['name']}: {error}"})
            results.append(result)
            told = "; ".join([*([error] if error else []), *meter.notes]) or None
            text = str(result.text)
            quotes = quotes_in([result])
            trace.append(trace_step(state, "tools", call["name"], text, began, error=told, meter=meter, quotes=quotes))
    update: dict[str, Any] = {"messages": results, "all_trace": trace, "spent": spent}
    # Of what did not change nothing is told: LangGraph merges and versions whatever is.
    if session.made_images:
        update["all_images"] = session.made_images
    if session.made_references:
        update["all_references"] = session.made_references
    if halt is not None:
        update["halt"] = "unavailable" if isinstance(halt, GeneratorUnavailable) else stop_reason(halt)
    return update


def _run(call: ToolCall, tools: Mapping[str, BaseTool], offered: frozenset[str], session: ToolSession) -> ToolMessage:
    """Invoke one tool; what the model can correct comes back to it as an error message.

    So does, once an image is made, what only the person could mend: the run goes on without, and loses nothing. The
    message's ``failed`` tells that the same call would fail again.
    """
    if NOT_JSON in call["args"]:
        return _refused(call, f"arguments of {call['name']!r} are not JSON: {call['args'][NOT_JSON]!r}")
    if call["name"] not in offered:
        return _refused(call, f"tool {call['name']!r} is not offered here; valid: {', '.join(sorted(offered))}")
    try:
        result = _told_what_is_ignored(tools[call["name"]].invoke({**call, "type": "tool_call"}), call, tools)
    except (BudgetExceeded, Cancelled, GeneratorUnavailable):
        raise
    except UserError as error:
        if not session.has_drawn:
            raise
        message = _refused(call, str(error))
        message.additional_kwargs["failed"] = True
        return message
    except InvalidArgument as error:
        message = _refused(call, str(error))
        message.additional_kwargs["failed"] = isinstance(error, DrawingFailed)
        message.additional_kwargs["drawing_refused"] = isinstance(error, DrawingRefused)
        return message
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc']))} {repr(e.get('input'))[:200]}: {e['msg']}" for e in error.errors()[:5]
        )
        return _refused(call, f"arguments of {call['name']!r} are not valid: {wrong}")
    except Exception as error:
        if call["name"] in TOOLS:
            raise  # a defect of ours
        _log.exception("the tool %r failed", call["name"])
        return _refused(call, f"{call['name']!r} failed ({type(error).__name__}: {first_line(error)})")
    return result


def _told_what_is_ignored(result: ToolMessage, call: ToolCall, tools: Mapping[str, BaseTool]) -> ToolMessage:
    """Return the result of one of our tools with a line on the arguments that it does not take, if there were any."""
    if call["name"] not in TOOLS:
        return result
    # Of ``args``, LangChain makes the schema anew each time, which takes as long as all else of a step.
    takes = getattr(tools[call["name"]].args_schema, "model_fields", call["args"])
    strange = [repr(name[:MOST_SHOWN]) for name in call["args"] if name not in takes]
    if not strange:
        return result
    told = f"ignored, for {call['name']} takes no such argument: {', '.join(strange[:5])}; valid: {', '.join(takes)}"
    return result.model_copy(update={"content": f"{result.text}\n{told}"})


def _refused(call: ToolCall, why: str) -> ToolMessage:
    return ToolMessage(why, tool_call_id=call["id"] or "", name=call["name"], status="error")


def open_session(state: State, components: Components, spent: Spent, emit: Emit) -> ToolSession:
    """Return the tool session of one step; each batch drawn on it is entered in ``spent``."""

    def begin_drawing() -> None:
        check_generation(state["limits"], spent)
        spent["generations"] += 1

    # a program reads the critic's scores instead
    in_pixels = components.program is not None or components.driver_takes_images(memory_of_run(spent))
    return ToolSession(
        components,
        images={record["id"]: record for record in state["all_images"]},
        references={record["id"]: record for record in state["all_references"]},
        quotes=quotes_in(since_request(state["messages"])),
        prompt=state["prompt"],
        subject_ids=state.get("run_subjects"),
        seed=state["run_seed"],
        n=state.get("run_n") or components.settings.n,
        batch=components.settings.batch,
        fast=components.settings.fast,
        size=PictureSize.parse(size) if (size := state.get("run_size")) else None,
        negative=state.get("run_negative") or "",
        redraw=redraw_of(state, components),
        turn=state["turn"],
        step=spent["steps"],
        begin_drawing=begin_drawing,
        check=stop_check(state["limits"], spent, components.settings.cancel),
        emit=emit,
        seconds_left=lambda: seconds_left(state["limits"], spent),
        describe=None if in_pixels else components.nearest_captions,
    )
