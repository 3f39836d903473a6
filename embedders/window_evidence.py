"""What a CLIP model says about concepts in an image, window by window, against rival names and known pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.embedders.clip import Embedder

_NO_KIND = re.compile(r"with|and|of|on|in|\w+ing")
"""Words of names that are no kind of what they end with: "man bouncing ball", "fork and knife with plate"."""
Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""
Windows = tuple[tuple[float, int], ...]
"""Side of square windows, as a share of the shorter side, and how many per axis; the first is the whole image."""

FINE: Windows = ((1.0, 1), (0.75, 3), (0.55, 4), (0.4, 5))
"""51 windows: a small model looks at pictograms of any size in a tenth of a second."""
FINEST: Windows = (*FINE, (0.25, 7))
"""100 windows: as many things as a picture holds are counted by the smallest."""
COARSE: Windows = ((1.0, 1), (0.7, 2), (0.5, 3))
"""14 windows: of a photograph a larger model sees more at once, and each window costs it 30 ms on a CPU's core."""


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


class WindowEvidence:
    """Looks at images with one model, one vocabulary and some exemplars.

    Args:
        embedder: the CLIP that embeds windows and names.
        names: the vocabulary that a concept has to beat; near-synonyms of it don't compete.
        exemplars: pictures of things, if any are at hand.
        cut: how images are cut into windows.
    """

    def __init__(
        self, embedder: Embedder, names: Sequence[str], exemplars: Exemplars | None = None, cut: Windows = FINE
    ) -> None:
        self.embedder = embedder
        self.names = list(names)
        self.exemplars = exemplars
        self.cut = cut
        self._shows = np.array(exemplars.names if exemplars else (), dtype=object)
        self._shown = frozenset(self._shows)

    @cached_property
    def bank(self) -> NDArray[np.float32]:
        """(names, d) embeddings of the vocabulary."""
        return self.embedder.embed_texts(self.names)

    def see(self, image: Image.Image, cut: Windows | None = None, known: int = 0) -> NDArray[np.float32]:
        """Return the embeddings of the image's windows: (windows, d), unit length.

        Args:
            image: of any mode.
            cut: how it is cut; this one's own unless given.
            known: first windows that are left out.
        """
        rgb = image.convert("RGB")
        return self.embedder.embed_images([rgb.crop(box) for box in windows(rgb.size, cut or self.cut)[known:]])

    def evidence(
        self,
        seen: NDArray[np.float32],
        concepts: Sequence[str],
        temperature: float,
        synonym: float,
        without: NDArray[np.bool_] | None = None,
    ) -> Evidence:
        """Return what speaks for each concept.

        Args:
            seen: what ``see`` returned.
            concepts: names or descriptions.
            temperature, synonym: see ``Presence``.
            without: (exemplars,) those that are left out, such as the image itself.
        """
        wanted = self.embedder.embed_texts(list(concepts))
        cosines = seen @ wanted.T
        rivals = seen @ self.bank.T * temperature
        shows, known = self._shows, self.exemplars.embeddings if self.exemplars else None
        if without is not None and known is not None:
            shows, known = shows[~without], known[~without]
        likenesses = np.empty((len(seen), 0), np.float32) if known is None else seen @ known.T
        found = Evidence(*(np.full(len(concepts), np.nan, np.float32) for _ in Evidence._fields))
        for column, synonymous in enumerate(wanted @ self.bank.T >= synonym):
            others = np.logaddexp.reduce(np.where(synonymous, -np.inf, rivals), axis=1)
            odds = cosines[:, column] * temperature - others
            where = int(np.argmax(odds))
            found.log_odds[column], found.cosine[column] = odds[where], cosines[where, column]
            names = [name for name, same in zip(self.names, synonymous, strict=True) if same]
            own = shows == concepts[column]
            alike = np.isin(shows, [*names, concepts[column]])
            own = own if own.any() else alike
            if own.any() and not alike.all():
                mine = likenesses[:, own].max(axis=1)
                found.margin[column] = (mine - likenesses[:, ~alike].max(axis=1)).max()
                found.likeness[column] = mine.max()
        return found

    def shows_picture(self, seen: NDArray[np.float32], pictures: NDArray[np.float32]) -> float | None:
        """Return by how much some window looks more like one of some pictures than like any exemplar, as cosines.

        An exemplar that is nearer to the picture than the window is shows the same thing, and is no rival.

        Args:
            seen: what ``see`` returned.
            pictures: (n, d) their embeddings.

        Returns:
            the margin, -2..2; ``None`` where there are no exemplars.
        """
        if self.exemplars is None or not len(self.exemplars.embeddings):
            return None
        known = self.exemplars.embeddings
        likenesses, margins = seen @ known.T, []
        for picture in pictures:
            mine = seen @ picture
            rivals = np.where((known @ picture)[None] < mine[:, None], likenesses, -1.0)
            margins.append(float((mine - rivals.max(axis=1)).max()))
        return max(margins)

    def shows(self, concept: str) -> bool:
        """Tell whether some exemplar is called so, or is a kind of it: "palm tree" of "tree"."""
        return bool(self._of(concept).any())

    def likeness(self, seen: NDArray[np.float32], concept: str) -> NDArray[np.float32]:
        """Return the highest cosine of each window with an exemplar of the concept, (windows,); there has to be one."""
        assert self.exemplars is not None
        best: NDArray[np.float32] = (seen @ self.exemplars.embeddings[self._of(concept)].T).max(axis=1)
        return best

    def _of(self, concept: str) -> NDArray[np.bool_]:
        """Return which exemplars show a concept, (exemplars,): those of its name, or where there are none its kinds."""
        own: NDArray[np.bool_] = self._shows == concept
        if own.any():
            return own
        return np.isin(self._shows, [name for name in self._shown if _is_kind(name, concept)])

    def where(self, seen: NDArray[np.float32], concept: str) -> int:
        """Return the window that looks most like pictures of the concept, or where there are none like its name."""
        if self.exemplars is not None and self.shows(concept):
            return int(np.argmax(self.likeness(seen, concept)))
        return int(np.argmax(seen @ self.embedder.embed_texts([concept])[0]))


def _is_kind(name: str, concept: str) -> bool:
    """Tell whether a name says which kind of a concept: it ends with it, and what is before says no deed or company."""
    if not name.endswith(f" {concept}"):
        return False
    return not any(_NO_KIND.fullmatch(word) for word in name.removesuffix(f" {concept}").split())


def windows(size: tuple[int, int], cut: Windows = FINE) -> list[Box]:
    """Return square windows of several sizes that overlap and cover an image; the whole image comes first.

    Args:
        size: width and height of the image in pixels.
        cut: how many, and of which size.
    """
    width, height = size
    boxes: list[Box] = [(0, 0, width, height)]
    for share, count in cut[1:]:
        edge = round(min(size) * share)
        for y in np.linspace(0, height - edge, count).round().astype(int):
            for x in np.linspace(0, width - edge, count).round().astype(int):
                boxes.append((int(x), int(y), int(x) + edge, int(y) + edge))
    return boxes
