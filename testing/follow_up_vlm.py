"""A chat model over HTTP that understands every follow-up, since it knows the corpus."""

import json
from collections.abc import Mapping
from typing import Any

from imagerag.tool_registry import GENERATE, REGENERATE, TOOLS
from testing.follow_up_corpus import Kind, Turn
from testing.openai_server import Reply

WORDS_OF_KIND: Mapping[Kind, tuple[str, ...]] = {
    "change": ("change", "edit", "variation"),
    "new": ("new", "new picture"),
    "talk": ("talk", "answer", "chat"),
    "unclear": ("unclear", "not understood", "talk", "answer"),
}
"""What an enumeration of kinds of request may call each."""
WORDS_OF_GOING_BACK = ("back", "go back", "undo", "change")


class PerfectVlm:
    """Answers what it is asked, in whatever shape, with what is right for the turn at hand.

    Attributes:
        turn: the one that is played; set before each.
        image_id: of the picture that it goes on from; ``None`` for a new one.
        calls: how often it was asked since they were last read.
    """

    def __init__(self) -> None:
        self.turn: Turn | None = None
        self.image_id: str | None = None
        self.calls = 0

    def answer(self, request: dict[str, Any], number: int) -> Reply:
        """Answer one request of OpenAI's chat protocol."""
        assert self.turn is not None, "set .turn first"
        self.calls += 1
        schema = request.get("response_format", {}).get("json_schema", {}).get("schema")
        if schema is not None:
            return Reply(json.dumps(self._filled(schema)))
        tools = {tool["function"]["name"]: tool["function"] for tool in request.get("tools", ())}
        if len(tools) == 1 and not set(tools) & set(TOOLS):
            ((name, function),) = tools.items()
            return Reply(calls=[(name, self._filled(function["parameters"]))])
        return self._next_step(request, self.turn)

    def _next_step(self, request: dict[str, Any], turn: Turn) -> Reply:
        roles = [message["role"] for message in request["messages"]]
        last_request = len(roles) - 1 - roles[::-1].index("user")
        has_drawn = "tool" in roles[last_request:] or roles[-1] == "tool"
        if has_drawn or not turn.draws:
            return Reply("That is all.")
        prompt = turn.wanted[0].plain
        if turn.upload is not None:
            return Reply(calls=[(REGENERATE, {"prompt": prompt, "reference_ids": [], "reference_scale": 1.0})])
        return Reply(calls=[(GENERATE, {"prompt": prompt})] * turn.pictures)

    def _filled(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return an object of this shape: what the fields are called tells what belongs there."""
        return {name: self._value(name, field) for name, field in schema.get("properties", {}).items()}

    def _value(self, name: str, field: Mapping[str, Any]) -> Any:
        assert self.turn is not None
        choices = _choices(field)
        if choices:
            words = WORDS_OF_GOING_BACK if self.turn.goes_back else WORDS_OF_KIND[self.turn.kind]
            return next((choice for word in words for choice in choices if choice.replace("_", " ") == word), None)
        if name in ("base", "image", "image_id"):
            return self.image_id
        if name == "prompt":
            return self.turn.wanted[0].plain
        if name in ("answer", "reply", "text", "comment"):
            return "You're welcome."
        if name == "keep_seed":
            return not self.turn.fresh
        if name in ("pictures", "images", "n", "count", "variations"):
            return self.turn.pictures
        return field.get("default")


def _choices(field: Mapping[str, Any]) -> list[str]:
    """Return the words among which a field chooses, also where it may be nothing."""
    options = [field, *field.get("anyOf", ())]
    return [word for option in options for word in option.get("enum", ()) if isinstance(word, str)]
