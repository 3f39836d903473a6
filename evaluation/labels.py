"""Which of two images a person finds better: the pairs that are asked about, and the answers, a JSON line each.

The person sees the prompt and two images, not which arm drew them; which one lies left and which pair comes next is
random under a seed. An answer is on the disk before the next pair is shown, so that nothing is lost and a later process
goes on with what was not asked yet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError

from imagerag.errors import UserError
from imagerag.evaluation.run_folder import Key, Run
from imagerag.regular_files import read_regular
from imagerag.store.file_errors import file_error
from imagerag.store.journals import append_line

LABELS = "labels.jsonl"

Choice = Literal["left", "right", "same"]


@dataclass(frozen=True)
class Pair:
    """Two arms' images of the same prompt and seed, as they are shown."""

    prompt: str
    seed: int
    left: str
    right: str

    @property
    def key(self) -> tuple[str, int, frozenset[str]]:
        """What it is about, whichever lies left."""
        return self.prompt, self.seed, frozenset((self.left, self.right))


@dataclass(frozen=True)
class Label(Pair):
    """What a person said of a pair.

    Attributes:
        choice: the better one, or "same".
        by: who said so; "" where nobody gave a name.
    """

    choice: Choice = "same"
    by: str = ""


def pairs_of(run: Run, arms: Sequence[str] = (), seed: int = 0) -> list[Pair]:
    """Return the pairs to ask about, in a random order in which any beginning has every prompt and pair of arms alike.

    Images that are the same to the pixel are not asked about: they are equally good.

    Args:
        run: whose images are shown.
        arms: that are compared, each with each; all unless given.
        seed: of the order and the sides.

    Raises:
        UserError: an arm is not there, fewer than two are, or no two images differ.
    """
    names = _arms(run, arms)
    random = np.random.default_rng(seed)
    found: dict[Key, list[Pair]] = {}
    for at, first in enumerate(names):
        for second in names[at + 1 :]:
            for key in _both(run, first, second):
                of_first, of_second = run.drawings[first][key], run.drawings[second][key]
                if of_first.image != of_second.image:
                    left, right = (first, second) if random.random() < 0.5 else (second, first)
                    found.setdefault(key, []).append(Pair(*key, left, right))
    rounds: list[tuple[int, float, Pair]] = []
    for pairs in found.values():
        for turn, place in enumerate(random.permutation(len(pairs))):
            rounds.append((turn, random.random(), pairs[place]))
    if not rounds:
        raise UserError(
            f"{', '.join(names)} have no two images that differ in {str(run.folder)!r}; there is nothing to label"
        )
    return [pair for _, _, pair in sorted(rounds, key=lambda entry: entry[:2])]


def same_images(run: Run, first: str, second: str) -> list[Key]:
    """Return where two arms returned the same image."""
    of_first, of_second = run.drawings.get(first, {}), run.drawings.get(second, {})
    return [key for key in _both(run, first, second) if of_first[key].image == of_second[key].image]


def _both(run: Run, first: str, second: str) -> list[Key]:
    of_first, of_second = run.drawings.get(first, {}), run.drawings.get(second, {})
    return [key for key in of_first if key in of_second and of_first[key].image and of_second[key].image]


def _arms(run: Run, arms: Sequence[str]) -> list[str]:
    for name in arms:
        if name not in run.arms:
            raise UserError(f"{str(run.folder)!r} has no arm {name!r}; it has: {', '.join(run.arms)}")
    names = [name for name in dict.fromkeys(arms or run.arms) if run.drawings.get(name)]
    if len(names) < 2:
        raise UserError(f"it takes the drawings of two arms to compare, and there are those of {len(names)}")
    return names


class LabelFile:
    """The answers of a run, which are added to.

    Args:
        folder: of the run.

    Raises:
        UserError: it can't be read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LABELS
        self.notes: list[str] = []
        """Lines that can't be used: the last one of a process that was killed."""
        try:
            data = read_regular(self.path) if self.path.exists() else b""
        except OSError as error:
            raise file_error(self.path, error, verb="read") from error
        adapter = TypeAdapter(Label)
        self._labels: dict[tuple[object, ...], Label] = {}
        for number, line in enumerate(data.splitlines(), 1):
            try:
                self._take(adapter.validate_json(line))
            except ValidationError as error:
                self.notes.append(f"line {number} of {LABELS} is left out: {error.errors()[0]['msg']}")
        self._whole = not data or data.endswith(b"\n")

    @property
    def labels(self) -> list[Label]:
        """The answers; of a pair that was answered again by the same person, the last."""
        return list(self._labels.values())

    def add(self, label: Label) -> None:
        """Write an answer to the disk.

        Raises:
            UserError: it can't be written.
        """
        data = json.dumps(asdict(label), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        append_line(self.path, data, whole=self._whole)
        self._whole = True
        self._take(label)

    def _take(self, label: Label) -> None:
        self._labels[(*label.key, label.by)] = label


def open_pairs(pairs: Sequence[Pair], labels: Iterable[Label], by: str) -> list[Pair]:
    """Return the pairs that a person has not answered yet, in their order."""
    answered = {label.key for label in labels if label.by == by}
    return [pair for pair in pairs if pair.key not in answered]


def fingerprint(pair: Pair) -> str:
    """Return what names a pair to a browser, without naming its arms."""
    said = json.dumps([pair.prompt, pair.seed, *sorted((pair.left, pair.right))])
    return hashlib.sha256(said.encode()).hexdigest()[:16]
