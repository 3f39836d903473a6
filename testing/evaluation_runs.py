"""Folders of evaluation runs as ``imagerag eval`` writes them, with drawings of known presence."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from imagerag.evaluation.records import Arm, Concept, Drawing, Measurement, Suite, SuitePrompt

THINGS = ("owl", "kite", "lobster", "teapot", "fox", "anchor", "drum", "cactus", "whale", "lantern")
STRATA = ("known", "lacking")


def suite_of(prompts: int, name: str = "made-up") -> Suite:
    """Return a suite of prompts, every other one of which lacks something; each third has a count besides."""
    made = []
    for at in range(prompts):
        thing = THINGS[at % len(THINGS)]
        concepts = [Concept(thing, "thing", thing)]
        if at % 3 == 0:
            concepts.append(Concept(f"two {thing}s", "count", thing, "2"))
        made.append(
            SuitePrompt(f"p{at:03}", f"a {thing} by house {at}", tuple(concepts), STRATA[at % 2], "development")
        )
    return Suite(name, tuple(made), "CC0-1.0", "made for tests", notes=("made up",))


@dataclass(frozen=True)
class Made:
    """How an arm of a made-up run turns out.

    Attributes:
        chance: that a concept is there, by stratum.
        generations, steps: of each drawing.
        settings: of the arm.
        fails: tells by the place of a prompt whether its drawings end with an error.
        critic: the critic's score from the chance that the concept is there and whether it is.
    """

    chance: Mapping[str, float]
    generations: int = 1
    steps: int = 20
    settings: Mapping[str, object] = field(default_factory=dict)
    fails: Callable[[int], bool] = lambda at: False
    critic: Callable[[float, bool], float] = lambda chance, there: chance


TWO_ARMS = {
    "base": Made({"known": 0.9, "lacking": 0.1}),
    "agent": Made({"known": 0.9, "lacking": 0.9}, generations=2, steps=40),
}


def write_run(
    folder: Path,
    suite: Suite,
    arms: Mapping[str, Made],
    seeds: Sequence[int] = (0, 1),
    *,
    images: bool = False,
    metrics: Sequence[str] = ("presence", "clip"),
) -> Path:
    """Write a run and return its folder; the same arguments make the same run.

    Args:
        folder: is made.
        suite: of the run.
        arms: by name.
        seeds: of each prompt.
        images: write the images, too.
        metrics: that were measured.
    """
    (folder / "measured").mkdir(parents=True)
    (folder / "images").mkdir()
    drawings, presence, likeness = [], [], []
    for name, arm in arms.items():
        for at, prompt in enumerate(suite.prompts):
            for seed in seeds:
                digest = hashlib.sha256(f"{name} {prompt.name} {seed}".encode()).digest()
                random = np.random.default_rng(list(digest[:4]))
                chance = arm.chance[prompt.stratum]
                parts = {one.text: float(random.random() < chance) for one in prompt.concepts}
                verdict = {text: arm.critic(chance, bool(there)) for text, there in parts.items()}
                value = sum(parts.values()) / max(1, len(parts))
                image = "" if arm.fails(at) else _image(folder, f"{prompt.text} {value} {seed} {name}", images)
                score = sum(verdict.values()) / max(1, len(verdict))
                drawing = Drawing(
                    arm=name,
                    prompt=prompt.name,
                    seed=seed,
                    image=image,
                    generations=arm.generations,
                    steps=arm.steps,
                    calls=3,
                    tokens=100,
                    money=None,
                    seconds=1.5,
                    stop_reason="satisfied",
                    score=score if image else None,
                    verdict=verdict if image else {},
                    references=(),
                    error="" if image else "out of memory",
                )
                drawings.append(drawing)
                if image:
                    presence.append(Measurement(name, prompt.name, seed, value, parts))
                    likeness.append(Measurement(name, prompt.name, seed, 0.2 + 0.1 * value + 0.01 * random.random()))
    written = {
        "suite": asdict(suite),
        "arms": [asdict(Arm(name, dict(arm.settings), f"the arm {name}")) for name, arm in arms.items()],
        "seeds": list(seeds),
        "versions": {"imagerag": "0"},
    }
    (folder / "run.json").write_text(json.dumps(written), encoding="utf-8")
    write_lines(folder / "drawings.jsonl", drawings)
    for metric, lines in (("presence", presence), ("clip", likeness)):
        if metric in metrics:
            write_lines(folder / "measured" / f"{metric}.jsonl", lines)
    return folder


def write_lines(path: Path, entries: Sequence[Drawing] | Sequence[Measurement]) -> None:
    """Write records as a run does, a line each."""
    path.write_text("".join(json.dumps(asdict(entry)) + "\n" for entry in entries), encoding="utf-8")


def _image(folder: Path, said: str, written: bool) -> str:
    shade = hashlib.sha256(said.encode()).digest()
    picture = Image.new("RGB", (96, 96), (200, 200 + shade[0] % 40, 200 + shade[1] % 40))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((20, 20, 50 + shade[2] % 30, 50 + shade[3] % 30), fill=tuple(shade[4:7]))
    address = hashlib.sha256(picture.tobytes() + said.encode()).hexdigest()
    if written:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        (folder / "images" / f"{address}.png").write_bytes(buffer.getvalue())
    return address
