"""What the page is told of a conversation's events."""

from pathlib import Path
from typing import Any

from imagerag.server.web.told_again import event_out
from testing.servers import scripted_service


def test_a_verdict_is_told_in_words(tmp_path: Path) -> None:
    concepts = [
        {"concept": "owl", "kind": "content", "present": False, "score": 0.2},
        {"concept": "no dog", "kind": "absence", "present": True, "score": 0.9},
        {"concept": "no cat", "kind": "absence", "present": False, "score": 0.1},
    ]
    verdict = {"score": 0.4, "concepts": concepts, "uncalibrated": "nothing to fit"}
    event: dict[str, Any] = {"event": "verdict", "best": True, "verdict": verdict}
    service = scripted_service(tmp_path)
    try:
        told = event_out(service, "me", "sea", event)["verdict"]
    finally:
        service.close()
    assert [one["in_words"] for one in told["concepts"]] == ["missing", "as asked", "but it is there"]
    assert told["uncalibrated"] == "nothing to fit"
