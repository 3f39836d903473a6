"""The first node: takes a request in, whatever form it has, and turns it into a brief, a seed and limits."""

import random
import time
from contextlib import suppress
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage

from imagerag.agent.protocols import Brief, PastImage
from imagerag.errors import BudgetExceeded, Cancelled, UserError
from imagerag.graphs.budget import check_prices, memory_of_run, merge_limits, meter_step, nothing_spent
from imagerag.graphs.components import Components
from imagerag.graphs.kept_back import keep_for_a_drawing
from imagerag.graphs.message_images import stored_picture
from imagerag.graphs.recorded_turns import begin_record, begin_replay
from imagerag.graphs.state import Limits, Spent, State
from imagerag.graphs.state_queries import is_request, unanswered_calls
from imagerag.graphs.trace import trace_step
from imagerag.modes import Mode
from imagerag.prompt_grammar.prompt_syntax import plain_prompt
from imagerag.records import ReferenceRecord
from imagerag.store.images import StoredImage
from imagerag.store.output_files import make_folder
from imagerag.tools.builtin import MAX_PROMPT


def start_turn(state: State, components: Components, budget: Limits | None = None) -> dict[str, Any]:
    """Return the state with which a turn begins.

    Raises:
        UserError: an empty or overlong prompt, a subject image that can't be read, or a results folder
            that can't be written.
    """
    settings = components.settings
    if settings.out is not None:  # a run should not end at a folder that can't be written
        make_folder(settings.out)
    notes = list(settings.notes)
    if components.injected.index is None:
        notes += components.searchable[1]
    if components.emit is not None:
        for text in notes:
            components.emit({"event": "note", "text": text})
    messages = list(state.get("messages") or [])
    assert components.extra_tools is not None  # a server that isn't there is told before anything is drawn
    request, message, pictures = _request(components, messages, state.get("prompt") or "")
    references = list(state.get("all_references") or [])
    limits = merge_limits(settings, budget, state.get("budget"))
    spent = nothing_spent(time.time())
    mode = _settled(components, limits, spent)
    subjects: list[ReferenceRecord] = []
    files = [*(state.get("subjects") or ()), *settings.subject]
    known = sum(record["kind"] == "subject" for record in references)
    own = [(components.store.put_user_image(file), file) for file in files]
    for picture, title in [*own, *((picture, "uploaded image") for picture in pictures)]:
        subjects.append(_subject(picture, title, f"subject-{known + len(subjects) + 1}"))
    history = [PastImage(image["id"], image["prompt"], image["turn"]) for image in state.get("all_images") or ()]
    if not history:  # a client without threads sends the whole conversation every time
        earlier = [entry for entry in messages[:-1] if is_request(entry)] if message else []
        history = [PastImage(f"message-{k + 1}", _text(entry), k + 1) for k, entry in enumerate(earlier)]
    turn = (state.get("turn") or 0) + 1
    replayed = begin_replay(settings, memory_of_run(spent).run, turn)
    seeds = (state.get("seed"), settings.seed, replayed, state.get("run_seed"))
    seed = next((seed for seed in seeds if seed is not None), None)
    if seed is None:
        seed = random.SystemRandom().randrange(2**32)
    begin_record(settings, memory_of_run(spent).run, turn, request, seed)
    began = time.perf_counter()
    plain = plain_prompt(request)
    asked_for = plain.text or request
    if components.emit is not None:
        for note in plain.notes:
            components.emit({"event": "note", "text": note})
    brief = Brief(asked_for)
    with (
        suppress(BudgetExceeded, Cancelled),
        meter_step(limits, spent, settings) as meter,
    ):  # the next node ends the run
        keep_for_a_drawing(meter, components, limits, asked_for, subjects)
        brief = components.writer.brief(asked_for, history)
    told = "; ".join(meter.notes) or None
    entered: State = {**state, "spent": spent, "turn": turn}
    asked = (
        [trace_step(entered, "intake", "brief", brief.prompt, began, meter=meter, error=told)] if meter.calls else []
    )
    repaired = [
        ToolMessage("not run: the run was interrupted", tool_call_id=call["id"], name=call["name"], status="error")
        for call in unanswered_calls(messages)
    ]
    placed = message or HumanMessage(request)
    placed.additional_kwargs["subjects"] = [record["id"] for record in subjects]
    return {
        "messages": [*repaired, placed],
        "all_references": subjects,
        "all_trace": asked,
        "turn": turn,
        "profile": settings.profile,
        "prompt": brief.prompt,
        "base": brief.base if any(image.id == brief.base for image in history) else None,
        "run_seed": seed,
        "mode": mode,
        "limits": limits,
        "spent": spent,
        "best": None,
        "stale": 0,
        "halt": None,
        "stop_reason": None,
        "subjects": [],
        "seed": None,
        "budget": {},
    }


def _settled(components: Components, limits: Limits, spent: Spent) -> Mode:
    """Return the mode that is possible with these parts, loaded for that, and have money limited only where it can be.

    Raises:
        UserError: what is asked for can't be done with them.
    """
    with suppress(BudgetExceeded, Cancelled), meter_step(limits, spent, components.settings):
        if limits["max_money"] is not None:
            check_prices(components)
        return _possible_mode(components)
    return components.settings.mode  # the run ends before anything is drawn


def _possible_mode(components: Components) -> Mode:
    """Return the mode, or for a generator that takes no references the one that gets along without.

    Raises:
        UserError: there is no doing without: everything is to be looked up, or subjects were given.
    """
    settings, generator = components.settings, components.generator
    if generator.max_references or settings.mode in ("rephrase_only", "no_lookup"):
        return settings.mode
    if settings.mode == "lookup_first" or settings.subject:
        what = "--mode lookup_first" if settings.mode == "lookup_first" else f"--subject {settings.subject[0]!r}"
        raise UserError(
            f"generator {generator.name!r} takes no reference images, so {what} is of no use; "
            "name another --generator, or give --mode rephrase_only or no_lookup"
        )
    if components.emit is not None:
        text = f"generator {generator.name!r} takes no reference images: what is missing is rephrased, not looked up"
        components.emit({"event": "note", "text": text})
    return "rephrase_only"


def check_prompt(text: str) -> str:
    """Return the prompt without surrounding space.

    Raises:
        UserError: empty, or longer than ``MAX_PROMPT`` characters.
    """
    text = text.strip()
    if not text:
        raise UserError("the prompt '' is empty; say what to draw, for example: imagerag \"a lobster in a kimono\"")
    if len(text) > MAX_PROMPT:
        start = text[:40]
        raise UserError(f"the prompt {start!r}... has {len(text)} characters; shorten it to at most {MAX_PROMPT}")
    return text


def _request(
    components: Components, messages: list[AnyMessage], prompt: str
) -> tuple[str, HumanMessage | None, list[StoredImage]]:
    """Return the request, its message (pictures taken out), and the pictures that came with it."""
    if not messages or not is_request(messages[-1]):
        return check_prompt(prompt), None, []
    last = messages[-1]
    pictures: list[StoredImage] = []
    kept: list[Any] = []
    for block in last.content_blocks:
        if block["type"] == "image":
            pictures.append(stored_picture(dict(block), components.store))
        elif block["type"] == "text":
            kept.append({"type": "text", "text": block["text"]})
    text = check_prompt(_text(last))
    return text, HumanMessage(kept or text, id=last.id, name=last.name), pictures


def _text(message: AnyMessage) -> str:
    return str(message.text)


def _subject(stored: StoredImage, title: str, subject_id: str) -> ReferenceRecord:
    return {
        "id": subject_id,
        "kind": "subject",
        "path": str(stored.path),
        "sha256": stored.sha256,
        "concept": "",
        "caption": "the user's own image",
        "title": title,
        "similarity": 1.0,
        "source": "user",
        "licence": "user's own",
    }
