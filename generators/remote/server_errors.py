"""What a server says is wrong, in whatever shape it says so, and what that means for another try.

The shapes are those of OpenAI (``{"error": {"message", "type", "code"}}``), Azure (``innererror``, content filter
results), FastAPI (``detail``: a text, or a list of ``loc`` and ``msg``), RFC 9457 (``title``, ``detail``), lists of
errors, plain texts and web pages.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

MAX_SAID = 200
"""Characters of a server's words that are told."""

PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""Statuses after which another try is worth it (RFC 9110, RFC 8470, RFC 6585, and those of proxies); all others stay as
they are however often they are asked for: 501 is not implemented, 505 another version, 507 a full disk."""

Meaning = Literal["refused", "unpaid", "passing", "unusable", "wrong"]
"""``refused``: by a safety system; ``unpaid``: there is no credit left; ``passing``: another try may succeed;
``unusable``: only the person can help (key, model, address); ``wrong``: the request itself."""

_WORDS = (
    "message", "msg", "error_message", "error_msg", "error_description", "detail", "details", "errors", "error",
    "title",
)  # fmt: skip
"""Keys with words for people, the more telling first."""
_CODES = frozenset(
    {
        "code", "type", "status", "name", "reason", "error", "error_code", "errorcode", "error_type", "finish_reason",
        "finishreason",
    }
)  # fmt: skip
"""Keys with words for programs."""
_CODE_WORDS = 4
"""Words of a code at most; more are a sentence for people."""
_STATUSES = ("status", "status_code", "statusCode", "code")
_STATES = ("status", "state", "task_status")
"""Keys with how far a job is, in a word."""
_FAILED = frozenset({"error", "errored", "fail", "failed", "failure", "rejected", "cancelled", "canceled"})
_FINE = frozenset(
    {"", "ok", "okay", "success", "succeeded", "successful", "successfully", "complete", "completed", "done",
     "finished", "ready", "active", "true"}
)  # fmt: skip
"""What answers say in these keys, and in place of an error's words, when nothing is wrong."""

_REFUSED = (
    "moderationblocked", "contentpolicy", "contentfilter", "contentmoderation", "responsibleaipolicy",
    "safetyviolation", "imagesafety", "prohibitedcontent", "sensitivecontent", "datainspection", "nsfw",
    "requestmoderated", "contentmoderated",
)  # fmt: skip
"""Parts of codes by which safety systems tell that they refused, without case and punctuation."""
_REFUSED_WORDS = (*_REFUSED, "safetysystem", "contentmanagementpolicy")
_REFUSED_SENTENCE = re.compile(
    r"(?:flagged|rejected|blocked|refused)\w{0,30}"
    r"(?:moderation|safety(?:system|filter|check)|inappropriate|unsafe|harmful|sensitive|(?:usage|content)polic)"
    r"|violat\w{0,40}(?:usage|content|safety|acceptableuse)polic"
)
"""How they say so in words, without case, spaces and punctuation."""
_REFUSED_EXACTLY = frozenset({"safety", "blocklist", "spii", "recitation", "imagerecitation"})
"""Codes that mean a refusal on their own: Gemini's, which gateways pass on."""
_BLOCKED = frozenset({"blockreason", "blockreasonmessage"})
_FLAGS = frozenset({"hasnsfwconcepts", "hasnsfwconcept", "nsfwcontentdetected"})
"""Keys by which servers that run diffusers' safety checker tell that a picture was made black, of each or of one."""
_UNPAID = (
    "insufficientquota", "billing", "insufficientfunds", "insufficientbalance", "insufficientcredit", "paymentrequired",
    "spendlimit", "arrearage", "outofcredit",
)  # fmt: skip
_UNPAID_WORDS = (
    "insufficientquota", "insufficientbalance", "insufficientcredit", "insufficientfunds", "notenoughcredit",
    "outofcredit", "exhaustedbalance", "creditbalanceistoolow", "billinghardlimit", "billingnotactive",
)  # fmt: skip
"""Those of a rate limit may speak of quotas and billing, too."""
_QUOTA_WORDS = ("exceededyourcurrentquota", "exceededyourmonthly", "usedallavailablecredits")
"""Of a quota that is used up; Gemini says the same of its limits by the minute, in an answer ``_BY_TIME``."""
_BY_TIME = re.compile("RESOURCE_?EXHAUSTED|retry_?Delay", re.IGNORECASE)
_LONGEST = 20_000
"""Characters of a text that are looked at for that; gateways put a whole answer into one."""
_LONGEST_PAGE = 200_000
"""Characters of a body that is no JSON in which words for people are looked for."""
_TITLES = [(re.compile(rf"<{tag}\b[^<>]*>", re.I), re.compile(rf"</{tag}>", re.I)) for tag in ("title", "h1")]
_CODE = [(re.compile(rf"<{tag}\b", re.I), re.compile(rf"</{tag}>", re.I)) for tag in ("script", "style")]
"""How the parts of a page begin and end. Each is searched once from where the last one ended: one pattern for both, as
in ``<title>.*?</title>``, takes the square of a page's length where the end is missing."""
_LONG_REFERENCE = re.compile(r"&#[0-9]{8,};?")
"""Stands for no character, and Python refuses to make a number of thousands of digits."""
_PASSING = ("ratelimit", "overloaded", "servererror", "unavailable", "timeout", "resourceexhausted", "toomanyrequests")
_PASSING_WORDS = (
    "ratelimit", "overloaded", "toomanyrequests", "tryagainlater", "tryagainin", "temporarilyunavailable", "isloading",
    "isbusy", "slowdown",
)  # fmt: skip


_WAITS = frozenset({"retryafter", "retrydelay", "retryafterseconds"})
"""Keys of the wait before another try: ``retry_after`` in seconds (Replicate), ``retryDelay`` as ``34.07s`` (Gemini:
``google.rpc.RetryInfo``)."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|h|hours?|m|min|minutes?|s|sec|seconds?)?(?![a-z])", re.I)
_UNITS = {"ms": 0.001, "mi": 60.0, "m": 60.0, "h": 3600.0, "s": 1.0}
_WAIT_WORDS = re.compile(
    r"(?:(?:try again|retry|retrying|resets?|available)(?: your request)? (?:in|after)|(?:timed out|wait)(?: for)?)"
    r" ?(?:about |~)?"
    r"((?:\d+(?:\.\d+)?\s*(?:ms|hours?|h|minutes?|min|m|seconds?|sec|s)(?![a-z])\s*)+)",
    re.I,
)
"""How servers tell it in words: "try again in 6m0s" (OpenAI), "your rate limit resets in ~30s" (Replicate), "you have
been timed out for 60 seconds" (Stability)."""


class Said(NamedTuple):
    """What a server says is wrong.

    Attributes:
        words: one line for people, at most ``MAX_SAID`` characters; empty where it says nothing.
        codes: words for programs, without case and punctuation.
        status: an HTTP status that the body tells, where it does.
        filtered: whether a safety system's result is there, or a refusal in words.
        by_time: whether a limit is told of that passes with time.
        wait: seconds after which another try is asked for; ``None`` where that isn't said.
    """

    words: str
    codes: frozenset[str]
    status: int | None
    filtered: bool
    by_time: bool = False
    wait: float | None = None

    @property
    def is_refusal(self) -> bool:
        """Whether a safety system refused."""
        return (
            self.filtered
            or _tells(self, _REFUSED, _REFUSED_WORDS)
            or not self.codes.isdisjoint(_REFUSED_EXACTLY)
            or _REFUSED_SENTENCE.search(_bare(self.words)) is not None
        )

    def meaning(self, status: int) -> Meaning:
        """Return what it means, with the answer's HTTP status; one that the body tells counts in an answer of 2xx."""
        if self.is_refusal and status != 401:
            return "refused"
        fine = 200 <= status < 300
        if fine and self.status is not None:
            status = self.status
        quota = () if self.by_time else _QUOTA_WORDS
        if status == 402 or _tells(self, _UNPAID, (*_UNPAID_WORDS, *quota)):
            return "unpaid"
        if status in PASSING or (fine and self.status is None and _tells(self, _PASSING, _PASSING_WORDS)):
            return "passing"
        if status in (401, 403, 404, 405, 407, 410) or 300 <= status < 400 or status >= 500:
            return "unusable"
        return "wrong"


def said_in(body: bytes) -> Said:
    """Return what an answer's body says is wrong."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        text = body[: 4 * _LONGEST_PAGE].decode("utf-8", "replace")[:_LONGEST_PAGE]
        words = _line(_plain(text))
        return Said(words, frozenset(), None, False, bool(_BY_TIME.search(text[:_LONGEST])), _wait_in((), words))
    return said_by(value)


def said_by(value: Any) -> Said:
    """Return what a body that was read as JSON says is wrong."""
    objects = list(objects_in(value))
    codes = {
        _bare(code)
        for each in objects
        for key, code in each.items()
        if key.lower() in _CODES and isinstance(code, str) and len(code) < 80 and len(code.split()) <= _CODE_WORDS
    }
    status = _status_in(value)
    refusals = [_refusal_in(each) for each in objects]
    filtered = any(refusals) or any(each.get("filtered") is True for each in objects)
    inner = (_words(each) for each in objects if _fails(each))
    ends = (str(end) for each in objects for key, end in each.items() if end and _bare(key) == "finishreason")
    categories = (key for each in objects for key, one in each.items() if isinstance(one, dict) and one.get("filtered"))
    words = _line(_words(value)) or _line(next(filter(None, (*refusals, *inner, *ends)), "") or ", ".join(categories))
    texts = (text for each in objects for pair in each.items() for text in pair if isinstance(text, str))
    try:
        whole = str(value)
    except RecursionError:  # it has as many levels as could just be read
        whole = ""
    by_time = any(_BY_TIME.search(text[:_LONGEST]) for text in (whole, *texts))
    return Said(words, frozenset(codes), status, filtered, by_time, _wait_in(objects, words))


def _wait_in(objects: Iterable[Mapping[str, Any]], words: str) -> float | None:
    """Return the seconds that an answer asks to wait, by a value of its own or in words."""
    for each in objects:
        for key, value in each.items():
            told = isinstance(value, str | int | float) and not isinstance(value, bool)
            if _bare(key) in _WAITS and told and (seconds := _seconds(str(value))) is not None:
                return seconds
    found = _WAIT_WORDS.search(words)
    return None if found is None else _seconds(found[1])


def _seconds(text: str) -> float | None:
    """Return a duration such as ``20``, ``34.07s`` or ``6m0s`` in seconds; ``None`` for anything else."""
    parts = [(float(number), unit.lower()) for number, unit in _DURATION.findall(text)]
    if not parts or re.fullmatch(r"\s*", _DURATION.sub("", text)) is None:
        return None
    return sum(number * _UNITS[unit[:2] if unit[:2] in _UNITS else unit[:1] or "s"] for number, unit in parts)


def has_error(body: Any) -> bool:
    """Tell whether a body without an image says that something is wrong, whatever its status said.

    It does by an error, anywhere in it, by a status of 4xx or 5xx, and by words or a state that are not of success.
    """
    if isinstance(body, str):  # a single word, or a long text in lines, may be base64
        return len(body.split()) > 1 and len(body) < 1000
    if says_failure(body):
        return True
    if not isinstance(body, dict):
        return False
    said = [body.get(key) for key in (*_STATES, "message", "msg", "error_message", "error_msg")]
    unfine = any(isinstance(each, str) and _bare(each) not in _FINE and not each.strip().isdigit() for each in said)
    return unfine or bool(body.get("detail"))


def says_failure(body: Any) -> bool:
    """Tell whether a body says outright that something failed: by an error in it, or a status of 4xx or 5xx."""
    return any(_fails(each) for each in objects_in(body)) or _status_in(body) is not None


def is_withheld(entry: Mapping[str, Any]) -> bool:
    """Tell whether an object of an answer says that its first picture was made black for what it shows."""
    for key, flag in entry.items():
        first = flag[0] if isinstance(flag, list) and flag else flag
        if _bare(key) in _FLAGS and first is True:
            return True
    return False


def _refusal_in(entry: dict[str, Any]) -> str:
    """Return how an object says that a safety system refused; empty where it doesn't."""
    said = [str(entry["refusal"])] if entry.get("refusal") else []
    for key, value in entry.items():
        if _bare(key) in _BLOCKED and isinstance(value, str) and "UNSPECIFIED" not in value:
            said.append(value)
    if is_withheld(entry):
        said.append("the picture was made black: " + ", ".join(key for key in entry if _bare(key) in _FLAGS))
    return ": ".join(filter(None, said))


def _fails(entry: dict[str, Any]) -> bool:
    """Tell whether an object says that it is an error, or of one."""
    return (
        bool(entry.get("error") or entry.get("errors"))
        or any(entry.get(key) is False for key in ("success", "ok"))
        or any(entry.get(key) == "error" for key in ("object", "type"))
        or any(_bare(str(entry.get(key))) in _FAILED for key in _STATES)
    )


def _status_in(value: Any) -> int | None:
    """Return the HTTP status of an error that a body tells, of its ``error`` before its own."""
    own = [each for each in (value, value.get("error") if isinstance(value, dict) else None) if isinstance(each, dict)]
    told = [each.get(key) for each in reversed(own) for key in _STATUSES]
    return next((int(str(code)) for code in told if re.fullmatch("[45][0-9][0-9]", str(code))), None)


def _tells(said: Said, codes: tuple[str, ...], words: tuple[str, ...]) -> bool:
    text = _bare(said.words)
    return any(part in code for part in codes for code in said.codes) or any(part in text for part in words)


def objects_in(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield every object in a JSON value, outer ones first; what is nested deeper than errors are is left out."""
    if depth > 6:
        return
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from objects_in(each, depth + 1)


def _words(value: Any, depth: int = 0) -> str:
    """Return the words for people in a JSON value: of an object at most the two most telling."""
    if depth > 6 or value is None or isinstance(value, bool):
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_words(each, depth + 1) for each in value[:3])))
    if not isinstance(value, dict):
        return _unwrapped(str(value), depth)
    if "loc" in value and "msg" in value:  # pydantic's, as FastAPI passes them on
        place = value["loc"] if isinstance(value["loc"], list) else [value["loc"]]
        return f"{'.'.join(map(str, place))}: {value['msg']}"
    found = [_words(value[key], depth + 1) for key in _WORDS if value.get(key)]
    telling = [words for k, words in enumerate(found) if words and words not in found[:k]]
    if telling:
        return ": ".join(telling[:2])
    if depth:  # texts by the name of the field that they are about
        return "; ".join(f"{key}: {words}" for key, each in value.items() if (words := _words(each, depth + 1)))
    return next((str(value[key]) for key in ("code", "type", "name", "reason", *_STATES) if value.get(key)), "")


def _unwrapped(text: str, depth: int) -> str:
    """Return a text, or the words of the JSON that it holds: gateways pass on what they were answered."""
    if text.lstrip().startswith(("{", "[")):
        try:
            return _words(json.loads(text), depth + 1)
        except (ValueError, RecursionError):
            pass
    return _plain(text)


def _plain(text: str) -> str:
    """Return a text without markup: of a web page its title, or all it shows."""
    if not re.search(r"<(?:!doctype|html|head|body|title|h1|p|pre)\b", text, re.IGNORECASE):
        return text
    shown = _title(text)
    if shown is None:
        shown = text
        for opening, closing in _CODE:
            shown = _without(shown, opening, closing)
    return html.unescape(_LONG_REFERENCE.sub("\ufffd", re.sub(r"<[^<>]*>", " ", shown)))


def _title(text: str) -> str | None:
    """Return what stands in a page's title or, where that is missing, in its first heading; ``None`` without either."""
    for opening, closing in _TITLES:
        if (begin := opening.search(text)) and (end := closing.search(text, begin.end())):
            return text[begin.end() : end.start()]
    return None


def _without(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """Return a text without what stands between these marks; what has no end stays."""
    kept, at = [], 0
    while (begin := opening.search(text, at)) and (end := closing.search(text, begin.end())):
        kept.append(text[at : begin.start()])
        at = end.end()
    return " ".join([*kept, text[at:]])


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text[:_LONGEST_PAGE]).split())[:MAX_SAID]


def _bare(code: str) -> str:
    return re.sub(r"[^a-z0-9]", "", code.lower())
