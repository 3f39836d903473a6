"""What a CLIP model's cosines mean: constants fitted on pictures, by one record for every model.

The record of the embedded model on pictograms comes with the package (``assets/clip/critic.json``); that of any other
model, or of a person's own pictures, is fitted by ``imagerag.index.user.calibrate`` and lies beside their shards.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imagerag.assets import asset
from imagerag.records import Uncalibrated

Kind = Literal["pictograms", "captions", "names"]
Shows = Literal["photographs", "pictograms"]
"""Fitted on the bundled pictograms, on captioned pictures of a person's own, or on names and uncaptioned pictures."""
Statistic = Literal["cosine", "centred", "words"]

FALSE_POSITIVES = 0.05
"""Share of the queries for things a library lacks that are answered with a picture all the same; and share of the
concepts that a picture lacks which a critic without captions to learn from calls present."""
LEAST_CAPTIONED = 40
"""Captioned pictures from which on presence is a probability: four weights, and ten pictures of each kind for one."""


@dataclass(frozen=True)
class Presence:
    """From what CLIP says about a concept in an image to the probability that it is there.

    Logistic regressions on the four values of ``imagerag.embedders.window_evidence.Evidence``. Where there were no
    captions to fit them on, the share of absent concepts with such log-odds stands in: a false positive rate.
    """

    temperature: float
    """Multiplies cosines before the softmax over names."""
    synonym: float
    """Cosine of two names from which on they are not rivals: a cat face is no evidence against a cat."""
    words: tuple[float, ...] = ()
    """Bias and weights of ``log_odds`` and ``cosine``, for concepts that no exemplar shows; empty if not fitted."""
    pictures: tuple[float, ...] = ()
    """Bias and weights of all four, for concepts that exemplars show; empty if not fitted."""
    threshold: float = 0.5
    """Probability from which on a concept counts as present; of a false positive rate see ``present_from``."""
    logits: tuple[float, ...] = ()
    """What the regressions say, at the places of ``frequencies``; empty where it is taken at its word."""
    frequencies: tuple[float, ...] = ()
    """How often a concept is there at these places, never falling; in between it is interpolated."""
    absent: tuple[float, ...] = ()
    """``log_odds`` of concepts that pictures lack, at equal steps of their distribution from the lowest to the
    highest."""

    @property
    def present_from(self) -> float:
        """What ``probabilities`` has to return for a concept to count as present.

        Half of the absent concepts have a false positive rate of 50 % or less, so that no probability's threshold
        serves for it: one of ``FALSE_POSITIVES`` or less does.
        """
        return self.threshold if self.words else 1 - FALSE_POSITIVES

    def probabilities(self, evidence: Sequence[ArrayLike]) -> NDArray[np.float64]:
        """Return the probability of each concept; without a fit on captions 1 minus the false positive rate.

        Args:
            evidence: ``log_odds``, ``cosine``, ``margin`` and ``likeness``, each (concepts,).
        """
        log_odds, cosine, margin, likeness = (np.asarray(values, np.float64) for values in evidence)
        ones = np.ones_like(log_odds)
        if not self.words and not self.absent:
            return np.zeros_like(log_odds)
        if not self.words:
            return np.asarray(np.interp(log_odds, self.absent, np.linspace(0, 1, len(self.absent))), np.float64)
        by_words = np.stack([ones, log_odds, cosine], axis=1) @ np.array(self.words)
        logits = by_words
        if self.pictures:
            by_pictures = np.stack([ones, log_odds, cosine, margin, likeness], axis=1) @ np.array(self.pictures)
            logits = np.where(np.isnan(by_pictures), by_words, by_pictures)
        if self.logits:
            return np.asarray(np.interp(logits, self.logits, self.frequencies), np.float64)
        probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
        return probabilities


SERIES = ("words", "pictures", "logits", "frequencies", "absent")
"""The fields of ``Presence`` that are several numbers."""


@dataclass(frozen=True)
class LookupFloor:
    """From where on a picture counts as found.

    Of queries about things that the library lacks, the best matches exceed it in ``FALSE_POSITIVES`` of the cases.
    """

    statistic: Statistic
    """``cosine`` of the query with a picture, or with its caption where that is compared; ``centred``: less the query's
    mean cosine with all pictures; ``words``: the mean of the query's cosines with a picture and with the words for what
    it shows (``imagerag.index.word_vectors``)."""
    value: float
    centre: tuple[float, ...] = ()
    """Of ``centred``, the mean of the pictures' embeddings, (d,)."""
    kept: float = 1.0
    """Share of the things that the library has which are found above the floor, as measured when it was fitted."""

    def above(self, similarities: ArrayLike, query: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which matches count.

        Args:
            similarities: (n,) of the matches.
            query: (d,) the query's embedding.
        """
        found = np.asarray(similarities, np.float64)
        if self.statistic == "centred":
            found = found - float(query @ np.array(self.centre, np.float32))
        above: NDArray[np.bool_] = found >= self.value
        return above


@dataclass(frozen=True)
class Reliability:
    """How far the probabilities are from the truth, on pictures that the fit has not seen.

    Attributes:
        error: expected calibration error, 0..1; see ``calibration_error``.
        pairs: of a picture and a concept.
        pictures: that the pairs are of.
    """

    error: float
    pairs: int
    pictures: int


@dataclass(frozen=True)
class Calibration:
    """All that is fitted for one model on one library.

    Attributes:
        model: id of the embedder.
        kind: what it was fitted on.
        captioned: how many captioned pictures the presence was fitted on and checked with.
        pictures: how many the library had.
        presence, floor, reliability: what was fitted; ``None`` where there was too little.
        shows: what the pictures are, as somebody said: how drawings of another kind score is not known from them.
    """

    model: str
    kind: Kind
    captioned: int
    pictures: int
    presence: Presence
    floor: LookupFloor | None = None
    reliability: Reliability | None = None
    shows: Shows = "photographs"

    @property
    def calibrated(self) -> bool:
        """Whether presence is a probability, and not a false positive rate."""
        return bool(self.presence.words) and self.captioned >= LEAST_CAPTIONED

    @property
    def uncalibrated(self) -> Uncalibrated | None:
        """Why presence is no probability; ``None`` where it is one."""
        if self.calibrated:
            return None
        return "other_pictures" if self.presence.words else "false_positive_rate"

    def outdated(self, pictures: int) -> bool:
        """Tell whether the library has doubled since: the best of twice as many matches is higher."""
        return pictures >= 2 * self.pictures

    def to_json(self) -> bytes:
        """Return the record as JSON."""
        return (json.dumps(asdict(self), indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> Calibration:
        """Read what ``to_json`` returned.

        Raises:
            ValueError: it is something else.
        """
        try:
            fields = json.loads(data)
            presence, floor, reliability = (fields.pop(name) for name in ("presence", "floor", "reliability"))
            presence |= {name: tuple(presence[name]) for name in SERIES}
            return cls(
                **fields,
                presence=Presence(**presence),
                floor=LookupFloor(**{**floor, "centre": tuple(floor["centre"])}) if floor else None,
                reliability=Reliability(**reliability) if reliability else None,
            )
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"not a calibration: {error}") from error


@lru_cache(maxsize=1)
def bundled_calibration() -> Calibration:
    """Return the embedded model's on pictograms, fitted by ``training/calibrate_critic.py``."""
    return Calibration.from_json(asset("clip/critic.json").read_bytes())


def calibration_error(probabilities: NDArray[np.float64], truth: NDArray[np.float64], bins: int = 15) -> float:
    """Return the expected calibration error: the mean distance of probability and frequency, in bins of equal mass.

    M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI
    2015; bins of equal mass as in J. Nixon et al., "Measuring Calibration in Deep Learning", CVPR Workshops 2019.

    Args:
        probabilities: (n,) in 0..1.
        truth: (n,) 0 or 1.
        bins: at most n.
    """
    anyhow = np.random.default_rng(0).permutation(len(probabilities))  # of equal ones, not those with one answer first
    order = np.lexsort((anyhow, probabilities))
    parts = np.array_split(order, min(bins, len(order)))
    return float(sum(abs(probabilities[part].mean() - truth[part].mean()) * len(part) for part in parts) / len(order))
