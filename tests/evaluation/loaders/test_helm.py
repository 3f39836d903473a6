"""Prompt lists of crfm-helm, with a package of the same layout in its place."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.helm import SCENARIOS
from imagerag.evaluation.loaders.registry import load_suite
from imagerag.evaluation.records import Concept
from testing.miniature_suites import HELM, HELM_LISTS, helm_package, text


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path in which crfm-helm may be put."""
    monkeypatch.syspath_prepend(str(tmp_path))
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "helm"}
    yield tmp_path
    sys.modules.update(hidden)


def test_each_list_is_read(package: Path) -> None:
    helm_package(package)
    assert set(HELM_LISTS) == set(SCENARIOS)
    texts = {name: [prompt.text for prompt in load_suite(name).prompts] for name in HELM_LISTS}
    assert texts == {
        "helm-logos": ["a logo of a company that draws owls"],
        "helm-historical-figures": ["Ada Lovelace", "Aristotle"],
        "helm-magazine-covers": ['a photo for a cover of a magazine with the headline: "The "owl" issue"'],
        "helm-landing-pages": [
            "a landing page of a music mobile application",
            "a landing page of a music web application",
            "a landing page of a news mobile application",
            "a landing page of a news web application",
        ],
    }
    assert load_suite("helm-logos").licence == "Apache-2.0"


def test_a_headline_has_to_be_written(package: Path) -> None:
    helm_package(package)
    (prompt,) = load_suite("helm-magazine-covers").prompts
    assert prompt.concepts[1] == Concept('The "owl" issue', "text", "cover of a magazine", 'The "owl" issue')


def test_without_the_package_one_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError) as refused:
        load_suite("helm-logos")
    assert str(refused.value) == (
        "suite 'helm-logos' needs the package 'crfm-helm', which is not installed; run: pip install --no-deps crfm-helm"
    )


def test_another_package_of_that_name_is_told(package: Path) -> None:
    text(package / "helm" / "__init__.py", "")
    with pytest.raises(UserError, match=r"another one, without 'benchmark/.*/logos_scenario\.py', is called helm"):
        load_suite("helm-logos")


def test_a_release_without_the_list_is_told(package: Path) -> None:
    helm_package(package)
    text(package / HELM / "logos_scenario.py", "class One:", "    COMPANY_DESCRIPTIONS = load()")
    with pytest.raises(UserError, match="finds no list 'COMPANY_DESCRIPTIONS' in"):
        load_suite("helm-logos")
    text(package / HELM / "logos_scenario.py", "class One", "")
    with pytest.raises(UserError, match=r"logos_scenario\.py:1 can't be read as Python"):
        load_suite("helm-logos")


def test_it_reads_no_data(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="leave --data out"):
        load_suite("helm-logos", tmp_path)
