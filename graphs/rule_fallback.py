"""The rules decide for a model that talks instead of drawing, until there is an image."""

from uuid import uuid4

from langchain_core.messages import AIMessage, ToolMessage

from imagerag.agent.protocols import TurnFacts
from imagerag.agent.rule_policy import RulePolicy
from imagerag.generators.base import reference_scales
from imagerag.graphs.components import Components
from imagerag.graphs.state import State
from imagerag.graphs.state_queries import since_request, subjects_of
from imagerag.records import ImageRecord, ReferenceRecord
from imagerag.tool_registry import GENERATE

STEPS_WITHOUT_IMAGE = 8
"""Decisions without a drawing after which the rules decide for the model; looking everything up first takes three."""


FAILURES_WITHOUT_IMAGE = 2
"""Drawings from the prompt as it stands that fail before the rules give up: one may fail by chance."""


def decide_by_rule(
    state: State, components: Components, offered: frozenset[str], silent: AIMessage, *, at_once: bool = False
) -> AIMessage:
    """Return the silent model's message with the call that the rule-based policy would make, if one may help.

    Args:
        state: of the thread.
        components: of the run.
        offered: names of the tools on offer.
        silent: what the model said.
        at_once: draw with what is at hand, wherever the mode lets it; whatever was looked up may cost more.
    """
    errors = [m for m in state["messages"] if isinstance(m, ToolMessage) and m.status == "error"]
    failures = [m for m in since_request(state["messages"]) if m in errors and m.additional_kwargs.get("failed")]
    if sum(message.name == GENERATE for message in failures) >= FAILURES_WITHOUT_IMAGE:
        return silent
    # A failure of drawing with references is heeded, so that they are left out.
    heeded = [m for m in state["messages"] if m not in errors or (m in failures and m.name != GENERATE)]
    if at_once and GENERATE in offered:
        heeded = []
    call = RulePolicy().decide(turn_facts(state, components, offered), heeded).tool_calls
    if not call and GENERATE in offered:
        args = {"prompt": state["prompt"]}
        call = [{"name": GENERATE, "args": args, "id": f"call-{uuid4().hex[:12]}", "type": "tool_call"}]
    return AIMessage(silent.content, tool_calls=call, id=silent.id)


def base_image(state: State) -> ImageRecord | None:
    return next((image for image in state["all_images"] if image["id"] == state["base"]), None)


def drawn_with_first(state: State) -> list[ReferenceRecord]:
    """Return the references that the rules' first drawing of a turn takes: the person's own images, and the base's."""
    base = base_image(state)
    of_base = set(base["references"]) if base is not None else set()
    own = {record["id"] for record in subjects_of(state)}
    return [record for record in state["all_references"] if record["id"] in own | _retrieved(of_base, state)]


def _retrieved(ids: set[str], state: State) -> set[str]:
    """Return those of the ids that are none of the person's own images, of which earlier turns may have had others."""
    return ids - {record["id"] for record in state["all_references"] if record["kind"] == "subject"}


def turn_facts(state: State, components: Components, offered: frozenset[str]) -> TurnFacts:
    """Return what a program that drives is told of the turn."""
    return TurnFacts(
        prompt=state["prompt"],
        tools=offered,
        base=base_image(state),
        subjects=tuple(record["id"] for record in subjects_of(state)),
        keep_seed=state.get("keep_seed", True),
        references={record["id"]: record["concept"] for record in state["all_references"]},
        max_references=components.generator.max_references,
        reference_scales=reference_scales(components.generator),
    )
