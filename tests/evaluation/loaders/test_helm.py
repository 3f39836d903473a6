"""Prompt lists of crfm-helm, with a package of the same layout in its place."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.helm import SCENARIOS
from imagerag.evaluation.loaders.registry import load_suite
from imagerag.evaluation.records import Concept
from testing.miniature_suites import text

FOLDER = "helm/benchmark/scenarios/image_generation"
CLASS = """\
from types import SimpleNamespace

class {name}:
    def get_instances(self, output_path):
        return [SimpleNamespace(input=SimpleNamespace(text=text)) for text in {texts!r}]
"""
TEXTS = {
    "helm-logos": ["a logo of a company that draws owls"],
    "helm-historical-figures": ["Ada Lovelace", "Aristotle"],
    "helm-magazine-covers": ['a photo for a cover of a magazine with the headline: "The "owl" issue"'],
    "helm-landing-pages": ["a landing page of a music web application"],
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path in which crfm-helm may be put."""
    monkeypatch.syspath_prepend(str(tmp_path))
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "helm"}
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "helm"]:
        del sys.modules[name]
    sys.modules.update(hidden)


def install(folder: Path) -> None:
    for name, scenario in SCENARIOS.items():
        text(folder / FOLDER / f"{scenario.module}.py", CLASS.format(name=scenario.name, texts=TEXTS[name]))


def test_each_list_is_read(package: Path) -> None:
    install(package)
    assert set(TEXTS) == set(SCENARIOS)
    for name, texts in TEXTS.items():
        suite = load_suite(name)
        assert [prompt.text for prompt in suite.prompts] == texts
        assert suite.licence == "Apache-2.0"


def test_a_headline_has_to_be_written(package: Path) -> None:
    install(package)
    (prompt,) = load_suite("helm-magazine-covers").prompts
    assert prompt.concepts[1] == Concept('The "owl" issue', "text", "cover of a magazine", 'The "owl" issue')


def test_without_the_package_one_line_names_it(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "helm", None)
    with pytest.raises(
        UserError, match="needs the package 'crfm-helm', which is not installed; run: pip install crfm-"
    ):
        load_suite("helm-logos")


def test_another_package_of_that_name_is_told(package: Path) -> None:
    text(package / "helm" / "__init__.py", "")
    with pytest.raises(UserError, match=r"another one, without 'helm\.benchmark', is called helm"):
        load_suite("helm-logos")


def test_a_package_that_can_not_be_imported_is_told(package: Path) -> None:
    install(package)
    text(package / FOLDER / "logos_scenario.py", "import a_library_that_nobody_has")
    text(package / FOLDER / "landing_page_scenario.py", "")
    with pytest.raises(UserError, match=r"can't read 'crfm-helm' \(No module named 'a_library_that_nobody_has'\)"):
        load_suite("helm-logos")
    with pytest.raises(UserError, match="LandingPageScenario"):
        load_suite("helm-landing-pages")


def test_it_reads_no_data(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="leave --data out"):
        load_suite("helm-logos", tmp_path)
