"""What a thread has shown: turns without a drawing, undo and redo, variants, and seeds that are not carried along."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from imagerag.agent.rule_writer import RuleWriter
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.conversation import read_earlier, unused_seed
from imagerag.graphs.one_pass import build_one_pass
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread


class Conversation:
    """A thread of the agent's graph with a critic that is satisfied with everything."""

    def __init__(self, home: Path, scores: list[float] | None = None, **settings: Any) -> None:
        self.squares = Squares()
        self.graph = build_graph(critic=ScriptedCritic(scores or [0.9] * 20, ("dog",)), generator=self.squares)
        self._context = Settings(home=str(home), **settings)
        self.events: list[Any] = []

    def say(self, request: str, **given: Any) -> Any:
        drawn = len(self.squares.requests)
        for mode, chunk in self.graph.stream(
            {"prompt": request, **given}, thread(), context=self._context, stream_mode=["custom", "values"]
        ):
            if mode == "custom":
                self.events.append(chunk)
            else:
                result = chunk
        result["drawn"] = len(self.squares.requests) - drawn
        return result


def test_talk_draws_nothing_and_the_picture_stays(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path)
    first = conversation.say("a dog", seed=7)
    talk = conversation.say("thanks!")
    assert (talk["drawn"], talk["images"], talk["stop_reason"]) == (0, [], "answered")
    assert talk["image"] == first["image"]
    assert talk["verdict"] == first["verdict"]
    assert "image-1 stays as it is" in talk["answer"]
    assert talk["messages"][-1].text == talk["answer"]
    assert [(step["node"], step["name"]) for step in talk["trace"]] == [("intake", "answer")]
    assert [event["event"] for event in conversation.events[-2:]] == ["answer", "stop"]
    assert conversation.say("make it red")["image"]["prompt"] == "a red dog"


def test_what_is_not_understood_poisons_no_thread(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path)
    conversation.say("a dog")
    assert conversation.say("flubber the wombat")["drawn"] == 0
    result = conversation.say("put a crown on it")
    assert result["image"]["prompt"] == "a dog wearing a crown"
    assert result["answer"] is None


def test_undo_and_redo_step_through_what_was_returned(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path)
    for request in ("a dog", "make it red", "add a cat"):
        conversation.say(request)
    shown = [conversation.say(request)["image"]["id"] for request in ("undo", "undo", "undo", "redo", "redo", "undo")]
    assert shown == ["image-2", "image-1", "image-1", "image-2", "image-3", "image-2"]
    assert conversation.say("make it blue")["image"]["prompt"] == "a blue dog"
    assert conversation.say("go back to the first one")["image"]["id"] == "image-1"
    assert conversation.say("undo")["image"]["prompt"] == "a blue dog"


def test_a_change_goes_on_from_the_image_that_was_returned_not_from_the_last_drawn(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path, [0.5, 0.3, 0.2, 0.1, 0.9], max_generations=3)
    first = conversation.say("a dog", seed=7)
    assert (first["image"]["id"], len(first["images"])) == ("image-1", 3)
    assert conversation.say("make it red")["images"][0]["seed"] == 7


def test_a_variant_never_begins_with_a_seed_that_has_drawn(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path)
    seeds = [conversation.say("a dog", seed=7)["image"]["seed"]]
    seeds += [conversation.say(request)["image"]["seed"] for request in ("another one", "try again", "another one")]
    assert seeds == [7, 8, 9, 10]
    assert conversation.say("another one", seed=7)["image"]["seed"] == 11
    assert "seed 7 has drawn an image of this thread already" in str(conversation.events)


def test_several_variants_are_candidates_of_one_drawing(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path)
    conversation.say("a dog", seed=7)
    result = conversation.say("4 variations")
    assert [image["seed"] for image in result["images"]] == [8, 9, 10, 11]
    assert result["drawn"] == 1
    assert len(conversation.say("make it red")["images"]) == 1


def test_the_seed_of_one_picture_is_not_carried_into_another(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path)
    conversation.say("a dog", seed=7)
    assert conversation.say("now draw a castle")["image"]["seed"] != 7
    assert conversation.say("now draw a boat", seed=5)["image"]["seed"] == 5


def test_a_fresh_start_leaves_no_picture(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path)
    conversation.say("a dog")
    assert conversation.say("start over")["image"] is None
    assert conversation.say("undo")["image"]["id"] == "image-1"


def test_talk_without_a_picture_is_answered(tmp_path: Path) -> None:
    result = Conversation(tmp_path).say("hello")
    assert (result["image"], result["images"], result["stop_reason"]) == (None, [], "answered")


def test_the_pipeline_of_one_pass_answers_too(tmp_path: Path) -> None:
    graph = build_one_pass(critic=ScriptedCritic([0.9]), generator=Squares())
    context = Settings(home=str(tmp_path))
    graph.invoke({"prompt": "a dog"}, thread(), context=context)
    assert graph.invoke({"prompt": "why?"}, thread(), context=context)["stop_reason"] == "answered"


def test_a_thread_of_an_earlier_version_goes_on_from_its_last_result(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path)
    conversation.say("a dog")
    conversation.say("add a cat")
    snapshot = conversation.graph.get_state(thread()).values
    without = {name: value for name, value in snapshot.items() if name not in ("timeline", "standing")}
    other = Conversation(tmp_path)
    other.graph.update_state(thread(), without, as_node="finish")
    assert other.say("undo")["image"]["id"] == "image-1"


def test_the_requests_of_a_client_without_threads_are_read_one_after_the_other() -> None:
    said = [HumanMessage("a dog"), HumanMessage("thanks"), HumanMessage("make it red"), HumanMessage("again")]
    history = read_earlier(said, RuleWriter())
    assert [image.prompt for image in history] == ["a dog", "a red dog", "a red dog"]
    assert read_earlier([HumanMessage("make it red")], RuleWriter())[0].prompt == "make it red"


@pytest.mark.parametrize(("many", "seed"), [(1, 9), (2, 11)])
def test_seeds_that_have_drawn_nothing(many: int, seed: int) -> None:
    images: Any = [{"seed": one} for one in (7, 8, 10)]
    assert unused_seed(7, images, many) == seed


def test_earlier_messages_of_a_chat_are_taken_into_account(tmp_path: Path) -> None:
    squares = Squares()
    graph = build_graph(critic=ScriptedCritic([0.9]), generator=squares)
    messages = [HumanMessage("a dog"), AIMessage("here"), HumanMessage("make it red"), AIMessage("here")]
    result = graph.invoke(
        {"messages": [*messages, HumanMessage("add a cat")]}, thread(), context=Settings(home=str(tmp_path))
    )
    assert result["image"]["prompt"] == "a red dog and a cat"


def test_what_was_asked_for_in_vain_is_remembered_until_the_picture_changes(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path)
    conversation.say("a dog")
    assert conversation.say("flubber him a pizza")["drawn"] == 0
    assert conversation.say("thanks!")["drawn"] == 0
    refused = conversation.say("make it red")
    assert refused["drawn"] == 0
    assert "no pizza in the picture" in refused["answer"]
    assert conversation.say("add a pizza")["image"]["prompt"] == "a dog and a pizza"
    assert conversation.say("make it red")["image"]["prompt"] == "a dog and a red pizza"
