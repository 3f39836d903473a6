"""The prompt syntax of other tools, taken out of a prompt: weights, parameters, negative prompts.

Read are the weights, networks and keywords of AUTOMATIC1111's web UI (its wiki, "Features"), ComfyUI's and NovelAI's
forms of them, and Midjourney's parameters and multi-prompts (docs.midjourney.com, "Parameter List", "Multi-Prompts").
Words inside weights stay; what is not heeded is told in ``PlainPrompt.notes``.
"""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from imagerag.prompt_grammar.midjourney import take_multi_prompt, take_parameters
from imagerag.prompt_grammar.modifiers import reading

_SYNTAX = re.compile(
    r"[\[\]{}<>\\]|\(\(|:\s*-?[\d.]+\s*(?:\)|,|$)|--[A-Za-z]|[\u2013\u2014][A-Za-z]|::|\b(?:BREAK|AND)\b|^\s*https?://|embedding:|\b(?:lora|lyco|lycoris|locon|hypernet):"
    r"|(?i:negatives?(?:[ _-]prompts?)? ?[:=]|\bsteps: ?\d|^\s*(?:/imagine|(?:positive )?prompt ?:))|__\w|#\w"
)
_LABEL = re.compile(
    r"^\s*(?:/imagine\s*)?(?:(?:positive )?prompt ?:|(?<=imagine)\s|(?<=imagine )(?=\S))", re.IGNORECASE
)
_WILDCARD = re.compile(r"(?<![\w])__([\w/-]+?)__(?!\w)")
_TAGS_AT_END = re.compile(r"((?:(?<!\S)#\w+[\s,]*)+)$")
_HASHTAG = re.compile(r"(?<!\S)#(\w*[A-Za-z]\w*)")
_GENERATION_DATA = re.compile(r"\bSteps: ?\d+ ?,.*", re.DOTALL | re.IGNORECASE)
_NEGATIVE = re.compile(r"(?<!\w)negatives?(?:[ _-]prompts?)? ?[:=](.*)", re.DOTALL | re.IGNORECASE)
_NETWORK = re.compile(
    r"<[A-Za-z_]+:[^<>]*>|\bembedding:[^\s,()]+|(?<!\w)(?:lora|lyco|lycoris|locon|hypernet):[\w. -]+(?::[\d.]+)?", re.I
)
_IMAGE_PROMPT = re.compile(r"^(?:\s*https?://\S+)+")
_WEIGHT = re.compile(r"(?:(?<!\d):\s*(-?\d*\.?\d+)|:\s*(-?\d*\.\d+))\s*$")
_WEIGHED_NEXT = re.compile(r"[ \t]*(?:[\[{]|\([^()]{0,300}:\s*-?\d*\.?\d+\s*\))")
_BARE_WEIGHT = re.compile(r"(?<=[A-Za-z]):[012]?\.\d{1,2}(?=\s*(?:,|$))")
_LONE_WEIGHT = re.compile(r"(?<=\s):\d*\.?\d+(?!\S)")
_BREAKS = re.compile(r"([ \t]*\n\s*|[ \t][/|\u2013\u2014-][ \t])")
"""Between the items of a list that has no commas."""
_PAIRS = {")": "(", "]": "[", "}": "{"}
_ALTERNATIVES = 300
"""Characters of ``[a|b]`` or ``[a:b:0.5]``; what is longer is read as words."""
_QUOTED = 3
"""Pieces of syntax that one note quotes."""


class PlainPrompt(NamedTuple):
    """A prompt in words alone.

    Attributes:
        text: the prompt itself where it has no such syntax.
        unwanted: what a negative prompt, ``--no`` or a negative weight names.
        notes: sentences for the person: what is not heeded, and what serves instead.
    """

    text: str
    unwanted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plain_prompt(prompt: str) -> PlainPrompt:
    """Take the syntax of other tools out of a prompt, in time linear in its length; no words may be left."""
    if not _SYNTAX.search(prompt):
        return PlainPrompt(_parted(prompt))
    if _is_object(prompt):
        return PlainPrompt(prompt)  # the form that some models read, FIBO for one: no syntax of other tools
    notes: list[str] = []
    unwanted: list[str] = []
    text = _LABEL.sub("", prompt, count=1)
    text = _take_out(_GENERATION_DATA, text, notes, "{} is ignored: generation data of another tool")
    text = _take_out(_IMAGE_PROMPT, text, notes, "{} is ignored: pictures to draw with are given with --subject")
    text, excluded = take_parameters(text, notes)
    unwanted += excluded
    if found := _NEGATIVE.search(text):
        unwanted += negative_items(found[1])
        text = text[: found.start()]
    text = _take_out(_NETWORK, text, notes, "{} is ignored: the generator's own weights are drawn with")
    text = _without_wildcards(text, notes)
    text = _without_hashtags(text, notes)
    text = _without_weights(text, notes, unwanted)
    text, excluded = take_multi_prompt(text, notes)
    unwanted += excluded
    text = _without_keywords(text, notes)
    if unwanted:
        named = ", ".join(repr(item) for item in unwanted[: 2 * _QUOTED])
        more = f" and {len(unwanted) - 2 * _QUOTED} more" if len(unwanted) > 2 * _QUOTED else ""
        notes.append(f"not asked for: {named}{more}; left out of the prompt, taken as a negative one (--negative)")
    parted = _parted(text)
    changed = notes or unwanted or "\\" in prompt or "#" in prompt or _LABEL.match(prompt) or parted != text
    text = re.sub(r"(?:\s*,)+", ",", " ".join(parted.split())).strip(" ,")
    return PlainPrompt(text if changed else prompt, tuple(dict.fromkeys(unwanted)), tuple(notes))


def _is_object(text: str) -> bool:
    """Tell whether a prompt is a JSON object."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def negative_items(text: str) -> list[str]:
    """Return the parts of a negative prompt by itself, without weights and networks."""
    return _items(_without_weights(_NETWORK.sub(" ", text), [], []))


def _items(text: str) -> list[str]:
    return [item for part in text.split(",") if (item := part.strip(" .;\n\t()"))]


def _quoted(pieces: Sequence[str]) -> str:
    shown = ", ".join(repr(" ".join(piece.split())[:60]) for piece in pieces[:_QUOTED])
    return f"{shown} and {len(pieces) - _QUOTED} more" if len(pieces) > _QUOTED else shown


def _take_out(pattern: re.Pattern[str], text: str, notes: list[str], note: str) -> str:
    found = [match[0] for match in pattern.finditer(text)]
    if not found:
        return text
    notes.append(note.format(_quoted(found)))
    return pattern.sub(" ", text)


def _without_weights(text: str, notes: list[str], unwanted: list[str]) -> str:
    """Take the brackets of weights away and leave their words; single parentheses are English and stay."""
    out: list[str] = []
    opened: list[int] = []
    closed = (-1, -1)
    weighted: list[str] = []
    chosen: list[str] = []
    at = 0
    while at < len(text):
        sign = text[at]
        at += 1
        if sign == "\\" and at < len(text) and text[at] in "()[]{}":
            out.append(text[at])
            at += 1
            continue
        if sign in "([{":
            opened.append(len(out))
        elif sign in _PAIRS and opened and out[opened[-1]] == _PAIRS[sign]:
            start = opened.pop()
            tail = "".join(out[max(len(out) - 12, start + 1) :])
            weight = _WEIGHT.search(tail) if sign == ")" else None
            if weight:
                del out[len(out) - (len(tail) - weight.start()) :]
                if float(weight[1] or weight[2]) <= 0:
                    unwanted += _items("".join(out[start + 1 :]))
                    del out[start:]
                    continue
                weighted.append("".join(out[start : start + 60]) + weight[0] + ")")
            elif sign != ")":
                weighted.append("".join(out[start : start + 60]) + sign)
                few = len(out) - start <= _ALTERNATIVES
                if kept := _first_alternative("".join(out[start + 1 :]), sign) if few else "":
                    chosen.append(weighted.pop())
                    out[start + 1 :] = list(kept)
            elif closed != (start + 1, len(out)):
                out.append(sign)
                closed = (start, len(out))
                continue
            else:  # ((x)): the inner pair was taken for English
                if out[start + 1]:
                    weighted.append("".join(out[start : start + 60]) + sign)
                out[start + 1] = out[-1] = ""
            # Behind a thing it stands by itself; before one it is that thing's.
            last = text[at : at + 9].lstrip(" \t")[:1] in ("", *",.;([{\n")
            between = ", " if last and _is_modifier("".join(out[start + 1 :])) else ""
            out[start] = between
            # "(a cliff:1.4) (the sea:1.2)" is a list as well.
            out.append(", " if _WEIGHED_NEXT.match(text, at) else between)
            closed = (start, len(out))
            continue
        out.append(sign)
    plain = "".join(out)
    weighted += [match[0] for match in _BARE_WEIGHT.finditer(plain)]
    if weighted:
        notes.append(f"weights are read as words, all of the same weight: {_quoted(weighted)}")
    if chosen:
        notes.append(f"one of several is drawn: {_quoted(chosen)}")
    return _BARE_WEIGHT.sub("", plain)


def _without_wildcards(text: str, notes: list[str]) -> str:
    """Read ``__animal__`` as its name: the lists that it is filled from are another tool's."""
    found = [match[0] for match in _WILDCARD.finditer(text)]
    if found:
        notes.append(f"{_quoted(found)}: read by its name, since wildcards are filled in by another tool")
    return _WILDCARD.sub(lambda match: re.sub(r"[_/-]+", " ", match[1]), text)


def _without_hashtags(text: str, notes: list[str]) -> str:
    """Read "#goldenhour" as a tag; of those behind all other words, the ones that name no style are ignored."""
    found = list(_HASHTAG.finditer(text))
    if not found:
        return text
    last = _TAGS_AT_END.search(text)
    ignored = [tag[0] for tag in found if last and tag.start() >= last.start(1) and not _is_modifier(tag[1])]
    if ignored and (text[: last.start(1)] if last else "").strip(" ,.\n"):
        notes.append(f"{_quoted(ignored)} is ignored: a hashtag; say in words what is to be seen")
    else:
        ignored = []
    return _HASHTAG.sub(lambda match: "" if match[0] in ignored else f", {match[1]},", text)


def _is_modifier(text: str) -> bool:
    """Tell whether words, or all items of a list, name a style."""
    items = [item.lower().split() for item in text.split(",")]
    return any(items) and all(reading(item) != "" for item in items if item)


def _parted(text: str) -> str:
    """Return a text with commas where a line, a slash or a dash begins words of style: people list them so, too."""
    first, *rest = _BREAKS.split(text)
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return first + "".join((", " if _is_modifier(part.strip(" .,;")) else mark) + part for mark, part in pairs)


def _first_alternative(text: str, sign: str) -> str:
    """What is drawn of ``{a|b}`` and ``[a|b]`` (the first) or ``[a:b:0.5]`` (the last); empty for plain words."""
    if "|" in text:
        return next((part.strip() for part in text.split("|") if part.strip()), "")
    parts = text.split(":") if sign == "]" else []
    if len(parts) in (2, 3) and re.fullmatch(r"\s*\d*\.?\d+\s*", parts[-1]):
        return (parts[-2] if parts[-2].strip() else parts[0]).strip()
    return ""


def _without_keywords(text: str, notes: list[str]) -> str:
    """Read BREAK as a comma and AND as "and", where capitals mean something."""
    if not re.search(r"[a-z]", text):
        return text
    found = re.findall(r"\b(?:BREAK|AND)\b", text)
    if not found:
        return text
    notes.append(
        f"{' and '.join(dict.fromkeys(found))}: read as a comma or 'and', since the prompt is drawn in one piece"
    )
    text = re.sub(r"\bAND\b", "and", re.sub(r"\bBREAK\b", ",", text))
    return _LONE_WEIGHT.sub("", text)
