"""The first node: takes a request in, whatever form it has, and turns it into a brief, a seed and limits."""

import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage

from imagerag.agent.protocols import Brief, PastImage
from imagerag.errors import BudgetExceeded, Cancelled, UserError
from imagerag.graphs.budget import memory_of_run, merge_limits, meter_step, nothing_spent
from imagerag.graphs.components import Components
from imagerag.graphs.conversation import history_of, read_earlier, timeline_after, timeline_of, unused_seed
from imagerag.graphs.endings import ENDINGS
from imagerag.graphs.kept_back import keep_for_a_drawing
from imagerag.graphs.masks import history_with, masked_image, redrawn_again, whole_brief
from imagerag.graphs.message_images import stored_picture, without_stored_pictures
from imagerag.graphs.message_parts import readable_parts, unread_parts
from imagerag.graphs.nodes.first_parts import load_driver, possible_mode
from imagerag.graphs.recorded_turns import begin_record, begin_replay
from imagerag.graphs.request_check import check_request
from imagerag.graphs.state import OF_ONE_REQUEST, Limits, State
from imagerag.graphs.state_queries import is_request, subjects_of, unanswered_calls
from imagerag.graphs.subjects import assigned, kept_subjects
from imagerag.graphs.trace import trace_step
from imagerag.places import without_folders, without_place
from imagerag.profiles.resolve import RunSettings
from imagerag.prompt_grammar.negatives import read_negatives
from imagerag.prompt_grammar.prompt_syntax import negative_items, plain_prompt
from imagerag.records import ImageRecord, ReferenceRecord
from imagerag.steady_clock import steady_time
from imagerag.store.images import StoredImage
from imagerag.store.output_files import make_folder
from imagerag.tools.builtin import MAX_PROMPT
from imagerag.tools.image_ids import without_naming_blocks


def start_turn(state: State, components: Components, budget: Limits | None = None) -> dict[str, Any]:
    """Return the state with which a turn begins.

    Raises:
        UserError: a value of the wrong type or range, an empty or overlong prompt, a subject image that can't be read,
            or a results folder that can't be written.
    """
    check_request(state)
    settings = components.settings
    limits = merge_limits(settings, budget, state.get("budget"))
    if settings.out is not None:  # a run should not end at a folder that can't be written
        make_folder(settings.out)
    notes = list(settings.notes)
    if settings.chosen and not state.get("turn"):  # once a thread
        notes.append(settings.chosen)
    if components.injected.index is None:
        notes += components.searchable[1]
    for text in notes:
        components.tell(text)
    messages = list(state.get("messages") or [])
    spent = nothing_spent(steady_time())
    halt = load_driver(components, limits, spent)
    if halt is None:
        assert components.extra_tools is not None  # a server that isn't there is told before anything is drawn
    spent["started"] = steady_time() - spent.get("loading", 0.0)
    message = _unanswered_request(state, messages)
    request, pictures = _request(components, message, state.get("prompt") or "")
    if message is not None and not state.get("turn") and (state.get("prompt") or request).strip() != request:
        components.tell(f"the prompt {state['prompt'][:80]!r} is ignored: the person's last message counts")
    references = list(state.get("all_references") or [])
    mode = settings.mode
    if halt is None:
        mode, halt = possible_mode(components, limits, spent)
    subjects: list[ReferenceRecord] = []
    files = [*(state.get("subjects") or ()), *settings.subject]
    known = sum(record["kind"] == "subject" for record in references)
    own = [(components.store.put_user_image(file), file) for file in files]
    sent = [*own, *((picture, "uploaded image") for picture in pictures)]
    masked, is_first = masked_image(state, components, [picture for picture, _ in sent])
    for picture, title in sent[1:] if is_first else sent:
        subjects.append(_subject(picture, title, f"subject-{known + len(subjects) + 1}"))
    history = history_of(state, ENDINGS)
    if not history and message is not None:  # a client without threads sends the whole conversation every time
        earlier = [entry for entry in messages if is_request(entry) and entry is not message]
        history = read_earlier(earlier, components.rules)
    history = history_with(history, masked)
    turn = (state.get("turn") or 0) + 1
    replayed = begin_replay(settings, memory_of_run(spent).run, turn)
    fixed = next((seed for seed in (state.get("seed"), settings.seed) if seed is not None), None)
    fresh = next((seed for seed in (fixed, replayed) if seed is not None), None)
    if fresh is None:
        fresh = random.SystemRandom().randrange(2**32)
    begin_record(settings, memory_of_run(spent).run, turn, request, fresh)
    began = time.perf_counter()
    plain = plain_prompt(request)
    asked_for = plain.text or request
    for note in plain.notes:
        components.tell(note)
    brief = Brief(asked_for)
    with (
        suppress(BudgetExceeded, Cancelled),
        meter_step(limits, spent, settings) as meter,
    ):  # the next node ends the run
        if halt is None:
            keep_for_a_drawing(meter, components, limits, asked_for, subjects)
            brief = components.writer.brief(asked_for, history)
            for note in brief.notes:
                components.tell(note)
    brief = whole_brief(brief, masked, asked_for)
    if masked is not None and brief.answer:
        components.tell("the mask is not used: this turn is answered in words")
    told = "; ".join(meter.notes) or None
    entered: State = {**state, "spent": spent, "turn": turn}
    base = next((image for image in state.get("all_images") or () if image["id"] == brief.base), None)
    redrawn = redrawn_again(brief, base, state, components) if masked is None else None
    if masked is not None and not brief.answer:
        redrawn = {**masked.record, "words": asked_for}
    seed = fresh
    if not brief.answer:
        seed = _seed(brief, base, fixed, fresh, state, components)
        brief, subjects, drawn_with = _subjects(brief, base, request, state, subjects, components)
    else:
        drawn_with = [record["id"] for record in subjects_of(state)] if turn > 1 else []
        for record in subjects:
            components.tell(f"{record['title']!r} is kept, and not drawn with: this turn is answered in words")
    summary = brief.answer or brief.prompt
    name = "answer" if brief.answer else "brief"
    asked = (
        [trace_step(entered, "intake", name, summary, began, meter=meter, error=told)]
        if meter.calls or brief.answer
        else []
    )
    if settings.notes:  # who only invokes the graph hears no events
        asked.insert(0, trace_step(entered, "intake", "parts", "; ".join(map(without_folders, settings.notes)), began))
    rewritten = [new for old in messages if (new := without_naming_blocks(old)) is not old]
    repaired = [
        ToolMessage("not run: the run was interrupted", tool_call_id=call["id"], name=call["name"], status="error")
        for call in unanswered_calls(messages)
    ]
    placed = HumanMessage(
        request if message is None else without_stored_pictures(message),
        id=str(uuid4()) if message is None else message.id,
        name=None if message is None else message.name,
        additional_kwargs={
            "subjects": [record["id"] for record in subjects],
            **({"redrawn": redrawn} if redrawn is not None else {}),
        },
    )
    return {
        "messages": [*rewritten, *repaired, placed],
        "all_references": subjects,
        "all_trace": asked,
        "turn": turn,
        "request_id": placed.id,
        "profile": settings.profile,
        "approve": settings.approve,
        "prompt": brief.prompt or asked_for,
        "base": base["id"] if base else None,
        "keep_seed": brief.keep_seed,
        "run_n": brief.candidates,
        "run_subjects": drawn_with,
        **(
            timeline_after(state, replace(brief, base=base["id"] if base else None))
            if brief.answer
            else _timeline(state)
        ),
        "answer": brief.answer or None,
        "declined": _declined(brief, asked_for, state, history),
        "run_seed": seed,
        "run_size": _size(state, settings),
        "run_redraw": redrawn,
        "run_negative": _negative(state, components, plain.unwanted),
        "mode": mode,
        "limits": limits,
        "spent": spent,
        "best": None,
        "stale": 0,
        "halt": halt or ("answered" if brief.answer else None),
        "stop_reason": None,
        **OF_ONE_REQUEST,
    }


def _declined(brief: Brief, request: str, state: State, history: Sequence[PastImage]) -> str:
    """Return the last request that was not understood of the picture that stands; talk behind it changes nothing."""
    if brief.declined:
        return request
    stays = brief.answer and not brief.step and any(image.standing and image.id == brief.base for image in history)
    return state.get("declined") or "" if stays else ""


def _timeline(state: State) -> dict[str, Any]:
    """Return the timeline as it stands: a thread of an earlier version has none in its state."""
    timeline, standing = timeline_of(state)
    return {"timeline": timeline, "standing": standing}


def _seed(
    brief: Brief, base: ImageRecord | None, fixed: int | None, fresh: int, state: State, components: Components
) -> int:
    """Return the seed of the turn's first drawing, 0..2**32 - 1.

    A change keeps its base's, and a variant takes one that has drawn nothing yet. A new picture takes none from the
    pictures before it.
    """
    if base is None:
        return fresh
    if brief.keep_seed:
        return base["seed"] if fixed is None else fixed
    images = list(state.get("all_images") or ())
    seed = unused_seed(base["seed"] if fixed is None else fixed, images, brief.candidates or components.settings.n)
    if fixed is not None and seed != fixed:
        components.tell(
            f"seed {fixed} has drawn an image of this thread already, so this variant is drawn under {seed}"
        )
    return seed


def _subjects(
    brief: Brief,
    base: ImageRecord | None,
    request: str,
    state: State,
    sent: list[ReferenceRecord],
    components: Components,
) -> tuple[Brief, list[ReferenceRecord], list[str]]:
    """Return what the images sent with this request stand for, and the ids of all that it draws with."""
    before = subjects_of(state) if state.get("turn") else []
    if base is None and state.get("turn"):
        before = [record for record in state["all_references"] if record["kind"] == "subject"]
    kept, notes = kept_subjects(brief.prompt, before, change=base is not None, request=request)
    given = assigned(request, brief.prompt, sent)
    for text in (*([] if sent and base is None else notes), *given.notes):
        components.tell(text)
    named = {record["concept"] for record in given.records} - {""}
    ids = [record["id"] for record in kept if record["concept"] not in named] + [
        record["id"] for record in given.records
    ]
    return brief, given.records, ids


def _size(state: State, settings: RunSettings) -> str:
    """Return the size of a turn: as asked for, as of the turn before, or as the profile has it; empty for none."""
    own = str(settings.picture_size or "")
    if (asked := state.get("size")) or settings.names("size") or settings.names("aspect"):
        return asked or own
    return state.get("run_size") or own


def _negative(state: State, components: Components, unwanted: Sequence[str]) -> str:
    """Return what the images of the turn must not show, and tell what of it no critic looks for.

    Args:
        state: of the thread, whose earlier turns count where no other is asked for.
        components: of the run.
        unwanted: what the prompt itself names so, in the syntax of other tools ("--no dogs").
    """
    asked = components.settings.negative
    before = " ".join((state.get("run_negative") or "" if asked is None else asked).split())
    known = {item.lower() for item in negative_items(before)}
    negative = ", ".join(filter(None, [before, *(item for item in unwanted if item.lower() not in known)]))
    if others := read_negatives(negative).others:
        components.tell(f"of the negative prompt {', '.join(map(repr, others))} is not judged, only told the generator")
    return negative


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


def _unanswered_request(state: State, messages: list[AnyMessage]) -> HumanMessage | None:
    """Return the person's last message, unless an earlier turn has answered it.

    Others may stand behind it: those of the agents of a graph that this one is part of, who hand over to it.
    """
    last = next((entry for entry in reversed(messages) if is_request(entry)), None)
    if not isinstance(last, HumanMessage):
        return None
    answered = state.get("request_id")
    if answered is None and state.get("turn"):  # a thread of an earlier version doesn't say what it has answered
        return last if messages[-1] is last else None
    return None if last.id is not None and last.id == answered else last


def _request(components: Components, message: HumanMessage | None, prompt: str) -> tuple[str, list[StoredImage]]:
    """Return the request in words, and the pictures that came with its message."""
    if message is None:
        return check_prompt(prompt), []
    for kind in unread_parts(message):
        components.tell(f"a part of type {kind!r} of the message is not read: only words and pictures are")
    parts = readable_parts(message)
    text = check_prompt("".join(str(part["text"]) for part in parts if part["type"] == "text"))
    blocks = [part for part in parts if part["type"] == "image"]
    return text, [stored_picture(block, components.store) for block in blocks]


def _subject(stored: StoredImage, title: str, subject_id: str) -> ReferenceRecord:
    return {
        "id": subject_id,
        "kind": "subject",
        "path": str(stored.path),
        "sha256": stored.sha256,
        "concept": "",
        "caption": "the user's own image",
        "title": without_place(title),
        "similarity": 1.0,
        "source": "user",
        "licence": "user's own",
    }
