"""Real photographs through the whole loop under the rules of each photographic profile, judged over HTTP.

``benchmarks/wiring.py`` does the same for twelve subjects, and with a CLIP model calibrated on cuts of them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagerag.graphs import Settings, build_graph
from testing.openai_server import OpenAIServer, serving
from testing.photograph_vlm import answer, subject_seen
from testing.photographs import PHOTOGRAPHS, Photographer, photograph_of

pytestmark = pytest.mark.slow

PROFILES = ("local", "cloud", "comfyui")


@pytest.fixture
def vlm() -> Iterator[OpenAIServer]:
    with serving(answer) as server:
        yield server


def run(home: Path, profile: str, vlm: OpenAIServer, right: bool) -> tuple[dict[str, Any], Photographer]:
    generator = Photographer(right=right)
    settings = Settings(home=str(home), profile=profile, vlm="rules", critic=vlm.name)
    graph = build_graph(generator=generator)
    config: Any = {"configurable": {"thread_id": "t"}}
    result = graph.invoke({"prompt": "a photo of a cat, 85mm lens, golden hour", "seed": 1}, config, context=settings)
    assert not graph.get_state(config).values["all_references"], "the person has no pictures, and pictograms are none"
    return result, generator


@pytest.mark.parametrize("profile", PROFILES)
def test_a_right_photograph_satisfies_after_one_generation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vlm: OpenAIServer, profile: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    result, generator = run(tmp_path, profile, vlm, right=True)
    assert (result["stop_reason"], len(generator.requests)) == ("satisfied", 1)
    assert [score["concept"] for score in result["verdict"]["concepts"]] == ["cat"], "no lens and no light"
    assert result["verdict"]["critic"] == vlm.name
    assert result["verdict"]["way"] == "logprobs"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_wrong_photograph_never_satisfies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vlm: OpenAIServer, profile: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    result, generator = run(tmp_path, profile, vlm, right=False)
    assert result["stop_reason"] != "satisfied"
    assert len(generator.requests) > 1
    assert result["verdict"]["missing"] == ["cat"]


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda one: one.subject)
def test_the_photographs_are_there_and_known_by_their_pixels(photograph: Any) -> None:
    assert subject_seen(photograph.open()) == photograph.subject
    assert PHOTOGRAPHS[photograph_of(f"a photo of a {photograph.subject}, 35mm")] == photograph
