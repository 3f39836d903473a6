"""The tools node: arguments, offered tools, references and candidates."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from PIL import Image

from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.scripted_runs import GENERATE, run_scripted, thread


def test_candidates_of_a_batch_have_seeds_of_their_own_and_the_critic_picks(tmp_path: Path) -> None:
    result = run_scripted(tmp_path, [GENERATE], [0.2, 0.9, 0.5], n=3)
    assert [image["seed"] for image in result["images"]] == [7, 8, 9]
    assert result["image"]["id"] == "image-2"
    assert result["stop_reason"] == "satisfied"


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
