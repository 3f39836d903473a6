"""The paper's pipeline, one pass and fixed: draw, ask once, look up once, redraw once, return the redraw.

As published (arXiv 2502.09411 and its code): the redraw replaces the first image whether or not it is better, one image
is retrieved per missing concept and at most three are used (the published setting for models that take several), at
reference scale 0.5. It is the baseline that the agent has to beat, with the same parts.
"""

import time
from collections.abc import Callable
from typing import Any, Literal

from imagerag.agent.protocols import Critic, Writer
from imagerag.chat_models.usage_meter import UsageMeter
from imagerag.errors import BudgetExceeded, Cancelled, DrawingFailed, GeneratorUnavailable, InvalidArgument, UserError
from imagerag.generators.base import Generator
from imagerag.graphs.assembly import Checkpointer, Graph, compile_graph
from imagerag.graphs.best_image import best_among
from imagerag.graphs.budget import meter_step, stop_reason
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.graphs.kept_back import keep_for_a_drawing
from imagerag.graphs.nodes.critic import judge
from imagerag.graphs.nodes.finish import finish, outcome, unfinished
from imagerag.graphs.nodes.intake import start_turn
from imagerag.graphs.nodes.tools import open_session
from imagerag.graphs.state import Spent, State
from imagerag.graphs.state_queries import images_of_turn, subjects_of, unjudged
from imagerag.graphs.trace import trace_step
from imagerag.index.base import ReferenceIndex
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompts import render
from imagerag.records import ReferenceRecord, StopReason
from imagerag.store.images import ImageStore
from imagerag.tools.session import Emit, ToolSession

MAX_IMAGES = 3
"""References in one redraw; the paper's setting for OmniGen."""

SCALE = 0.5
"""Reference scale; the paper's setting for IP-Adapter."""


def build_one_pass(
    *,
    critic: Critic | None = None,
    writer: Writer | None = None,
    generator: Generator | None = None,
    index: ReferenceIndex | None = None,
    store: ImageStore | None = None,
    checkpointer: Checkpointer = "memory",
) -> Graph:
    """Return the paper's pipeline as a graph with the same input and output as ``build_graph``.

    The critic stands in for the questions that the paper asks its VLM (does it match, what is missing).
    """
    return compile_graph(
        "imagerag-one-pass",
        {"intake": _intake, "draw": _draw, "critic": judge, "redraw": _redraw, "finish": _finish},
        {"intake": _after_intake, "draw": _after_drawing, "critic": _after_critic, "redraw": _after_drawing},
        InjectedComponents(None, critic, writer, generator, index, store),
        checkpointer,
    )


def _intake(state: State, components: Components, emit: Emit) -> dict[str, Any]:
    if components.settings.approve:
        raise UserError("approve True: the one-pass pipeline asks nobody before its redraw; use build_graph instead")
    return start_turn(state, components)


def _after_intake(state: State) -> Literal["draw", "finish"]:
    return "finish" if state["halt"] else "draw"


def _after_drawing(state: State) -> Literal["critic", "finish"]:
    return "critic" if unjudged(state) else "finish"


def _after_critic(state: State) -> Literal["redraw", "finish"]:
    drawn = {record["step"] for record in images_of_turn(state["all_images"], state["turn"])}
    once = state["mode"] in ("lookup_first", "no_lookup") or len(drawn) > 1
    return "finish" if state["halt"] or once else "redraw"


def _finish(state: State, components: Components, emit: Emit) -> dict[str, Any]:
    """Return the last drawing, as the published code does."""
    if state["halt"] == "answered":
        return finish(state, components, emit)
    images = images_of_turn(state["all_images"], state["turn"])
    last = [record for record in images if record["step"] == images[-1]["step"]]
    # An image may be not judged.
    chosen = best_among(last, components, state["prompt"], subjects_of(state)) or next(iter(last), None)
    if chosen and chosen["verdict"] and state["halt"] in (None, "satisfied"):
        satisfied = chosen["verdict"]["satisfied"]
        state = {**state, "halt": "satisfied" if satisfied else "done"}
    return outcome(state, components, emit, chosen)


def _draw(state: State, components: Components, emit: Emit) -> dict[str, Any]:
    """Draw the first image, or in ``lookup_first`` mode draw once with everything looked up."""
    return _in_session(state, components, emit, "draw", lambda session: _first(state, session))


def _redraw(state: State, components: Components, emit: Emit) -> dict[str, Any]:
    """Look the missing concepts up, one image each, and draw again; or reword, where the mode says so."""
    first = best_among(
        images_of_turn(state["all_images"], state["turn"]), components, state["prompt"], subjects_of(state)
    )
    assert first is not None
    assert first["verdict"] is not None
    absences = {score["concept"] for score in first["verdict"]["concepts"] if score["kind"] == "absence"}
    missing = [concept for concept in first["verdict"]["missing"] if concept not in absences]  # nothing shows those

    def work(session: ToolSession) -> None:
        if state["mode"] == "rephrase_only":
            session.draw(components.writer.rephrase(state["prompt"], missing), seed=first["seed"], parent=first["id"])
            return
        references = _look_up(session, state["prompt"], missing)
        if references:
            _conditioned(session, state["prompt"], references, first["seed"], first["id"])

    return _in_session(state, components, emit, "redraw", work)


def _first(state: State, session: ToolSession) -> None:
    references: list[ReferenceRecord] = []
    if state["mode"] == "lookup_first":
        references = _look_up(session, state["prompt"], parse_scene(state["prompt"]).content_concepts())
    if references or session.subjects:
        try:
            return _conditioned(session, state["prompt"], references, state["run_seed"], None)
        except GeneratorUnavailable:
            raise
        except DrawingFailed as failure:
            if session.subjects:
                raise
            session.emit({"event": "note", "text": f"drawn without references: {failure}"})
    session.draw(state["prompt"])


def _look_up(session: ToolSession, prompt: str, concepts: list[str]) -> list[ReferenceRecord]:
    concepts = concepts[:MAX_IMAGES]
    if not concepts:
        return []
    captions = session.components.writer.captions(prompt, concepts, 1)
    session.emit({"event": "captions", "captions": captions})
    pairs = [(concept, of_it[0]) for concept, of_it in captions.items()]
    found = session.components.index.search([caption for _, caption in pairs], 1)
    records = [
        record
        for (concept, caption), hits in zip(pairs, found, strict=True)
        for record in session.add_references(concept, caption, hits)
    ]
    session.emit({"event": "references", "references": records})
    return records


def _conditioned(
    session: ToolSession, prompt: str, references: list[ReferenceRecord], seed: int, parent: str | None
) -> None:
    captions = [record["caption"] for record in references]
    worded = render("conditioned.j2", captions=captions, prompt=prompt) if captions else prompt
    session.draw(worded, [*session.subjects, *references], SCALE, seed, parent)


def _in_session(
    state: State, components: Components, emit: Emit, name: str, work: Callable[[ToolSession], None]
) -> dict[str, Any]:
    """Do the work on a tool session; a limit that strikes, or a failure, ends the run with what was made.

    Raises:
        UserError: it fails before anything is made.
    """
    began = time.perf_counter()
    spent: Spent = {**state["spent"], "steps": state["spent"]["steps"] + 1}
    session = open_session(state, components, spent, emit)
    halt: StopReason | None = None
    summary, meter = "", UsageMeter()
    told: list[str] = []
    try:
        with meter_step(state["limits"], spent, components.settings) as meter:
            if not images_of_turn(state["all_images"], state["turn"]):
                keep_for_a_drawing(meter, components, state["limits"], state["prompt"], session.subjects)
            work(session)
    except (BudgetExceeded, Cancelled) as stop:
        halt, summary, told = stop_reason(stop), str(stop), [unfinished(stop)]
    except GeneratorUnavailable as gone:
        halt, told = "unavailable", [str(gone)]
        emit({"event": "note", "text": f"{name}: {gone}"})
    except (InvalidArgument, UserError) as failure:
        if not session.has_drawn:
            raise UserError(str(failure)) from failure
        halt, told = "error", [str(failure)]
        emit({"event": "note", "text": f"{name}: {failure}"})
    return {
        "all_images": session.made_images,
        "all_references": session.made_references,
        "spent": spent,
        "halt": halt,
        "all_trace": [
            trace_step(
                state, "one_pass", name, summary, began, meter=meter, error="; ".join([*told, *meter.notes]) or None
            )
        ],
    }
