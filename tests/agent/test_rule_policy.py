"""The rule-based policy: which tool call comes next."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from imagerag.agent.protocols import TurnFacts
from imagerag.agent.rule_policy import PolicyOptions, RulePolicy, ranked_references
from imagerag.generators.base import REFERENCE_SCALES


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
    told = TurnFacts(**{**facts, "tools": frozenset(tools.split())})
    return RulePolicy().decide(told, [HumanMessage("an axolotl and a cat"), *messages])


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
    bad = result("inspect_image", image_id="ref-1", concepts=[{"present": False, "score": 0.1}])
    good = result("inspect_image", image_id="ref-2", concepts=[{"present": True, "score": 0.95}])
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


def failure(name: str, **told: bool) -> ToolMessage:
    return ToolMessage("no", tool_call_id="x", name=name, status="error", additional_kwargs={"failed": True, **told})


LOOKED_UP = (result("propose_captions", captions=CAPTIONS), result("search_references", references=FOUND))
FIRST = verdict(1, SCORES, [], "image-1")


def test_references_that_can_not_be_drawn_with_are_left_out() -> None:
    call = ask(FIRST, *LOOKED_UP, failure("regenerate_with_references")).tool_calls[0]
    assert (call["name"], call["args"]) == ("generate", {"prompt": "an axolotl and a cat"})
    lookup_first = "propose_captions search_references regenerate_with_references generate"
    call = ask(*LOOKED_UP, failure("regenerate_with_references"), tools=lookup_first).tool_calls[0]
    assert call["name"] == "generate"


def test_a_look_up_that_fails_is_not_repeated() -> None:
    call = ask(FIRST, LOOKED_UP[0], failure("search_references")).tool_calls[0]
    assert call["name"] == "generate"


def test_it_stops_where_nothing_else_can_be_drawn() -> None:
    assert not ask(FIRST, failure("generate")).tool_calls
    assert not ask(FIRST, failure("regenerate_with_references"), subjects=("subject-1",)).tool_calls
    assert not ask(FIRST, failure("regenerate_with_references", drawing_refused=True)).tool_calls


def test_one_that_barely_shows_it_is_not_drawn_with_nor_one_of_a_thing_whose_name_is_a_part_of_it() -> None:
    look_alikes = [reference(1, "pig", "guinea pig"), reference(2, "boar", "guinea pig")]
    looked_up = (
        result("propose_captions", captions=[{"concept": "guinea pig", "caption": "guinea pig"}]),
        result("search_references", references=look_alikes),
    )
    first = verdict(1, {"guinea pig": 0.1}, [], "image-1")
    seen = []
    for number in (1, 2):
        call = ask(first, *looked_up, *seen).tool_calls[0]
        assert (call["name"], call["args"]["image_id"]) == ("inspect_image", f"ref-{number}")
        seen.append(result("inspect_image", image_id=f"ref-{number}", concepts=[{"present": True, "score": 0.6}]))
    assert ask(first, *looked_up, *seen).tool_calls[0]["name"] == "generate", "another seed, without them"
    second = verdict(2, {"guinea pig": 0.1}, [], "image-1")
    last = ask(first, *looked_up, *seen, second)
    assert not last.tool_calls
    assert "has nothing for 'guinea pig'" in str(last.content)


@pytest.mark.parametrize(("title", "called"), [("red-axolotl", True), ("my_axolotl_2", True), ("IMG 2041", False)])
def test_a_file_may_be_called_as_its_picture_is(title: str, called: bool) -> None:
    looked_up = (
        result("propose_captions", captions=CAPTIONS),
        result("search_references", references=[reference(1, title)]),
    )
    call = ask(verdict(1, SCORES, [], "image-1"), *looked_up).tool_calls[0]
    assert call["name"] == ("regenerate_with_references" if called else "inspect_image")


def test_of_equals_those_come_first_whose_source_names_the_style_that_is_asked_for() -> None:
    found = [
        {**reference(1, "axolotl"), "source": "Twemoji u1f98e"},
        {**reference(2, "salamander"), "source": "Noto Emoji u1f98e"},
        {**reference(3, "axolotl"), "source": "Noto Emoji u1f98e"},
    ]
    assert [r["id"] for r in ranked_references(found, ["noto"])] == ["ref-3", "ref-1", "ref-2"]  # type: ignore[arg-type]
    looked_up = (result("propose_captions", captions=CAPTIONS), result("search_references", references=found))
    first = verdict(1, {"axolotl": 0.1}, [], "image-1")
    call = ask(first, *looked_up, prompt="an axolotl, noto style", max_references=1).tool_calls[0]
    assert call["args"]["reference_ids"] == ["ref-3"]


def decide(options: PolicyOptions, *messages: Any) -> dict[str, Any]:
    tools = "generate inspect_image propose_captions search_references regenerate_with_references"
    facts = TurnFacts("an axolotl", frozenset(tools.split()), references={"ref-1": "axolotl"}, max_references=6)
    call = RulePolicy(options).decide(facts, [HumanMessage("an axolotl"), *messages]).tool_calls[0]
    return {"name": call["name"], **call["args"]}


def test_an_evaluation_can_vary_captions_references_their_order_and_whether_they_are_looked_at() -> None:
    first = verdict(1, {"axolotl": 0.1}, [], "image-1")
    assert decide(PolicyOptions(captions=4), first)["per_concept"] == 4
    looked_up = (result("propose_captions", captions=CAPTIONS), result("search_references", references=FOUND))
    assert decide(PolicyOptions(references=1), first, *looked_up)["reference_ids"] == ["ref-2"]
    unseen = decide(PolicyOptions(references=4, inspects=False), first, *looked_up)
    assert unseen["reference_ids"] == ["ref-2", "ref-3", "ref-1", "ref-4"]
    as_found = decide(PolicyOptions(inspects=False, by_title=False), first, *looked_up)
    assert as_found["reference_ids"] == ["ref-1", "ref-2"]


FLAG = "flag of bhutan"
ASKING = "generate inspect_image propose_captions search_references regenerate_with_references find_facts"


def test_what_is_a_fact_is_asked_for_once_where_that_is_offered_and_nothing_else() -> None:
    first = verdict(1, {FLAG: 0.1, "owl": 0.1}, [], "image-1")
    prompt = "an owl with the flag of Bhutan"
    call = ask(first, tools=ASKING, prompt=prompt).tool_calls[0]
    assert (call["name"], call["args"]) == ("find_facts", {"concepts": [FLAG]})
    asked = result("find_facts", concepts=[FLAG], quotes=[], names={})
    call = ask(first, asked, tools=ASKING, prompt=prompt).tool_calls[0]
    assert (call["name"], call["args"]["concepts"]) == ("propose_captions", [FLAG, "owl"])
    assert ask(first, prompt=prompt).tool_calls[0]["name"] == "propose_captions", "it is not offered"


def test_a_reference_that_is_called_as_the_quotes_call_a_fact_is_drawn_with_unseen() -> None:
    first = verdict(1, {FLAG: 0.1}, [], "image-1")
    named = result("find_facts", concepts=[FLAG], quotes=[], names={FLAG: "Druk"})
    proposed = result("propose_captions", captions=[{"concept": FLAG, "caption": "Druk"}])
    found = result("search_references", references=[reference(1, "The Druk", FLAG), reference(2, "Druk", FLAG)])
    call = ask(first, named, proposed, found, tools=ASKING, prompt="the flag of Bhutan").tool_calls[0]
    assert (call["name"], call["args"]["reference_ids"]) == ("regenerate_with_references", ["ref-1", "ref-2"])


def test_looking_up_first_asks_for_facts_first() -> None:
    tools = "propose_captions search_references regenerate_with_references find_facts"
    call = ask(tools=tools, prompt="an owl beside the 2026 winner of Eurovision").tool_calls[0]
    assert (call["name"], call["args"]["concepts"]) == ("find_facts", ["winner of eurovision"])


def test_another_try_is_never_made_without_the_persons_own_images() -> None:
    last = verdict(1, {"badge": 0.1, "cat": 0.9}, ["subject-1"], "image-1")
    last.additional_kwargs["image"]["reference_scale"] = 1.0
    own = {"subjects": ("subject-1",), "references": {"subject-1": "badge", "ref-1": "cat"}}
    call = ask(last, **own).tool_calls[0]
    assert (call["name"], call["args"]["reference_ids"]) == ("regenerate_with_references", [])
    assert "seed" not in call["args"], "under another seed"
