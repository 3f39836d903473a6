"""Which concepts the base set lacks, and which (concept, set) pairs the CLIP never trains on: by rule and hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from training.icon_sets import Concept

CONCRETE = ("animals and nature", "food and drink", "travel and places", "activities", "objects")
LACKING_COUNT = 160
HELD_OUT_COUNT = 480
NEAR_SYNONYM = 0.7  # cosine of MiniLM sentence embeddings of the two names
# Words that say how a thing is shown, not what it is; a shared one does not make two concepts alike.
FILLER = frozenset(
    "and with without of the on in a an no person man woman face button symbol mark sign".split()  # noqa: SIM905
)

HEADER = f"""\
# Concepts that the generator's base set lacks: the benchmark asks for them, so the generator must look them up.
# Rule: concrete groups only ({", ".join(CONCRETE)}); drawn by at least 3 sets, so that there is
# something to look up; named without digits or a clock time; no other concept's name comes within a MiniLM cosine of
# {NEAR_SYNONYM} or shares a content word ("black cat" goes with "cat"), because a base set that knows a
# near-synonym does not lack the concept; of those, the {LACKING_COUNT} with the smallest SHA-256 of "lacking:<name>".
# Reason for the two halves: thresholds and policies may be tuned on dev; published figures come from test alone.
"""


def digest(text: str) -> int:
    """A number that orders names at random, the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def content_words(name: str) -> set[str]:
    """The words of a name that say what it is, singular."""
    return {word.rstrip("s") for word in re.findall(r"[a-z]+", name) if word not in FILLER and len(word) > 2}


def lacking_concepts(
    concepts: Sequence[Concept], sets_of: Mapping[str, int], embeddings: NDArray[np.float32]
) -> dict[str, str]:
    """Map each concept the base set lacks to its half, `dev` or `test`. `embeddings`: (n, d), unit rows."""
    similarity = embeddings @ embeddings.T
    np.fill_diagonal(similarity, -1.0)
    words = [content_words(concept.name) for concept in concepts]
    used: dict[str, int] = {}
    for own in words:
        for word in own:
            used[word] = used.get(word, 0) + 1
    eligible = [
        concept.name
        for i, concept in enumerate(concepts)
        if concept.category in CONCRETE
        and sets_of.get(concept.name, 0) >= 3
        and not re.search(r"\d|o'clock|-thirty", concept.name)
        and words[i]
        and all(used[word] == 1 for word in words[i])
        and similarity[i].max() < NEAR_SYNONYM
    ]
    chosen = sorted(eligible, key=lambda name: digest("lacking:" + name))[:LACKING_COUNT]
    half = {name: ("dev", "test")[rank % 2] for rank, name in enumerate(chosen)}  # in hash order: two equal halves
    return {name: half[name] for name in sorted(chosen)}


def held_out_pairs(pairs: Sequence[tuple[str, str]], sets_of: Mapping[str, int]) -> set[tuple[str, str]]:
    """Choose (concept, set) pairs to keep out of CLIP training: one per concept at most, so it is trained in 2."""
    chosen: dict[str, tuple[str, str]] = {}
    for pair in sorted(pairs, key=lambda pair: digest("held out:" + "|".join(pair))):
        if sets_of[pair[0]] >= 3:
            chosen.setdefault(pair[0], pair)
        if len(chosen) == HELD_OUT_COUNT:
            break
    return set(chosen.values())
