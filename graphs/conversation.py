"""What a thread has shown so far: which picture stands, which ones "undo" and "redo" lead to, and what each was."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import AnyMessage

from imagerag.agent.protocols import Brief, PastImage, Writer
from imagerag.errors import UserError
from imagerag.graphs.best_image import best_of
from imagerag.graphs.state import Shown, State
from imagerag.graphs.state_queries import images_of_turn
from imagerag.records import ImageRecord, StopReason


def timeline_of(state: State) -> tuple[list[Shown], int]:
    """Return what turns returned, oldest first, and the place of the picture that stands; -1 for none."""
    if "timeline" in state:
        return list(state["timeline"]), state.get("standing", -1)
    shown: list[Shown] = []  # a thread of an earlier version tells the last result alone; of others, the best counts
    last = state.get("image")
    images = list(state.get("all_images") or [])
    for turn in sorted({record["turn"] for record in images}):
        of_turn = images_of_turn(images, turn)
        returned = last if last is not None and last["turn"] == turn else best_of(of_turn) or of_turn[0]
        reason = state.get("stop_reason") if turn == state.get("turn") else None
        shown.append({"image": returned["id"], "stop_reason": reason or "done"})
    return shown, len(shown) - 1


def history_of(state: State, endings: dict[StopReason, str]) -> list[PastImage]:
    """Return the images of the thread, oldest first, as a writer may know them.

    Args:
        state: of the thread, before a turn begins.
        endings: each reason why a run ends, in words.
    """
    timeline, standing = timeline_of(state)
    images = list(state.get("all_images") or [])
    titles = {record["id"]: record["title"] for record in state.get("all_references") or []}
    reasons = {shown["image"]: shown["stop_reason"] for shown in timeline}
    before = timeline[standing - 1]["image"] if standing > 0 else None
    after = timeline[standing + 1]["image"] if 0 <= standing + 1 < len(timeline) and standing >= 0 else None
    history = []
    for record in images:
        stands = standing >= 0 and record["id"] == timeline[standing]["image"]
        past = _past(record, titles, len(images_of_turn(images, record["turn"])))
        reason = reasons.get(record["id"])
        history.append(
            replace(
                past,
                returned=record["id"] in reasons,
                standing=stands,
                before=before if stands else None,
                after=after if stands else None,
                declined=state.get("declined") or "" if stands else "",
                ending="" if reason is None else endings[reason],
            )
        )
    return history


def _past(record: ImageRecord, titles: dict[str, str], drawings: int) -> PastImage:
    concepts = [] if record["verdict"] is None else record["verdict"]["concepts"]
    return PastImage(
        record["id"],
        record["prompt"],
        record["turn"],
        seed=record["seed"],
        score=record["score"],
        present=tuple(score["concept"] for score in concepts if score["present"]),
        missing=tuple(record["verdict"]["missing"]) if record["verdict"] else (),
        references=tuple(dict.fromkeys(titles.get(one, one) for one in record["references"])),
        drawings=drawings,
    )


def read_earlier(messages: Sequence[AnyMessage], rules: Writer) -> list[PastImage]:
    """Return the pictures that earlier requests asked for, of a client without threads, who sends them all every time.

    They are read one after the other as this one will be; talk among them made no picture.
    """
    history: list[PastImage] = []
    for number, message in enumerate(messages, start=1):
        text = str(message.text)
        try:
            brief = rules.brief(text, history)
        except UserError:  # what it points back at is not in what was sent
            brief = Brief(text)
        if not brief.answer:
            history.append(PastImage(f"message-{number}", brief.prompt, number))
    return history


def timeline_with(state: State, chosen: ImageRecord | None, reason: StopReason) -> dict[str, Any]:
    """Return what the end of a drawing turn changes of the timeline: its image stands, and nothing is to be redone."""
    timeline, standing = timeline_of(state)
    if chosen is None:
        return {"timeline": timeline, "standing": standing}
    shown: Shown = {"image": chosen["id"], "stop_reason": reason}
    timeline = [*timeline[: standing + 1], shown]
    return {"timeline": timeline, "standing": len(timeline) - 1}


def timeline_after(state: State, brief: Brief) -> dict[str, Any]:
    """Return what an answer in words changes of the timeline: "undo" steps back, "go back to ..." shows one again."""
    timeline, standing = timeline_of(state)
    if brief.base is None:
        return {"timeline": timeline, "standing": -1}
    if brief.step:
        at = standing + brief.step if standing >= 0 else len(timeline) - 1
        if 0 <= at < len(timeline) and timeline[at]["image"] == brief.base:
            return {"timeline": timeline, "standing": at}
    if standing >= 0 and timeline[standing]["image"] == brief.base:
        return {"timeline": timeline, "standing": standing}
    known = next((shown for shown in timeline if shown["image"] == brief.base), None)
    again: Shown = known or {"image": brief.base, "stop_reason": "done"}
    timeline = [*timeline[: standing + 1], again]
    return {"timeline": timeline, "standing": len(timeline) - 1}


def unused_seed(first: int, images: Sequence[ImageRecord], many: int) -> int:
    """Return the first seed from ``first`` on, 0..2**32 - 1, from which ``many`` in a row have drawn nothing yet."""
    used = {record["seed"] for record in images}
    seed = first
    while any((seed + k) % 2**32 in used for k in range(many)):
        seed = (seed + 1) % 2**32
    return seed
