"""Presence by a chat model, over real HTTP."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from imagerag.agent.registry import load_chat_model
from imagerag.errors import UserError
from imagerag.evaluation.metrics.base import MetricContext
from imagerag.evaluation.metrics.registry import load_metric
from imagerag.evaluation.metrics.soft_tifa import BY_WORDS, UNANSWERED, arithmetic, geometric
from imagerag.evaluation.records import Concept, SuitePrompt
from testing.openai_server import OpenAIServer, Reply, Script, serving
from testing.soft_tifa_judge import by_first_word, judging, likely, question_in
from tests.evaluation.metrics.drawings import OWL, drawing, plain

PROMPT = SuitePrompt(
    "two-owls",
    "two red owls",
    (
        Concept("owls", "thing", "owls"),
        Concept("red owls", "colour", "owls", "red"),
        Concept("two owls", "count", "owls", "2"),
        Concept("one moon", "count", "moons", "1"),
    ),
)


@pytest.fixture
def serve() -> Iterator[Callable[[Script], OpenAIServer]]:
    with ExitStack() as servers:
        yield lambda script: servers.enter_context(serving(script))
    load_chat_model.cache_clear()


Serve = Callable[[Script], OpenAIServer]


def test_each_concept_is_a_question(serve: Serve) -> None:
    server = serve(judging(by_first_word))
    metric = load_metric(f"soft-tifa:{server.name}")
    found = metric.measure(drawing(4), PROMPT, plain("red"))
    assert found.parts == {"owls": 0.5, "red owls": 0.25, "two owls": 0.8, "one moon": 0.1}
    assert found.value == pytest.approx((0.5 + 0.25 + 0.8 + 0.1) / 4)
    assert (found.arm, found.prompt, found.seed) == ("agent", drawing().prompt, 4)
    assert metric.notes == {}
    assert [question_in(request) for request in server.requests] == [
        "Does the image show this: owls? Answer in one word.",
        "Is the owls red? Answer in one word.",
        "How many owls are in the image? Answer in one word.",
        "How many moons are in the image? Answer in one word.",
    ]
    for request in server.requests:
        assert request["logprobs"] is True
        (image,) = [part for part in request["messages"][-1]["content"] if part["type"] != "text"]
        assert image["image_url"]["url"].startswith("data:image/png;base64,")


def test_presence_is_the_same_by_the_name_that_reports_know(serve: Serve) -> None:
    metric = load_metric(f"presence:{serve(judging(by_first_word)).name}")
    assert metric.name == "presence"
    assert metric.measure(drawing(), PROMPT, plain("red")).value == pytest.approx((0.5 + 0.25 + 0.8 + 0.1) / 4)


def test_the_geometric_mean(serve: Serve) -> None:
    metric = load_metric(f"soft-tifa-gm:{serve(judging(by_first_word)).name}")
    value = metric.measure(drawing(), PROMPT, plain("red")).value
    assert value == pytest.approx((0.5 * 0.25 * 0.8 * 0.1) ** (1 / 4))
    assert geometric([0.5, 0.0]) == 0.0
    assert geometric([0.25, 1.0]) == pytest.approx(0.5)
    assert arithmetic([0.25, 0.75]) == 0.5


def test_without_log_probabilities_the_word_counts(serve: Serve) -> None:
    metric = load_metric(f"soft-tifa:{serve(judging(by_first_word, tells=False)).name}")
    found = metric.measure(drawing(), PROMPT, plain("red"))
    assert found.parts == {"owls": 1.0, "red owls": 0.0, "two owls": 1.0, "one moon": 0.0}
    assert metric.notes == {BY_WORDS: 4}


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_refuses_to_tell_them_is_asked_without(status: int, serve: Serve) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if "logprobs" in request:
            return Reply(status=status)
        return likely(by_first_word(question_in(request)), tells=False)

    server = serve(script)
    metric = load_metric(f"soft-tifa:{server.name}")
    assert metric.measure(drawing(), PROMPT, plain("red")).value == 0.5
    assert len(["logprobs" in request for request in server.requests if "logprobs" in request]) == 1, "asked once"


def test_a_model_that_can_not_be_used_ends_the_evaluation(serve: Serve) -> None:
    metric = load_metric(f"soft-tifa:{serve(lambda request, number: Reply(status=401)).name}")
    with pytest.raises(UserError, match=r"the model gives no answer: .*401"):
        metric.measure(drawing(), PROMPT, plain("red"))


def test_a_drawing_without_all_answers_has_no_value(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.chat_models.client.BACKOFF", 0.0)

    def script(request: dict[str, Any], number: int) -> Reply:
        return Reply(status=503) if "moons" in question_in(request) else likely({"Yes": 1.0})

    metric = load_metric(f"soft-tifa:{serve(script).name}")
    found = metric.measure(drawing(), PROMPT, plain("red"))
    assert (found.value, found.parts) == (None, {})
    assert metric.notes == {UNANSWERED: 1}
    assert metric.measure(drawing(), OWL, plain("red")).value == 1.0


def test_a_prompt_without_concepts_has_no_value(serve: Serve) -> None:
    metric = load_metric(f"soft-tifa:{serve([]).name}")  # a script that runs out at once
    assert metric.measure(drawing(), SuitePrompt("a", "a"), plain("red")).value is None


def test_who_judges_has_to_be_named_and_is_not_the_critic(serve: Serve) -> None:
    with pytest.raises(
        UserError, match="metric 'soft-tifa' asks a chat model that sees images; name it as soft-tifa:MODEL"
    ):
        load_metric("soft-tifa")
    name = serve(judging(by_first_word)).name
    with pytest.raises(UserError, match="the run's critic: it would judge itself; name another"):
        load_metric(f"soft-tifa-gm:{name}", MetricContext(critic=name))
