"""Parts of a request: sentences, clauses, the words behind a verb, and what asks for nothing."""

import re
from collections.abc import Sequence

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.phrases import phrases, starts_with, without_courtesy
from imagerag.agent.follow_up.talk import kind_of_talk
from imagerag.prompt_grammar.vocabulary import ARTICLES, colour_of

LONGEST = 60
"""Words of the longest request that is read as a change: longer ones are prompts."""

KEPT = (("instead", "of"), ("can", "i"), ("next", "to"))
"""What is courtesy only where nothing of this follows it."""

ENDS = frozenset([".", ";", "!", "?", "then"])

JOINS = frozenset([",", "and", "but", "&"])


LONELY = re.compile(
    r"(?:it|he|she|they|the [\w-]+(?: [\w-]+)?) (?:(?:could|should|might|must|can) )?"
    r"(?:use|needs?|wants?|has|have|gets?|looks?|seems?|feels?|be|is|are)(?: (?:a bit|so|very|too|really|some|a|an))*"
    r" (?:friends?|company|buddy|companion|mates?|pals?|partner|playmate|lonely|alone|bored|sad)"
    r"|(?:give|get|find|make|bring) (?:it|him|her|them|the [\w-]+) (?:a |some )?"
    r"(?:friends?|company|buddy|companion|mates?|pals?|partner|playmate)"
)
"""Why something is to come: "he could use a friend"."""


_FALSE_STARTS = frozenset(
    ["in", "on", "with", "at", "to", "a", "an", "the", "put", "add", "make", "maybe", "with a", "in a"]
)
"""What is begun and not gone on with: "in a ... with a butterfly on it"."""


def parts_of(words: Sequence[str], at: frozenset[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word in at:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in map(_ended, parts) if any(word not in JOINS for word in part)]


def _ended(words: Sequence[str]) -> list[str]:
    """Leave out a word at the end that nothing follows any more: "make it red with ... just red"."""
    end = len(words)
    while end > 1 and words[end - 1] in ("with", "and", "the", "a", "an", "or", "with,"):
        end -= 1
    return list(words[:end])


def at_verbs(words: Sequence[str]) -> list[list[str]]:
    """Part a sentence at commas and "and" where another verb follows."""
    said = phrases()
    verbs = tuple(verb for kind in ("put", "add", "give", "remove", "replace", "make") for verb in said.verbs[kind])
    parts: list[list[str]] = [[]]
    for at, word in enumerate(words):
        behind = without_courtesy(words[at + 1 :])
        if (
            word in JOINS
            and parts[-1]
            and (starts_with(behind, verbs) or word == "but" or starts_with(behind, said.wishes))
        ):
            parts.append([])
        else:
            parts[-1].append(word)
    return [_ended(part) for part in parts if part]


def is_aside(words: Sequence[str]) -> bool:
    """Tell whether a part of a request asks for nothing: "cheers", "I'm sorry to bother you", "too many"."""
    bare = without_courtesy(words)
    text = " ".join(bare[:-1] if bare[-1:] == ["but"] else bare).rstrip(" ,")
    if "," in text:
        return False
    return (
        bool(LONELY.fullmatch(text))
        or not text
        or _complains(text)
        or _ASKS_WHY.match(text) is not None
        or text in _FALSE_STARTS
        or kind_of_talk(text, exactly=False) is not None
        or text.startswith(phrases().asides)
    )


_ASKS_WHY = re.compile(r"why(?:'s| is| are| was| were| does| did| has| have) (?!n't|not\b)")
"""What is asked beside an order: "why's it pink? make it orange"."""


def _complains(text: str) -> bool:
    """Tell whether a text only says what there is too much of, in a word that is no look: "too crowded"."""
    said = phrases()
    before = r"(?:(?:it's|that's|it is|that is|looks|way|far|much|a bit|a little) )*"
    found = re.fullmatch(rf"{before}too (?P<how>[a-z]+)", text)
    looks = {"dark", "light", "bright", "close", "far", "near", "high", "low"}.union(*said.sizes.values())
    return found is not None and found["how"] not in looks and not colour_of(found["how"])


def without_asides(words: Sequence[str]) -> list[str]:
    """Leave out sentences at the start that ask for nothing: "meh. try again"."""
    left = list(words)
    while (at := next((k for k, word in enumerate(left) if word in (".", "!", ",")), None)) and left[at + 1 :]:
        first = " ".join(left[:at])
        if kind_of_talk(first) is None and not (left[at] != "," and is_aside(left[:at])):
            break
        left = left[at + 1 :]
    return left


def behind_verb(words: Sequence[str], kind: str) -> list[str] | None:
    """Return the words behind a verb of that kind; ``None`` where they begin with none."""
    length = starts_with(words, phrases().verbs[kind])
    return list(words[length:]) if length and len(words) > length else None


def points_back(edit: Edit, words: Sequence[str]) -> bool:
    """Tell whether words speak of what is in the picture: "it", "the dog", "the dog's"."""
    said = phrases()
    if any(word in ("it", "him", "her", "them", "its", "his", "their") for word in words):
        return True
    named = ([word, *(noun.removesuffix("'s") for noun in words[at + 1 : at + 2])] for at, word in enumerate(words))
    return any(pair[0] in said.definite and edit.find(pair) is not None for pair in named)


def adds_by_ending(words: Sequence[str]) -> bool:
    text = " ".join(words).rstrip(" .!?,")
    lead = re.match(r"(?:(?:ok|okay|so|well|oh|hmm|nice|great) (?:, )?)*(?:and|also|plus|with) ", text)
    return text.endswith((" too", " as well", " also", " with it")) or lead is not None


def owner_of(words: Sequence[str], of: Sequence[str]) -> list[str]:
    """Return whose colour it is: "the hat" of "the colour of the hat", "the hat's colour" and "the hat colour"."""
    inner = [word.removesuffix("'s") for word in words if word not in ARTICLES]
    at = next(k for k, word in enumerate(inner) if word in of)
    named = inner[at + 2 :] if inner[at + 1 : at + 2] == ["of"] else inner[:at]
    return [word for word in named if word not in ("its", "other", "different")]
