"""Answers of images APIs that only take the request in: a job, whose image is asked for later and elsewhere.

Each provider has a protocol of its own for that, with other addresses, states and headers; those of the makers are in
``job_polling`` and beside it. A server that otherwise speaks OpenAI's is asked at the address that it names, if that is
its own. Such an answer is no failure that may pass: another try would begin, and pay for, another job.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from imagerag.generators.remote.image_answers import Found, first_image
from imagerag.generators.remote.server_errors import objects_in, says_failure

ACCEPTED = 202
"""The request is taken in and not done (RFC 9110 section 15.3.3)."""

_STATES = ("status", "state", "task_status", "job_status")
_PENDING = frozenset(
    {
        "pending", "queued", "inqueue", "queueing", "processing", "starting", "started", "inprogress", "running",
        "submitted", "created", "accepted", "notstart", "notstarted", "waiting", "generating", "preparing", "scheduled",
        "taskaccepted", "received",
    }
)  # fmt: skip
"""How far a job is, as providers have it, without case and punctuation."""
_ADDRESSES = ("polling_url", "poll_url", "status_url", "response_url", "get_url", "fetch_result", "get")
_IDS = ("task_id", "taskId", "job_id", "jobId", "request_id", "prediction_id", "id")
_OF_JOBS_ALONE = frozenset({"polling_url", "poll_url", "status_url", "task_id", "taskId", "job_id", "jobId"})
"""Keys that no answer with an image needs."""
_SHOWN = 80


def job_in(status: int, body: Any) -> str | None:
    """Return in words which job an answer tells of: its state, id and address.

    Args:
        status: of HTTP.
        body: read as JSON.

    Returns:
        ``None`` where the image is there, or something is said to be wrong.
    """
    inside = list(objects_in(body))
    pending = _pending(inside)
    found = _image_in(body)
    if says_failure(body) or (found is not None and (found.data or not _pending([found.entry]))):
        return None
    if not pending and status != ACCEPTED and not any(each.get(key) for each in inside for key in _OF_JOBS_ALONE):
        return None
    job, address = _first(inside, _IDS), _first(inside, _ADDRESSES)
    told = [
        f"status {pending!r}" if pending else f"HTTP status {status}",
        job and f"id {job!r}",
        address and repr(address),
    ]
    return ", ".join(filter(None, told))


def job_address(body: Any) -> str:
    """Return the address at which an answer says that its job can be asked for; empty where it says none."""
    found = (each[key] for key in _ADDRESSES for each in objects_in(body) if isinstance(each.get(key), str))
    return next(filter(None, found), "")


def _pending(objects: Iterable[Mapping[str, Any]]) -> str:
    states = (each[key] for each in objects for key in _STATES if isinstance(each.get(key), str))
    return next((state for state in states if re.sub(r"[^a-z]", "", state.lower()) in _PENDING), "")


def _image_in(body: Any) -> Found | None:
    try:
        found = first_image(body)
    except ValueError:
        return None
    return found if found is not None and (found.data or found.address) else None


def _first(inside: Iterable[Mapping[str, Any]], keys: tuple[str, ...]) -> str:
    found = (each[key] for key in keys for each in inside if isinstance(each.get(key), str | int) and each[key])
    return str(next(found, ""))[:_SHOWN]
