"""Prompt lists that stand in the package crfm-helm (Apache-2.0), read from its files where it is installed.

Four scenarios of HEIM (Lee et al. 2023, arXiv 2311.04287) hold their prompts in their code, in the folder
``helm/benchmark/scenarios/image_generation`` of crfm-helm 0.5.16; the others of that folder download theirs. The lists
are read without importing the package, whose dependencies can't be installed beside ours (zstandard~=0.18, where
langsmith wants 0.23): it is installed without them.
"""

from __future__ import annotations

import ast
import importlib.util
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from imagerag.errors import UserError
from imagerag.evaluation.loaders.json_rows import read_text
from imagerag.evaluation.loaders.prompt_names import prompt_name
from imagerag.evaluation.records import Concept, Suite, SuitePrompt

PACKAGE = "crfm-helm"
INSTALL = f"pip install --no-deps {PACKAGE}"
LICENCE = "Apache-2.0"
SOURCE = "the package crfm-helm, github.com/stanford-crfm/helm"
FOLDER = Path("benchmark", "scenarios", "image_generation")


class Scenario(NamedTuple):
    """One list, or several whose members are combined.

    Attributes:
        file: of the package, in its folder of scenarios.
        lists: names of the lists in its class.
        prompt: the prompt of a member of each list, as the scenario's ``get_instances`` makes it.
        concepts: what has to be seen, of a member of each list.
        note: what its own prompts are taken from.
    """

    file: str
    lists: tuple[str, ...]
    prompt: Callable[[Sequence[str]], str]
    concepts: Callable[[Sequence[str]], tuple[Concept, ...]]
    note: str


def _thing(name: str) -> Concept:
    return Concept(name, "thing", name)


COVER = "cover of a magazine"

SCENARIOS = {
    "helm-logos": Scenario(
        "logos_scenario.py",
        ("COMPANY_DESCRIPTIONS",),
        lambda told: f"a logo of {told[0]}",
        lambda told: (_thing("logo"),),
        "descriptions of companies after their articles in Wikipedia",
    ),
    "helm-historical-figures": Scenario(
        "time_most_significant_historical_figures_scenario.py",
        ("HISTORICAL_FIGURES",),
        lambda told: told[0],
        lambda told: (Concept(told[0], "fact", told[0], question=f"Is {told[0]} to be seen?"),),
        "a list of people by the magazine TIME",
    ),
    "helm-magazine-covers": Scenario(
        "magazine_cover_scenario.py",
        ("HEADLINES",),
        lambda told: f'a photo for a cover of a magazine with the headline: "{told[0]}"',
        lambda told: (_thing(COVER), Concept(told[0], "text", COVER, told[0])),
        "headlines of real magazines, which are theirs",
    ),
    "helm-landing-pages": Scenario(
        "landing_page_scenario.py",
        ("APPLICATION_TYPES", "PLATFORMS"),
        lambda told: f"a landing page of a {told[0]} {told[1]} application",
        lambda told: (_thing("landing page"),),
        "",
    ),
}
"""By the names of their suites."""


def load_helm(name: str) -> Suite:
    """Return the suite of one of the lists.

    Raises:
        UserError: the package is not installed, or has no such list any more.
    """
    scenario = SCENARIOS[name]
    file = _file(name, scenario.file)
    lists = _lists(file)
    missing = [each for each in scenario.lists if not lists.get(each)]
    if missing:
        raise UserError(f"suite {name!r} finds no list {missing[0]!r} in {str(file)!r}; run: {INSTALL}==0.5.16")
    prompts = []
    for number, told in enumerate(itertools.product(*(lists[each] for each in scenario.lists)), 1):
        text = scenario.prompt(told)
        stratum = name.removeprefix("helm-")
        prompts.append(SuitePrompt(prompt_name(number, text), text, scenario.concepts(told), stratum))
    return Suite(name, tuple(prompts), licence=LICENCE, source=SOURCE, notes=(scenario.note,) if scenario.note else ())


def _file(name: str, file: str) -> Path:
    spec = importlib.util.find_spec("helm")
    if spec is None:
        raise UserError(f"suite {name!r} needs the package {PACKAGE!r}, which is not installed; run: {INSTALL}")
    for place in spec.submodule_search_locations or ():
        if (found := Path(place) / FOLDER / file).is_file():
            return found
    raise UserError(
        f"suite {name!r} needs the package {PACKAGE!r}; another one, without {(FOLDER / file).as_posix()!r}, is called "
        f"helm; run: {INSTALL}"
    )


def _lists(file: Path) -> dict[str, list[str]]:
    """Return the lists of texts that the classes of a module hold, by name."""
    try:
        module = ast.parse(read_text(file))
    except SyntaxError as error:
        raise UserError(f"{file}:{error.lineno} can't be read as Python; run: {INSTALL}==0.5.16") from error
    found: dict[str, list[str]] = {}
    for part in (each for node in module.body if isinstance(node, ast.ClassDef) for each in node.body):
        if not isinstance(part, ast.Assign | ast.AnnAssign) or not isinstance(part.value, ast.List):
            continue
        if all(isinstance(each, ast.Constant) for each in part.value.elts):
            texts = [each for each in ast.literal_eval(part.value) if isinstance(each, str)]
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            found |= {target.id: texts for target in targets if isinstance(target, ast.Name)}
    return found
