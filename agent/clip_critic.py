"""The embedded critic: CLIP looks at an image window by window, concept by concept."""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagerag.agent.colour_likelihood import Box, background_likelihood, object_likelihood, repainted
from imagerag.assets import asset
from imagerag.embedders.clip import Embedder
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import StyleConcept
from imagerag.records import ConceptScore, Verdict

WINDOWS = ((1.0, 1), (0.75, 3), (0.55, 4), (0.4, 5))
"""Side of the square windows, as a share of the shorter side, and how many per axis."""

SYNONYM = 0.75
"""Cosine of two names from which on they are not rivals: a cat face is no evidence against a cat."""

NEAREST = 5
"""Captions that tell a model in words what an image shows."""

STYLE_TEXTS = {
    "flat": "a flat icon",
    "3d": "a 3d render",
    "noto": "a noto emoji",
    "fluent": "a glossy 3d fluent emoji",
    "fluent flat": "a flat fluent emoji",
    "twemoji": "a twemoji",
    "fxemoji": "a fxemoji",
}


class Calibration(NamedTuple):
    """Logistic regressions from what CLIP says to the probability that the concept is there.

    Fitted by ``training/calibrate_critic.py`` on drawings whose truth is known. See ``Evidence`` for what is weighed.
    """

    temperature: float
    """Multiplies cosines before the softmax over names."""
    words: Sequence[float]
    """Bias and weights of ``log_odds`` and ``cosine``, for concepts that no exemplar shows."""
    pictures: Sequence[float]
    """Bias and weights of all four, for concepts that exemplars show."""
    threshold: float
    """Probability from which on a concept counts as present."""

    @classmethod
    def load(cls, path: Path) -> "Calibration":
        """Read the constants from a JSON file."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


class Exemplars(NamedTuple):
    """Pictures that are known to show something: what the critic compares with, besides names.

    Attributes:
        embeddings: (n, d) unit rows, by the critic's own embedder.
        names: what each shows, n names.
    """

    embeddings: NDArray[np.float32]
    names: Sequence[str]


class Evidence(NamedTuple):
    """What CLIP says about some concepts in one image; each an array of shape (concepts,).

    Attributes:
        log_odds: of the concept among all names, in the window where it is likeliest.
        cosine: between that window and the concept's name, -1..1.
        margin: how much nearer some window is to an exemplar of the concept than to any other, difference of cosines;
            not a number where no exemplar shows the concept.
        likeness: the highest cosine of a window with an exemplar of the concept; not a number likewise.
    """

    log_odds: NDArray[np.float32]
    cosine: NDArray[np.float32]
    margin: NDArray[np.float32]
    likeness: NDArray[np.float32]


class ClipCritic:
    """Judges by an open_clip model: a concept is there if some window of the image looks like it more than like
    any other name it knows, and more like pictures of it than like any other picture it knows.

    Args:
        embedder: the CLIP that embeds windows and names.
        names: the vocabulary that a concept has to beat; near-synonyms of it don't compete.
        exemplars: pictures of things, if any are at hand: likeness to them more than halves the errors
            that names alone leave.
        calibration: constants fitted for this embedder, vocabulary and exemplars.
    """

    name = "clip"

    def __init__(
        self,
        embedder: Embedder,
        names: Sequence[str],
        exemplars: Exemplars | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self._embedder = embedder
        self._names = list(names)
        self._known = frozenset(names)
        self._exemplars = exemplars
        self._shows = np.array(exemplars.names if exemplars else (), dtype=object)
        self._calibration = calibration or Calibration.load(asset("clip/critic.json"))

    def knowing(self, exemplars: Exemplars) -> "ClipCritic":
        """Return a critic that compares with these pictures, too: a person's own things have names no model knows."""
        known = self._exemplars
        if known is not None:
            together = np.concatenate([known.embeddings, exemplars.embeddings])
            exemplars = Exemplars(together, [*known.names, *exemplars.names])
        return ClipCritic(self._embedder, self._names, exemplars, self._calibration)

    @cached_property
    def _bank(self) -> NDArray[np.float32]:
        return self._embedder.embed_texts(self._names)

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        """Return one verdict per image; its score is the mean over the prompt's concepts."""
        scene = parse_scene(prompt, self._known)
        content = [*scene.content_concepts(), *scene.dropped] or [prompt]
        verdicts: list[Verdict] = []
        for image in images:
            seen = self.see(image)
            alone = len(scene.objects) == 1
            styles = [self._style(image, seen, style, alone) for style in scene.style_concepts()]
            painted = [
                style.phrase
                for style, score in zip(scene.style_concepts(), styles, strict=True)
                if style.kind == "colour" and score["present"]
            ]
            scores = [
                self._past_colour(image, score) if score["concept"] in painted and not score["present"] else score
                for score in self._scores(seen, content)
            ]
            scores += styles
            missing = [score["concept"] for score in scores if not score["present"]]
            verdicts.append(
                {
                    "satisfied": not missing,
                    "score": round(float(np.mean([score["score"] for score in scores])), 4),
                    "concepts": scores,
                    "missing": missing,
                    "critic": self.name,
                }
            )
        return verdicts

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        """Return whether the image shows each concept, whatever its prompt was."""
        return self._scores(self.see(image), concepts)

    def nearest_captions(self, image: Image.Image, k: int = NEAREST) -> list[tuple[str, float]]:
        """Return the names that the image as a whole is nearest to, best first, with cosines (-1..1).

        Names of the vocabulary count by their words, and what exemplars show by their pictures.
        """
        seen = self._embedder.embed_images([image.convert("RGB")])[0]
        best = dict(zip(self._names, (float(cosine) for cosine in self._bank @ seen), strict=True))
        if self._exemplars is not None:
            for name, cosine in zip(self._exemplars.names, self._exemplars.embeddings @ seen, strict=True):
                best[name] = max(best.get(name, -1.0), float(cosine))
        return sorted(best.items(), key=lambda pair: -pair[1])[:k]

    def _scores(self, seen: NDArray[np.float32], concepts: Sequence[str]) -> list[ConceptScore]:
        evidence = self.evidence(seen, concepts)
        fit = self._calibration
        ones = np.ones_like(evidence.cosine)
        by_words = np.stack([ones, evidence.log_odds, evidence.cosine], axis=1) @ np.array(fit.words)
        by_pictures = np.stack([ones, *evidence], axis=1) @ np.array(fit.pictures)
        probabilities = 1 / (1 + np.exp(-np.where(np.isnan(by_pictures), by_words, by_pictures)))
        return [
            _score(concept, "content", float(probability), fit.threshold)
            for concept, probability in zip(concepts, probabilities, strict=True)
        ]

    def _past_colour(self, image: Image.Image, score: ConceptScore) -> ConceptScore:
        """Look again for something that was not recognised in the colour it was asked for in."""
        again = [self.look_for(view, [score["concept"]])[0] for view in repainted(image)]
        return max([score, *again], key=lambda found: found["score"])

    def see(self, image: Image.Image) -> NDArray[np.float32]:
        """Return the embeddings of the image's windows: (windows, dimension), unit length."""
        rgb = image.convert("RGB")
        return self._embedder.embed_images([rgb.crop(box) for box in windows(rgb.size)])

    def evidence(self, seen: NDArray[np.float32], concepts: Sequence[str]) -> Evidence:
        """Return what speaks for each concept.

        Args:
            seen: what ``see`` returned.
            concepts: names or descriptions.
        """
        wanted = self._embedder.embed_texts(list(concepts))
        cosines = seen @ wanted.T
        rivals = seen @ self._bank.T * self._calibration.temperature
        likenesses = seen @ self._exemplars.embeddings.T if self._exemplars else np.empty((len(seen), 0), np.float32)
        found = Evidence(*(np.full(len(concepts), np.nan, np.float32) for _ in Evidence._fields))
        for column, synonymous in enumerate(wanted @ self._bank.T >= SYNONYM):
            others = np.logaddexp.reduce(np.where(synonymous, -np.inf, rivals), axis=1)
            odds = cosines[:, column] * self._calibration.temperature - others
            where = int(np.argmax(odds))
            found.log_odds[column], found.cosine[column] = odds[where], cosines[where, column]
            names = [name for name, same in zip(self._names, synonymous, strict=True) if same]
            own = self._shows == concepts[column]
            alike = np.isin(self._shows, [*names, concepts[column]])
            own = own if own.any() else alike
            if own.any() and not alike.all():
                mine = likenesses[:, own].max(axis=1)
                found.margin[column] = (mine - likenesses[:, ~alike].max(axis=1)).max()
                found.likeness[column] = mine.max()
        return found

    def _style(self, image: Image.Image, seen: NDArray[np.float32], style: StyleConcept, alone: bool) -> ConceptScore:
        if style.kind == "background":
            return _score(style.text, "style", background_likelihood(image, style.value), 0.5)
        if style.kind == "colour":
            # Of several things, the colour counts where this one is likeliest: yellow ducks make a red car no less red.
            box = None if alone else windows(image.size)[self._where(seen, style.phrase)]
            return _score(style.text, "style", object_likelihood(image, style.value, box), 0.5)
        return _score(style.text, "style", self._drawn_in(image, style.value), 0.5)

    def _where(self, seen: NDArray[np.float32], concept: str) -> int:
        """Return the window that looks most like pictures of the concept, or where there are none like its name."""
        own = self._shows == concept
        if self._exemplars is not None and own.any():
            return int(np.argmax((seen @ self._exemplars.embeddings[own].T).max(axis=1)))
        return int(np.argmax(seen @ self._embedder.embed_texts([concept])[0]))

    def _drawn_in(self, image: Image.Image, style: str) -> float:
        """Return the probability of a drawing style among those the vocabulary tells apart."""
        rivals = {**STYLE_TEXTS, style: STYLE_TEXTS.get(style, f"{style} style")}
        texts = self._embedder.embed_texts(list(rivals.values()))
        logits = (self._embedder.embed_images([image.convert("RGB")]) @ texts.T)[0] * self._calibration.temperature
        odds = np.exp(logits - logits.max())
        return float(odds[list(rivals).index(style)] / odds.sum())


def _score(concept: str, kind: Literal["content", "style"], probability: float, threshold: float) -> ConceptScore:
    return {"concept": concept, "kind": kind, "present": probability >= threshold, "score": round(probability, 4)}


def windows(size: tuple[int, int]) -> list[Box]:
    """Return square windows of several sizes that overlap and cover an image; the whole image comes first.

    Args:
        size: width and height of the image in pixels.
    """
    width, height = size
    boxes: list[Box] = [(0, 0, width, height)]
    for share, count in WINDOWS[1:]:
        edge = round(min(size) * share)
        for y in np.linspace(0, height - edge, count).round().astype(int):
            for x in np.linspace(0, width - edge, count).round().astype(int):
                boxes.append((int(x), int(y), int(x) + edge, int(y) + edge))
    return boxes
