"""Replies of a chat model's server, and servers that refuse images or tools."""

import json
from collections.abc import Sequence
from typing import Any

from testing.openai_server import Reply

DRAW = Reply(calls=[("generate", {"prompt": "an owl"})])
CAPTIONS = Reply(calls=[("propose_captions", {"concepts": ["owl"]})])
SEARCH = Reply(calls=[("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}], "k": 2})])
REDRAW = Reply(calls=[("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["ref-1"]})])
STOP = Reply("That is as good as it gets.")
WORDED = Reply(json.dumps({"concepts": [{"concept": "owl", "captions": ["a barn owl"]}]}))


def judged(present: bool) -> Reply:
    concept = {"concept": "owl", "kind": "content", "present": present, "confidence": 0.8}
    return Reply(json.dumps({"concepts": [concept], "matches": present}))


def by_purpose(driver: list[Reply], critic: list[Reply], writer: list[Reply]) -> Any:
    """Return a script that answers driver, critic and writer each by a list of its own."""
    lists = {"driver": iter(driver), "critic": iter(critic), "writer": iter(writer)}

    def script(request: dict[str, Any], number: int) -> Reply:
        said = json.dumps(request["messages"])
        role = (
            "driver"
            if "generate" in str(request.get("tools"))
            else "critic"
            if "Look at the image" in said
            else "writer"
        )
        return next(lists[role])

    return script


def whole_loop() -> Any:
    busy = Reply("busy", status=429, headers={"Retry-After": "0.01"})
    bad = Reply("Yes, but the owl is missing.")
    return by_purpose([DRAW, busy, CAPTIONS, SEARCH, REDRAW], [bad, judged(False), judged(True)], [WORDED])


LOOK = Reply(calls=[("inspect_image", {"image_id": "ref-1", "concepts": ["owl"]})])


def seeing_nothing(replies: Sequence[Reply], status: int = 400) -> Any:
    """Return the script of a server that refuses images, and lists of blocks with them."""
    left = iter(replies)

    def script(request: dict[str, Any], number: int) -> Reply:
        if "image_url" in json.dumps(request["messages"]):
            return Reply("image input is not supported", status=status)
        return next(left)

    return script


NO_TOOLS = "registry.ollama.ai/library/gemma3:4b does not support tools"
ROLES = "Conversation roles must alternate user/assistant/user/assistant/..."


def in_plain_turns(replies: Sequence[Reply], why: str, status: int) -> Any:
    """Return the script of a server that refuses tools and results of tools, and turns that don't alternate."""
    left = iter(replies)

    def script(request: dict[str, Any], number: int) -> Reply:
        roles = [message["role"] for message in request["messages"]]
        plain = roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
        if request.get("tools") or not plain:
            return Reply(why, status=status)
        return next(left)

    return script


def written(reply: Reply) -> Reply:
    """Return the reply with its calls in its text, as a model writes them that has no other way."""
    calls = "\n".join(f"<tool_call>{json.dumps({'name': n, 'arguments': a})}</tool_call>" for n, a in reply.calls)
    return Reply(f"I see.\n{calls}")
