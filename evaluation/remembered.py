"""A generator and a critic that do nothing twice: most arms begin with the same first image.

Both are allowed because the same request gives the same pixels, and the same pixels the same verdict, by contract
(tests hold them to that). What is remembered counts with the time and the steps that it took when it was done.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from PIL import Image

from imagerag.agent.protocols import Critic
from imagerag.generators.base import (
    UNCONTROLLED,
    DrawControl,
    Drawing,
    DrawRequest,
    Generator,
    ImageKind,
    PlacesWeights,
    TakesNegatives,
    reference_scales,
)
from imagerag.lora import AppliedLora
from imagerag.records import ConceptScore, Verdict

Done = TypeVar("Done")


@dataclass
class Account:
    """What a run would have used without anything remembered, above what it used.

    Attributes:
        seconds: saved by what was remembered.
        steps: denoising steps of all its drawings, remembered ones among them.
        images: drawn, remembered ones among them.
    """

    seconds: float = 0.0
    steps: int = 0
    images: int = 0


@dataclass
class Memory:
    """What was done for one prompt, with the seconds that each took.

    Attributes:
        account: of the run at hand.
    """

    account: Account = field(default_factory=Account)
    _done: dict[Hashable, tuple[Any, float]] = field(default_factory=dict)

    def begin_run(self) -> Account:
        """Return a new account for the next run."""
        self.account = Account()
        return self.account

    def once(self, key: Hashable, work: Callable[[], Done]) -> Done:
        """Return what ``work`` gives, doing it only the first time."""
        if key not in self._done:
            began = time.perf_counter()
            self._done[key] = work(), time.perf_counter() - began
        else:
            self.account.seconds += self._done[key][1]
        done: Done = self._done[key][0]
        return done


class RememberingGenerator:
    """A ``Generator`` that hands a drawing it has made before out again, and counts denoising steps.

    It has what a run asks of a generator beyond ``draw``, as the inner one has it.

    Args:
        generator: draws.
        memory: of the prompt.
        makes: the kind of its images.
    """

    def __init__(self, generator: Generator, memory: Memory, makes: ImageKind) -> None:
        self._inner = generator
        self._memory = memory
        self.makes = makes
        self.name, self.revision = generator.name, generator.revision
        self.max_references = generator.max_references
        self.reference_scales = reference_scales(generator)
        self.takes_negatives = isinstance(generator, TakesNegatives) and generator.takes_negatives
        self.fast = bool(getattr(generator, "fast", False))
        self.loras: tuple[AppliedLora, ...] = getattr(generator, "loras", ())
        self.charges = bool(getattr(generator, "charges", False))
        self.output_tokens = int(getattr(generator, "output_tokens", 0))

    @property
    def is_placed(self) -> bool:
        """See ``PlacesWeights``."""
        return not isinstance(self._inner, PlacesWeights) or self._inner.is_placed

    def begin_placing(self) -> None:
        """See ``PlacesWeights``."""
        if isinstance(self._inner, PlacesWeights):
            self._inner.begin_placing()

    def place(self) -> None:
        """See ``PlacesWeights``."""
        if isinstance(self._inner, PlacesWeights):
            self._inner.place()

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """See ``Generator.draw``: one seed after the other, unless they are to be drawn at once."""
        groups = [request.seeds] if request.batch else [(seed,) for seed in request.seeds]
        drawings: list[Drawing] = []
        for seeds in groups:
            part = replace(request, seeds=seeds)
            drawings += self._memory.once(_key(part), lambda part=part: self._inner.draw(part, control))  # type: ignore[misc]
        self._memory.account.steps += sum(_steps(drawing) for drawing in drawings)
        self._memory.account.images += len(drawings)
        return drawings


def _key(request: DrawRequest) -> Hashable:
    references = tuple(
        (one.sha256 or _digest(one.image), one.concept, one.kind, one.scale) for one in request.references
    )
    size = str(request.size or "")
    return "draw", request.prompt, request.seeds, references, request.reference_scale, size, request.negative


def _steps(drawing: Drawing) -> int:
    """Return the denoising steps that a generator says it took; 0 where it doesn't say, as those behind an API."""
    steps = drawing.facts.get("steps", 0)
    return steps if isinstance(steps, int) else 0


class RememberingCritic:
    """A ``Critic`` that judges no image twice for the same prompt.

    Args:
        critic: judges; one that asks no chat model, whose calls would have to be counted.
        memory: of the prompt.
        early_stop: whether it may be satisfied; otherwise it never says so, and the run goes on to its limits.
    """

    def __init__(self, critic: Critic, memory: Memory, *, early_stop: bool = True) -> None:
        self._inner = critic
        self._memory = memory
        self._early_stop = early_stop
        self.name = critic.name

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        """See ``Critic.judge``."""
        verdicts = [
            self._memory.once(
                ("judge", self.name, _digest(image), prompt),
                lambda image=image: self._inner.judge([image], prompt)[0],  # type: ignore[misc]
            )
            for image in images
        ]
        return [verdict if self._early_stop else {**verdict, "satisfied": False} for verdict in verdicts]

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        """See ``Critic.look_for``."""
        key = "look", self.name, _digest(image), tuple(concepts)
        return self._memory.once(key, lambda: self._inner.look_for(image, concepts))


class NeverSatisfied:
    """A critic of any kind that never says that it is satisfied.

    Args:
        critic: judges.
    """

    def __init__(self, critic: Critic) -> None:
        self._inner = critic
        self.name = critic.name
        self.stand_in = getattr(critic, "stand_in", critic)

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        """See ``Critic.judge``."""
        return [{**verdict, "satisfied": False} for verdict in self._inner.judge(images, prompt)]

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        """See ``Critic.look_for``."""
        return self._inner.look_for(image, concepts)


def _digest(image: Image.Image) -> str:
    return hashlib.sha256(f"{image.mode} {image.size} ".encode() + image.tobytes()).hexdigest()
