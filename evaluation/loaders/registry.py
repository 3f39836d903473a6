"""Which suites of others there are: one table from the name to what reads it, with its licence and where it is to be
had.

Nothing is downloaded here. A suite reads the files that a person has, and says where to get them where they are
missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from imagerag.errors import UserError
from imagerag.evaluation.loaders import helm
from imagerag.evaluation.loaders.agentgen import load_agentgen, load_agentgen_mini
from imagerag.evaluation.loaders.aircraft import aircraft_retrieval, load_aircraft
from imagerag.evaluation.loaders.class_images import Retrieval
from imagerag.evaluation.loaders.cub import cub_retrieval, load_cub
from imagerag.evaluation.loaders.data_folder import DataFolder
from imagerag.evaluation.loaders.factualbench import load_factualbench
from imagerag.evaluation.loaders.genai_bench import load_genai_bench
from imagerag.evaluation.loaders.geneval2 import load_geneval2
from imagerag.evaluation.loaders.imagenet import imagenet_retrieval, load_imagenet, load_imagenet_rare
from imagerag.evaluation.loaders.inaturalist import inaturalist_retrieval, load_inaturalist
from imagerag.evaluation.loaders.kitten import kitten_retrieval, load_kitten
from imagerag.evaluation.loaders.own_file import load_own_file
from imagerag.evaluation.loaders.wise import load_wise
from imagerag.evaluation.records import Split, Suite
from imagerag.index.user.sources.confinement import Confined


class SuiteSource(NamedTuple):
    """How a suite is read.

    Attributes:
        load: from the person's folder.
        source: where it is to be had, and on what terms.
        retrieval: yields the pictures that may be looked up in, where the set has such.
    """

    load: Callable[[DataFolder], Suite]
    source: str
    retrieval: Callable[[DataFolder], Retrieval] | None = None


IMAGENET = "image-net.org/download.php, or Kaggle's imagenet-object-localization-challenge (non-commercial research)"

SUITES = {
    "imagenet": SuiteSource(load_imagenet, IMAGENET, imagenet_retrieval),
    "imagenet-rare": SuiteSource(load_imagenet_rare, IMAGENET, imagenet_retrieval),
    "cub-200": SuiteSource(load_cub, "www.vision.caltech.edu/datasets/cub_200_2011 (no licence stated)", cub_retrieval),
    "inaturalist": SuiteSource(
        load_inaturalist, "github.com/visipedia/inat_comp (non-commercial research)", inaturalist_retrieval
    ),
    "fgvc-aircraft": SuiteSource(
        load_aircraft,
        "www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft (non-commercial research)",
        aircraft_retrieval,
    ),
    "agentgen-bench": SuiteSource(
        load_agentgen, "JasperHaozhe/AgentGen-Bench on the Hugging Face hub (terms on its card)"
    ),
    "agentgen-bench-testmini": SuiteSource(
        load_agentgen_mini, "JasperHaozhe/AgentGen-Bench on the Hugging Face hub (terms on its card)"
    ),
    "wise": SuiteSource(load_wise, "github.com/PKU-YuanGroup/WISE, data_verified (no licence stated)"),
    "kitten": SuiteSource(load_kitten, "github.com/hhsinping/kitten (see its terms there)", kitten_retrieval),
    "geneval2": SuiteSource(load_geneval2, "github.com/facebookresearch/GenEval2 (CC BY-NC 4.0: not commercially)"),
    "genai-bench": SuiteSource(
        load_genai_bench, "BaiqiL/GenAI-Bench-1600 or BaiqiL/GenAI-Bench on the Hugging Face hub (Apache-2.0)"
    ),
    "t2i-factualbench": SuiteSource(
        load_factualbench, "github.com/Safeoffellow/T2I-FactualBench, folder data (Apache-2.0)"
    ),
}
"""Suites that are read from a folder."""

OWN = "jsonl"
"""A person's own file."""


def suite_names() -> list[str]:
    """Return the names of all suites of others."""
    return [*SUITES, *helm.SCENARIOS, OWN]


def load_suite(name: str, data: Path | None = None, split: Split = "", *, allow_outside: bool = False) -> Suite:
    """Return a suite.

    Args:
        name: one of ``suite_names()``, or the path of a file that ends in ``.jsonl``.
        data: the folder with its files; the file itself for ``jsonl``. Lists of crfm-helm need none.
        split: the half to take; all prompts unless given.
        allow_outside: whether pictures that it names may lie, or lead, outside its folder.

    Raises:
        UserError: there is no such suite or half, its files or its package are missing or other than expected, or a
            picture lies outside.
    """
    if name == OWN or name.endswith(".jsonl"):
        suite = load_own_file(_own_file(name, data))
    elif name in helm.SCENARIOS:
        if data is not None:
            raise UserError(
                f"suite {name!r} comes with the package {helm.PACKAGE!r} and reads no data; leave --data out"
            )
        suite = helm.load_helm(name)
    else:
        suite = _source_of(name).load(_folder(name, data))
    suite = _half(suite, split)
    if (root := data_root(name, data)) is not None:
        _check_places(suite, root, Confined(root, allow_outside=allow_outside))
    return suite


def _check_places(suite: Suite, root: Path, confined: Confined) -> None:
    """Refuse a suite that names pictures elsewhere: it may be anybody's, and a run's folder is given to others.

    Raises:
        UserError: it names the first one, and the flag that allows it.
    """
    named = (image for prompt in suite.prompts for image in prompt.images)
    for path in (*named, *([suite.retrieval] if suite.retrieval else [])):
        if refusal := confined.refusal(str(root / path)):
            raise UserError(f"suite {suite.name!r}: {refusal}")


def retrieval_images(name: str, data: Path) -> Retrieval:
    """Yield the pictures that may be looked up in: the set's own half for training, never one that is held out.

    Raises:
        UserError: the suite has none, or they are not there.
    """
    retrieval = _source_of(name).retrieval
    if retrieval is None:
        having = ", ".join(each for each, source in SUITES.items() if source.retrieval)
        raise UserError(f"suite {name!r} has no pictures to look up in; those that have are {having}")
    return retrieval(_folder(name, data))


def data_root(name: str, data: Path | None) -> Path | None:
    """Return what the paths of a suite's real images are relative to."""
    if name == OWN or name.endswith(".jsonl"):
        return _own_file(name, data).parent
    return None if data is None else data.expanduser().absolute()


def _source_of(name: str) -> SuiteSource:
    if name not in SUITES:
        close = get_close_matches(name, suite_names(), 1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(suite_names())}, or a file .jsonl"
        raise UserError(f"suite {name!r} is not known; {hint}")
    return SUITES[name]


def _folder(name: str, data: Path | None) -> DataFolder:
    source = SUITES[name].source
    if data is None:
        raise UserError(f"suite {name!r} is not part of imagerag; give --data FOLDER with your copy, from {source}")
    path = data.expanduser().absolute()
    if not path.is_dir():
        raise UserError(f"suite {name!r} needs a folder, and {str(path)!r} is none; give --data one, from {source}")
    return DataFolder(name, path, source)


def _own_file(name: str, data: Path | None) -> Path:
    if name != OWN:
        if data is not None:
            raise UserError(f"suite {name!r} is a file itself; leave --data {str(data)!r} out, or give --suite {OWN}")
        data = Path(name)
    if data is None:
        raise UserError(f"suite {OWN!r} is a file of yours; give --data FILE with one prompt a line")
    file = data.expanduser().absolute()
    if not file.is_file():
        raise UserError(f"suite {name!r} is a file of yours, and {str(file)!r} is none; give one with a prompt a line")
    return file


def _half(suite: Suite, split: Split) -> Suite:
    if not split:
        return suite
    prompts = tuple(prompt for prompt in suite.prompts if prompt.split == split)
    if not prompts:
        halves = sorted({prompt.split for prompt in suite.prompts if prompt.split})
        has = f"it has {', '.join(halves)}" if halves else "it has no halves; leave the split out"
        raise UserError(f"suite {suite.name!r} has no half {split!r}; {has}")
    return replace(suite, prompts=prompts)
