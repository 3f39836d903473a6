"""Which fields of a request mean nothing to an answer: they are named in it, so that none is ignored in silence."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

HEADER = "x-imagerag-not-heeded"
"""Of every answer, streams included: names of fields, with commas between them."""

MAX_NAMED = 20
"""Fields named in one answer; of one with hundreds, the first tell enough."""

SAME_AS_LEFT_OUT: Mapping[str, tuple[Any, ...]] = {
    "background": ("auto", "opaque", False),
    "chat_template_kwargs": ({},),
    "extra_body": ({},),
    "extra_headers": ({},),
    "function_call": ("auto", "none"),
    "logit_bias": ({},),
    "logprobs": (False,),
    "metadata": ({},),
    "modalities": (["text"],),
    "moderation": ("auto",),
    "parallel_tool_calls": (True, False),
    "quality": ("auto", "standard"),
    "reasoning": ({"effort": "none"}, {}),
    "reasoning_effort": ("none",),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "stream_options": ({"include_usage": False}, {}),
    "text": ({"format": {"type": "text"}}, {}),
    "tool_choice": ("auto", "none"),
    "top_logprobs": (0,),
    "truncation": ("auto", "disabled"),
}
"""Values with which a field says no more than if it were left out.

An empty object is one of them by name alone: ``web_search_options: {}`` asks for a search.
"""

_log = logging.getLogger(__name__)


def not_heeded(given: Mapping[str, Any], heeded: Iterable[str]) -> list[str]:
    """Return the names of the fields that were given and change nothing, in the order in which they were given.

    Args:
        given: the request's fields with their values.
        heeded: the names of those that the endpoint acts on.
    """
    known = frozenset(heeded)
    names = [
        name[:40]
        for name, value in given.items()
        if name not in known and value not in (None, "", []) and value not in SAME_AS_LEFT_OUT.get(name, ())
    ]
    if names:
        _log.info("not heeded: %s", ", ".join(names[:MAX_NAMED]))
    return names[:MAX_NAMED]


def told_in_header(names: Iterable[str]) -> dict[str, str]:
    """Return the header that names them; no header where there are none.

    What no header may hold (RFC 9110 section 5.5: control characters) is shown as question marks: a server that is
    given it breaks the connection off.
    """
    plain = ["".join(one if one.isascii() and one.isprintable() else "?" for one in name) for name in names]
    return {HEADER: ", ".join(plain)} if plain else {}
