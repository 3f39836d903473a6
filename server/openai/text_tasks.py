"""Requests of chat front ends that ask for words about a conversation: a title, tags, follow-ups, search queries.

Front ends send them by themselves, before and after each message; none of them wants a picture. They are known by the
sentences of their templates: those of Open WebUI ("### Task:" and a shape of JSON), and those by which LibreChat,
LobeChat, NextChat, Cherry Studio and others ask for the title or the summary of a conversation.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from imagerag.server.openai.title_requests import (
    SEARCH_HEAD,
    asks_for_summary,
    asks_for_tags,
    asks_for_title,
    end_of_title_request,
    instructs_to_title,
    names_picture,
)

TaskKind = Literal[
    "title", "topic", "tags", "follow_ups", "queries", "text", "prompt", "tool_calls", "emoji", "summary", "other"
]

KEYS: tuple[TaskKind, ...] = ("title", "tags", "follow_ups", "queries", "text", "prompt", "tool_calls")
"""Kinds whose answer is a JSON object with that one key."""

TITLE_WORDS = 5
MAX_TITLE = 60
"""Characters of a title."""

FOLLOW_UPS = ("Now make it blue", "Now put it on the moon", "Now put it on a beach")

MAX_READ = 1000
"""Characters of a request that a title is made of."""
MAX_SUMMARY = 2000
"""Characters of a summary."""

_KEY = re.compile(r"\{\s*[\"'](\w{1,40})[\"']\s*:")
_SPEAKER = re.compile(
    r"^[ \t#*>-]{0,12}(user|human|assistant|ai|system|model|bot)[ \t*]{0,4}:[ \t*]{0,4}", re.IGNORECASE | re.MULTILINE
)
_QUERY, _QUERY_TITLE = "Here is the query:", " as a title for the previous query"
"""Around the request in the template that Open WebUI had before it had tasks, and others have taken over."""
_SUMMARISES = re.compile(
    r"\byou are\b.{0,60}\b(?:title generator|conversation summari[sz]er|conversational assistant|"
    r"(?:skilled|good|great|experts?|experienced|speciali[sz](?:ed|ing)|excellent)\s+(?:in|at)\s+"
    r"(?:summari[sz]|nam|titl|label)ing\s+(?:conversations|chats|dialogues|discussions|messages))\b",
    re.IGNORECASE,
)
_NEW_TOPIC = re.compile(r"[\"'`]?isNewTopic\b")
_FOLLOW_UPS = re.compile(
    r"\b(?:suggest|generate|propose|write|give|provide|come up with|create|return)\s+(?:[\w'\u2019-]+,?\s+){0,8}?"
    r"(?:follow[- ]?ups?|next|related)\s+(?:questions|prompts|messages|suggestions|replies)\b",
    re.IGNORECASE,
)
_AS_LIST = re.compile(r"\b(?:json\s+)?(?:array|list)\s+of\s+strings\b|\bjson\s+(?:array|list)\b", re.IGNORECASE)
_OF_A_TALK = re.compile(
    r"\b(?:conversation|chat|discussion|user|assistant|above|ask|json|list|lines?|message|history)s?\b", re.IGNORECASE
)
_HEADING = re.compile(r"#{1,4}\s*[^\n]{1,60}\n")


@dataclass(frozen=True)
class TextTask:
    """What is asked for in words.

    Attributes:
        kind: of what; ``other`` where the template is none of the known ones.
        as_json: the answer is a JSON object, with the kind as its key.
        history: the conversation that it is about, as (role, words); may be empty.
        as_list: the answer is a JSON list.
    """

    kind: TaskKind
    as_json: bool
    history: tuple[tuple[str, str], ...] = ()
    as_list: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the JSON object that is asked for."""
        return ("isNewTopic", "title") if self.kind == "topic" else (self.kind,)


def task_of(messages: Sequence[tuple[str, str]]) -> TextTask | None:
    """Return the task that a conversation ends with; ``None`` where its last request is one for a picture.

    Args:
        messages: (role, words) of each, in order.
    """
    asked = [number for number, (role, _) in enumerate(messages) if role == "user"]
    if not asked:
        return None
    last = messages[asked[-1]][1].strip()
    before = messages[: asked[-1]]
    instructions = " ".join(text for role, text in before if role in ("system", "developer")).strip()
    afterwards = " ".join(text for role, text in messages[asked[-1] + 1 :] if role in ("system", "developer")).strip()
    said = tuple((role, text) for role, text in before if role in ("user", "assistant"))
    if last.startswith("### Task:"):
        return None if _wraps_a_request(last) else _templated(last)
    if _HEADING.match(last) and "<chat_history>" in last:  # Open WebUI's templates can be put into other languages
        return _templated(last)
    if instructions.startswith("Available Tools:") and '"tool_calls"' in instructions:
        return TextTask("tool_calls", as_json=True)
    if last.startswith("Your task is to reflect the speaker's likely facial expression"):
        return TextTask("emoji", as_json=False)
    if last.startswith("You have been provided with a set of responses from various models"):
        return TextTask("other", as_json=False)
    if last.startswith(_QUERY) and _QUERY_TITLE in last:
        query = last.removeprefix(_QUERY).rpartition(_QUERY_TITLE)[0].rpartition("Create a concise")[0].strip(" \n-")
        return TextTask("title", as_json=False, history=(("user", query),))
    everything = (*said, ("user", last))
    if afterwards and (asks_for_summary(afterwards) or asks_for_title(afterwards)):  # after what is to be worded
        return TextTask("summary" if asks_for_summary(afterwards) else "title", as_json=False, history=everything)
    if _NEW_TOPIC.search(instructions[:SEARCH_HEAD]) or _NEW_TOPIC.search(last[:SEARCH_HEAD]):
        return TextTask("topic", as_json=True, history=_spoken(last) or everything)
    answered = any(role == "assistant" for role, _ in said)
    if (end := end_of_title_request(last, after_answer=answered)) is not None:
        history = _spoken(last) or said or _what_follows(last[end:])
        return TextTask("title", as_json=_KEY.search(last) is not None, history=history)
    if (_SUMMARISES.search(instructions[:SEARCH_HEAD]) and _names_title(instructions, last)) or instructs_to_title(
        instructions
    ):
        as_json = _KEY.search(last) is not None
        return TextTask("title", as_json=as_json, history=_spoken(last) or said or (("user", last),))
    if asks_for_summary(last):
        return TextTask("summary", as_json=False, history=_spoken(last) or said)
    if (asked_for := _FOLLOW_UPS.search(last[:SEARCH_HEAD])) and _is_text(last, asked_for.end()):
        as_list = _AS_LIST.search(last) is not None
        return TextTask("follow_ups", as_json=False, history=_spoken(last) or said, as_list=as_list)
    if asks_for_tags(last):
        as_json = "tags" in _KEY.findall(last)
        as_list = not as_json and _AS_LIST.search(last) is not None
        return TextTask("tags", as_json=as_json, history=_spoken(last) or said, as_list=as_list)
    return None


def by_rule(task: TextTask) -> str | None:
    """Return an answer made without a model; ``None`` where there is no sensible one."""
    match task.kind:
        case "title":
            value: Any = title_of(task.history)
        case "topic":
            return json.dumps({"isNewTopic": True, "title": title_of(task.history)}, ensure_ascii=False)
        case "tags":
            value = ["Images"]
            if not task.as_json:
                return json.dumps(value) if task.as_list else ", ".join(value)
        case "follow_ups":
            value = list(FOLLOW_UPS)
            if not task.as_json:
                return json.dumps(value, ensure_ascii=False) if task.as_list else "\n".join(FOLLOW_UPS)
        case "queries" | "tool_calls":
            value = []
        case "text":
            value = ""
        case "prompt":
            value = next((text for role, text in reversed(task.history) if role == "user"), "")
        case "summary":
            asked = [text for role, text in task.history if role == "user" and text.strip()]
            return f"The person asked for pictures: {'; '.join(asked)}"[:MAX_SUMMARY] if asked else None
        case "emoji":
            return "🎨"
        case "other":
            return None
    return json.dumps({task.kind: value}, ensure_ascii=False) if task.as_json else str(value)


def title_of(history: Sequence[tuple[str, str]]) -> str:
    """Return the first words of what was first asked for."""
    first = next((text for role, text in history if role == "user" and text.strip()), "").strip()[:MAX_READ]
    words = re.sub(r"!?\[[^\]]*\]\([^)]*\)|[*_`#\"<>{}\[\]]", " ", first).split()[:TITLE_WORDS]
    title = " ".join(words).strip(" ,;:.-")[:MAX_TITLE]
    return title[:1].upper() + title[1:] if title else "Picture"


def without_context(text: str) -> tuple[str, tuple[str, ...]]:
    """Return what a person asked for in a message that a front end has put into a template for documents, and a note.

    Open WebUI puts such a template before a message with files or search results; what the person wrote follows the
    documents, or stands between tags.
    """
    if not (text.lstrip().startswith("### Task:") and _wraps_a_request(text.lstrip())):
        return text, ()
    query = _within(text, "user_query")
    asked = (text.rpartition("</context>")[2] if query is None else query).strip()
    return (asked, ("documents sent along are not read; the request alone is drawn",)) if asked else (text, ())


def _wraps_a_request(text: str) -> bool:
    head = text.removeprefix("### Task:").lstrip()[:200].lower()
    return head.startswith("respond to the user query") and ("<context>" in text or "<user_query>" in text)


def _templated(text: str) -> TextTask:
    shape = text.partition("<chat_history>")[0]
    found = [key for key in _KEY.findall(shape) if key in KEYS]
    history = _within(text, "chat_history")
    kind: TaskKind = found[0] if found else "other"
    return TextTask(kind, as_json=bool(found), history=_spoken(history, all_of_it=True) if history else ())


def _within(text: str, tag: str) -> str | None:
    """Return what stands between the first tag of that name and its last end; ``None`` where there is no tag."""
    _, begin, rest = text.partition(f"<{tag}>")
    inner, end, _ = rest.rpartition(f"</{tag}>")
    return (inner if end else rest) if begin else None


def _is_text(text: str, end: int) -> bool:
    """Tell whether a request for questions is about a conversation, not about a picture with questions in it."""
    return _OF_A_TALK.search(text[end:SEARCH_HEAD]) is not None and not names_picture(text[:SEARCH_HEAD])


def _what_follows(text: str) -> tuple[tuple[str, str], ...]:
    """Return what stands behind the colon or the line that ends a request, as a user's message."""
    found = re.search(r":\s|\n", text[:SEARCH_HEAD])
    words = text[found.end() :].strip().strip("\"'`") if found else ""
    return (("user", words),) if words else ()


def _names_title(instructions: str, last: str) -> bool:
    return (
        re.search(r"\b(?:titles?|topics?|summari[sz]e|naming)\b", f"{instructions} {last}"[:2000], re.IGNORECASE)
        is not None
    )


def _spoken(text: str, *, all_of_it: bool = False) -> tuple[tuple[str, str], ...]:
    """Return what was said in a conversation that stands in one text, each line with its speaker."""
    places = list(_SPEAKER.finditer(text))
    if not places:
        return (("user", text.strip()),) if all_of_it and text.strip() else ()
    ends = [place.start() for place in places[1:]] + [len(text)]
    return tuple(
        ("user" if place[1].lower() in ("user", "human") else "assistant", text[place.end() : end].strip())
        for place, end in zip(places, ends, strict=True)
    )
