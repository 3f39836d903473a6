"""What can be read of a conversation's earlier messages, which clients send again as whatever model wrote them.

Only the last message of a user is drawn, and has to be understood as a whole. A fault in another one would refuse the
conversation from then on, since it comes with each request.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

UNREAD: dict[str, Any] = {"role": "assistant", "content": ""}
"""Stands in the place of a message that can't be read, so that errors count the others as they were sent."""


def last_request(messages: Sequence[Any]) -> int:
    """Return the place of the last message of a user; -1 where there is none."""
    asked = [place for place, one in enumerate(messages) if isinstance(one, dict) and one.get("role") == "user"]
    return asked[-1] if asked else -1


def readable(messages: Any, message: TypeAdapter[Any], part: TypeAdapter[Any]) -> tuple[Any, list[str]]:
    """Return a conversation without what can't be read of its earlier messages, and names of what was left out.

    Behind the last request parts alone are left out: a whole message there may be the one that was meant.

    Args:
        messages: as they were sent.
        message: the shape of one.
        part: the shape of a part of its content.
    """
    if not isinstance(messages, list) or (last := last_request(messages)) < 0:
        return messages, []
    kept: list[Any] = []
    names: dict[str, None] = {}
    for place, one in enumerate(messages):
        if place == last:
            kept.append(one)
            continue
        one, left_out = without_unreadable(one, part)
        if place < last and not _fits(message, one):
            one, left_out = UNREAD, [unread_message(one)]
        kept.append(one)
        names |= dict.fromkeys(left_out)
    return kept, list(names)


def without_unreadable(message: Any, part: TypeAdapter[Any]) -> tuple[Any, list[str]]:
    """Return a message with the parts that have that shape, and names of the others.

    A bare text among the parts is one of type ``text``, which LangChain's messages may hold.
    """
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message, []
    parts = [{"type": "text", "text": one} if isinstance(one, str) else one for one in content]
    fits = [_fits(part, one) for one in parts]
    names = [_unread_part(one) for one, fine in zip(parts, fits, strict=True) if not fine]
    return message | {"content": [one for one, fine in zip(parts, fits, strict=True) if fine]}, names


def unread_message(message: Any) -> str:
    """Return the name of a message that can't be read, for what tells of it."""
    role = message.get("role") if isinstance(message, dict) else None
    return f"unreadable messages of role {str(role)[:40]}" if role else "messages without a role"


def _unread_part(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    return f"message parts of type {str(kind)[:40]}" if kind else "message parts without a type"


def _fits(shape: TypeAdapter[Any], value: Any) -> bool:
    try:
        shape.validate_python(value)
    except ValidationError:
        return False
    return True
