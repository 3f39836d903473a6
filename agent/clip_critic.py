"""The CLIP critic: looks at an image window by window, concept by concept; the embedded model's or any other's."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagerag.agent.absence import absence_of
from imagerag.agent.arrangement import Looks, bundled_arrangement, is_counted, left_out, scored
from imagerag.agent.colour_likelihood import background_likelihood, object_likelihood, repainted
from imagerag.embedders.calibration import Calibration, bundled_calibration
from imagerag.embedders.clip import Embedder
from imagerag.embedders.window_evidence import COARSE, FINE, FINEST, Exemplars, WindowEvidence, Windows, windows
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import Scene, StyleConcept
from imagerag.records import ConceptKind, ConceptScore, Verdict
from imagerag.store.png import on_white

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


class ClipCritic:
    """Judges by a CLIP model: a concept is there if some window of the image looks like it more than like any other
    name it knows, and more like pictures of it than like any other picture it knows.

    Colours, backgrounds and drawing styles are measured as they are on pictograms only by a critic that was calibrated
    on those; any other asks its model for their words.

    Args:
        embedder: the CLIP that embeds windows and names.
        names: the vocabulary that a concept has to beat; near-synonyms of it don't compete.
        exemplars: pictures of things, if any are at hand: likeness to them more than halves the errors
            that names alone leave.
        calibration: fitted for this embedder, or what fits it when it is first needed; the bundled one of the embedded
            model on pictograms unless given.
        name: by which ``--critic`` finds it.
    """

    def __init__(
        self,
        embedder: Embedder,
        names: Sequence[str],
        exemplars: Exemplars | None = None,
        calibration: Calibration | Callable[[], Calibration] | None = None,
        name: str = "clip",
    ) -> None:
        self.name = name
        self.embedder = embedder
        self._names = list(names)
        self._known = frozenset(names)
        self._exemplars = exemplars
        self._given = calibration or bundled_calibration()

    def knowing(self, exemplars: Exemplars) -> "ClipCritic":
        """Return a critic that compares with these pictures, too: a person's own things have names no model knows."""
        known = self._exemplars
        if known is not None:
            together = np.concatenate([known.embeddings, exemplars.embeddings])
            exemplars = Exemplars(together, [*known.names, *exemplars.names])
        return ClipCritic(self.embedder, self._names, exemplars, self._given, self.name)

    @cached_property
    def calibration(self) -> Calibration:
        """The constants that this critic judges by."""
        return self._given if isinstance(self._given, Calibration) else self._given()

    def prepare(self) -> None:
        """Fit the constants if need be, and embed the vocabulary, which is no part of judging: it takes seconds."""
        _ = self.calibration, self.eyes.bank

    @cached_property
    def eyes(self) -> WindowEvidence:
        """What looks at images for this critic."""
        cut = FINE if self._of_pictograms else COARSE
        return WindowEvidence(self.embedder, self._names, self._exemplars, cut)

    @property
    def _of_pictograms(self) -> bool:
        return self.calibration.kind == "pictograms"

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        """Return one verdict per image; its score is the mean over the prompt's concepts."""
        scene = parse_scene(prompt, self._known)
        content = scene.content_concepts() or ([] if scene.absent else [prompt])
        if not self._of_pictograms:
            content += left_out(scene)
        verdicts: list[Verdict] = []
        for image in images:
            seen = self.eyes.see(image)
            if self._of_pictograms:
                scores = self._as_pictogram(image, seen, content, scene.style_concepts(), len(scene.objects) == 1)
                scores += self._as_arranged(image, seen, scene)
            else:
                scores = self._scores(seen, content)
                scores += self._scores(seen, [style.text for style in scene.style_concepts()], "style")
            scores += [absence_of(score) for score in self._scores(seen, scene.absent)]
            missing = [score["concept"] for score in scores if not score["present"]]
            verdict: Verdict = {
                "satisfied": not missing,
                "score": round(float(np.mean([score["score"] for score in scores])), 4),
                "concepts": scores,
                "missing": missing,
                "critic": self.name,
            }
            if not self.calibration.calibrated:
                verdict["uncalibrated"] = True
            verdicts.append(verdict)
        return verdicts

    def _as_pictogram(
        self,
        image: Image.Image,
        seen: NDArray[np.float32],
        content: Sequence[str],
        asked: Sequence[StyleConcept],
        alone: bool,
    ) -> list[ConceptScore]:
        styles = [self._style(image, seen, style, alone) for style in asked]
        painted = [
            style.phrase
            for style, score in zip(asked, styles, strict=True)
            if style.kind == "colour" and score["present"]
        ]
        scores = [
            self._past_colour(image, score) if score["concept"] in painted and not score["present"] else score
            for score in self._scores(seen, content)
        ]
        return scores + styles

    def _as_arranged(self, image: Image.Image, seen: NDArray[np.float32], scene: Scene) -> list[ConceptScore]:
        """Judge counts, positions and that there is no background, and call what no scene has room for missing: such
        drawings never show it.
        """
        arrangement, names = bundled_arrangement(), [name for name in scene.content_concepts() if self.eyes.shows(name)]
        scores = arrangement.counts_in(scene, self._looks(image, seen, names, FINEST)) if is_counted(scene) else []
        scores += arrangement.positions_in(scene, self._looks(image, seen, names, self.eyes.cut))
        scores += [scored(words, "content", 0.0, 0.5) for words in left_out(scene)]
        if "background" in scene.unwanted:
            scores.append(scored("no background", "absence", background_likelihood(image, "white"), 0.5))
        return scores

    def _looks(self, image: Image.Image, seen: NDArray[np.float32], names: Sequence[str], cut: Windows) -> Looks:
        """Return how much the windows of a finer cut look like each thing; ``seen`` are the first of them."""
        boxes = windows(image.size, cut)
        if len(seen) < len(boxes):
            seen = np.concatenate([seen, self.eyes.see(image, cut, len(seen))])
        return Looks({name: self.eyes.likeness(seen, name) for name in names}, boxes)

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        """Return whether the image shows each concept, whatever its prompt was."""
        return self._scores(self.eyes.see(image), concepts)

    def shows(self, image: Image.Image, pictures: Sequence[Image.Image], concept: str) -> ConceptScore | None:
        """Return whether the image shows what the pictures show; see ``imagerag.agent.own_things.KnowsPictures``.

        It does if some window looks more like one of them than like any other picture known. The probability is that of
        the model's own softmax over the two, at the temperature that it was trained with.
        """
        sent = self.embedder.embed_images([on_white(picture) for picture in pictures])
        margin = self.eyes.shows_picture(self.eyes.see(image), sent)
        if margin is None:
            return None
        probability = float(1 / (1 + np.exp(-margin * self.calibration.presence.temperature)))
        return scored(concept, "content", probability, 0.5)

    def nearest_captions(self, image: Image.Image, k: int = NEAREST) -> list[tuple[str, float]]:
        """Return the names that the image as a whole is nearest to, best first, with cosines (-1..1).

        Names of the vocabulary count by their words, and what exemplars show by their pictures.
        """
        seen = self.embedder.embed_images([image.convert("RGB")])[0]
        best = dict(zip(self._names, (float(cosine) for cosine in self.eyes.bank @ seen), strict=True))
        if self._exemplars is not None:
            for name, cosine in zip(self._exemplars.names, self._exemplars.embeddings @ seen, strict=True):
                best[name] = max(best.get(name, -1.0), float(cosine))
        return sorted(best.items(), key=lambda pair: -pair[1])[:k]

    def _scores(
        self, seen: NDArray[np.float32], concepts: Sequence[str], kind: ConceptKind = "content"
    ) -> list[ConceptScore]:
        if not concepts:
            return []
        presence, uncalibrated = self.calibration.presence, self.calibration.uncalibrated
        evidence = self.eyes.evidence(seen, concepts, presence.temperature, presence.synonym)
        scores = [
            scored(concept, kind, float(probability), presence.present_from)
            for concept, probability in zip(concepts, presence.probabilities(evidence), strict=True)
        ]
        if uncalibrated is not None:
            for score in scores:
                score["uncalibrated"] = uncalibrated
        return scores

    def _past_colour(self, image: Image.Image, score: ConceptScore) -> ConceptScore:
        """Look again for something that was not recognised in the colour it was asked for in."""
        again = [self.look_for(view, [score["concept"]])[0] for view in repainted(image)]
        return max([score, *again], key=lambda found: found["score"])

    def _style(self, image: Image.Image, seen: NDArray[np.float32], style: StyleConcept, alone: bool) -> ConceptScore:
        if style.kind == "background":
            return scored(style.text, "style", background_likelihood(image, style.value), 0.5)
        if style.kind == "colour":
            # Of several things, the colour counts where this one is likeliest: yellow ducks make a red car no less red.
            box = None if alone else windows(image.size)[self.eyes.where(seen, style.phrase)]
            return scored(style.text, "style", object_likelihood(image, style.value, box), 0.5)
        return scored(style.text, "style", self._drawn_in(image, style.value), 0.5)

    def _drawn_in(self, image: Image.Image, style: str) -> float:
        """Return the probability of a drawing style among those the vocabulary tells apart."""
        rivals = {**STYLE_TEXTS, style: STYLE_TEXTS.get(style, f"{style} style")}
        texts = self.embedder.embed_texts(list(rivals.values()))
        temperature = self.calibration.presence.temperature
        logits = (self.embedder.embed_images([image.convert("RGB")]) @ texts.T)[0] * temperature
        odds = np.exp(logits - logits.max())
        return float(odds[list(rivals).index(style)] / odds.sum())
