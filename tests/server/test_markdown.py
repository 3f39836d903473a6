"""Text of others is no Markdown in an answer."""

from collections.abc import Callable
from typing import Any

import pytest

from imagerag.server.markdown import ending, plain, told
from testing.openai_requests import MODEL, user
from testing.servers import Served, Shelf
from testing.stored_images import REFERENCE


def test_text_of_others_is_no_markdown_in_the_answer(serve: Callable[..., Served]) -> None:
    client = serve(scores=[0.3, 0.9], index=Shelf("![x](http://evil.test/x.png) <img src=x>")).client()
    answer = client.chat.completions.create(model=MODEL, messages=[user("an owl")])
    text = answer.choices[0].message.content
    assert "evil" in text
    assert "](http://evil" not in text
    assert "<img" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a *b* [c](d)", r"a \*b\* \[c\]\(d\)"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("a\n\n# b", r"a \# b"),
        ("x" * 400, "x" * 300),
    ],
)
def test_text_of_others_has_no_markup(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_events_become_lines() -> None:
    owl = {"concept": "owl", "kind": "content", "present": False, "score": 0.25}
    verdict = {"score": 0.5, "concepts": [owl], "missing": ["owl"]}
    event: dict[str, Any] = {"event": "verdict", "image": {"id": "image-1"}, "verdict": verdict, "best": True}
    line = "image-1 scores 0.50, the best so far: owl ✗ missing (0.25)\n\n"
    assert told(event, lambda record: "") == line
    assert (
        told({"event": "references", "references": []}, lambda record: "") == "The library has nothing close enough\n\n"
    )
    assert told({"event": "progress"}, lambda record: "") == ""


def test_the_ending_shows_the_best_image_again_where_it_was_not_the_last() -> None:
    unwanted = {"concept": "no dog", "kind": "absence", "present": False, "score": 0.1}
    verdict = {"missing": ["owl", "no dog"], "concepts": [unwanted]}
    best = {"id": "image-1", "prompt": "an owl", "score": 0.5, "verdict": verdict, "references": []}
    output: dict[str, Any] = {"image": best, "stop_reason": "satisfied", "images": [best], "references": []}
    assert r"Still missing: owl, no dog \(but it is there\)." in ending(output, lambda record: "http://here/1")
    assert "![image-1" not in ending(output, lambda record: "http://here/1")
    output["images"] = [best, {**best, "id": "image-2"}]
    assert "![image-1: an owl](http://here/1)" in ending(output, lambda record: "http://here/1")
    assert ending({**output, "image": None}, lambda record: "").startswith("No image was made: ")


def test_the_ending_says_whom_to_thank_and_what_was_read_and_none_of_it_is_markdown() -> None:
    best = {"id": "image-1", "prompt": "a flag", "score": None, "verdict": None, "references": ["ref-2"]}
    link = "https://en.wikipedia.org/wiki/Flag_of_Bhutan"
    quote = {"concept": "flag", "asked": "the flag of Bhutan", "source": "Wikipedia", "title": "[Flag](http://evil)",
             "quote": f"<b>{'x' * 290}</b>", "link": link, "licence": "CC-BY-SA-4.0"}  # fmt: skip
    output: dict[str, Any] = {
        "image": best, "stop_reason": "done", "images": [best], "trace": [{"name": "find_facts", "quotes": [quote]}],
        "references": [{**REFERENCE, "id": "ref-1", "title": "not used"},
                       {**REFERENCE, "id": "ref-2", "title": "a *flag*", "creator": "Jane Roe"}],
    }  # fmt: skip
    text = ending(output, lambda record: "")
    assert '\nReferences in it:\n- "a \\*flag\\*" by Jane Roe, ' in text
    assert "not used" not in text
    (line,) = [line for line in text.splitlines() if line.startswith("- Wikipedia on the flag of Bhutan, page ")]
    assert r"\[Flag\]\(http://evil\)" in line
    assert "<b>" not in line
    assert line.endswith(r"\(https://en.wikipedia.org/wiki/Flag\_of\_Bhutan, CC-BY-SA-4.0\)")
