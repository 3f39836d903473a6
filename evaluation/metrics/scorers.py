"""Scores of other packages, for this process or for one of another environment: nothing of imagerag is imported here.

VQAScore (t2v-metrics), HPSv3 (hpsv3) and ImageReward (image-reward) pin versions of torch, transformers or timm that
imagerag can't be installed with, so that each may live in an environment of its own. Run as a script, this file reads
one JSON object a line and answers each with one:

    {"scorer": "hpsv3", "model": "", "device": "cuda"}      {"ready": true}
    {"image": "a.png", "prompt": "an owl"}                  {"score": 7.25}

or {"error": "..."}. Checked against the sources of t2v-metrics 3.0 and 3.1, hpsv3 1.0.0 and image-reward 1.5.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

Score = Callable[[str, str], float]
"""From an image's path and the prompt to the score."""


class Unusable(Exception):
    """A package that has no such model, or can't be used here."""


def vqascore(model: str, device: str) -> Score:
    """P("Yes" | image, "Does this figure show {prompt}?"), 0..1 (Lin et al. 2024, arXiv 2404.01291)."""
    try:
        import t2v_metrics
    except RuntimeError as error:  # it looks for ffmpeg as it is imported
        raise Unusable(" ".join(str(error).split())) from error
    known = t2v_metrics.list_all_vqascore_models()
    wanted = model or "clip-flant5-xxl"
    if wanted not in known:
        raise Unusable("t2v-metrics has no model {!r}; there are {}".format(wanted, ", ".join(known)))
    scorer = t2v_metrics.VQAScore(model=wanted, device=device)

    def score(image: str, prompt: str) -> float:
        return float(scorer(images=[image], texts=[prompt])[0][0])

    return score


def hpsv3(model: str, device: str) -> Score:
    """HPSv3's mean reward (Ma et al. 2025, arXiv 2508.03789); ``model`` is the path of a checkpoint."""
    import torch
    from hpsv3 import HPSv3RewardInferencer

    scorer = HPSv3RewardInferencer(checkpoint_path=model or None, device=device)

    def score(image: str, prompt: str) -> float:
        with torch.no_grad():
            # A row is the mean and the deviation of the reward.
            return float(scorer.reward(image_paths=[image], prompts=[prompt])[0][0])

    return score


def image_reward(model: str, device: str) -> Score:
    """ImageReward, with mean 0 and deviation 1 over its own data (Xu et al. 2023, arXiv 2304.05977)."""
    import ImageReward
    import torch

    scorer = ImageReward.load(model or "ImageReward-v1.0", device=device)

    def score(image: str, prompt: str) -> float:
        with torch.no_grad():
            return float(scorer.score(prompt, image))

    return score


SCORERS: dict[str, Callable[[str, str], Score]] = {
    "vqascore": vqascore,
    "hpsv3": hpsv3,
    "image-reward": image_reward,
}


def serve(questions: TextIO, answers: TextIO) -> None:
    """Answer line by line until there are no more."""
    score: Any = None
    for line in questions:
        try:
            asked = json.loads(line)
            if "scorer" in asked:
                score = SCORERS[asked["scorer"]](asked["model"], asked["device"])
                told: dict[str, Any] = {"ready": True}
            else:
                told = {"score": score(asked["image"], asked["prompt"])}
        except Exception as error:  # told to the process that asks, whatever a package raises
            told = {"error": "{}: {}".format(type(error).__name__, " ".join(str(error).split()))}
        answers.write(json.dumps(told) + "\n")
        answers.flush()


if __name__ == "__main__":
    # Packages print as they load: what stands on stdout has to be answers alone.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as told_here:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            serve(sys.stdin, told_here)
