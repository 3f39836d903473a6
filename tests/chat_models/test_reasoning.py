"""Reasoning is told apart from the answer."""

from hypothesis import given
from hypothesis import strategies as st

from imagerag.chat_models.reasoning import ReasoningFilter


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
