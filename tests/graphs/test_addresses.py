"""Addresses in place of paths, however deep a record lies."""

from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from imagerag.graphs.addresses import with_addresses

RECORD = {"id": "image-1", "path": "/srv/data/images/ab/ab.png", "sha256": "ab", "score": None}


def test_records_get_addresses_wherever_they_lie() -> None:
    value: Any = {
        "image": RECORD,
        "images": [RECORD, {**RECORD, "id": "image-2"}],
        "messages": [
            HumanMessage("score 0.9", additional_kwargs={"image": RECORD}),
            ToolMessage("drawn", tool_call_id="1", artifact={"images": [RECORD]}),
            AIMessage("image-1", additional_kwargs={"images": [{"id": "image-1", "sha256": "ab"}]}),
        ],
        "event": ("images", RECORD),
        "best": "image-1",
        "verdict": None,
    }
    told = with_addresses(value)
    assert "/srv" not in str(told)
    assert str(told).count("/imagerag/images/ab.png") == 7
    assert told["image"] == {**RECORD, "path": "", "url": "/imagerag/images/ab.png"}
    assert "/srv" in str(value), "what came in is as it was"


def test_what_has_no_record_stays_the_same() -> None:
    message = AIMessage("", tool_calls=[{"name": "generate", "args": {"prompt": "x"}, "id": "1", "type": "tool_call"}])
    assert with_addresses(message) == message
    assert with_addresses({"path": "/elsewhere", "n": 1}) == {"path": "/elsewhere", "n": 1}
