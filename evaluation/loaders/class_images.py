"""Suites of classes: the class's name is the prompt, and real pictures of it are held out to compare with.

So does ImageRAG (Shalev-Arkushin et al. 2025, arXiv 2502.09411) on ImageNet, iNaturalist, CUB-200 and FGVC-Aircraft:
one prompt a class, CLIP and SigLIP similarity to the prompt, DINO similarity to real pictures. The pictures that are
looked up in are never those that are compared with: each set's own training half against its validation or test half.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagerag.evaluation.loaders.data_folder import DataFolder
from imagerag.evaluation.loaders.prompt_names import prompt_name
from imagerag.evaluation.records import Concept, Suite, SuitePrompt

CLASS = "class"
"""The stratum of all classes: ``--limit N`` takes the first N of them."""


@dataclass(frozen=True)
class ImageClass:
    """One class.

    Attributes:
        key: of the set's own, unique.
        name: in words, as it is asked for.
        held_out: real pictures of it that are not looked up in.
    """

    key: str
    name: str
    held_out: tuple[Path, ...] = ()


@dataclass(frozen=True)
class RetrievalImage:
    """A picture that may be looked up in.

    Attributes:
        path: absolute.
        key: of the class that it shows; to check with, never to be indexed: a caption of it would give the class away.
    """

    path: Path
    key: str


Retrieval = Iterator[RetrievalImage]


def class_suite(
    folder: DataFolder,
    classes: Sequence[ImageClass],
    *,
    licence: str,
    retrieval: str = "",
    stratum: str = CLASS,
    notes: Sequence[str] = (),
) -> Suite:
    """Return the suite of one prompt a class.

    Raises:
        UserError: there are no classes.
    """
    if not classes:
        raise folder.missing("no classes")
    without = [each.name for each in classes if not each.held_out]
    told = list(notes)
    if without:
        shown = ", ".join(without[:3]) + (" ..." if len(without) > 3 else "")
        told.append(f"{len(without)} of {len(classes)} classes have no real picture to compare with ({shown})")
    return Suite(
        folder.suite,
        tuple(
            SuitePrompt(
                prompt_name(number, each.name),
                each.name,
                (Concept(each.name, "thing", each.name),),
                stratum,
                images=tuple(folder.relative(file) for file in each.held_out),
            )
            for number, each in enumerate(classes, 1)
        ),
        licence=licence,
        source=folder.source,
        retrieval=retrieval,
        notes=tuple(told),
    )
