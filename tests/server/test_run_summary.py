"""What is told of a run: no server-side paths, no endless texts."""

from typing import Any

from imagerag.records import ConceptScore
from imagerag.server.markdown import MAX_CREDIT
from imagerag.server.run_summary import MAX_TEXT, clipped, concepts_out, image_out, quote_out, reference_out

REFERENCE: dict[str, Any] = {
    "id": "ref-1", "kind": "retrieved", "path": "/server/side/1.png", "sha256": "0" * 64, "concept": "owl",
    "caption": "an owl", "title": "t" * 999, "similarity": 0.5, "source": "set", "licence": "CC0",
}  # fmt: skip


def test_texts_are_clipped() -> None:
    assert clipped("short") == "short"
    assert (len(clipped("x" * 999)), clipped("x" * 999)[-1]) == (MAX_TEXT, "…")
    (concept,) = concepts_out([{"concept": "x" * 999, "kind": "content", "present": True, "score": 0.5}])
    assert len(concept["concept"]) == MAX_TEXT
    assert "uncalibrated" not in concept


def test_a_score_that_is_no_probability_says_why() -> None:
    score: ConceptScore = {"concept": "owl", "kind": "content", "present": False, "score": 0.57}
    (concept,) = concepts_out([{**score, "uncalibrated": "false_positive_rate"}])
    assert concept["uncalibrated"] == "false_positive_rate"


def test_a_reference_is_told_without_its_path_and_a_subject_without_its_title() -> None:
    told = reference_out(REFERENCE, "http://here/1").model_dump()
    assert "/server/side" not in str(told)
    assert (told["uri"], len(told["title"])) == ("http://here/1", MAX_TEXT)
    assert reference_out({**REFERENCE, "kind": "subject"}, "").title == "the user's own image"


def test_an_image_that_was_not_judged_has_no_score_and_misses_nothing() -> None:
    record = {"id": "image-1", "prompt": "an owl", "seed": 1, "score": None, "verdict": None, "references": [],
              "reference_scale": 0.0, "parent": None}  # fmt: skip
    assert (image_out(record, "").score, image_out(record, "").missing) == (None, [])
    judged = {**record, "score": 0.123456, "verdict": {"missing": ["owl"]}}
    assert (image_out(judged, "").score, image_out(judged, "", best=True).missing) == (0.1235, ["owl"])


def test_an_image_says_whom_to_thank_for_what_it_was_drawn_with() -> None:
    record = {"id": "image-1", "prompt": "an owl", "seed": 1, "score": None, "verdict": None, "references": ["ref-1"],
              "reference_scale": 0.5, "parent": None}  # fmt: skip
    told = image_out(record, "", references=[{**REFERENCE, "title": "Owl"}, {**REFERENCE, "id": "ref-2"}])
    assert told.attributions == ['"Owl", set, CC0']


def test_a_quote_is_clipped_and_keeps_its_address() -> None:
    quote = {"concept": "flag", "asked": "the flag", "source": "Wikipedia", "title": "t" * 999, "quote": "q" * 999,
             "link": "https://en.wikipedia.org/wiki/X", "licence": "CC-BY-SA-4.0"}  # fmt: skip
    told = quote_out(quote)
    assert (len(told.title), len(told.quote), told.link) == (MAX_CREDIT, MAX_CREDIT, quote["link"])
