"""Fitting the weights by which follow-ups are read that no rule reads."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from imagerag.agent.follow_up.deciding import HELD
from imagerag.agent.follow_up.first_request import drawn_as, openings
from imagerag.agent.follow_up.likelihood import FEATURES
from imagerag.agent.follow_up.network import Case, case_of, encoder
from imagerag.agent.follow_up.phrases import words_of
from imagerag.agent.follow_up.proposals import Proposal
from imagerag.agent.follow_up.ranking import NO_CHANGE, combined, fitted_weights, made, single_changes
from imagerag.agent.follow_up.reading import FollowUps
from testing.follow_up_checks import faults
from testing.follow_up_corpus import COLLECTIONS, Collection, read_corpus
from testing.follow_up_examples import Example, examples_of, follow_ups_by_rule, scene_drawn

KEPT_APART: tuple[Collection, ...] = ("test", "varied16", "varied25")
"""Collections on which no weights are fitted."""
TUNED_ON: tuple[Collection, ...] = tuple(name for name in COLLECTIONS if name not in KEPT_APART)
"""Collections on which the weights are fitted."""
PENALTY = 1e-4
"""Times the sum of the squared weights, beside the mean negative log-likelihood.

Fitted without "varied9", "varied11", "varied12", "varied17" and "varied20", weights alone read 65.9 % of these right
with it, and 64.0 % with 3e-4."""
STEPS = 60


class Weighed(NamedTuple):
    """An example as the weights see it.

    Attributes:
        example: itself.
        features: of each proposal, the places of its weights; those of ``NO_CHANGE`` come first.
        prompts: of the pictures that the proposals make; empty of the first, ``None`` of those that can't be made.
        right: of each proposal, whether it is what was wanted; of the first, whether it is that where no other is.
        case: the same as the network sees it.
    """

    example: Example
    features: list[NDArray[np.int32]]
    prompts: list[str | None]
    right: NDArray[np.bool_]
    case: Case


def weigh(examples: Iterable[Example], reader: FollowUps) -> Iterator[Weighed]:
    """Yield examples with all that they could mean; those that no weights read, as "4 variations", are left out.

    Which changes are taken together is told by the weights as they are, as where follow-ups are read.
    """
    encode, weights = encoder(), fitted_weights()
    for example in examples:
        turn = example.turn
        special = turn.fresh or turn.pictures > 1 or turn.zoom or turn.upload
        begun = reader.begun(example.request, example.history)
        if begun is None or (special and example.is_change):
            continue
        edit, words = begun
        request, singles = single_changes(edit, words)
        proposals: list[Proposal] = [*NO_CHANGE, *((change,) for change in singles)]
        prompts: list[str | None] = ["", *(made(edit, one) for one in proposals[1:])]
        scores = [float(weights[request.features((one,))].sum()) for one in singles]
        several = combined(edit, request, singles, scores)
        proposals += several
        prompts += [made(edit, one) for one in several]
        are_right = {one: example.is_change and example.is_right(one) for one in set(prompts) if one}
        if example.is_change and not any(are_right.values()):
            are_right = {one: example.is_right(one, strictly=False) for one in are_right}
        right = wanted_wording(example, prompts, [are_right.get(prompt or "", False) for prompt in prompts])
        right[1] = turn.goes_back
        right[2] = turn.kind == "new"
        right[0] = not any(right)
        features = [np.array(request.features(one), dtype=np.int32) for one in proposals]
        yield Weighed(example, features, prompts, np.array(right), case_of(request, proposals, encode))


def wanted_wording(example: Example, prompts: Sequence[str | None], right: Sequence[bool]) -> list[bool]:
    """Return which of the right prompts are meant, where a thing may as well be held as stand beside the others.

    A turn seldom says which: "a dog with a cat" shows all that is wanted behind "and a cat too", and is not meant.
    """
    many = example.before.prompt.count(" with ") if example.before is not None else 0
    held = [
        ok and prompt is not None and prompt.count(" with ") > many for ok, prompt in zip(right, prompts, strict=True)
    ]
    apart = [ok and not one for ok, one in zip(right, held, strict=True)]
    gives = bool(HELD & set(re.findall(r"[a-z]+", example.request.lower())))
    meant = held if gives and any(held) else apart
    return list(meant if any(meant) else right)


class Opened(NamedTuple):
    """A first request as the network sees it, with what of its proposals is right."""

    say: str
    prompts: list[str | None]
    right: NDArray[np.bool_]
    case: Case


def weigh_openings(collection: Collection) -> Iterator[Opened]:
    """Yield a collection's requests for new pictures, wherever they stand, but for those that no proposal reads."""
    corpus, encode = read_corpus(collection), encoder()
    reader = follow_ups_by_rule()
    edit = reader.begin()
    for conversation in corpus.conversations:
        for turn in conversation.turns:
            if turn.kind != "new" or turn.upload:
                continue
            request, proposals = openings(edit, words_of(turn.say))
            prompts = [drawn_as(edit, request.mentions, one) for one in proposals]
            draws = {one: not faults(turn, scene_drawn(one), None, corpus) for one in set(prompts) if one}
            right = np.array([draws.get(prompt or "", False) for prompt in prompts])
            if right.any():
                yield Opened(turn.say, prompts, right, case_of(request, proposals, encode))


def scores_of(one: Weighed, weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the scores of an example's proposals by weights."""
    return np.array([float(weights[features].sum()) for features in one.features])


def words_seen(collections: Iterable[Collection] = TUNED_ON) -> list[str]:
    """Return all words of the follow-ups, in small letters, sorted."""
    found: set[str] = set()
    for collection in collections:
        for conversation in read_corpus(collection).conversations:
            for turn in conversation.turns[1:]:
                found.update(re.findall(r"[a-z]+", turn.say.lower()))
    return sorted(found)


def fit(weighed: Sequence[Weighed], penalty: float = PENALTY) -> NDArray[np.float32]:
    """Return the weights under which what is right is likeliest; shape (FEATURES,).

    A log-linear model over the proposals of each request; of several that are right, their sum counts.
    """
    flat = np.concatenate([one for each in weighed for one in each.features])
    lengths = np.array([len(one) for each in weighed for one in each.features])
    rows = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    many = np.array([len(each.features) for each in weighed])
    first = np.concatenate([[0], np.cumsum(many)[:-1]])
    right = np.concatenate([each.right for each in weighed])
    weights = torch.zeros(FEATURES, dtype=torch.float64, requires_grad=True)
    optimizer: torch.optim.Optimizer = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def shares(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        scores = scores - np.repeat(np.maximum.reduceat(scores, first), many)
        likely = np.exp(scores)
        whole, wanted = np.add.reduceat(likely, first), np.add.reduceat(likely * right, first) + 1e-12
        slope = likely / np.repeat(whole, many) - likely * right / np.repeat(wanted, many)
        return slope, float(np.log(whole / wanted).sum())

    def closure() -> float:
        now = weights.detach().numpy()
        slope, loss = shares(np.add.reduceat(now[flat], rows))
        gradient = np.bincount(flat, np.repeat(slope, lengths), FEATURES) / len(weighed) + 2 * penalty * now
        weights.grad = torch.from_numpy(gradient)
        return loss / len(weighed) + penalty * float(now @ now)

    optimizer.step(closure)
    return weights.detach().numpy().astype(np.float32)


def weighed_collections(kept: Path | None) -> dict[Collection, list[Weighed]]:
    """Return the weighed follow-ups of each collection that may be tuned on.

    Args:
        kept: a file of an earlier call; written where it isn't there.
    """
    if kept is not None and kept.exists():
        found: dict[Collection, list[Weighed]] = pickle.loads(kept.read_bytes())
        return found
    reader = follow_ups_by_rule()
    found = {name: list(weigh(examples_of(name), reader)) for name in TUNED_ON}
    if kept is not None:
        kept.write_bytes(pickle.dumps(found))
    return found
