"""A person's own things, judged by their pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from imagerag.agent.own_things import shown_beside, with_own_things
from imagerag.graphs.agent_graph import build_graph
from imagerag.records import ConceptScore, Verdict
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic
from testing.scripted_runs import thread


class Pictures:
    """A critic that has an opinion on pictures."""

    def __init__(self, score: ConceptScore | None) -> None:
        self.score = score

    def shows(self, image: Image.Image, pictures: Sequence[Image.Image], concept: str) -> ConceptScore | None:
        assert len(pictures) == 1
        assert concept == "badge"
        return self.score


def score(concept: str, likely: float) -> ConceptScore:
    return {"concept": concept, "kind": "content", "present": likely >= 0.5, "score": likely}


def verdict(*scores: ConceptScore) -> Verdict:
    missing = [one["concept"] for one in scores if not one["present"]]
    mean = sum(one["score"] for one in scores) / len(scores)
    return {"satisfied": not missing, "score": mean, "concepts": list(scores), "missing": missing, "critic": "clip"}


IMAGE = Image.new("RGB", (8, 8))
BY_NAME = verdict(score("badge", 0.0), score("cake", 0.8))


def test_what_is_ones_own_is_judged_by_its_picture() -> None:
    seen = with_own_things(BY_NAME, Pictures(score("badge", 0.9)), IMAGE, {"badge": [IMAGE]})
    assert (seen["satisfied"], seen["score"], seen["missing"]) == (True, 0.85, [])
    there = verdict(score("badge", 1.0), score("cake", 0.8))
    seen = with_own_things(there, Pictures(score("badge", 0.2)), IMAGE, {"badge": [IMAGE]})
    assert (seen["satisfied"], seen["missing"]) == (False, ["badge"]), "something else of that name"


@pytest.mark.parametrize("critic", [object(), Pictures(None)])
def test_a_critic_without_pictures_to_compare_with_keeps_its_verdict(critic: object) -> None:
    assert with_own_things(BY_NAME, critic, IMAGE, {"badge": [IMAGE]}) == BY_NAME


class Beside(ScriptedCritic):
    """A critic that is shown pictures beside the image."""

    def __init__(self) -> None:
        super().__init__([0.9] * 9)
        self.seen: list[list[str]] = []

    def beside(self, pictures: Mapping[str, Sequence[Image.Image]]) -> "Beside":
        self.seen.append(list(pictures))
        return self


def test_pictures_of_ones_own_are_shown_to_a_critic_that_takes_them(tmp_path: Path) -> None:
    IMAGE.save(tmp_path / "logo.png")
    sent = {"prompt": "my badge on a cake", "subjects": [str(tmp_path / "logo.png")]}
    critic = Beside()
    build_graph(critic=critic).invoke(sent, thread(), context=Settings(home=str(tmp_path / "home"), seed=3))
    assert critic.seen == [["badge"]]
    assert shown_beside(critic, {}) is critic
    assert critic.seen == [["badge"]], "with nothing to show, it is asked as ever"


@pytest.mark.slow
def test_a_badge_that_no_model_knows_is_drawn_on_the_cake_and_found_there(tmp_path: Path) -> None:
    logo = Image.new("RGB", (300, 300), (245, 245, 245))
    pen = ImageDraw.Draw(logo)
    pen.ellipse((40, 40, 260, 260), fill=(20, 120, 60))
    pen.polygon([(150, 70), (230, 210), (70, 210)], fill=(250, 220, 40))
    pen.rectangle((135, 120, 165, 200), fill=(120, 20, 120))
    logo.save(tmp_path / "logo.png")
    sent = {"prompt": "my badge on a cake", "subjects": [str(tmp_path / "logo.png")]}
    result = build_graph().invoke(sent, thread(), context=Settings(home=str(tmp_path / "home"), seed=3))
    assert result["stop_reason"] == "satisfied"
    assert all("subject-1" in image["references"] for image in result["images"])
    found = {score["concept"]: score for score in result["verdict"]["concepts"]}
    assert found["badge"]["present"]
