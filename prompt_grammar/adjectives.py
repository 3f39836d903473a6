"""Styles as clauses of their own, and styles and modifiers that stand before a thing: "a photorealistic 3d owl"."""

from collections.abc import Collection, Sequence

from imagerag.prompt_grammar.modifiers import reading
from imagerag.prompt_grammar.vocabulary import ARTICLES, SIZES, STYLE_ALIASES, Joint, colour_of, number_of

LONGEST_STYLE = 4
"""Words of a style that a critic can be asked about, "style" included; what is longer is a modifier."""


def style_of(words: list[str], joint: Joint) -> str:
    """The style word that this clause is, or nothing."""
    inner = [word for word in words if word not in ARTICLES and word != "one"]
    text = " ".join(inner)
    if text in STYLE_ALIASES:
        return STYLE_ALIASES[text]
    if inner[:2] == ["style", "of"]:
        inner = [*inner[2:], "style"]
    if len(inner) > 1 and inner[-1] in ("emoji", "emojis", "look") and joint in ("in", "and", "with"):
        return STYLE_ALIASES.get(" ".join(inner[:-1]), "")
    if 2 <= len(inner) <= LONGEST_STYLE and inner[-1] == "style":
        text = " ".join(inner[:-1])
        return STYLE_ALIASES.get(text, text)
    return ""


def take_adjectives(words: Sequence[str], names: Collection[str]) -> tuple[list[str], list[str], list[str]]:
    """Take "3d" and "photorealistic" out of "a small photorealistic 3d owl"; the last word always stays.

    Returns:
        Styles, modifiers and the words that are left.
    """
    styles: list[str] = []
    modifiers: list[str] = []
    kept: list[str] = []
    at = 0
    while at < len(words) - 1:
        word, pair = words[at], " ".join(words[at : at + 2])
        if pair in STYLE_ALIASES and at < len(words) - 2:
            styles.append(STYLE_ALIASES[pair])
            at += 2
            continue
        length = _adjective(words, at)
        if word in STYLE_ALIASES:
            styles.append(STYLE_ALIASES[word])
        elif length and (len(words) - at > 9 or " ".join(words[at:]) not in names):
            modifiers.append(" ".join(words[at : at + length]))
            at += length
            continue
        elif word in ARTICLES or word in SIZES or colour_of(word) or number_of(word):
            kept.append(word)
        else:
            break
        at += 1
    return styles, modifiers, kept + list(words[at:])


def _adjective(words: Sequence[str], at: int) -> int:
    """Return how many words from here are one modifier that may stand before a noun; at least one word is left."""
    longest = min(4, len(words) - 1 - at)
    return next((k for k in range(longest, 0, -1) if reading(words[at : at + k]) == "adjective"), 0)
