"""Fit the network by which follow-ups are read; writes ``assets/follow_up_network.safetensors``.

On the collections that ``training.fit_follow_ups`` takes, whose weights' scores it adds to. So that it learns how far
these are to be trusted, those of a follow-up that it learns from come of weights that were fitted without its
collection's part.

    python -m training.train_follow_up_network [--kept FILE]
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from imagerag.agent.follow_up.network import WEIGHTS, Case, Network, fitted_parts, fresh_network
from imagerag.assets import asset
from testing.follow_up_corpus import Collection
from testing.follow_up_fit import Opened, Weighed, fit, scores_of, weigh_openings, weighed_collections

PARTS = 4
"""Parts into which the collections are put, for scores by weights that were fitted on the others."""
EPOCHS = 3
"""Of 6, the third was the last that read more of "varied9", "varied11", "varied12", "varied17" and "varied20" right
while it learnt from the others."""
BATCH = 32
RATES = (8e-5, 1e-3)
"""Steps of the text tower's layers and of the rest; AdamW (Loshchilov and Hutter 2017)."""
WARM_UP = 0.1
"""Share of the steps over which the rates grow; then they fall to nothing."""


class Lesson(NamedTuple):
    """A follow-up to learn from.

    Attributes:
        case: what the network sees.
        scores: of its proposals by the fitted weights.
        right: of each proposal, whether it is what was wanted.
    """

    case: Case
    scores: NDArray[np.float64]
    right: NDArray[np.bool_]


def lesson_of(one: Weighed, weights: NDArray[np.float32]) -> Lesson:
    """Return an example with its scores by weights."""
    return Lesson(one.case, scores_of(one, weights), one.right)


def lessons(collections: Mapping[Collection, Sequence[Weighed]]) -> list[Lesson]:
    """Return all examples, each with scores by weights that were fitted without its part."""
    found, names = list[Lesson](), list(collections)
    for part in range(PARTS):
        others = [one for at, name in enumerate(names) if at % PARTS != part for one in collections[name]]
        weights = fit(others)
        found += [lesson_of(one, weights) for name in names[part::PARTS] for one in collections[name]]
    return found


def lesson_of_opening(one: Opened) -> Lesson:
    """Return a first request, which the fitted weights don't score."""
    return Lesson(one.case, np.zeros(len(one.right)), one.right)


def loss_of(network: Network, some: Sequence[Lesson]) -> torch.Tensor:
    """Return the mean negative log-likelihood of what is right; of several that are, their sum counts."""
    found = network([one.case for one in some], [one.scores for one in some])
    return torch.stack(
        [
            torch.logsumexp(scores, 0) - torch.logsumexp(scores[torch.from_numpy(one.right)], 0)
            for scores, one in zip(found, some, strict=True)
        ]
    ).mean()


def batches(some: Sequence[Lesson], chance: random.Random) -> Iterator[list[Lesson]]:
    """Yield all of them in an order by chance, those of a length together, so that little padding is computed."""
    order = chance.sample(list(some), len(some))
    found = list[list[Lesson]]()
    for start in range(0, len(order), 16 * BATCH):
        near = sorted(order[start : start + 16 * BATCH], key=lambda one: len(one.case.text.tokens))
        found += [near[at : at + BATCH] for at in range(0, len(near), BATCH)]
    chance.shuffle(found)
    yield from found


def trained(some: Sequence[Lesson], seed: int = 0) -> Network:
    """Return a network that has learnt from lessons."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    network = fresh_network()
    network.requires_grad_(False)
    parts = fitted_parts(network)
    for parameter in parts.values():
        parameter.requires_grad_(True)
    tower = [parameter for name, parameter in parts.items() if name.startswith("tower.")]
    rest = [parameter for name, parameter in parts.items() if not name.startswith("tower.")]
    optimizer = torch.optim.AdamW([{"params": tower, "lr": RATES[0]}, {"params": rest, "lr": RATES[1]}])
    steps = EPOCHS * math.ceil(len(some) / BATCH)
    plan = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (WARM_UP * steps)) * max(0.0, 1 - step / steps)
    )
    network.train()
    for epoch in range(EPOCHS):
        total = 0.0
        for batch in batches(some, chance):
            with torch.autocast("cpu", torch.bfloat16):
                loss = loss_of(network, batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(parts.values(), 1.0)
            optimizer.step()
            plan.step()
            total += float(loss.detach()) * len(batch)
        print(f"epoch {epoch + 1}: {total / len(some):.3f}", file=sys.stderr, flush=True)
    return network.eval()


def main() -> None:
    """Fit on everything that may be tuned on, and write the file."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kept", type=Path, help="keep the weighed examples there, and weigh none twice")
    collections = weighed_collections(options.parse_args().kept)
    learnt = lessons(collections)
    learnt += [lesson_of_opening(one) for name in collections for one in weigh_openings(name)]
    parts = {name: tensor.detach().half().contiguous() for name, tensor in fitted_parts(trained(learnt)).items()}
    path = asset("library.parquet").with_name(WEIGHTS)
    save_file(parts, path, metadata={"follow_ups": str(len(learnt))})
    path.chmod(0o644)


if __name__ == "__main__":
    main()
