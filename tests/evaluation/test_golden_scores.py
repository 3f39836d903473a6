"""Each public set in miniature, scored by a judge that heeds nothing but the first word of a question.

The wanted numbers are worked out by hand from ``by_first_word`` and the miniatures' questions.
"""

import math
from pathlib import Path

import pytest

from imagerag.agent.registry import load_chat_model
from imagerag.evaluation.loaders.registry import SUITES, load_suite
from imagerag.evaluation.metrics.registry import load_metric
from imagerag.evaluation.records import Suite
from testing import miniature_suites
from testing.miniature_suites import MINIATURES
from testing.openai_server import serving
from testing.soft_tifa_judge import by_first_word, judging
from tests.evaluation.metrics.drawings import drawing, plain

SHOWN = 0.5
"""A thing is asked for with "Does the image show this"."""

WANTED: dict[str, dict[str, float]] = {
    "imagenet": {"class": SHOWN},
    "imagenet-rare": {"rare": SHOWN},
    "cub-200": {"class": SHOWN},
    "inaturalist": {"class": SHOWN},
    "fgvc-aircraft": {"class": SHOWN},
    "agentgen-bench": {"no-search": 0.25, "textual-search": 0.5, "visual-search": 0.25},
    "agentgen-bench-testmini": {"no-search": 0.25},
    "wise": {"culture": 0.75, "time": 0.75, "physics": 0.75},
    "kitten": {"landmark": SHOWN, "insect": SHOWN},
    # two of .8 (0.7 as a word, 0.1 as a digit), white, any and left of 1 each, one of .1, striped .25; then 1 and .25
    "geneval2": {"atoms-5": (0.8 + 1 + 1 + 1 + 0.1 + 0.25) / 6, "atoms-3": (1 + 0.25) / 2},
    "genai-bench": {},
    "t2i-factualbench": {"SKCM": SHOWN, "SKCI": (SHOWN + 0.25) / 2, "MKCC": (SHOWN + SHOWN + 0.25) / 3},
}


def scores(suite: Suite, metric: str) -> dict[str, list[float]]:
    """Return the values of the suite's drawings by stratum; those without a value are left out."""
    with serving(judging(by_first_word)) as server:
        judge = load_metric(f"{metric}:{server.name}")
        by_stratum: dict[str, list[float]] = {}
        for prompt in suite.prompts:
            value = judge.measure(drawing(prompt=prompt.name), prompt, plain("red")).value
            if value is not None:
                by_stratum.setdefault(prompt.stratum, []).append(value)
    load_chat_model.cache_clear()
    return by_stratum


@pytest.mark.parametrize("name", SUITES)
def test_the_golden_score(name: str, tmp_path: Path) -> None:
    MINIATURES[name](tmp_path)
    found = scores(load_suite(name, tmp_path), "soft-tifa")
    assert set(found) == set(WANTED[name])
    for stratum, wanted in WANTED[name].items():
        assert found[stratum] == pytest.approx([wanted] * len(found[stratum]))


def test_the_geometric_mean_of_geneval2(tmp_path: Path) -> None:
    miniature_suites.geneval2(tmp_path)
    found = scores(load_suite("geneval2", tmp_path), "soft-tifa-gm")
    assert found["atoms-5"] == pytest.approx([math.pow(0.8 * 0.1 * 0.25, 1 / 6)])
    assert found["atoms-3"] == pytest.approx([0.5])


def test_a_persons_own_suite(tmp_path: Path) -> None:
    miniature_suites.own_file(tmp_path)
    found = scores(load_suite("jsonl", tmp_path / "suite.jsonl"), "soft-tifa")
    assert found == {"lacking": [pytest.approx((SHOWN + 0.8) / 2)]}


def test_a_list_of_helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    miniature_suites.helm_package(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = scores(load_suite("helm-magazine-covers"), "soft-tifa")
    assert found == {"magazine-covers": [pytest.approx(SHOWN)]}
