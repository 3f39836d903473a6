"""Gemini's models that draw, against a server on loopback."""

import base64
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.chat_models.pricing import load_pricing
from imagerag.errors import Cancelled, DrawingRefused, InvalidArgument, UserError
from imagerag.generators.base import DrawControl, DrawRequest, Reference
from imagerag.generators.registry import fitting_profile, is_images_api, load_generator, most_output_tokens
from imagerag.generators.remote import calling
from imagerag.generators.remote.gemini_images import GeminiImages
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.gemini_server import answer_of, error_of, gemini_server, picture_part
from testing.remote_servers import Answer
from testing.scripted import ScriptedCritic

MODEL = "gemini-3.1-flash-image"
OWL = DrawRequest("an owl", (1,))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_WAIT", 0.01)
    monkeypatch.setenv("IMAGERAG_SERVER_KEY", "key-of-the-server")


def references(count: int) -> tuple[Reference, ...]:
    return tuple(Reference(Image.new("RGBA", (40, 30), (0, 0, 0, 0)), f"thing {k + 1}") for k in range(count))


def test_words_alone() -> None:
    with gemini_server() as server:
        drawings = GeminiImages(f"{MODEL}@{server.url}").draw(DrawRequest("an owl", (1, 2**32 - 1)))
    assert [drawing.seed for drawing in drawings] == [1, 2**32 - 1]
    assert drawings[0].image.getpixel((3, 3)) == (255, 0, 0)
    asked = server.asked[0]
    assert asked.path == f"/v1beta/models/{MODEL}:generateContent"
    assert asked.key == "key-of-the-server"
    assert asked.body["contents"] == [{"role": "user", "parts": [{"text": "an owl"}]}]
    assert asked.body["generationConfig"]["responseModalities"] == ["TEXT", "IMAGE"]
    assert all(0 <= each.body["generationConfig"]["seed"] < 2**31 for each in server.asked)
    assert drawings[0].facts["usage"] == {"input": 20, "output": 1200}
    assert drawings[0].facts["seed_used"] is False


@pytest.mark.parametrize("count", [1, 14])
def test_references_are_parts_before_the_words(count: int) -> None:
    with gemini_server() as server:
        GeminiImages(f"{MODEL}@{server.url}").draw(DrawRequest("an owl", (1,), references(count)))
    *pictures, words = server.asked[0].body["contents"][0]["parts"]
    assert len(pictures) == count
    assert base64.b64decode(pictures[0]["inlineData"]["data"]).startswith(b"\x89PNG")
    assert "thing 1 (image 1)" in words["text"]


def test_one_reference_too_many() -> None:
    with gemini_server() as server:
        with pytest.raises(InvalidArgument, match=r"15 references; .* takes at most 14"):
            GeminiImages(f"{MODEL}@{server.url}").draw(DrawRequest("an owl", (1,), references(15)))
        with pytest.raises(InvalidArgument, match=r"4 references; .* takes at most 3"):
            GeminiImages(f"gemini-2.5-flash-image@{server.url}").draw(DrawRequest("an owl", (1,), references(4)))
    assert server.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        answer_of({"text": "Here it is"}, picture_part()),
        answer_of(picture_part("blue", thought=True), picture_part()),
        answer_of(picture_part("blue"), {"text": "better:"}, picture_part()),
        answer_of({"inline_data": picture_part()["inlineData"]}),
        answer_of(picture_part(), reason="MAX_TOKENS"),
    ],
    ids=["words before", "a thought", "two", "underscores", "cut off after it"],
)
def test_the_image_is_the_last_one_that_is_no_thought(answer: Answer) -> None:
    with gemini_server(lambda number: answer) as server:
        (drawing,) = GeminiImages(f"{MODEL}@{server.url}").draw(OWL)
    assert drawing.image.getpixel((3, 3)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(b'{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}'), "PROHIBITED_CONTENT"),
        (answer_of(reason="IMAGE_SAFETY"), "IMAGE_SAFETY"),
        (answer_of({"text": "I can't draw that"}, reason="SAFETY"), "I can't draw that"),
        (Answer(b'{"candidates": [{"finishReason": "RECITATION"}]}'), "RECITATION"),
        (error_of(400, "INVALID_ARGUMENT", "blocked by the safety system", reason="IMAGE_SAFETY"), "safety system"),
    ],
)
def test_a_refusal_is_told_as_that_and_asked_once(answer: Answer, says: str) -> None:
    with gemini_server(lambda number: answer) as server, pytest.raises(DrawingRefused, match=says):
        GeminiImages(f"{MODEL}@{server.url}").draw(OWL)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "first",
    [
        error_of(429, "RESOURCE_EXHAUSTED", "Quota exceeded for requests per minute"),
        error_of(503, "UNAVAILABLE", "The model is overloaded"),
        error_of(500, "INTERNAL", "An internal error has occurred"),
        answer_of({"text": "What a fine owl that would be."}),
        answer_of(reason="NO_IMAGE"),
        Answer(b'{"candidates": []}'),
        Answer(b"[]"),
        answer_of({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}),
        answer_of({"inlineData": {"mimeType": "image/png", "data": "?"}}),
    ],
)
def test_what_may_pass_is_tried_again(first: Answer) -> None:
    with gemini_server(lambda number: first if number == 0 else answer_of(picture_part())) as server:
        (drawing,) = GeminiImages(f"{MODEL}@{server.url}").draw(OWL)
    assert drawing.image.size == (32, 32)
    assert len(server.asked) == 2


def test_what_does_not_pass_gives_the_reason() -> None:
    script: Any = lambda number: answer_of({"text": "What a fine owl."})  # noqa: E731
    with gemini_server(script) as server, pytest.raises(InvalidArgument, match=r"What a fine owl.*3 of 3 tries"):
        GeminiImages(f"{MODEL}@{server.url}").draw(OWL)


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (answer_of({"text": "What a fine owl."}), 3),
        (answer_of({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}), 3),
        (answer_of({"inlineData": {"mimeType": "image/png", "data": "?"}}), 3),
        (answer_of(reason="IMAGE_SAFETY"), 1),
        (error_of(503, "UNAVAILABLE", "The model is overloaded"), 0),
    ],
)
def test_tokens_of_an_answer_without_an_image_are_paid_for(answer: Answer, tries: int) -> None:
    charged: list[Any] = []
    with gemini_server(lambda number: answer) as server, pytest.raises(InvalidArgument):
        GeminiImages(f"{MODEL}@{server.url}").draw(OWL, DrawControl(on_charge=charged.append))
    assert [each for each in charged if each] == [{"input": 20, "output": 1200}] * tries


def test_the_wait_that_the_body_asks_for_is_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(calling, "pause", lambda seconds, check: waited.append(seconds))
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
    busy = error_of(429, "RESOURCE_EXHAUSTED", "Quota exceeded for requests per minute", **retry)
    with gemini_server(lambda number: busy if number == 0 else answer_of(picture_part())) as server:
        GeminiImages(f"{MODEL}@{server.url}").draw(OWL)
    assert waited == [34.5]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (error_of(400, "INVALID_ARGUMENT", "API key not valid", reason="API_KEY_INVALID"), "check key and model"),
        (error_of(403, "PERMISSION_DENIED", "denied"), "denied"),
        (error_of(404, "NOT_FOUND", "models/x is not found"), "is not found"),
    ],
)
def test_what_only_the_person_can_mend(answer: Answer, says: str) -> None:
    with gemini_server(lambda number: answer) as server, pytest.raises(UserError, match=says) as raised:
        GeminiImages(f"{MODEL}@{server.url}").draw(OWL)
    assert "key-of-the-server" not in str(raised.value)
    assert len(server.asked) == 1


def test_a_cancel_does_not_wait_for_the_server() -> None:
    stop, answered = threading.Event(), threading.Event()

    def slow(number: int) -> Answer:
        stop.set()
        answered.wait(20)
        return answer_of(picture_part())

    def check() -> None:
        if stop.is_set():
            raise Cancelled

    with gemini_server(slow) as server:
        with pytest.raises(Cancelled):
            GeminiImages(f"{MODEL}@{server.url}").draw(OWL, DrawControl(stop_check=check))
        assert not answered.is_set(), "the server is still at it"
        answered.set()


def test_what_it_charges_counts_as_images_cost(tmp_path: Path) -> None:
    name = f"google_genai:{MODEL}"
    assert load_pricing(name).cost(0, 1120) == pytest.approx(0.0672)
    with gemini_server() as server:
        result = build_graph(generator=GeminiImages(f"{MODEL}@{server.url}"), critic=ScriptedCritic([0.9])).invoke(
            {"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=Settings(home=str(tmp_path))
        )
    assert sum(step["tokens"] for step in result["trace"]) == 1220


class TestItsName:
    def test_keys_of_google(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
            monkeypatch.delenv(variable, raising=False)
        with pytest.raises(UserError, match="set the variable GOOGLE_API_KEY"):
            GeminiImages(MODEL)
        monkeypatch.setenv("GEMINI_API_KEY", "g")
        assert GeminiImages(MODEL).name == f"google_genai:{MODEL}"

    def test_it_is_known_by_its_prefix(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GOOGLE_API_KEY", "g")
        name = f"google_genai:{MODEL}"
        assert isinstance(load_generator(name), GeminiImages)
        assert fitting_profile(name) == "cloud"
        assert is_images_api(name)
        assert most_output_tokens(name) < most_output_tokens("openai:gpt-image-2")
        with pytest.raises(UserError, match="is no name of a model"):
            GeminiImages("model@nowhere")

    @pytest.mark.parametrize(
        ("model", "key", "status"), [(MODEL, "good", 200), ("other", "good", 404), (MODEL, "wrong", 401)]
    )
    def test_it_is_asked_for_without_drawing(
        self, monkeypatch: pytest.MonkeyPatch, model: str, key: str, status: int
    ) -> None:
        monkeypatch.setenv("IMAGERAG_SERVER_KEY", key)
        with gemini_server() as server:
            assert GeminiImages(f"{model}@{server.url}").asked_for_model(5) == status
        assert server.asked == []
