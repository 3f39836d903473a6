"""The agent node: the chat model decides what to do next, or a limit decides for it."""

import textwrap
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from langchain_core.messages import AIMessage, SystemMessage, ToolCall
from langchain_core.tools import BaseTool

from imagerag.chat_models.client import Answer, ModelFailed, status_of
from imagerag.chat_models.fallback import ABOUT_TOOLS, ask_with_fallback
from imagerag.chat_models.pricing import pricing_of
from imagerag.chat_models.usage_meter import UsageMeter
from imagerag.errors import BudgetExceeded, Cancelled, UserError
from imagerag.graphs.budget import check_step, memory_of_run, meter_step, stop_check, stop_reason
from imagerag.graphs.components import Components
from imagerag.graphs.images_shown import messages_shown
from imagerag.graphs.kept_back import LAST_DECISIONS, keep_for_a_drawing, may_still_draw
from imagerag.graphs.rule_fallback import STEPS_WITHOUT_IMAGE, base_image, decide_by_rule, drawn_with_first, turn_facts
from imagerag.graphs.state import Spent, State
from imagerag.graphs.state_queries import images_of_turn, offered_tools, subjects_of
from imagerag.graphs.trace import trace_step
from imagerag.modes import Mode
from imagerag.prompts import render
from imagerag.records import StopReason
from imagerag.tool_registry import GENERATE, REGENERATE, TOOLS

LONGEST_CALL = 160
"""Characters of a call's arguments that the trace keeps."""


AS_ASKED: frozenset[Mode] = frozenset({"rephrase_only", "no_lookup"})
"""Modes whose first drawing is of the prompt as it stands: there is nothing to decide, so the model isn't asked. They
are the controls, as in the paper, and one whose first prompt the model had reworded already would be none."""


def decide(state: State, components: Components, tools: Sequence[BaseTool]) -> dict[str, Any]:
    """Ask the chat model for its next tool calls; stop instead when a limit is reached."""
    began = time.perf_counter()
    spent: Spent = {**state["spent"]}
    images = images_of_turn(state["all_images"], state["turn"])
    offered = offered_tools(state, components.extra_tools)
    tools = [*tools, *components.extra_tools.values()]
    failures: tuple[str, ...] = ()
    meter = UsageMeter()
    by_rule = not images and (state["mode"] in AS_ASKED or spent["steps"] >= STEPS_WITHOUT_IMAGE)
    why, at_once = "", False

    def told() -> str | None:
        return "; ".join((*failures, *meter.notes)) or None

    def halted(reason: StopReason, said: str) -> dict[str, Any]:
        step = trace_step(state, "agent", "stop", said, began, step=spent["steps"], meter=meter, error=told())
        return {"spent": spent, "halt": reason, "all_trace": [step]}

    try:
        with meter_step(state["limits"], spent, components.settings) as meter:
            if not images:
                keep_for_a_drawing(meter, components, state["limits"], state["prompt"], drawn_with_first(state))
            if by_rule and spent["steps"] < state["limits"]["max_steps"]:
                meter.check()
                spent["steps"] += 1
                answer = AIMessage("")
            else:
                asked = _ask(state, components, [tool for tool in tools if tool.name in offered], spent)
                answer, failures = asked.message, asked.failures
                if asked.unsound is not None:
                    why = f"the model's answer can't be used: {asked.unsound}"
                    failures = (*failures, why)
                elif not answer.tool_calls and not images and components.program is None:
                    why = "the model has called no tool"
    except (BudgetExceeded, Cancelled) as stop:
        if images or not may_still_draw(stop, spent, meter):
            return halted(stop_reason(stop), str(stop))
        # What was kept back for that is of no other use.
        spent["last_decisions"] = spent.get("last_decisions", 0) + 1
        why = f"the model can't be asked any more ({stop})"
        answer, failures, at_once = AIMessage(""), (why,), True
    except ModelFailed as failed:
        if not images and _is_unusable(failed):
            raise UserError(f"the model {components.settings.vlm!r} can't be used: {failed}") from failed
        why = f"no answer from the model ({failed})"
        answer, failures = AIMessage(""), (f"no answer: {failed}",)
        if images:
            return halted("error", failures[0])
    if why and not answer.tool_calls:
        components.tell(f"{why}; the run ends with its best image" if images else f"{why}; the rules decide")
    if not answer.tool_calls and not images:
        # A model that chats instead of drawing would lose the run: until there is an image, the rules decide for it.
        answer = decide_by_rule(state, components, offered, answer, at_once=at_once)
        if at_once and any(call["name"] in (GENERATE, REGENERATE) for call in answer.tool_calls):
            spent["last_decisions"] = LAST_DECISIONS  # one drawing was kept back, and no second
    called = ", ".join(call["name"] for call in answer.tool_calls) or "nothing more to do"
    said = str(answer.text) or "; ".join(_in_words(call) for call in answer.tool_calls)
    step = trace_step(state, "agent", called, said, began, step=spent["steps"], meter=meter, error=told())
    update: dict[str, Any] = {"messages": [answer], "spent": spent, "all_trace": [step]}
    if answer.tool_calls:
        return update
    return {**update, "halt": "error" if why or not images else "done"}


def _is_unusable(failed: ModelFailed) -> bool:
    """Tell whether only the person can help: a wrong key, a model that isn't there, or nobody there at all.

    Whatever else a server refuses may be what the model has written, and no run is to be lost by that.
    """
    status = status_of(failed.__cause__ or failed)
    if status == 404 and ABOUT_TOOLS.search(str(failed)):  # OpenRouter's word for a model that takes none
        return False
    return failed.lasting and status in (401, 403, 404, None)


def _ask(state: State, components: Components, offered: Sequence[BaseTool], spent: Spent) -> Answer:
    """Ask the chat model; every attempt is a step, and none is made beyond a limit."""

    names = frozenset(tool.name for tool in offered)

    def before() -> None:
        stop_check(state["limits"], spent, components.settings.cancel)()
        check_step(state["limits"], spent)
        spent["steps"] += 1

    if components.program is not None:
        before()
        return Answer(components.program.decide(turn_facts(state, components, names), state["messages"]), 1)
    model = components.chat_model
    assert model is not None
    counted = pricing_of(model) is not None or components.settings.record is not None
    messages = [_system(state, components, names), *messages_shown(state, components)]
    return ask_with_fallback(model, messages, offered, memory=memory_of_run(spent), before=before, counted=counted)


def _in_words(call: ToolCall) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in call["args"].items())
    if len(arguments) > LONGEST_CALL:
        arguments = textwrap.shorten(arguments, LONGEST_CALL, placeholder=" ...")
    return f"{call['name']}({arguments})"


def _system(state: State, components: Components, offered: frozenset[str]) -> SystemMessage:
    base = base_image(state)
    subjects = tuple(record["id"] for record in subjects_of(state))
    extra = tuple(sorted((offered & components.extra_tools.keys()) - TOOLS.keys()))
    started = None if base is None else (base["id"], base["prompt"], base["seed"])
    vary = not state.get("keep_seed", True)
    return _instructions(state["prompt"], started, subjects, tuple(sorted(offered)), extra, vary)


@lru_cache(maxsize=64)
def _instructions(
    prompt: str,
    base: tuple[str, str, int] | None,
    subjects: tuple[str, ...],
    offered: tuple[str, ...],
    mounted: tuple[str, ...],
    vary: bool,
) -> SystemMessage:
    """Return the system prompt, which is the same for most decisions of a turn."""
    started = base and dict(zip(("id", "prompt", "seed"), base, strict=True))
    return SystemMessage(
        render("agent.j2", prompt=prompt, base=started, subjects=subjects, offered=offered, mounted=mounted, vary=vary)
    )
