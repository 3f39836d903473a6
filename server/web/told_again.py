"""What the page is told of a conversation: each event, and each turn that has ended, images by their addresses."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AnyMessage

from imagerag.agent.absence import presence_in_words
from imagerag.graphs.best_image import best_of
from imagerag.graphs.state_queries import images_of_turn, is_request, used_references
from imagerag.records import ImageRecord, ReferenceRecord
from imagerag.server.database import Entry
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


def turns_out(service: Service, client: str, name: str) -> list[dict[str, Any]]:
    """Return the turns of a conversation that have ended, each with what was told in it."""
    state: Any = service.threads.state(client, name)
    if not state:
        return []
    entries = service.database.enter(client, name, [*state["all_images"], *state["all_references"]])
    tellings = service.database.told(client, name)
    requests = [message for message in state["messages"] if is_request(message)]
    turns = []
    # A run that has begun has its request in the state already; the page shows it as one under way.
    busy = sum(run.status in ("running", "stopping", "asking") for run in service.running(client, name))
    for number, message in enumerate(requests[: len(requests) - busy], start=1):
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
        subjects = message.additional_kwargs.get("subjects", [])
        turns.append(
            {
                "turn": number,
                "request": str(message.text),
                "pictures": [image_path(entries[one].id) for one in subjects if one in entries],
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
