"""The order of events."""

import json

from imagerag.server.openai.responses.events import ResponseEvents
from imagerag.server.openai.responses.objects import Draft
from imagerag.server.openai.responses.schemas import ResponseRequest

DRAFT = Draft(ResponseRequest(input="an owl"))


def kinds(lines: list[str]) -> list[str]:
    for line in lines:
        name, data = line.strip().split("\n")
        assert json.loads(data.removeprefix("data: "))["type"] == name.removeprefix("event: ")
    return [line.partition("\n")[0].removeprefix("event: response.") for line in lines]


def test_events_are_numbered_from_zero() -> None:
    events = ResponseEvents(DRAFT)
    lines = [*events.begin(queued=True), *events.begin_picture()]
    assert [json.loads(line.split("data: ")[1])["sequence_number"] for line in lines] == list(range(6))
    assert kinds(lines)[:3] == ["created", "queued", "in_progress"]


def test_a_message_begins_with_its_first_words_and_ends_with_all_of_them() -> None:
    events = ResponseEvents(DRAFT)
    assert [*events.words("")] == []
    assert [*events.end_words()] == []
    lines = [*events.words("a "), *events.words("b"), *events.end_words()]
    assert kinds(lines) == [
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]
    assert json.loads(lines[-1].split("data: ")[1])["item"]["content"][0]["text"] == "a b"


def test_a_failure_raises_in_clients_and_ends_the_response() -> None:
    error = {"message": "no", "type": "server_error", "param": None, "code": "x"}
    first, last = ResponseEvents(DRAFT).fail(error, {"status": "failed"})
    assert json.loads(first.split("data: ")[1])["error"] == error
    assert last.startswith("event: response.failed\n")
