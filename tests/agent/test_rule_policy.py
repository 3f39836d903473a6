"""The embedded mind: what follow-ups mean, and which tool call comes next, all by rule."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from imagerag.agent.protocols import Brief, PastImage
from imagerag.agent.rule_policy import RuleBasedPolicy, ranked_references
from imagerag.agent.rule_writer import RuleWriter
from imagerag.errors import UserError
from imagerag.generators.base import REFERENCE_SCALES
from imagerag.prompts import render

HISTORY = [
    PastImage("image-1", "a lobster in a kimono", 1),
    PastImage("image-2", "an owl and a cat", 1),
    PastImage("image-3", "an owl", 2),
]


@pytest.mark.parametrize(
    ("request_text", "prompt", "base"),
    [
        ("now put it on the moon", "an owl on a moon", "image-3"),
        ("go back to the second one and make it red", "a red owl and a cat", "image-2"),
        ("Make the owl blue.", "a blue owl", "image-3"),
        ("go back to image-1", "a lobster wearing a kimono", "image-1"),
        ("use the first one but make the kimono red", "a lobster wearing a red kimono", "image-1"),
        ("go back to the second one and remove the cat and add a dog", "an owl and a dog", "image-2"),
        ("make the background yellow", "an owl on a yellow background", "image-3"),
        ("with a blue background", "an owl on a blue background", "image-3"),
        ("in 3d style", "an owl, 3d style", "image-3"),
        ("make it bigger", "a large owl", "image-3"),
        ("replace the owl with a dog", "a dog", "image-3"),
        ("a dog on a bike", "a dog on a bike", None),
    ],
)
def test_a_follow_up_becomes_a_whole_prompt(request_text: str, prompt: str, base: str | None) -> None:
    brief = RuleWriter().brief(request_text, HISTORY)
    assert brief.base == base
    assert brief.prompt in (prompt, prompt.replace("wearing", "in"))


def test_another_one_is_the_same_picture_under_another_seed() -> None:
    assert RuleWriter().brief("another one", HISTORY) == Brief("an owl", "image-3", keep_seed=False)


@pytest.mark.parametrize("request_text", ["go back to the ninth one", "back to image-7", "remove the dog"])
def test_what_is_not_there_is_refused_with_what_there_is(request_text: str) -> None:
    with pytest.raises(UserError, match=r"image-1, image-2, image-3|shows owl"):
        RuleWriter().brief(request_text, HISTORY)


def test_captions_stand_alone_and_the_literal_one_comes_first() -> None:
    captions = RuleWriter().captions("an owl and a kimono", ["owl", "kimono"], 2)
    assert {concept: of_it[0] for concept, of_it in captions.items()} == {"owl": "owl", "kimono": "kimono"}
    assert all(len(of_it) == 2 for of_it in captions.values())
    assert not any("owl" in text for text in captions["kimono"])


def test_rephrasing_brings_what_is_missing_to_the_front() -> None:
    assert RuleWriter().rephrase("a cat and an axolotl", ["axolotl"]).startswith("a large axolotl")


def reference(number: int, title: str, concept: str = "axolotl") -> dict[str, Any]:
    return {"id": f"ref-{number}", "concept": concept, "title": title, "similarity": 0.5}


def verdict(number: int, scores: dict[str, float], references: list[str], best: str) -> HumanMessage:
    concepts = [
        {"concept": name, "kind": "content", "present": score >= 0.5, "score": score} for name, score in scores.items()
    ]
    missing = [entry["concept"] for entry in concepts if not entry["present"]]
    image = {
        "id": f"image-{number}",
        "seed": 40 + number,
        "references": references,
        "verdict": {"satisfied": not missing, "concepts": concepts, "missing": missing},
    }
    return HumanMessage("", name="critic", additional_kwargs={"image": image, "best": best})


def ask(
    *messages: Any,
    tools: str = "generate inspect_image propose_captions search_references regenerate_with_references",
    **brief: Any,
) -> AIMessage:
    facts = {"prompt": "an axolotl and a cat", "references": {f"ref-{k}": "axolotl" for k in range(1, 9)}, **brief}
    system = SystemMessage("", additional_kwargs={"brief": facts | {"tools": tools.split()}})
    answer = RuleBasedPolicy().invoke([system, HumanMessage("an axolotl and a cat"), *messages])
    assert isinstance(answer, AIMessage)
    return answer


def result(name: str, **artifact: Any) -> ToolMessage:
    return ToolMessage("", tool_call_id="x", name=name, artifact=artifact)


CAPTIONS = [{"concept": "axolotl", "caption": "axolotl"}]
SCORES = {"axolotl": 0.1, "cat": 0.9}
FOUND = [reference(1, "salamander"), reference(2, "axolotl"), reference(3, "axolotl"), reference(4, "fish")]


def test_it_draws_looks_up_what_is_missing_and_draws_again() -> None:
    assert ask().tool_calls[0]["name"] == "generate"
    first = verdict(1, SCORES, [], "image-1")
    call = ask(first).tool_calls[0]
    assert (call["name"], call["args"]["concepts"]) == ("propose_captions", ["axolotl"])
    proposed = result("propose_captions", captions=CAPTIONS)
    call = ask(first, proposed).tool_calls[0]
    assert (call["name"], call["args"]["captions"]) == ("search_references", CAPTIONS)
    searched = result("search_references", references=FOUND)
    call = ask(first, proposed, searched).tool_calls[0]
    assert call["name"] == "regenerate_with_references"
    assert call["args"]["reference_ids"] == ["ref-2", "ref-3"]
    assert call["args"]["reference_scale"] == REFERENCE_SCALES[0]
    assert call["args"]["seed"] == 41


def test_a_redraw_that_fails_is_tried_again_stronger_and_under_another_seed() -> None:
    looked_up = (result("propose_captions", captions=CAPTIONS), result("search_references", references=FOUND))
    call = ask(
        verdict(1, SCORES, [], "image-1"), *looked_up, verdict(2, SCORES, ["ref-2", "ref-3"], "image-1")
    ).tool_calls[0]
    assert call["args"]["reference_scale"] == REFERENCE_SCALES[1]
    assert "seed" not in call["args"]


def test_a_reference_found_by_likeness_alone_is_looked_at_before_it_is_used() -> None:
    look_alikes = [reference(1, "salamander"), reference(2, "fish")]
    looked_up = (result("propose_captions", captions=CAPTIONS), result("search_references", references=look_alikes))
    first = verdict(1, SCORES, [], "image-1")
    call = ask(first, *looked_up).tool_calls[0]
    assert (call["name"], call["args"]["image_id"]) == ("inspect_image", "ref-1")
    bad = result("inspect_image", image_id="ref-1", concepts=[{"present": False}])
    good = result("inspect_image", image_id="ref-2", concepts=[{"present": True}])
    call = ask(first, *looked_up, bad, good).tool_calls[0]
    assert call["args"]["reference_ids"] == ["ref-2"]


def test_it_stops_when_everything_is_there() -> None:
    assert not ask(verdict(1, {"axolotl": 0.9, "cat": 0.9}, [], "image-1")).tool_calls


def test_lookup_first_searches_every_concept_before_it_draws() -> None:
    call = ask(tools="propose_captions search_references regenerate_with_references").tool_calls[0]
    assert (call["name"], call["args"]["concepts"]) == ("propose_captions", ["axolotl", "cat"])


def test_rephrase_only_rewords_and_looks_nothing_up() -> None:
    call = ask(verdict(1, SCORES, [], "image-1"), tools="generate inspect_image propose_captions").tool_calls[0]
    assert call["name"] == "generate"
    assert call["args"]["prompt"].startswith("a large axolotl")


def test_no_lookup_tries_another_seed() -> None:
    call = ask(verdict(1, SCORES, [], "image-1"), tools="generate inspect_image").tool_calls[0]
    assert (call["name"], call["args"]) == ("generate", {"prompt": "an axolotl and a cat"})


def test_titles_that_name_the_concept_come_first() -> None:
    assert [r["id"] for r in ranked_references(FOUND)] == ["ref-2", "ref-3", "ref-1", "ref-4"]  # type: ignore[arg-type]


@pytest.mark.parametrize("offered", [["generate"], ["generate", "propose_captions"], ["search_references"]])
def test_the_system_prompt_renders(offered: list[str]) -> None:
    base = {"id": "image-1", "prompt": "a cat", "seed": 3}
    text = render("agent.j2", prompt="an owl", base=base, subjects=["subject-1"], offered=offered, mounted=["find"])
    assert '"an owl"' in text
    assert "image-1" in text
    assert "subject-1" in text


def test_the_conditioned_prompt_has_the_form_of_the_paper() -> None:
    text = render("conditioned.j2", captions=["a lobster", "a kimono"], prompt="a lobster in a kimono")
    assert text == "According to these images of a lobster, a kimono, generate a lobster in a kimono"


@pytest.mark.parametrize("request_", ["put it on the moon", "now make it blue", "again", "go back to the second one"])
def test_what_points_back_at_nothing_is_refused(request_: str) -> None:
    with pytest.raises(UserError, match="this thread has none"):
        RuleWriter().brief(request_, [])
