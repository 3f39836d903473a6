"""What the page is told of a conversation's events."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from imagerag.server.run import RunRequest
from imagerag.server.web.told_again import conversation_out, event_out
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


def test_each_turn_is_told_as_ended_or_as_under_way_whatever_the_run_is_at(tmp_path: Path) -> None:
    service = scripted_service(tmp_path, scores=[0.9])
    seen: list[tuple[list[str], list[str]]] = []

    def look() -> None:
        turns, runs = conversation_out(service, "me", "sea")
        seen.append(([turn["request"] for turn in turns], [run.request for run in runs]))

    take_the_thread, stream, keep = service.threads.alone, service.graph.stream, service.register.keep

    def looking(work: Callable[..., Any]) -> Callable[..., Any]:
        def looked(*given: Any, **named: Any) -> Any:
            look()
            done = work(*given, **named)
            look()
            return done

        return looked

    try:
        first = service.create("me", RunRequest("an owl", thread="sea"))
        assert first.wait(60)
        object.__setattr__(service.threads, "alone", looking(take_the_thread))
        object.__setattr__(service.register, "keep", looking(keep))
        service.graph.stream = looking(stream)  # type: ignore[method-assign]
        second = service.create("me", RunRequest("a cat", thread="sea"))
        assert second.wait(60)
        look()
    finally:
        service.close()
    assert len(seen) > 4
    assert seen[-1] == (["an owl", "a cat"], [])
    assert {(tuple(turns), tuple(runs)) for turns, runs in seen[:-1]} == {(("an owl",), ("a cat",))}
