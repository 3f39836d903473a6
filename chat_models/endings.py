"""Why an answer ended where it did, in its provider's words: ``finish_reason``, ``stop_reason`` or ``done_reason``."""

from langchain_core.messages import AIMessage

CUT_OFF = frozenset({"length", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded"})
"""The answer would have gone on."""

WITHHELD = frozenset(
    {
        "content_filter", "content_filtered", "safety", "prohibited_content", "blocklist", "recitation", "spii",
        "image_safety", "language", "refusal", "sensitive", "guardrail_intervened",
    }
)  # fmt: skip
"""A filter of the provider has taken the answer, or the rest of it, away."""

UNREADABLE_CALL = frozenset({"malformed_function_call", "unexpected_tool_call", "malformed_tool_call"})
"""The model has called a tool in a way that its server could not read."""

CALLED = frozenset({"tool_calls", "tool_call", "tool_use", "function_call", "function_calls"})
"""The model has called a tool, its server says; where there is no call, it was lost on the way."""

BROKEN_OFF = frozenset({"error", "network_error", "model_error", "insufficient_system_resource", "abort", "aborted"})
"""The server has failed while it answered."""

_KEYS = ("finish_reason", "stop_reason", "done_reason")


def finish_reason(message: AIMessage) -> str:
    """Return the reason in small letters, without the name of an enumeration before it; empty where none is told."""
    told = next((value for key in _KEYS if (value := (message.response_metadata or {}).get(key))), "")
    return str(getattr(told, "value", told)).rpartition(".")[2].lower()


def was_cut_off(message: AIMessage) -> bool:
    """Tell whether the answer ends where it had to and not where it was complete."""
    return finish_reason(message) in CUT_OFF | BROKEN_OFF


def unsound_ending(message: AIMessage) -> str | None:
    """Return what is wrong with the way in which an answer without calls ended; ``None`` where nothing is."""
    reason = finish_reason(message)
    if reason in CUT_OFF:
        return f"it is longer than an answer may be and was cut off (finish_reason {reason!r})"
    if reason in WITHHELD:
        return f"the provider's filter withheld it (finish_reason {reason!r})"
    if reason in UNREADABLE_CALL:
        return f"it has a tool call that the server can't read (finish_reason {reason!r})"
    if reason in BROKEN_OFF:
        return f"the server broke it off (finish_reason {reason!r})"
    return None
