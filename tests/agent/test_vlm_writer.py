"""A vision-language model as writer, and the rules where it does not write."""

import pytest

from imagerag.agent.protocols import Brief, PastImage
from imagerag.agent.rule_writer import RuleWriter
from imagerag.agent.vlm_writer import VlmWriter
from imagerag.chat_models.providers import connect
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from testing.openai_server import Reply, serving
from testing.verdict_replies import answering

pytestmark = pytest.mark.usefixtures("quick_retries")
HISTORY = [PastImage("image-1", "an owl", 1), PastImage("image-2", "a cat", 2)]


def test_the_writer_words_captions_rephrases_and_follow_ups() -> None:
    script = [
        answering({"concepts": [{"concept": "OWL", "captions": ["a barn owl at night", "an owl's face", "more"]}]}),
        answering({"prompt": "a very plain owl"}),
        answering({"prompt": "a cat on the moon", "base": "image-2"}),
        answering({"prompt": "a cat", "base": "/etc/passwd"}),
    ]
    with serving(script) as server:
        writer = VlmWriter(connect(server.name), RuleWriter())
        assert writer.captions("an owl and a bee", ["owl", "bee"], 2) == {
            "owl": ["a barn owl at night", "an owl's face"],
            "bee": ["bee", "a drawing of bee"],
        }
        assert writer.rephrase("an owl", ["owl"]) == "a very plain owl"
        assert writer.brief("now put it on the moon", HISTORY).base == "image-2"
        assert writer.brief("again", HISTORY).base is None
        assert writer.brief("an owl", []).prompt == "an owl"
        assert len(server.requests) == 4, "a first request needs no model"


def test_the_model_is_told_that_photographs_are_searched() -> None:
    script = [answering({"concepts": [{"concept": "owl", "captions": ["a photo of an owl"]}]})] * 2
    with serving(script) as server:
        for kind in ("pictograms", "photographs"):
            VlmWriter(connect(server.name), RuleWriter(), kind).captions("an owl", ["owl"], 1)
        first, second = (str(request) for request in server.requests)
    assert "Photographs are searched" in second
    assert "Photographs are searched" not in first


def test_the_rules_write_where_the_model_does_not() -> None:
    with serving(lambda request, number: Reply("I would rather not.")) as server, using_meter(UsageMeter()) as meter:
        writer = VlmWriter(connect(server.name), RuleWriter())
        assert writer.captions("an owl", ["owl"], 1) == {"owl": ["owl"]}
        assert writer.brief("make it blue", HISTORY) == RuleWriter().brief("make it blue", HISTORY)
    assert meter.calls == 4
    assert meter.notes[-1].endswith("the rules write")


def test_a_model_tells_changes_new_pictures_and_talk_apart() -> None:
    history = [
        PastImage("image-1", "an owl", 1, standing=False),
        PastImage("image-2", "a cat", 2, standing=True, before="image-1"),
    ]
    script = [
        answering({"kind": "change", "prompt": "a red cat", "base": None}),
        answering({"kind": "new", "prompt": "a castle", "base": "image-2"}),
        answering({"kind": "talk", "prompt": "a cat", "base": "image-2", "answer": "You are welcome."}),
        answering({"kind": "talk", "prompt": "an owl", "base": "image-1", "answer": "Back at the owl."}),
        answering({"kind": "change", "prompt": "a cat", "base": "image-2", "keep_seed": False, "candidates": 4}),
    ]
    with serving(script) as server:
        writer = VlmWriter(connect(server.name), RuleWriter())
        assert writer.brief("make it red", history) == Brief("a red cat", "image-2")
        assert writer.brief("now a castle", history) == Brief("a castle")
        assert writer.brief("thanks", history) == Brief("a cat", "image-2", answer="You are welcome.")
        assert writer.brief("undo", history) == Brief("an owl", "image-1", answer="Back at the owl.", step=-1)
        assert writer.brief("4 variations", history) == Brief("a cat", "image-2", keep_seed=False, candidates=4)
        assert len(server.requests) == 5
    asked = str(server.requests[0])
    assert "what the person sees now" in asked
    assert "Nothing is drawn" in asked


def test_talk_without_words_is_asked_for_again() -> None:
    script = [answering({"kind": "talk"}), answering({"kind": "talk", "answer": "Gladly."})]
    with serving(script) as server:
        assert VlmWriter(connect(server.name), RuleWriter()).brief("thanks", HISTORY).answer == "Gladly."
