"""The records that graph state, tool artifacts, manifests and the JSON output share.

They are plain dictionaries (``TypedDict``), because LangGraph checkpoints them: strict msgpack stores them as they
are, and no pixel, tensor or custom class ever enters state. Images and references are named by ids of the thread
(``image-1``, ``ref-3``, ``subject-1``), which is all a model ever sees or says.
"""

from typing import Literal, NotRequired

# Pydantic, with which LangGraph writes JSON schemas, takes no other TypedDict before Python 3.12.
from typing_extensions import TypedDict

ConceptKind = Literal["content", "style", "absence", "count", "position"]
"""``count``: how many, "3 owls"; ``position``: "dog behind tree"; ``absence``: something that is not to be seen, named
"no dog"; present means that it is absent."""
Uncalibrated = Literal["false_positive_rate", "other_pictures"]
"""Why a score is no probability: nothing was there to fit one on, or only pictures of another kind than is drawn."""
ReferenceKind = Literal["retrieved", "subject", "fetched"]
"""Those retrieved lie in the index; the user's own and those fetched by a mounted tool in the image store."""
StopReason = Literal[
    "satisfied", "done", "no_improvement", "uncalibrated", "steps", "generations", "seconds", "loading", "tokens",
    "money", "cancelled", "unavailable", "error", "answered",
]  # fmt: skip
"""``answered``: the request asked for words, or could not be read as a picture: nothing was drawn; ``done``: the model
had nothing more to try; ``no_improvement``: it went on, and drawings got no better; ``uncalibrated``: the critic's word
was not enough to go on by; ``unavailable``: the generator's server can't be reached, or is busy for longer than the run
lasts."""


class ConceptScore(TypedDict):
    """One concept of the prompt, as the critic sees it in one image."""

    concept: str
    kind: ConceptKind
    present: bool
    score: float
    """Probability in 0..1 that the concept is there, as calibrated for this critic; of an ``uncalibrated`` verdict, the
    share of absent concepts that look less like being there."""
    uncalibrated: NotRequired[Uncalibrated]


class Verdict(TypedDict):
    """The critic's structured judgement of one image against one prompt."""

    satisfied: bool
    score: float
    """0..1, higher is better; comparable between images of the same prompt and critic."""
    concepts: list[ConceptScore]
    missing: list[str]
    critic: str
    comment: NotRequired[str]
    way: NotRequired[Literal["logprobs", "answers"]]
    """How a chat model's probabilities came about: by those of its tokens, or by how sure it says that it is. Scores of
    two ways don't compare."""
    uncalibrated: NotRequired[bool]
    """The scores are no probabilities, since the critic has seen no captioned pictures: no ground for a redraw."""


class ReferenceRecord(TypedDict):
    """One reference image: looked up, the user's own, or what a mounted server's tool returned (``kind`` tells)."""

    id: str
    kind: ReferenceKind
    path: str
    """Empty for clients of a LangGraph server, who get ``url``."""
    url: NotRequired[str]
    """Address on the LangGraph server that found it, without the server's own."""
    sha256: str
    """Of the pixels as stored; the image store and the library find the image by it."""
    concept: str
    caption: str
    """What was searched for (retrieved) or the user's words for it (subject)."""
    title: str
    """What the index says the image shows; data, never instruction."""
    similarity: float
    """Cosine similarity of caption and image, -1..1; 1.0 for a subject image."""
    source: str
    licence: str
    """An SPDX identifier where it is known to be one; ``unknown`` where nobody has said."""
    creator: NotRequired[str]
    """Who made it, as a web source says."""
    link: NotRequired[str]
    """Page about it, for whoever wants to see it where it comes from."""
    licence_link: NotRequired[str]
    """Where the licence's terms can be read."""


class QuoteRecord(TypedDict):
    """What an encyclopedia says of a concept that is a fact, not a look. All of it is data, never instruction."""

    concept: str
    """That was missing, as the critic names it."""
    asked: str
    """What was sent: the concept in the prompt's own words."""
    source: str
    title: str
    """Of the page."""
    quote: str
    """At most 300 characters of its beginning."""
    link: str
    """Address of the page."""
    licence: str


class ImageRecord(TypedDict):
    """One image that was made in this thread."""

    id: str
    path: str
    """Empty for clients of a LangGraph server, who get ``url``."""
    url: NotRequired[str]
    """Address on the LangGraph server that made it, without the server's own."""
    sha256: str
    prompt: str
    seed: int
    generator: str
    references: list[str]
    """Ids of the references it was drawn with; empty for a drawing from the prompt alone."""
    reference_scale: float
    """0..1; 0 when drawn without references."""
    turn: int
    step: int
    parent: str | None
    """The image that this one is a redraw of."""
    score: float | None
    verdict: Verdict | None


class Price(TypedDict):
    """What a model's tokens, or its images, were counted at."""

    model: str
    input: float | None
    """US dollars per million tokens; ``None`` when unknown."""
    output: float | None
    date: str
    """When that was the price; empty when the price file doesn't tell."""
    source: str
    image: NotRequired[float]
    """US dollars of one image, where images are charged each."""
    reference: NotRequired[float]
    """US dollars for each reference of it besides."""


class TraceStep(TypedDict):
    """One step of the run: who acted, on what, with what outcome, at what cost."""

    step: int
    turn: int
    node: str
    name: str
    summary: str
    seconds: float
    tokens: int
    money: float | None
    """US dollars; ``None`` when the price is unknown (never zero for unknown)."""
    error: str | None
    calls: NotRequired[int]
    """Requests to chat models in this step, failed attempts included; missing where there were none."""
    images_sent: NotRequired[list[str]]
    """Width x height in pixels of each image in the questions of this step, as sent."""
    prices: NotRequired[list[Price]]
    """Of each model that this step's money was counted for."""
    quotes: NotRequired[list[QuoteRecord]]
    """What was read in this step; missing where nothing was."""
