"""Fit how the embedded CLIP tells counts and positions on pictograms; writes ``assets/clip/arrangement.json``.

On Patchwork's drawings and pasted pictures of the concepts of the development half, whose layout is known.

    python -m training.fit_arrangement [--count N] [--kept FILE]
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
from benchmarks.prompt_kinds import COUNTS, Composer
from imagerag.agent.arrangement import RELATIONS, count_features, relation_features
from imagerag.agent.registry import load_critic
from imagerag.assets import asset
from imagerag.assets.library import Library
from imagerag.embedders.window_evidence import FINE, WindowEvidence, windows
from imagerag.generators.base import DrawRequest
from imagerag.generators.registry import load_generator
from imagerag.prompt_grammar.inflection import plural
from imagerag.prompt_grammar.noun_phrase import article
from imagerag.prompt_grammar.vocabulary import RELATION_WORDS

PASTED = 2
"""Pasted pictures for each drawing: they take no time, and critics see drawings."""
STEPS = 200
DECAY = 1e-3
"""Weight of the squared weights, beside the mean negative log-likelihood."""
FOLDS = 5


class Sample(NamedTuple):
    """One picture: the features of what it shows, and which outcome that is."""

    task: str
    features: list[float]
    outcome: str


def samples(count: int) -> Iterator[Sample]:
    """Draw and paste, and yield what the critic's windows make of it; every second one is of a count."""
    library = Library()
    names = [name for name in known_concepts(library)[200:][::2] if not re.search("o'clock|-thirty", name)]
    critic: Any = load_critic("clip")
    eyes: WindowEvidence = critic.eyes
    pasted, drawn = Composer(library), load_generator("patchwork")
    for number in range(count):
        dice = random.Random(f"arrangement {number}")
        first, second, third = dice.sample(names, 3)
        asked, task, outcome = _asked(dice, first, second, third)
        if number % (PASTED + 1):
            pasted.shown = asked
            image, facts = _pasted(pasted, number)
        else:
            drawing = drawn.draw(DrawRequest(asked, (number,)))[0]
            image, facts = drawing.image, drawing.facts
        shown = [str(thing["phrase"]) for thing in facts["objects"]] if facts else []
        if not set(shown) <= {first, second, third} or (task == "counts" and shown.count(first) != int(outcome)):
            continue  # a plural that is a thing of its own
        yield Sample(task, _features(eyes, image, task, first, second, len(set(shown)) > 1), outcome)


def _pasted(composer: Composer, number: int) -> tuple[Image.Image, Mapping[str, Any]]:
    try:
        drawing = composer.draw(DrawRequest("", (number,)))[0]
    except KeyError:  # no picture has that plural
        return Image.new("RGB", (1, 1)), {}
    return drawing.image, drawing.facts


def _asked(dice: random.Random, first: str, second: str, third: str) -> tuple[str, str, str]:
    more = f" and {article(third)} {third}" if dice.random() < 0.25 else ""
    if dice.random() < 0.5:
        count = dice.choice((1, 2, 3, 4))
        things = f"{article(first)} {first}" if count == 1 else f"{COUNTS[count]} {plural(first)}"
        return things + (more if count < 4 else ""), "counts", str(count)
    kind = dice.choice(RELATIONS)
    joint = RELATION_WORDS.get(kind, kind)
    return f"{article(first)} {first} {joint} {article(second)} {second}{more}", "relations", kind


def _features(
    eyes: WindowEvidence, image: Image.Image, task: str, first: str, second: str, others: bool
) -> list[float]:
    boxes = windows(image.size, FINE)
    seen = eyes.see(image)
    if task == "counts":
        return count_features(eyes.likeness(seen, first), boxes, others)
    return list(relation_features(eyes.likeness(seen, first), eyes.likeness(seen, second), boxes))


def fit(features: NDArray[Any], outcomes: Sequence[int], classes: int) -> NDArray[np.float64]:
    """Return the weights of a multinomial logistic regression, (classes, features + 1), the bias last."""
    mean, scale = features.mean(0), features.std(0) + 1e-6
    inputs = torch.tensor((features - mean) / scale, dtype=torch.float64)
    wanted = torch.tensor(outcomes)
    weights = torch.zeros(classes, features.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser: Any = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Any:
        optimiser.zero_grad()
        logits = inputs @ weights[:, :-1].T + weights[:, -1]
        value: Any = torch.nn.functional.cross_entropy(logits, wanted) + DECAY * weights[:, :-1].square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    found = weights.detach().numpy()
    scaled = found[:, :-1] / scale
    return np.concatenate([scaled, (found[:, -1] - scaled @ mean)[:, None]], axis=1)


def regression(told: Sequence[Sample], classes: Sequence[str]) -> dict[str, Any]:
    """Fit one regression, and the threshold by which right and wrong layouts are told best in cross-validation."""
    features = np.array([sample.features for sample in told])
    outcomes = [classes.index(sample.outcome) for sample in told]
    said = np.zeros((len(told), len(classes)))
    for fold in range(FOLDS):
        inside = np.arange(len(told)) % FOLDS != fold
        weights = fit(features[inside], [one for one, use in zip(outcomes, inside, strict=True) if use], len(classes))
        logits = features[~inside] @ weights[:, :-1].T + weights[:, -1]
        said[~inside] = np.exp(logits - logits.max(1, keepdims=True))
    said /= said.sum(1, keepdims=True)
    right = said[np.arange(len(told)), outcomes]
    others = [said[k, j] for k in range(len(told)) for j in range(len(classes)) if j != outcomes[k]]
    grid = np.linspace(0.02, 0.6, 59)
    errors = [(np.mean(right < at) + np.mean(np.array(others) >= at)) / 2 for at in grid]
    threshold = float(grid[int(np.argmin(errors))])
    accuracy = float(np.mean(said.argmax(1) == outcomes))
    print(
        f"{len(told)} pictures, {accuracy:.1%} of the outcomes right; at {threshold:.2f} "
        f"{np.mean(right >= threshold):.1%} of the right ones are accepted, "
        f"{np.mean(np.array(others) >= threshold):.1%} of the wrong ones"
    )
    weights = fit(features, outcomes, len(classes))
    return {"classes": list(classes), "threshold": round(threshold, 3), "weights": weights.round(4).tolist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1500, help="pictures, about half a second each")
    parser.add_argument("--kept", type=Path, help="a file of one's own that keeps what was seen, to go on from")
    options = parser.parse_args()
    told: list[Sample] = pickle.loads(options.kept.read_bytes()) if options.kept and options.kept.exists() else []
    if not told:
        for sample in samples(options.count):
            told.append(sample)
            if options.kept and len(told) % 50 == 0:
                options.kept.with_suffix(".part").write_bytes(pickle.dumps(told))
        if options.kept:
            options.kept.write_bytes(pickle.dumps(told))
    counts = regression([one for one in told if one.task == "counts"], ("1", "2", "3", "4"))
    relations = regression([one for one in told if one.task == "relations"], RELATIONS)
    text = json.dumps({"counts": counts, "relations": relations}, indent=1) + "\n"
    (asset("clip") / "arrangement.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
