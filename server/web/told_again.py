"""What the page is told of a conversation: each event, and each turn that has ended, images by their addresses."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AnyMessage

from imagerag.agent.absence import presence_in_words
from imagerag.graphs.best_image import best_of
from imagerag.graphs.state_queries import images_of_turn, is_request, redrawn_by, used_references
from imagerag.records import ImageRecord, ReferenceRecord
from imagerag.server.database import Entry
from imagerag.server.run import Run
from imagerag.server.run_summary import concepts_out, image_out, reference_out
from imagerag.server.service import Service
from imagerag.settings import OFFERED


def event_out(
    service: Service, client: str, thread: str, event: Mapping[str, Any], checkpoint: str | None = None
) -> dict[str, Any]:
    """Return an event as the page takes it: without paths of this machine, each image by its address."""
    records = [*event.get("images", ()), *event.get("references", ()), *filter(None, [event.get("image")])]
    answered = event["event"] == "answer"  # its image leads back to the turn that drew it
    entries = service.database.enter(client, thread, records, None if answered else checkpoint)
    worded = dict(event)
    if "images" in event:
        worded["images"] = [_image(record, entries) for record in event["images"]]
    if "references" in event:
        worded["references"] = [_reference(record, entries) for record in event["references"]]
    if event.get("image"):
        worded["image"] = _image(event["image"], entries)
    if "verdict" in event:
        verdict = event["verdict"]
        worded["verdict"] = {
            "score": verdict["score"],
            "uncalibrated": verdict.get("uncalibrated"),
            "concepts": [{**one, "in_words": presence_in_words(one)} for one in concepts_out(verdict["concepts"])],
        }
    return worded


def is_plain(event: Mapping[str, Any]) -> bool:
    """Tell whether an event goes to the page as it is, with neither images nor verdict in it."""
    return event["event"] in ("progress", "preview", "note", "captions", "stop")


def conversation_out(service: Service, client: str, name: str) -> tuple[list[dict[str, Any]], list[Run]]:
    """Return the turns of a conversation that have ended, and the runs under way; each turn is in one of the two."""
    while True:
        runs = service.running(client, name)
        before = [(run.id, run.turn or run.begins) for run in runs]
        begun = [turn for _, turn in before if turn is not None]
        turns = turns_out(service, client, name, min(begun) - 1 if begun else None)
        if before == [(run.id, run.turn or run.begins) for run in service.running(client, name)]:
            return turns, runs  # else one has begun or ended meanwhile


def turns_out(service: Service, client: str, name: str, last: int | None = None) -> list[dict[str, Any]]:
    """Return the turns of a conversation, each with what was told in it.

    Args:
        service: whose conversation it is.
        client, name: of the conversation.
        last: number of the last turn that has ended: the request of one under way is in the state already; all by
            default.
    """
    state: Any = service.threads.state(client, name)
    if not state:
        return []
    entries = service.database.enter(client, name, [*state["all_images"], *state["all_references"]])
    tellings = service.database.told(client, name)
    requests = [message for message in state["messages"] if is_request(message)]
    turns = []
    for number, message in enumerate(requests[:last], start=1):
        images = images_of_turn(state["all_images"], number)
        if number in tellings:
            told = tellings[number].told
        else:
            told = _recalled(images, state["all_references"], _answer_to(message, state["messages"]))
        best = next((e["image"]["id"] for e in told["events"][::-1] if e["event"] == "verdict" and e["best"]), None)
        references = state["all_references"]
        shown = [
            image_out(
                record, image_path(entries[record["id"]].id), best=record["id"] == best, references=references
            ).model_dump(mode="json")
            for record in images
        ]
        turns.append(
            {
                "turn": number,
                "request": str(message.text),
                **_sent_along(message, entries, state["all_images"]),
                "events": [event_out(service, client, name, event) for event in told["events"]],
                "run": {
                    "thread": name,
                    "images": shown,
                    "image": next((image for image in shown if image["best"]), None),
                    **{key: told[key] for key in ("stop_reason", "seconds", "error")},
                    **{kind: told.get("parts", {}).get(kind, "") for kind in OFFERED},
                },
            }
        )
    return turns


def sent_along(service: Service, client: str, name: str, turn: int | None) -> dict[str, Any]:
    """Return what a turn's request had beside its words: the person's own pictures, and where it redrew a part."""
    state: Any = service.threads.state(client, name)
    requests = [message for message in state.get("messages", ()) if is_request(message)]
    if turn is None or turn > len(requests):
        return {"pictures": [], "masked": ""}
    own = [record for record in state["all_references"] if record["kind"] == "subject"]
    return _sent_along(requests[turn - 1], service.database.enter(client, name, own), state["all_images"])


def _sent_along(request: AnyMessage, entries: Mapping[str, Entry], images: Sequence[ImageRecord]) -> dict[str, Any]:
    subjects = request.additional_kwargs.get("subjects", [])
    redrawn = redrawn_by(request)
    masked = redrawn and next((image["id"] for image in images if image["sha256"] == redrawn["image"]), "your picture")
    return {"pictures": [image_path(entries[one].id) for one in subjects if one in entries], "masked": masked or ""}


def image_path(entry_id: str) -> str:
    """Return where the page finds an image."""
    return f"/images/{entry_id}.png"


def _image(record: Mapping[str, Any], entries: Mapping[str, Entry]) -> dict[str, Any]:
    """Return an image; whom to thank stands with its references."""
    return image_out(record, image_path(entries[record["id"]].id)).model_dump(mode="json", exclude={"attributions"})


def _reference(record: Mapping[str, Any], entries: Mapping[str, Entry]) -> dict[str, Any]:
    return reference_out(record, image_path(entries[record["id"]].id)).model_dump(mode="json")


def _answer_to(request: AnyMessage, messages: Sequence[AnyMessage]) -> str:
    """Return the last words before the next request."""
    at = next(place for place, message in enumerate(messages) if message is request)
    behind = list(messages[at + 1 :])
    end = next((place for place, message in enumerate(behind) if is_request(message)), len(behind))
    said = [str(message.text) for message in behind[:end] if message.type == "ai" and str(message.text)]
    return said[-1] if said else ""


def _recalled(images: Sequence[ImageRecord], references: Sequence[ReferenceRecord], answer: str) -> dict[str, Any]:
    """Return what records alone tell of a turn that was not made here: at the command line, or by a program."""
    best, used = best_of(list(images)), used_references(list(images), list(references))
    events: list[Mapping[str, Any]] = [{"event": "references", "references": used}] if used else []
    if not images and answer:
        events.append({"event": "answer", "text": answer, "image": None})
    for record in images:
        events.append({"event": "images", "images": [record]})
        if record["verdict"] is not None:
            judged = {"image": record, "verdict": record["verdict"], "best": record is best}
            events.append({"event": "verdict", **judged})
    return {"events": events, "stop_reason": None, "seconds": None, "error": None}
