"""The words around the picture that a first request asks for, and its sentences and clauses."""

import re
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from imagerag.agent.follow_up.new_picture import without_taken_back
from imagerag.agent.follow_up.phrases import joined, words_of
from imagerag.agent.follow_up.wording import spellings_of_chats
from imagerag.prompt_grammar.vocabulary import colour_of, number_of

ENDS = frozenset([".", "!", "?", ";"])
LEADS = frozenset(["and", "so", "but", "then", "now", "well", "also", "oh", "ok", "okay", "just", "only", ","])
COURTESY = frozenset(
    ["please", "thanks", "thank", "you", "for", "me", "us", "perhaps", "maybe", "cheers", ",", "now", "if", "possible"]
)
SCENE_OF = re.compile(
    r"(?:[a-z-]+ ){0,3}(?:scene|picture|composition|image|drawing|poster|card|illustration) "
    r"(?:with|of|showing|featuring) |"
    r"(?:once upon a time |long ago )?(?:, )?there (?:is|are|was|were|lived|once was|once lived) |once upon a time |"
    r"here (?:is|are|comes?) "
)
ONE = frozenset(["it", "one", "that", "this", "them", "him", "her", "me", "us", "these", "those", "some", ""])
REASONS = frozenset(
    ["for", "as", "to", "since", "because", "when", "if", "every", "on", "at", "in", "while", "it's", "that's", "given"]
)
"""Words with which a reason for a wish begins."""
_LAUGHS = frozenset(["lol", "haha", "hehe", "lmao", "xd", ":)", ":-)", ";)", ":d", "<3"])
TALKERS = ("i", "we", "you")
_TURNS = frozenset(
    [
        "i",
        "we",
        "you",
        "he",
        "she",
        "it",
        "they",
        "so",
        "and",
        "but",
        "which",
        "who",
        "if",
        "for",
        "because",
        "could",
        "would",
        "can",
        "may",
        "please",
        "my",
        "our",
    ]
)


@dataclass(frozen=True)
class _Tables:
    before: tuple[re.Pattern[str], ...]
    behind: re.Pattern[str]
    picture: re.Pattern[str]
    ends: tuple[re.Pattern[str], ...]
    purpose: re.Pattern[str]
    talk: frozenset[str]
    setting: re.Pattern[str]
    nothing: re.Pattern[str]
    row: re.Pattern[str]
    headings: frozenset[str]
    whom: re.Pattern[str]
    asks: frozenset[str]
    predicates: frozenset[str]


@lru_cache(maxsize=1)
def opening_tables() -> _Tables:
    data = tomllib.loads((Path(__file__).parent / "opening.toml").read_text(encoding="utf-8"))
    wishes, talk = data["wishes"], data["talk"]

    def filled(pattern: str) -> str:
        for _ in data["fragments"]:  # fragments may be made of others
            for name, fragment in data["fragments"].items():
                pattern = pattern.replace(f"{{{name}}}", fragment)
        return pattern

    def any_of(patterns: Sequence[str]) -> str:
        return "(?:" + "|".join(map(filled, patterns)) + ")"

    return _Tables(
        tuple(re.compile(rf"{filled(pattern)}(?!\S)") for pattern in wishes["before"]),
        re.compile(any_of(wishes["behind"])),
        re.compile(rf"^{wishes['picture']}"),
        tuple(re.compile(rf"{filled(pattern)}$") for pattern in wishes["ends"]),
        re.compile(wishes["purpose"]),
        frozenset(talk["words"]),
        re.compile(talk["settings"]),
        re.compile(any_of(talk["nothing"])),
        re.compile(talk["row"]),
        frozenset(talk["headings"]),
        re.compile(filled("{whom}")),
        frozenset(talk["asks"]),
        frozenset(talk["predicates"]),
    )


def chat_words(request: str) -> list[str]:
    """Return the words of a request, as they are spelt outside of chats; brackets and dashes are words."""
    text = re.sub(r"\bpl+e+a+s+e+\b", "please", request, flags=re.IGNORECASE)
    text = re.sub(r"\b(?:i\.e|e\.g)\.", " ", text)
    text = re.sub(r"([()|])", r" \1 ", text)
    text = re.sub(r"\s(?:--|\u2014|\u2013|/)\s|\s*\|\s*", " , ", text)
    text = re.sub(r"\n+", " . ", text)
    spellings = spellings_of_chats()
    found: list[str] = []
    for word in words_of(text):
        found += (word if word in opening_tables().headings else spellings.get(word, word)).split()
    found = without_taken_back([word for word in found if word not in _LAUGHS] or found)
    return [{"+": "and", "bday": "birthday", "@": "at", "vs": "and", "vs.": "and"}.get(word, word) for word in found]


def split_at(words: Sequence[str], marks: Collection[str]) -> Iterator[list[str]]:
    part: list[str] = []
    depth = 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if word in marks and depth <= 0:
            if part:
                yield part
            part = []
        else:
            part.append(word)
    if part:
        yield part


def clauses_in(sentence: Sequence[str]) -> Iterator[list[str]]:
    """Yield the clauses of a sentence, at commas and where somebody begins to speak of something else."""
    part: list[str] = []
    for at, word in enumerate(sentence):
        turn = word in ("so", "but", "because") or (
            word == "and" and sentence[at + 1 : at + 2] and sentence[at + 1].split("'")[0] in TALKERS
        )
        behind = sentence[at + 1].split("'")[0] if sentence[at + 1 :] else ""
        if word == ":" or turn or (word == "," and behind in _TURNS):
            if part:
                yield part
            part = []
        else:
            part.append(word)
    if part:
        yield part


def headings_of(sentence: Sequence[str]) -> Iterator[tuple[list[str], bool]]:
    """Yield the parts of a sentence at colons; whether something follows each of them."""
    parts = list(split_at(sentence, {":"}))
    for at, part in enumerate(parts):
        yield part, at + 1 < len(parts)


def exclaimed_in(words: Sequence[str]) -> set[int]:
    """Return the numbers of the sentences that end with "!"."""
    ends = [word for at, word in enumerate(words) if word in ENDS and words[at - 1 : at] and words[at - 1] not in ENDS]
    return {number for number, word in enumerate(ends) if word == "!"}


def without_leads(words: Sequence[str]) -> list[str]:
    left = list(words)
    while left and left[0] in LEADS - {"just", "only"} | {"please", "thanks", "hello", "hi", "hey"}:
        left = left[1:]
    return left


def without_ends(words: Sequence[str], purpose: bool) -> list[str]:
    """Leave out what a wish ends with: "please", "if you have one handy", "for my daughter"."""
    tables = opening_tables()
    text = " ".join(words).strip(" ,")
    for _ in range(4):
        before = text
        for pattern in (*tables.ends, *((re.compile(rf"{tables.purpose.pattern}$"),) if purpose else ())):
            cut = pattern.search(text)
            if cut and cut.start() > 0:
                text = text[: cut.start()].strip(" ,")
        if text == before:
            break
    return text.split()


def without_brackets(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Leave out brackets that hold no look; return the rest, and what was left out."""
    kept: list[str] = []
    asides: list[str] = []
    at = 0
    while at < len(words):
        if words[at] == "(" and ")" in words[at:]:
            end = words.index(")", at) if isinstance(words, list) else list(words).index(")", at)
            inner = list(words[at + 1 : end])
            if colour_of(" ".join(inner)) or is_shares(inner):
                kept += ["(", *inner, ")"]
            else:
                asides.append(joined(inner))
            at = end + 1
        else:
            kept.append(words[at])
            at += 1
    return kept, asides


def is_remark(part: Sequence[str]) -> bool:
    """Tell whether words speak of somebody, as those do that are said in passing: "she is cute", "we've decided"."""
    heads = {word.split("'")[0] for word in part}
    denied = any(word.endswith("n't") for word in part)
    return bool(heads & {*TALKERS, "he", "she", "they"}) or denied or (part[0] == "it" and len(part) > 1)


def is_shares(piece: Sequence[str]) -> bool:
    """Tell whether a part says how many have which colour: "1 red, 1 green"."""
    inner = [word for word in piece if word not in (",", "and")]
    return len(inner) > 2 and all(
        number_of(inner[at]) and colour_of(inner[at + 1]) for at in range(0, len(inner) - 1, 2)
    )
