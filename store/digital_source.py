"""What IPTC calls the source of a picture that was drawn: the term that says that a machine made it.

The terms and their meaning are those of IPTC's vocabulary http://cv.iptc.org/newscodes/digitalsourcetype, in which
"trained algorithmic media" is what a model trained on sampled content creates, and "composite with trained algorithmic
media" (shown as "edited using generative AI") is existing media that such a model has worked on: augmented, corrected,
inpainted. Which drawing is which is told by the generator; see ``imagerag.generators.base.ReusesPictures``.
"""

from __future__ import annotations

from typing import Literal, get_args

SourceType = Literal["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"]
TRAINED: SourceType = "trainedAlgorithmicMedia"
COMPOSITE: SourceType = "compositeWithTrainedAlgorithmicMedia"

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""What every term's address begins with: ``http``, as IPTC spells it, since readers compare it letter by letter."""

MEANINGS = {
    TRAINED: "made by a generative model",
    COMPOSITE: "made of existing pictures by a generative model",
    "compositeSynthetic": "a composite with parts made by a generative model",
    "algorithmicMedia": "made by an algorithm that was not trained on pictures",
    "algorithmicallyEnhanced": "changed by an algorithm that generates nothing",
    "composite": "a composite",
    "compositeCapture": "a composite of photographs",
    "computationalCapture": "photographed, several frames made into one",
    "dataDrivenMedia": "made of data by a program",
    "digitalArt": "made by a person with digital tools",
    "digitalCapture": "photographed",
    "digitalCreation": "made by a person with digital tools",
    "humanEdits": "edited by a person",
    "minorHumanEdits": "edited a little by a person",
    "negativeFilm": "scanned from a negative",
    "positiveFilm": "scanned from a positive",
    "print": "scanned from a print",
    "screenCapture": "captured from a screen",
    "softwareImage": "made by software",
    "virtualRecording": "recorded in a virtual world",
}
"""Words for the terms, retired ones included, since other makers' pictures have them."""


def address_of(term: SourceType) -> str:
    """Return the address of a term, which is what files carry."""
    return VOCABULARY + term


def meaning(address: str) -> str:
    """Return the words for what a file gives as its source: a term's address, with either scheme, or the term alone."""
    term = address.rstrip("/").rsplit("/", 1)[-1]
    return MEANINGS.get(term, f"{term!r}, no term of IPTC's")


def is_ours(term: str) -> bool:
    """Tell whether this is one of the two terms that drawings are given."""
    return term in get_args(SourceType)
