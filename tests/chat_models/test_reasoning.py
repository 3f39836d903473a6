"""Reasoning is told apart from the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagerag.chat_models.reasoning import PAIRS, ReasoningFilter, without_reasoning


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "[THINK]", "<", "think>", "</", "a", " b"]), max_size=12),
    st.data(),
)
def test_thoughts_are_told_apart_however_the_answer_is_cut(components: list[str], data: st.DataObject) -> None:
    text = "".join(components)
    whole = ReasoningFilter().part(text, last=True)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    parting, pieces = ReasoningFilter(), [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    parted = [parting.part(piece) for piece in pieces] + [parting.part("", last=True)]
    assert "".join(part.said for part in parted) == whole.said
    assert "".join(part.thought for part in parted) == whole.thought


OTHER_MARKS = ["scratchpad", "reflection", "analysis", "thoughts", "reason", "inner_monologue"]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        *((f"<{name}>", f"</{name}>") for name in OTHER_MARKS),
        ("<|think|>", "<|/think|>"),
        ("<|think|>", "<|end|>"),
        ("<think >", "</ think>"),
        ("< think>", "< /think >"),
        ("<Analysis\n>", "</analysis >"),
    ],
)
@pytest.mark.parametrize(
    "form", ['{o}{{"a": 1}}{c}{{"b": 2}}', '{{"b": 2}}{o}{{"a": 1}}{c}', '{{"b": 2}}{o}{{"a": 1}}']
)
def test_marks_of_prompts_and_marks_with_gaps_part_thoughts_too(form: str, opening: str, closing: str) -> None:
    text = form.format(o=opening, c=closing)
    assert without_reasoning(text).strip() == '{"b": 2}'
    for cut in range(len(text)):
        parting = ReasoningFilter()
        parts = [parting.part(text[:cut]), parting.part(text[cut:]), parting.part("", last=True)]
        assert "".join(part.said for part in parts) == '{"b": 2}'


DRAFT, ANSWER = '{"a": 1}', '{"b": 2}'


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
@pytest.mark.parametrize(
    "form",
    [
        "{o}{d}{c}{a}",
        "{d}{c}{a}",
        "{o}{d}{o}{d}{c}{d}{c}{a}",
        "{o}{d}{c}{d}{c}{a}",
        "{o}x{c}{o}{d}{c}{a}",
        "{a}{o}{d}{c}",
        "{a}{o}{d}",
        "{a}{c}",
        "{O}{d}{C}{a}",
    ],
)
def test_only_what_is_said_remains(form: str, opening: str, closing: str) -> None:
    if closing == "<|end|>" and form in ("{d}{c}{a}", "{o}{d}{c}{d}{c}{a}", "{o}{d}{o}{d}{c}{d}{c}{a}"):
        pytest.skip("it ends messages of any kind")
    marks = {"o": opening, "c": closing, "O": opening.swapcase(), "C": closing.swapcase()}
    assert without_reasoning(form.format(d=DRAFT, a=ANSWER, **marks)).strip() == ANSWER


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"prompt": "a sign that says </think> in red"}', '{"prompt": "a sign that says </think> in red"}'),
        ('{"prompt": "a sign that says <think>"}', '{"prompt": "a sign that says <think>"}'),
        (f'{{"x": "<think>"}} <think>{DRAFT}</think>{ANSWER}', f'{{"x": "<think>"}} {ANSWER}'),
        (f"<think>{DRAFT}", ""),
        (f"analysis I could say {DRAFT}.assistantfinal{ANSWER}", f"final{ANSWER}"),
        (f"An analysis of it: {ANSWER}", f"An analysis of it: {ANSWER}"),
        (f"{ANSWER}<|end|>", ANSWER),
        (f"{ANSWER}</think>\n\nDone.", f"{ANSWER}\n\nDone."),
        (f"{ANSWER}</think>\n\nDone: the owl {{is}} there.", "\n\nDone: the owl {is} there."),
        ("I think so.</think>\n\nDone.", "\n\nDone."),
        ("I {think} so.</think>\n\nDone.", "\n\nDone."),
        (f"{DRAFT}</think><function=a><parameter=b>c</parameter>", "<function=a><parameter=b>c</parameter>"),
    ],
)
def test_marks_in_strings_and_marks_that_a_server_took_out(text: str, said: str) -> None:
    assert without_reasoning(text) == said
