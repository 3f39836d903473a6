"""What a request most likely means where no rule reads it: proposals ranked by fitted weights, and made."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from imagerag.agent.follow_up.changes import clause, misread
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.likelihood import FEATURES, Request
from imagerag.agent.follow_up.mentions import MOST, mentions_of
from imagerag.agent.follow_up.proposals import BACK, NEW, Change, Proposal, compound, proposals_of, together
from imagerag.agent.follow_up.scene_edit import CannotChange
from imagerag.assets import asset
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import number_of

WEIGHTS = "follow_up_weights.safetensors"
"""Written by ``training.fit_follow_ups``."""
MOST_COMBINED = 12
"""Single changes, the likeliest first, of which two or three are taken together."""
MOST_OTHERWISE = 16
"""Single changes that are taken together with these as the likeliest that is made of their words."""
MOST_TOGETHER = 40
"""Pairs that are weighed, and triples: those that leave fewest mentions unused, and of these the likelier ones."""
MOST_MADE = 8
"""Proposals that are made, the likeliest first, to see whether they can be and which come to the same."""
LEAST_MADE = 0.01
"""Probability below which a proposal isn't made."""


NO_CHANGE: tuple[Proposal, ...] = ((), (BACK,), (NEW,))
"""What a request may ask for that is no change: nothing, the picture before, a new one."""
_INSTEAD: Mapping[Proposal, Literal["back", "new"]] = {(BACK,): "back", (NEW,): "new"}


class Reading(NamedTuple):
    """A way to read a request.

    Attributes:
        prompt: of the changed picture; empty where the picture stays as it is, because nothing of this is asked for.
        probability: 0..1.
        orders: the changes as plain orders.
        in_part: a thing that the request names, and the picture lacks, a colour or a place is in none of them.
        instead: what is asked for instead of a change, with an empty prompt.
    """

    prompt: str
    probability: float
    orders: tuple[str, ...]
    in_part: bool = False
    instead: Literal["", "back", "new"] = ""

    @property
    def quoted(self) -> str:
        """The orders as they are told."""
        return " and ".join(repr(order) for order in self.orders)

    @property
    def told(self) -> str:
        """A note for the person that says what was made of the request."""
        return f"read as {self.quoted}"

    def asked(self, part: str) -> str:
        """What is said where this is too unlikely to be drawn, of the part that is not understood."""
        return f"I don't understand {part!r} as a change of this picture; if it means {self.quoted}, say yes"


@lru_cache(maxsize=1)
def fitted_weights() -> NDArray[np.float32]:
    """Return the weights of all features; shape (FEATURES,)."""
    from safetensors.numpy import load_file

    weights: NDArray[np.float32] = load_file(asset(WEIGHTS))["weights"].astype(np.float32)
    assert weights.shape == (FEATURES,)
    return weights


@lru_cache(maxsize=1)
def fitted_network() -> "Scores":
    """Return what adds to the weights' scores; torch is imported with the first request that asks for it."""
    from imagerag.agent.follow_up.network import load_fitted

    return load_fitted()


@lru_cache(maxsize=1)
def fitted_words() -> frozenset[str]:
    """Return the words that the follow-ups had on which the weights were fitted, in small letters."""
    from safetensors import safe_open

    with safe_open(asset(WEIGHTS), "np") as file:
        return frozenset(file.metadata()["words"].split())


def single_changes(edit: Edit, words: Sequence[str]) -> tuple[Request, list[Change]]:
    """Return a request for weighing, and each change that its mentions can ask for once."""
    mentions = mentions_of(edit, words)
    found: dict[tuple[str, ...], Change] = {}
    if len(mentions) <= MOST:
        for change in proposals_of(edit, mentions, words):
            found.setdefault(change.order, change)  # what is named comes before what is implied
    return Request(edit, words, mentions), list(found.values())


def likeliest_of(changes: Sequence[Change], scores: Sequence[float]) -> list[int]:
    """Return the places of the ``MOST_COMBINED`` changes of the highest scores, in the order of the changes.

    Besides, of those made of the same words the likeliest, up to ``MOST_OTHERWISE``: what is unlikely by itself, since
    it leaves a part of the request unread, may be that part's change.
    """
    ranked = sorted(range(len(changes)), key=lambda at: -scores[at])
    first: dict[frozenset[int], int] = {}
    for at in ranked:
        first.setdefault(changes[at].used, at)
    return sorted({*ranked[:MOST_COMBINED], *list(first.values())[:MOST_OTHERWISE]})


def combined(edit: Edit, request: Request, changes: Sequence[Change], scores: Sequence[float]) -> list[Proposal]:
    """Return changes taken together: such as belong together, and ``MOST_TOGETHER`` pairs and triples of others.

    Args:
        edit: of the picture that stands.
        request: of which the changes are.
        changes: that its mentions can ask for, one by one.
        scores: of each by itself.
    """
    best = likeliest_of(changes, scores)
    score_of = {changes[at]: scores[at] for at in best}
    singles = list(score_of)
    several = sorted(together(singles), key=lambda one: (-len(_used(one)), -sum(score_of[change] for change in one)))
    chosen = [[one for one in several if len(one) == length][:MOST_TOGETHER] for length in (2, 3)]
    return list(dict.fromkeys((*compound(edit, request.mentions, singles), *chain.from_iterable(chosen))))


def _used(proposal: Proposal) -> frozenset[int]:
    return frozenset(at for change in proposal for at in change.used)


def made(edit: Edit, proposal: Proposal) -> str | None:
    """Return the prompt of the picture changed so; ``None`` where it can't be."""
    if BACK in proposal or NEW in proposal:
        return None
    changed = copy(edit)
    changed.items, changed.passed_over, changed.reader = list(edit.items), [], clause
    try:
        for change in proposal:
            before = list(changed.items)
            if not clause(changed, list(change.order)) or misread(changed, before):
                return None
        return changed.described()
    except CannotChange:
        return None


def is_strange(phrase: str, known: Collection[str]) -> bool:
    """Tell whether a name has a number within it, and is none: "plant 2 tulips"."""
    return phrase not in known and any(number_of(word) and word not in ("a", "an") for word in phrase.split()[1:])


def shows_alike(prompt: str, other: str, edit: Edit) -> bool:
    """Tell whether two prompts show the same things in the same looks, however these stand."""
    first, second = (parse_scene(text, edit.names) for text in (prompt, other))
    looks = [
        sorted((thing.phrase, thing.count, thing.colour or "", thing.size) for thing in one.objects)
        for one in (first, second)
    ]
    rest = [replace(one, objects=(), relations=(), dropped=(), notes=()) for one in (first, second)]
    return looks[0] == looks[1] and rest[0] == rest[1]


class Scores(Protocol):
    """Scores proposals anew, on a log scale; see ``network.Scorer``."""

    def __call__(
        self, request: Request, proposals: Sequence[Proposal], scores: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the scores of a request's proposals, whose scores by the fitted weights are given."""
        ...


def readings(
    edit: Edit, words: Sequence[str], weights: NDArray[np.float32], network: Scores | None = None
) -> list[Reading]:
    """Return the ways to read a request, the likeliest first.

    Args:
        edit: of the picture that stands, unchanged.
        words: of the request, as typed.
        weights: of the features; shape (FEATURES,).
        network: adds to what the weights say; ``None``: nothing does.
    """
    request, singles = single_changes(edit, words)
    proposals: list[Proposal] = [*NO_CHANGE, *((change,) for change in singles)]
    scores = [float(weights[request.features(one)].sum()) for one in proposals]
    several = combined(edit, request, singles, scores[len(NO_CHANGE) :])
    proposals += several
    scores += [float(weights[request.features(one)].sum()) for one in several]
    found = np.array(scores) if network is None else network(request, proposals, np.array(scores))
    said = frozenset(
        at
        for at, one in enumerate(request.mentions)
        if one.kind in ("colour", "relation", "side") or (one.kind == "thing" and not one.places)
    )
    return list(_merged(edit, proposals, found, said))


def _merged(
    edit: Edit, proposals: Sequence[Proposal], scores: NDArray[np.float64], said: frozenset[int]
) -> Iterator[Reading]:
    """Yield what can be made, with the probabilities of all that come to the same.

    Args:
        edit: of the picture that stands.
        proposals: that were weighed.
        scores: of each.
        said: mentions of things that the picture lacks, of colours and of places.
    """
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    found: dict[str, Reading] = {}
    for at in [int(place) for place in np.argsort(-shares, kind="stable")[:MOST_MADE]]:
        if shares[at] < LEAST_MADE:
            break
        if instead := _INSTEAD.get(proposals[at]):
            found[instead] = Reading("", float(shares[at]), (), instead=instead)
            continue
        prompt = made(edit, proposals[at]) if proposals[at] else ""
        if prompt is None:
            continue
        orders = tuple(" ".join(change.order) for change in proposals[at])
        old = found.get(prompt)
        share = float(shares[at])
        found[prompt] = (
            Reading(prompt, share, orders, bool(said - _used(proposals[at])))
            if old is None
            else old._replace(probability=old.probability + share)
        )
    yield from sorted(found.values(), key=lambda one: -one.probability)
