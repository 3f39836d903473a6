"""Whether a concept is a fact rather than a look: "the mascot of the 2026 Winter Olympics", not "a bowl of fruit"."""

from __future__ import annotations

import re

_ROLES = (
    "mascot|winner|champion|medallist|medalist|runner-up|president|prime minister|chancellor|mayor|governor|minister|"
    "king|queen|monarch|emperor|empress|prince|princess|pope|leader|chairman|chairwoman|captain|coach|"
    "founder|inventor|author|writer|composer|director|designer|creator|architect|sculptor|discoverer|singer|"
    "protagonist|hero|heroine|villain|actor|actress|flag|banner|coat of arms|seal|emblem|symbol|logo|badge|trophy|"
    "medal|capital|currency|jersey"
)
"""Words for what something or somebody is to something else: what stands behind them is known, not seen."""
_OF_A_PLACE = (
    "animal|bird|flower|tree|fish|insect|dish|dress|costume|fruit|sport|instrument|emblem|symbol|flag|gem|gemstone"
)
_FACTS = re.compile(
    rf"\b(?:{_ROLES})s?\s+(?:of|for)\s+(?!an?\b)\w"  # the mascot of Osaka; the flag of a ship is any flag
    rf"|\w(?:'s|s')\s+(?:[\w-]+\s+){{0,2}}(?:{_ROLES})\b"  # Sony's new mascot
    rf"|\b(?:national|state|official|provincial)\s+(?:{_OF_A_PLACE}|{_ROLES})\b"
    rf"|\bcurrent\s+(?:[\w-]+\s+){{0,2}}(?:{_ROLES})\b"
    r"|\b(?:reigning|incumbent|latest|newest|upcoming)\s+\w"
    r"|\b(?:this|last|next)\s+year'?s\s+\w",
    re.IGNORECASE,
)
_YEAR = r"(?:1[0-9]|20)\d\d"
_ROLE_OF_YEAR = re.compile(rf"\b{_YEAR}\b.*\b(?:{_ROLES})\b|\b(?:{_ROLES})\b.*\b{_YEAR}\b", re.IGNORECASE)


def reads_as_fact(concept: str) -> bool:
    """Tell whether one has to know something to draw a concept, beside how things look that are called so.

    It goes by the wording: a role of something named ("flag of Bhutan", "Sony's mascot"), a role in a year, what is
    national or official, or what is current. A name alone ("Miraitowa") is none: pictures are called by it.
    """
    text = concept.replace("\u2019", "'")
    return any(pattern.search(text) for pattern in (_FACTS, _ROLE_OF_YEAR))


def in_the_prompts_words(concept: str, prompt: str) -> str:
    """Return a concept as it stands in the prompt, with the years beside and between its words, which concepts lack.

    What the prompt does not have comes back as it is; nothing else of the prompt is taken.
    """
    words = [re.escape(word) for word in re.findall(r"[\w'-]+", concept.replace("\u2019", "'"))]
    if not words:
        return concept
    between = rf"[^\w.;!?]+(?:(?:the|a|an)\s+)?(?:{_YEAR}\s+)?"
    found = re.search(
        rf"(?<!\w)(?:{_YEAR}\s+)?{between.join(words)}(?:\s+(?:of\s+|in\s+)?{_YEAR})?(?!\w)",
        prompt.replace("\u2019", "'"),
        re.IGNORECASE,
    )
    return " ".join(found[0].split()) if found else concept
