"""Which metrics there are, by name: one table, with what each needs to be installed, and what its numbers mean.

``NAME``, ``NAME:MODEL`` for another model than the usual one, and for scores of other packages ``NAME@ENVIRONMENT``.
Nothing heavy is imported before a metric is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Literal, NamedTuple

from imagerag.errors import UserError
from imagerag.evaluation.loaders.prompt_names import in_file_name
from imagerag.evaluation.metrics.base import Metric, MetricContext, Need

PRESENCE = "presence"
"""What reports are about where it is measured, whoever judges: its measurements have that name alone."""


class Told(NamedTuple):
    """A metric as a person names it.

    Attributes:
        metric: which.
        model: behind the first colon; empty for the usual one.
        environment: behind the last @, of scores of other packages.
    """

    metric: str
    model: str = ""
    environment: str = ""

    @property
    def name(self) -> str:
        """Of the file of its measurements."""
        plain = not self.model or self.metric == PRESENCE
        return self.metric if plain else f"{self.metric}-{in_file_name(self.model)}"


class MetricKind(NamedTuple):
    """One row of the table.

    Attributes:
        load: makes the metric.
        needs: besides prompt and image.
        requires: what has to be there besides imagerag.
        better: which direction is better.
        about: what its number is, in a few words.
    """

    load: Callable[[Told, MetricContext], Metric]
    needs: frozenset[Need]
    requires: str
    better: Literal["higher", "lower", "neither"]
    about: str


def _text_image(usual: str) -> Callable[[Told, MetricContext], Metric]:
    def load(told: Told, context: MetricContext) -> Metric:
        from imagerag.evaluation.metrics.text_image import TextImageSimilarity

        return TextImageSimilarity(told.name, told.model or usual, context)

    return load


def _likeness(comparison: str, higher: bool) -> Callable[[Told, MetricContext], Metric]:
    def load(told: Told, context: MetricContext) -> Metric:
        from imagerag.evaluation.metrics.image_distance import load_distance
        from imagerag.evaluation.metrics.real_images import LikenessToReal

        distance = load_distance(f"{comparison}:{told.model}", context.device)
        return LikenessToReal(
            told.name, distance, (lambda mean: 1.0 - mean) if higher else (lambda mean: mean), context
        )

    return load


def _copying(told: Told, context: MetricContext) -> Metric:
    from imagerag.evaluation.metrics.copying import Copying
    from imagerag.evaluation.metrics.image_distance import load_distance

    return Copying(told.name, load_distance(told.model or "dino", context.device), context)


def _background(told: Told, context: MetricContext) -> Metric:
    from imagerag.evaluation.metrics.copying import BackgroundCopying
    from imagerag.evaluation.metrics.vision_model import DINO, VisionModel

    return BackgroundCopying(told.name, VisionModel(told.model or DINO, context.device), context)


def _diversity(told: Told, context: MetricContext) -> Metric:
    from imagerag.evaluation.metrics.diversity import Diversity
    from imagerag.evaluation.metrics.image_distance import load_distance

    return Diversity(told.name, load_distance(told.model or "dino", context.device), context)


def _soft_tifa(mean: Literal["arithmetic", "geometric"]) -> Callable[[Told, MetricContext], Metric]:
    def load(told: Told, context: MetricContext) -> Metric:
        from imagerag.evaluation.metrics.soft_tifa import load_soft_tifa

        return load_soft_tifa(told.metric, told.name, told.model, mean, context)

    return load


def _presence(told: Told, context: MetricContext) -> Metric:
    from imagerag.evaluation.metrics.soft_tifa import load_soft_tifa

    return load_soft_tifa(told.metric, told.name, told.model, "arithmetic", context)


def _package(told: Told, context: MetricContext) -> Metric:
    from imagerag.evaluation.metrics.package_scores import load_package_score

    return load_package_score(told.metric, told.name, told.model, told.environment, context)


NOTHING, REAL, USED = frozenset[Need](), frozenset[Need](["real images"]), frozenset[Need](["references"])
CONCEPTS, SEEDS = frozenset[Need](["concepts"]), frozenset[Need](["seeds"])
CLIP = "ViT-B-32:openai"
SIGLIP = "hf-hub:timm/ViT-SO400M-14-SigLIP-384"
_VLM = "a chat model that sees images"

METRICS = {
    "clip": MetricKind(
        _text_image(CLIP),
        NOTHING,
        "weights of a CLIP model",
        "higher",
        "cosine of image and prompt, -1..1",
    ),
    "siglip": MetricKind(
        _text_image(SIGLIP),
        NOTHING,
        "weights of a SigLIP model",
        "higher",
        "cosine of image and prompt, -1..1",
    ),
    "dino": MetricKind(
        _likeness("dino", higher=True), REAL, "weights of DINO", "higher", "mean cosine with real pictures, -1..1"
    ),
    "clip-image": MetricKind(
        _likeness("clip", higher=True),
        REAL,
        "weights of a CLIP model",
        "higher",
        "mean cosine with real pictures, -1..1",
    ),
    "lpips": MetricKind(
        _likeness("lpips", higher=False), REAL, "package lpips", "lower", "mean LPIPS to real pictures, 0 or more"
    ),
    "dreamsim": MetricKind(
        _likeness("dreamsim", higher=False), REAL, "package dreamsim", "lower", "mean DreamSim to real pictures, 0..2"
    ),
    "presence": MetricKind(
        _presence, CONCEPTS, _VLM, "higher", "soft-tifa under the name by which reports tell whether concepts are there"
    ),
    "soft-tifa": MetricKind(
        _soft_tifa("arithmetic"), CONCEPTS, _VLM, "higher", "mean probability that a concept is there, 0..1"
    ),
    "soft-tifa-gm": MetricKind(
        _soft_tifa("geometric"), CONCEPTS, _VLM, "higher", "geometric mean of the same, 0..1: all of them are there"
    ),
    "vqascore": MetricKind(
        _package, NOTHING, "package t2v-metrics", "higher", "probability that the image shows the prompt, 0..1"
    ),
    "hpsv3": MetricKind(_package, NOTHING, "package hpsv3", "higher", "people's preference, in rewards"),
    "image-reward": MetricKind(
        _package, NOTHING, "package image-reward", "higher", "people's preference, in deviations from its mean"
    ),
    "copying": MetricKind(
        _copying, USED, "as its comparison", "lower", "1 minus the distance to the nearest used reference"
    ),
    "copying-background": MetricKind(
        _background, USED, "weights of DINO", "lower", "cosine of the surroundings with the nearest used reference's"
    ),
    "diversity": MetricKind(
        _diversity, SEEDS, "as its comparison", "neither", "mean distance of drawings that differ by their seeds"
    ),
}
"""``copying`` and ``diversity`` take a comparison as their model: dino, clip, lpips or dreamsim, or dino:MODEL."""

OF_PACKAGES = frozenset(name for name, kind in METRICS.items() if kind.load is _package)


def read_metric(told: str) -> Told:
    """Return what a person's words for a metric mean; nothing is loaded.

    Raises:
        UserError: there is no such metric, or it takes no environment.
    """
    metric, _, model = told.partition(":")
    environment = ""
    if metric.partition("@")[0] in OF_PACKAGES:
        named, at, environment = told.rpartition("@") if "@" in told else (told, "", "")
        if at and not environment:
            raise UserError(
                f"metric {told!r} names no environment behind @; give a virtual environment, or leave @ out"
            )
        metric, _, model = named.partition(":")
    elif "@" in metric:
        known = ", ".join(sorted(OF_PACKAGES))
        raise UserError(f"metric {told!r} can't be measured in another environment; those that can are {known}")
    if metric not in METRICS:
        close = get_close_matches(metric, METRICS, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(METRICS)}"
        raise UserError(f"metric {told!r} is not known; {hint}")
    return Told(metric, model, environment)


def load_metric(told: str, context: MetricContext | None = None) -> Metric:
    """Return a metric.

    Args:
        told: ``NAME``, ``NAME:MODEL`` or ``NAME@ENVIRONMENT``.
        context: what it is given to work with.

    Raises:
        UserError: there is no such metric, or something that it needs is missing; names the package.
    """
    read = read_metric(told)
    return METRICS[read.metric].load(read, context or MetricContext())
