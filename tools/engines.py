"""What the tools of a run work with: the engines that a graph's components make when they are first asked for."""

from collections.abc import Sequence
from typing import Protocol

from PIL import Image

from imagerag.agent.protocols import Critic, Reranker, Writer
from imagerag.generators.base import Generator
from imagerag.generators.isolation import Region
from imagerag.index.base import ReferenceIndex
from imagerag.licences import LicencePolicy
from imagerag.records import ImageRecord, ReferenceRecord
from imagerag.store.images import ImageStore


class Engines(Protocol):
    """The engines a tool session uses; each is made when it is first asked for."""

    @property
    def generator(self) -> Generator: ...
    @property
    def critic(self) -> Critic: ...
    @property
    def writer(self) -> Writer: ...
    @property
    def index(self) -> ReferenceIndex: ...
    @property
    def reranker(self) -> Reranker | None: ...
    @property
    def store(self) -> ImageStore: ...
    def region(self, image: Image.Image, concept: str) -> Region | None:
        """Return the part of a reference that is drawn with; ``None`` for all of it."""

    def wording(self, image: Image.Image, concept: str, title: str) -> str | None:
        """Return what is said of a reference in the prompt instead of showing it; ``None`` where it is shown."""

    @property
    def licences(self) -> LicencePolicy: ...


def pictures_of_own(components: Engines, subjects: Sequence[ReferenceRecord]) -> dict[str, list[Image.Image]]:
    """Return the person's own images by what the prompt calls what they show; without those it doesn't name."""
    pictures: dict[str, list[Image.Image]] = {}
    for record in subjects:
        if record["concept"]:
            pictures.setdefault(record["concept"], []).append(open_pixels(components, record))
    return pictures


def open_pixels(components: Engines, record: ImageRecord | ReferenceRecord) -> Image.Image:
    """Open what a record names: looked-up references lie in the index, all else in the image store."""
    if record.get("kind") == "retrieved":
        return components.index.image(record["sha256"])
    return components.store.open(record["sha256"])
