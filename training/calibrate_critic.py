"""Fit the critic's constants on drawings of known truth, of the half ``dev`` alone; writes ``assets/clip/critic.json``.

python -m training.calibrate_critic
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.truth import questions
from imagerag.agent.clip_critic import Calibration, ClipCritic, Exemplars
from imagerag.assets import asset
from imagerag.assets.library import Library
from imagerag.embedders.registry import embedded_clip
from imagerag.generators.registry import load_generator

STEPS, RATE, DECAY = 4000, 0.05, 1e-3
SEEDS = 3
"""Drawings of each question: a few constants, but the wrong answers are few as well."""


def fit(features: NDArray[Any], truth: NDArray[Any]) -> NDArray[Any]:
    """Return weights of a logistic regression with a bias first; plain gradient descent on (n, d) features."""
    x = np.column_stack([np.ones(len(features)), features])
    weights = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-(x @ weights)))
        weights -= RATE * (x.T @ (p - truth) / len(x) + DECAY * np.r_[0, weights[1:]])
    return weights


def logistic(raw: NDArray[Any], truth: NDArray[Any]) -> tuple[list[float], NDArray[Any]]:
    """Return bias and weights for raw (n, d) features, rounded, and the probabilities (n,) they give."""
    middle, spread = raw.mean(0), raw.std(0)
    weights = fit((raw - middle) / spread, truth)
    slope = weights[1:] / spread
    constants = [round(float(value), 4) for value in (weights[0] - slope @ middle, *slope)]
    return constants, 1 / (1 + np.exp(-(constants[0] + raw @ np.array(constants[1:]))))


def main() -> None:
    """Draw, look, fit, and write the constants."""
    library, embedder = Library(), embedded_clip()
    names = [concept.name for concept in library.concepts]
    pictures = library.stored_embeddings(embedder.model_id)
    assert pictures is not None, "run training.embed_library first"
    exemplars = Exemplars(pictures, [entry.concept for entry in library.entries])
    asked = [
        question
        for again in range(SEEDS)
        for question in questions(load_generator("patchwork"), embedder, library, "dev", known=80, again=again)
    ]
    truth = np.array([question.there for question in asked], float)
    nothing = Calibration(1, (0, 1, 0), (0, 1, 0, 0, 0), 0.5)
    eyes = ClipCritic(embedder, names, calibration=nothing)
    looks = [eyes.see(question.image) for question in asked]
    best: tuple[float, Calibration] | None = None
    for temperature in (20.0, 30.0, 45.0, 65.0):
        critic = ClipCritic(embedder, names, exemplars, nothing._replace(temperature=temperature))
        seen = [critic.evidence(look, [q.concept]) for look, q in zip(looks, asked, strict=True)]
        raw = np.array([[float(value[0]) for value in evidence] for evidence in seen])
        words, by_words = logistic(raw[:, :2], truth)
        both, p = logistic(raw, truth)
        loss = float(-np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p)))
        right = [float(np.mean((q >= 0.5) == truth)) for q in (p, by_words)]
        print(
            f"temperature {temperature:g}: loss {loss:.3f}, right on {right[0]:.1%} of {len(asked)} "
            f"({right[1]:.1%} by names alone)",
            flush=True,
        )
        if best is None or loss < best[0]:
            best = loss, Calibration(temperature, words, both, 0.5)
    assert best is not None
    path = asset("clip") / "critic.json"
    path.write_text(json.dumps(best[1]._asdict(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {path.name}: {best[1]}")


if __name__ == "__main__":
    main()
