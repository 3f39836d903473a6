"""Prompt lists that stand in the package crfm-helm (Apache-2.0), read from it where it is installed.

Four scenarios of HEIM (Lee et al. 2023, arXiv 2311.04287) hold their prompts in their code, so that nothing is fetched:
``helm/benchmark/scenarios/image_generation`` of crfm-helm 0.5.16. The others of that folder download theirs.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable
from typing import NamedTuple

from imagerag.errors import UserError, first_line
from imagerag.evaluation.loaders.prompt_names import prompt_name
from imagerag.evaluation.records import Concept, Suite, SuitePrompt

PACKAGE = "crfm-helm"
LICENCE = "Apache-2.0"
SOURCE = "the package crfm-helm, github.com/stanford-crfm/helm"
_SCENARIOS = "helm.benchmark.scenarios.image_generation"
_HEADLINE = re.compile(r'headline: "(.*)"$', re.DOTALL)


class Scenario(NamedTuple):
    """One list.

    Attributes:
        module: of the package, in its folder of scenarios.
        name: of the class in it.
        concepts: what has to be seen, of a prompt.
        note: what its own prompts are taken from.
    """

    module: str
    name: str
    concepts: Callable[[str], tuple[Concept, ...]]
    note: str


def _logo(prompt: str) -> tuple[Concept, ...]:
    return (Concept("logo", "thing", "logo"),)


def _figure(prompt: str) -> tuple[Concept, ...]:
    return (Concept(prompt, "fact", prompt, question=f"Is {prompt} to be seen?"),)


def _cover(prompt: str) -> tuple[Concept, ...]:
    cover = Concept("cover of a magazine", "thing", "cover of a magazine")
    headline = _HEADLINE.search(prompt)
    return (cover, Concept(headline[1], "text", cover.thing, headline[1])) if headline else (cover,)


def _page(prompt: str) -> tuple[Concept, ...]:
    return (Concept("landing page", "thing", "landing page"),)


SCENARIOS = {
    "helm-logos": Scenario(
        "logos_scenario", "LogosScenario", _logo, "descriptions of companies after their articles in Wikipedia"
    ),
    "helm-historical-figures": Scenario(
        "time_most_significant_historical_figures_scenario",
        "TIMEMostSignificantHistoricalFigures",
        _figure,
        "a list of people by the magazine TIME",
    ),
    "helm-magazine-covers": Scenario(
        "magazine_cover_scenario", "MagazineCoverScenario", _cover, "headlines of real magazines, which are theirs"
    ),
    "helm-landing-pages": Scenario("landing_page_scenario", "LandingPageScenario", _page, ""),
}
"""By the names of their suites."""


def load_helm(name: str) -> Suite:
    """Return the suite of one of the lists.

    Raises:
        UserError: the package is not installed, can't be imported, or has no such list any more.
    """
    scenario = SCENARIOS[name]
    module = f"{_SCENARIOS}.{scenario.module}"
    try:
        found = getattr(importlib.import_module(module), scenario.name)
    except (ImportError, AttributeError) as error:
        raise _unusable(name, module, error) from error
    texts = [instance.input.text for instance in found().get_instances("")]
    prompts = tuple(
        SuitePrompt(prompt_name(number, text), text, scenario.concepts(text), name.removeprefix("helm-"))
        for number, text in enumerate(texts, 1)
    )
    return Suite(name, prompts, LICENCE, SOURCE, notes=(scenario.note,) if scenario.note else ())


def _unusable(name: str, module: str, error: ImportError | AttributeError) -> UserError:
    lacking = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    if importlib.util.find_spec("helm") is None:
        return UserError(
            f"suite {name!r} needs the package {PACKAGE!r}, which is not installed; run: pip install {PACKAGE}"
        )
    if lacking and module.startswith(lacking):
        return UserError(
            f"suite {name!r} needs the package {PACKAGE!r}, and another one, without {lacking!r}, is called helm; "
            f"run: pip install --upgrade {PACKAGE}"
        )
    why = first_line(error)
    return UserError(f"suite {name!r} can't read {PACKAGE!r} ({why}); run: pip install --upgrade {PACKAGE}")
