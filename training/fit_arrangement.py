"""Fit how the embedded CLIP tells counts and positions on pictograms; writes ``assets/clip/arrangement.json``.

On Patchwork's drawings and pasted pictures of the concepts of the development half, whose layout is known.

    python -m training.fit_arrangement {counts,relations} [--count N] [--kept FILE]
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.cases import known_concepts
from benchmarks.prompt_kinds import Composer
from imagerag.agent.arrangement import RELATIONS, count_features, relation_features
from imagerag.agent.registry import load_critic
from imagerag.assets import asset
from imagerag.assets.library import Library
from imagerag.embedders.window_evidence import FINE, FINEST, WindowEvidence, windows
from imagerag.generators.base import DrawRequest
from imagerag.generators.registry import load_generator
from imagerag.prompt_grammar.inflection import plural
from imagerag.prompt_grammar.noun_phrase import MAX_INSTANCES, article
from imagerag.prompt_grammar.vocabulary import NUMBERS, RELATION_WORDS

PASTED = {"counts": 3, "relations": 2}
"""Pasted pictures for each drawing: they take no time, and critics see drawings."""
STEPS = 200
DECAY = {"counts": 2e-3, "relations": 1e-3}
"""Weight of the squared weights, beside the mean negative log-likelihood."""
ALONE, BESIDE = 0.45, 0.3
"""Shares of the counted things that stand alone, and beside others; the rest stands to something."""
MOST_BESIDE = 3
JOINTS = ("on", "above", "under", "in front of", "behind", "inside", "to the left of", "next to")
FOLDS = 5


class Sample(NamedTuple):
    """One picture: the features of what it shows, which outcome that is, and whether things stand to each other."""

    features: list[float]
    outcome: str
    related: bool


class Asked(NamedTuple):
    """What a picture shows: ``related`` where the prompt says how things stand, ``outcome`` what is to be told."""

    prompt: str
    outcome: str
    related: bool


def samples(task: str, count: int) -> Iterator[Sample]:
    """Draw and paste, and yield what the critic's windows make of it."""
    library = Library()
    names = [name for name in known_concepts(library)[200:][::2] if not re.search("o'clock|-thirty", name)]
    critic: Any = load_critic("clip")
    eyes: WindowEvidence = critic.eyes
    pasted, drawn = Composer(library), load_generator("patchwork")
    for number in range(count):
        dice = random.Random(f"{task} {number}")
        first, second, third = dice.sample(names, 3)
        asked = (_counted if task == "counts" else _related)(dice, first, second, third)
        if number % (PASTED[task] + 1):
            pasted.shown = asked.prompt
            image, facts = _pasted(pasted, number)
        else:
            drawing = drawn.draw(DrawRequest(asked.prompt, (number,)))[0]
            image, facts = drawing.image, drawing.facts
        shown = [str(thing["phrase"]) for thing in facts["objects"]] if facts else []
        if not set(shown) <= {first, second, third} or (task == "counts" and shown.count(first) != int(asked.outcome)):
            continue  # a plural that is a thing of its own
        cut = FINEST if task == "counts" else FINE
        seen, boxes = eyes.see(image, cut), windows(image.size, cut)
        one = eyes.likeness(seen, first)
        if task == "counts":
            features = count_features(one, boxes, len(set(shown)) > 1, asked.related)
        else:
            features = list(relation_features(one, eyes.likeness(seen, second), boxes))
        yield Sample(features, asked.outcome, asked.related)


def _pasted(composer: Composer, number: int) -> tuple[Image.Image, Mapping[str, Any]]:
    try:
        drawing = composer.draw(DrawRequest("", (number,)))[0]
    except KeyError:  # no picture has that plural
        return Image.new("RGB", (1, 1)), {}
    return drawing.image, drawing.facts


def _counted(dice: random.Random, first: str, second: str, third: str) -> Asked:
    count = dice.randint(1, MAX_INSTANCES)
    left, how = MAX_INSTANCES - count, dice.random()
    if how < ALONE or not left:
        return Asked(_several(count, first), str(count), False)
    if how < ALONE + BESIDE:
        beside = dice.randint(1, min(left, MOST_BESIDE))
        prompt = f"{_several(count, first)} and {_several(beside, second)}"
        if left > beside and dice.random() < 0.4:
            prompt += f" and {_several(1, third)}"
        return Asked(prompt, str(count), False)
    joint, pair = dice.choice(JOINTS), [_several(count, first), _several(1, second)]
    if dice.random() < 0.25:
        pair = pair[::-1]
    return Asked(f"{pair[0]} {joint} {pair[1]}", str(count), True)


def _related(dice: random.Random, first: str, second: str, third: str) -> Asked:
    more = f" and {_several(1, third)}" if dice.random() < 0.25 else ""
    kind = dice.choice(RELATIONS)
    joint = RELATION_WORDS.get(kind, kind)
    return Asked(f"{_several(1, first)} {joint} {_several(1, second)}{more}", kind, True)


def _several(count: int, name: str) -> str:
    return f"{article(name)} {name}" if count == 1 else f"{NUMBERS[count]} {plural(name)}"


def fit(features: NDArray[Any], outcomes: Sequence[int], classes: int, decay: float) -> NDArray[np.float64]:
    """Return the weights of a multinomial logistic regression, (classes, features + 1), the bias last."""
    mean, scale = features.mean(0), features.std(0) + 1e-6
    inputs = torch.tensor((features - mean) / scale, dtype=torch.float64)
    wanted = torch.tensor(outcomes)
    weights = torch.zeros(classes, features.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser: Any = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Any:
        optimiser.zero_grad()
        logits = inputs @ weights[:, :-1].T + weights[:, -1]
        value: Any = torch.nn.functional.cross_entropy(logits, wanted) + decay * weights[:, :-1].square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    found = weights.detach().numpy()
    scaled = found[:, :-1] / scale
    return np.concatenate([scaled, (found[:, -1] - scaled @ mean)[:, None]], axis=1)


def regression(told: Sequence[Sample], classes: Sequence[str], decay: float) -> dict[str, Any]:
    """Fit one regression, and the threshold by which right and wrong layouts are told best in cross-validation.

    A count's is that of pictures in which nothing hides a part of another: it is to be strict where it can be.
    """
    features = np.array([sample.features for sample in told])
    outcomes = [classes.index(sample.outcome) for sample in told]
    said = np.zeros((len(told), len(classes)))
    for fold in range(FOLDS):
        inside = np.arange(len(told)) % FOLDS != fold
        kept = [one for one, use in zip(outcomes, inside, strict=True) if use]
        weights = fit(features[inside], kept, len(classes), decay)
        logits = features[~inside] @ weights[:, :-1].T + weights[:, -1]
        said[~inside] = np.exp(logits - logits.max(1, keepdims=True))
    said /= said.sum(1, keepdims=True)
    plain = [k for k, sample in enumerate(told) if not sample.related] or range(len(told))
    right = said[plain, [outcomes[k] for k in plain]]
    others = [said[k, j] for k in plain for j in range(len(classes)) if j != outcomes[k]]
    grid = np.linspace(0.02, 0.6, 59)
    errors = [(np.mean(right < at) + np.mean(np.array(others) >= at)) / 2 for at in grid]
    threshold = float(grid[int(np.argmin(errors))])
    accuracy = float(np.mean(said.argmax(1) == outcomes))
    print(
        f"{len(told)} pictures, {accuracy:.1%} of the outcomes right; at {threshold:.2f} "
        f"{np.mean(right >= threshold):.1%} of the right ones are accepted, "
        f"{np.mean(np.array(others) >= threshold):.1%} of the wrong ones"
    )
    weights = fit(features, outcomes, len(classes), decay)
    return {"classes": list(classes), "threshold": round(threshold, 3), "weights": weights.round(4).tolist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("counts", "relations"), help="which of the two is fitted; the other stays")
    parser.add_argument("--count", type=int, default=2000, help="pictures, about half a second each")
    parser.add_argument("--kept", type=Path, help="a file of one's own that keeps what was seen, to go on from")
    options = parser.parse_args()
    told: list[Sample] = pickle.loads(options.kept.read_bytes()) if options.kept and options.kept.exists() else []
    if not told:
        told = list(samples(options.task, options.count))
        if options.kept:
            options.kept.write_bytes(pickle.dumps(told))
    classes = [str(number) for number in range(1, MAX_INSTANCES + 1)] if options.task == "counts" else RELATIONS
    file = asset("clip") / "arrangement.json"
    fitted = json.loads(file.read_text(encoding="utf-8"))
    fitted[options.task] = regression(told, classes, DECAY[options.task])
    file.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
