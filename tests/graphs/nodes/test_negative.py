"""A negative prompt through a run: to the generator that takes one, into the manifest, and judged as absent."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.absence import absence_of, presence_in_words, with_absences
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.one_pass import build_one_pass
from imagerag.records import ConceptScore, Verdict
from imagerag.settings import Settings
from imagerag.store.manifest import Manifest, read_manifest
from testing.outcomes import verdict
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread
from testing.servers import Shelf


class Guided(Squares):
    takes_negatives = True


class Seeing(ScriptedCritic):
    """Sees these things in every image."""

    def __init__(self, *there: str) -> None:
        super().__init__([0.9] * 9)
        self._there = there
        self.looked_for: list[list[str]] = []

    def look_for(self, image: Image.Image, concepts: Any) -> list[ConceptScore]:
        self.looked_for.append(list(concepts))
        return [
            {
                "concept": one,
                "kind": "content",
                "present": one in self._there,
                "score": 0.9 if one in self._there else 0.1,
            }
            for one in concepts
        ]


def run(
    home: Path, generator: Squares, critic: Seeing, negative: str | None, prompt: str = "an owl", **also: Any
) -> tuple[Any, list[str]]:
    """Return the outcome, and the notes of a run."""
    graph = also.pop("build", build_graph)(generator=generator, critic=critic, index=Shelf(), **also)
    notes: list[str] = []
    values: Any = None
    settings = Settings(home=str(home), negative=negative, max_generations=2)
    for kind, chunk in graph.stream(
        {"prompt": prompt}, thread("t"), context=settings, stream_mode=["custom", "values"]
    ):
        if kind == "values":
            values = chunk
        elif chunk["event"] == "note":
            notes.append(chunk["text"])
    return values, notes


def test_a_generator_that_takes_one_gets_it_and_the_manifest_has_it(tmp_path: Path) -> None:
    squares, critic = Guided(), Seeing()
    values, notes = run(tmp_path, squares, critic, "a dog, blurry")
    assert [request.negative for request in squares.requests] == ["a dog, blurry"]
    assert read_manifest(values["image"]["path"]).negative == "a dog, blurry"
    assert critic.looked_for == [["dog"]]
    assert values["verdict"]["concepts"][-1] == {"concept": "no dog", "kind": "absence", "present": True, "score": 0.9}
    assert (values["verdict"]["satisfied"], values["stop_reason"]) == (True, "satisfied")
    assert notes == ["of the negative prompt 'blurry' is not judged, only told the generator"]


def test_what_is_there_all_the_same_counts_against_the_image_and_is_not_looked_up(tmp_path: Path) -> None:
    squares = Guided()
    values, _ = run(tmp_path, squares, Seeing("dog"), "dog")
    assert (values["verdict"]["satisfied"], values["verdict"]["missing"]) == (False, ["no dog"])
    assert values["verdict"]["score"] == pytest.approx(0.5)
    assert (len(squares.requests), values["references"]) == (2, []), "another seed, and no picture of no dog"


def test_the_one_pass_pipeline_does_not_look_it_up_either(tmp_path: Path) -> None:
    values, _ = run(tmp_path, Guided(), Seeing("dog"), "dog", build=build_one_pass)
    assert (values["verdict"]["missing"], values["references"]) == (["no dog"], [])


def test_one_that_takes_none_is_told_once_and_has_none_in_the_manifest(tmp_path: Path) -> None:
    squares = Squares()
    values, notes = run(tmp_path, squares, Seeing("dog"), "dog")
    assert {request.negative for request in squares.requests} == {""}
    assert read_manifest(values["image"]["path"]).negative == ""
    assert notes.count("'squares' takes no negative prompt: 'dog' is judged alone") == 1


def test_a_follow_up_keeps_it_until_it_is_dropped(tmp_path: Path) -> None:
    squares = Guided()
    graph = build_graph(generator=squares, critic=Seeing(), index=Shelf())
    for prompt, negative in (("an owl", "dog"), ("now make it red", None), ("now make it blue", "")):
        graph.invoke({"prompt": prompt}, config=thread("t"), context=Settings(home=str(tmp_path), negative=negative))
    assert [request.negative for request in squares.requests] == ["dog", "dog", ""]


def test_it_is_part_of_what_an_image_is_known_by() -> None:
    def recipe(**also: Any) -> bytes:
        return Manifest.new(prompt="an owl", seed=1, generator="g", generator_revision="1", **also).recipe()

    assert recipe() == recipe(negative="")
    assert b"negative" not in recipe()
    assert recipe(negative="dog") != recipe()


def test_an_absence_that_the_verdict_has_already_counts_once() -> None:
    seen: list[ConceptScore] = [{"concept": "dog", "kind": "content", "present": False, "score": 0.2}]
    once: Verdict = with_absences(verdict(0.9), seen)
    assert once["concepts"][-1] == absence_of(seen[0])
    assert with_absences(once, seen) == once
    assert [presence_in_words(score) for score in once["concepts"]] == ["there", "as asked"]


def test_one_that_is_too_long_is_refused() -> None:
    with pytest.raises(UserError, match="negative has 4001 characters"):
        Settings(negative="x" * 4001)


@pytest.mark.parametrize("prompt", ["an owl --no dogs", "an owl\nNegative prompt: dogs"])
def test_what_a_pasted_prompt_excludes_is_a_negative_prompt(tmp_path: Path, prompt: str) -> None:
    squares = Guided()
    values, _ = run(tmp_path, squares, Seeing(), None, prompt)
    assert [request.negative for request in squares.requests] == ["dogs"]
    assert values["prompt"] == "an owl"
