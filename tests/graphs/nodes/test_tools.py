"""The tools node: arguments, offered tools, references and candidates."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from langchain_core.messages import ToolMessage
from PIL import Image

from imagerag.errors import DrawingRefused, InvalidArgument, UserError
from imagerag.generators.remote.openai_images import OpenAIImages
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.streaming import stream_run
from imagerag.index.base import PLAIN_SEARCH, Hit, SearchOptions
from imagerag.records import ConceptScore, Uncalibrated
from imagerag.settings import Settings
from testing.faulty_servers import faulty_server
from testing.remote_servers import Answer, images_server
from testing.scripted import ScriptedCritic, ScriptedModel, Squares, SquaresThatFail
from testing.scripted_runs import GENERATE, run_scripted, thread
from testing.servers import Shelf


def test_candidates_of_a_batch_have_seeds_of_their_own_and_the_critic_picks(tmp_path: Path) -> None:
    result = run_scripted(tmp_path, [GENERATE], [0.2, 0.9, 0.5], n=3)
    assert [image["seed"] for image in result["images"]] == [7, 8, 9]
    assert result["image"]["id"] == "image-2"
    assert result["stop_reason"] == "satisfied"


def test_an_argument_that_a_tool_does_not_take_is_told_to_be_ignored(tmp_path: Path) -> None:
    result = run_scripted(tmp_path, [[("generate", {"prompt": "an owl", "sed": 7})]], [0.9])
    (drawn,) = [message for message in result["messages"] if isinstance(message, ToolMessage)]
    assert "ignored, for generate takes no such argument: 'sed'; valid: prompt, " in drawn.text
    assert drawn.status == "success"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (("generate", {"prompt": "  "}), "prompt has an empty text"),
        (("generate", {"prompt": "owl", "seed": -1}), "seed -1 is outside 0.."),
        (("generate", {}), "prompt"),
        (("inspect_image", {"image_id": "image-9"}), "'image-9' is not an image or a reference"),
        (("propose_captions", {"concepts": []}), "concepts is empty"),
        (("propose_captions", {"concepts": ["owl"], "per_concept": 0}), "per_concept 0 is outside 1..5"),
        (("search_references", {"captions": [], "k": 2}), "captions is empty"),
        (("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}], "k": 0}), "k 0 is outside 1.."),
        (("search_references", {"captions": [{"concept": "owl", "caption": " "}]}), "caption has an empty text"),
        (("regenerate_with_references", {"prompt": "owl", "reference_ids": ["ref-3"]}), "'ref-3' is not a reference"),
        (("regenerate_with_references", {"prompt": "owl", "reference_ids": []}), "reference_ids is empty"),
        (
            ("regenerate_with_references", {"prompt": "owl", "reference_ids": [], "reference_scale": 2}),
            "reference_scale 2",
        ),
        (
            ("inspect_image", {"image_id": "image-1", "concepts": ["owl"] * 65}),
            "concepts has 65 entries",
        ),
        (("inspect_image", {"image_id": "image-" + "9" * 9000}), "9' is not an image or a reference"),
        (("propose_captions", {"concepts": ["owl"] * 65}), "concepts has 65 entries"),
        (
            ("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}] * 17}),
            "captions has 17 entries",
        ),
        (("search_references", {"captions": ["owl"] * 65}), "arguments of 'search_references' are not valid"),
        (
            ("regenerate_with_references", {"prompt": "owl", "reference_ids": ["ref-1"] * 33}),
            "reference_ids has 33 entries",
        ),
        (("generate", {"prompt": ["owl"] * 65}), "arguments of 'generate' are not valid"),
        (("paint", {}), "tool 'paint' is not offered here; valid: generate"),
    ],
)
def test_a_bad_argument_comes_back_to_the_model_and_the_run_goes_on(
    tmp_path: Path, call: tuple[str, dict[str, Any]], says: str
) -> None:
    result = run_scripted(tmp_path, [[call], GENERATE], [0.9])
    answer = next(message for message in result["messages"] if isinstance(message, ToolMessage))
    assert answer.status == "error"
    assert says in str(answer.text)
    assert len(str(answer.text)) < 2000
    assert result["stop_reason"] == "satisfied"
    assert any(step["error"] for step in result["trace"])


def test_a_tool_that_the_mode_does_not_offer_is_refused(tmp_path: Path) -> None:
    call = ("search_references", {"captions": [{"concept": "owl", "caption": "owl"}]})
    result = run_scripted(tmp_path, [[call], GENERATE], [0.3, 0.9], mode="no_lookup")
    answers = [str(message.text) for message in result["messages"] if isinstance(message, ToolMessage)]
    assert "'search_references' is not offered here" in answers[1]


def test_references_beyond_the_generators_limit_are_left_out_and_named(tmp_path: Path) -> None:
    for number in range(5):
        Image.new("RGB", (50, 50 + number), "blue").save(tmp_path / f"{number}.png")
    squares = Squares()
    call = ("regenerate_with_references", {"prompt": "an owl", "reference_ids": []})
    model = ScriptedModel(script=[[call]], seen=[], offered=[])
    graph = build_graph(chat_model=model, critic=ScriptedCritic([0.9]), generator=squares)
    request = {"prompt": "an owl", "subjects": [str(tmp_path / f"{number}.png") for number in range(5)]}
    result = graph.invoke(request, thread(), context=Settings(home=str(tmp_path)))
    assert len(squares.requests[0].references) == squares.max_references == 3
    said = next(step["summary"] for step in result["trace"] if step["node"] == "tools")
    assert "left out: subject-4, subject-5, since 'squares' takes at most 3 references" in said


FAILURES = [
    UserError("'openai:m' can't draw with references: the server answered 404 to /images/edits"),
    InvalidArgument("'openai:m' drew nothing: no answer (ConnectError), 3 of 3 tries"),
    DrawingRefused("the safety system refuses this"),
    RuntimeError("CUDA out of memory"),
]
"""What generators raise: for the person, for the model, a refusal, and what an engine throws unasked."""


class LostShelf(Shelf):
    def __init__(self, lost: str) -> None:
        super().__init__()
        self._lost = lost

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        if self._lost == "search":
            raise UserError("the library 'birds' is gone; index it again")
        return super().search(captions, k, options)

    def image(self, sha256: str) -> Image.Image:
        if self._lost == "image":
            raise UserError("the picture 'owl.png' is gone; index it again")
        return super().image(sha256)


def run_by_rules(tmp_path: Path, squares: Squares, index: Shelf | None = None, **settings: Any) -> Any:
    """Run one turn by rules, whose first drawing is never good enough."""
    graph = build_graph(critic=ScriptedCritic([0.3] * 9), generator=squares, index=index or Shelf("an owl"))
    context = Settings(home=str(tmp_path), vlm="rules", out=str(tmp_path / "out"), **settings)
    told: list[Any] = []
    result = stream_run(graph, {"prompt": "an owl", "seed": 7}, thread(), context, told.append)
    result["notes"] = [event["text"] for event in told if event["event"] == "note"]
    result["details"] = [event["detail"] for event in told if event["event"] == "stop"]
    return result


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
class TestARedrawThatCanNotBeMade:
    def test_the_loop_goes_on_without_references(self, tmp_path: Path, error: Exception) -> None:
        squares = SquaresThatFail(error, lambda request: bool(request.references))
        result = run_by_rules(tmp_path, squares)
        assert result["image"] is not None
        assert Path(result["image"]["path"]).parent == tmp_path / "out"
        assert any(str(error) in note for note in result["notes"])
        conditioned = [bool(request.references) for request in squares.requests]
        assert conditioned.count(True) == 1  # what can't be drawn with references is not asked for again
        assert isinstance(error, DrawingRefused) or conditioned[-1] is False

    def test_the_best_image_is_returned_with_the_reason(self, tmp_path: Path, error: Exception) -> None:
        squares = SquaresThatFail(error, lambda request: True)
        result = run_by_rules(tmp_path, squares)
        assert result["image"]["id"] == "image-1"
        assert list((tmp_path / "out").iterdir())
        assert str(error) in str(result["messages"][-1].text)
        assert str(error) in result["details"][-1]
        assert len(squares.requests) <= 3

    def test_a_chat_model_is_told(self, tmp_path: Path, error: Exception) -> None:
        squares = SquaresThatFail(error, lambda request: True)
        result = run_scripted(tmp_path, [GENERATE, GENERATE, "I stop."], [0.3], generator=squares)
        told = [message for message in result["messages"] if isinstance(message, ToolMessage)]
        assert [message.status for message in told] == ["success", "error"]
        assert str(error) in str(told[1].text)
        assert result["image"]["id"] == "image-1"

    def test_a_first_drawing_with_what_was_looked_up_is_made_without(self, tmp_path: Path, error: Exception) -> None:
        squares = SquaresThatFail(error, lambda request: bool(request.references), spared=0)
        if type(error) is RuntimeError:
            with pytest.raises(RuntimeError):
                run_by_rules(tmp_path, squares, mode="lookup_first")
            return
        result = run_by_rules(tmp_path, squares, mode="lookup_first")
        assert result["image"] is not None
        assert any(str(error) in note for note in result["notes"])


@pytest.mark.parametrize("lost", ["search", "image"])
def test_a_look_up_that_fails_loses_no_image(tmp_path: Path, lost: str) -> None:
    result = run_by_rules(tmp_path, Squares(), LostShelf(lost))
    assert result["image"] is not None
    assert any("is gone; index it again" in note for note in result["notes"])


def test_the_first_drawing_may_fail_a_run(tmp_path: Path) -> None:
    squares = SquaresThatFail(UserError("no such model; check its name"), lambda request: True, spared=0)
    with pytest.raises(UserError, match="no such model"):
        run_by_rules(tmp_path, squares)
    assert len(squares.requests) == 1


def test_a_run_without_an_image_tells_what_went_wrong(tmp_path: Path) -> None:
    squares = SquaresThatFail(InvalidArgument("the server answered 500 (out of luck)"), lambda request: True, spared=0)
    result = run_by_rules(tmp_path, squares)
    assert result["image"] is None
    assert "out of luck" in str(result["messages"][-1].text)
    assert "out of luck" in result["details"][-1]


class SlowEyes(ScriptedCritic):
    """Each look takes so long that the person has stopped the run by its end."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__([0.1])
        self._stop = stop
        self.looks: list[int] = []

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        self._stop.set()
        self.looks.append(len(concepts))
        return super().look_for(image, concepts)


def test_looking_for_many_concepts_ends_where_the_run_is_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    critic = SlowEyes(stop)
    many = [("inspect_image", {"image_id": "image-1", "concepts": [f"owl {number}" for number in range(64)]})]
    settings = Settings(home=str(tmp_path), cancel=stop)
    model = ScriptedModel(script=[GENERATE, many], seen=[], offered=[], tokens=0)
    graph = build_graph(generator=Squares(), critic=critic, chat_model=model)
    result = stream_run(graph, {"prompt": "an owl", "seed": 7}, thread(), settings, lambda event: None)
    assert critic.looks == [16]
    assert result["stop_reason"] == "cancelled"
    assert result["image"] is not None


class UncalibratedEyes(ScriptedCritic):
    """Finds what an uncalibrated critic finds, for either reason."""

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        score: ConceptScore = {"concept": "owl", "kind": "content", "present": False, "score": 0.57}
        return [{**score, "uncalibrated": why} for why in get_args(Uncalibrated)]


def test_a_score_that_is_no_probability_is_told_as_such(tmp_path: Path) -> None:
    look = [("inspect_image", {"image_id": "image-1", "concepts": ["owl"]})]
    model = ScriptedModel(script=[GENERATE, look, "done"], seen=[], offered=[], tokens=0)
    graph = build_graph(generator=Squares(), critic=UncalibratedEyes([0.1]), chat_model=model)
    result = graph.invoke({"prompt": "an owl", "seed": 7}, thread(), context=Settings(home=str(tmp_path)))
    (told,) = [message.text for message in result["messages"] if getattr(message, "name", "") == "inspect_image"]
    assert "- owl: absent (0.57) (uncalibrated: 1 minus a false positive rate, not a probability)" in told
    assert "(uncalibrated: fitted on pictures of another kind, not a probability)" in told


@pytest.mark.parametrize("fault", ["gone", "busy"])
def test_a_generators_server_that_is_away_ends_the_run_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Literal["gone", "busy"]
) -> None:
    """A chat model asks again whatever it is told; that would burn every generation there is."""
    monkeypatch.setattr("imagerag.generators.remote.calling.FIRST_WAIT", 0.01)
    with faulty_server("busy") as busy:
        address = busy if fault == "busy" else "http://127.0.0.1:9"
        generator = OpenAIImages(f"m@{address}/v1")
        result = run_scripted(tmp_path, [GENERATE * 2] * 3, [0.9], generator=generator)
    assert (result["stop_reason"], result["image"]) == ("unavailable", None)
    first, second = [step["error"] for step in result["trace"] if step["node"] == "tools"]
    assert second.startswith("not run: ")
    assert ("asks to wait 3600 s" if fault == "busy" else "no answer (ConnectError), 3 of 3 tries") in first
    assert "can't be reached or is busy" in result["messages"][-1].text


def test_a_short_wait_that_a_server_asks_for_is_waited_for(tmp_path: Path) -> None:
    script = lambda number: Answer() if number else Answer(b"", 429, {"retry-after": "0.2"})  # noqa: E731
    with images_server(script) as server:
        result = run_scripted(tmp_path, [GENERATE], [0.9], generator=OpenAIImages(f"m@{server.url}"))
    assert result["image"] is not None
