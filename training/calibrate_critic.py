"""Fit the critic's constants on drawings of known truth, of the half ``dev`` alone; writes ``assets/clip/critic.json``.

python -m training.calibrate_critic
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.truth import questions
from imagerag.agent.critic import Calibration, ClipCritic
from imagerag.assets import asset
from imagerag.engines.providers import embedded_clip, load_generator
from imagerag.index.library import Library

STEPS, RATE, DECAY = 4000, 0.05, 1e-3


def fit(features: NDArray[Any], truth: NDArray[Any]) -> NDArray[Any]:
    """Return weights of a logistic regression with a bias first; plain gradient descent on (n, d) features."""
    x = np.column_stack([np.ones(len(features)), features])
    weights = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-(x @ weights)))
        weights -= RATE * (x.T @ (p - truth) / len(x) + DECAY * np.r_[0, weights[1:]])
    return weights


def main() -> None:
    """Draw, look, fit, and write the constants."""
    library, embedder = Library(), embedded_clip()
    names = [concept.name for concept in library.concepts]
    asked = list(questions(load_generator("patchwork"), embedder, library, "dev", known=80))
    truth = np.array([question.there for question in asked], float)
    eyes = ClipCritic(embedder, names, Calibration(1, 0, 1, 0, 0.5))
    looks = [eyes.see(question.image) for question in asked]
    best: tuple[float, Calibration] | None = None
    for temperature in (20.0, 30.0, 45.0, 65.0):
        critic = ClipCritic(embedder, names, Calibration(temperature, 0, 1, 0, 0.5))
        seen = [critic.evidence(look, [q.concept]) for look, q in zip(looks, asked, strict=True)]
        raw = np.array([[odds[0], cosine[0]] for odds, cosine in seen], float)
        middle, spread = raw.mean(0), raw.std(0)
        weights = fit((raw - middle) / spread, truth)
        slope = weights[1:] / spread
        bias = float(weights[0] - slope @ middle)
        p = 1 / (1 + np.exp(-(bias + raw @ slope)))
        loss = float(-np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p)))
        right = float(np.mean((p >= 0.5) == truth))
        print(f"temperature {temperature:g}: loss {loss:.3f}, right on {right:.1%} of {len(asked)}", flush=True)
        constants = Calibration(temperature, round(bias, 4), round(float(slope[0]), 4), round(float(slope[1]), 4), 0.5)
        if best is None or loss < best[0]:
            best = loss, constants
    assert best is not None
    path = asset("clip") / "critic.json"
    path.write_text(json.dumps(best[1]._asdict(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {path.name}: {best[1]}")


if __name__ == "__main__":
    main()
