"""Which images a message is about, and messages of earlier versions."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from imagerag.tools.image_ids import Named, images_named, without_naming_blocks

OLD = [{"type": "text", "text": "image-1 shows 'an owl'"}, {"type": "image", "id": "image-1"}]


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (ToolMessage("drawn", tool_call_id="1", artifact={"images": [{"id": "image-1", "sha256": "a"}]}), ["image-1"]),
        (ToolMessage("found", tool_call_id="1", artifact={"references": [{"id": "ref-1"}, {"id": "ref-2"}]}),
         ["ref-1", "ref-2"]),
        (ToolMessage("seen", tool_call_id="1", artifact={"image_id": "ref-4", "concepts": []}), ["ref-4"]),
        (ToolMessage("said", tool_call_id="1"), []),
        (ToolMessage("of a package", tool_call_id="1", artifact=[1]), []),
        (ToolMessage("of a package", tool_call_id="1", artifact={"images": "none", "references": [3]}), []),
        (AIMessage("image-2", additional_kwargs={"images": [{"id": "image-2", "sha256": "b"}]}), ["image-2"]),
        (AIMessage(OLD), ["image-1"]),
        (ToolMessage(OLD, tool_call_id="1", artifact={"images": [{"id": "image-1"}]}), ["image-1"]),
        (HumanMessage([{"type": "image", "base64": "aGk=", "mime_type": "image/png"}]), []),
    ],
)  # fmt: skip
def test_the_images_that_a_message_names(message: BaseMessage, named: list[str]) -> None:
    assert [one.id for one in images_named(message)] == named


def test_the_pixels_are_told_apart_where_the_message_knows_them() -> None:
    message = AIMessage("image-2", additional_kwargs={"images": [{"id": "image-2", "sha256": "b"}]})
    assert images_named(message) == [Named("image-2", "b")]


@pytest.mark.parametrize("kind", [AIMessage, lambda content, **more: ToolMessage(content, tool_call_id="1", **more)])
def test_messages_of_earlier_versions_become_words(kind: Any) -> None:
    old = kind(OLD, id="m-1")
    new = without_naming_blocks(old)
    assert (new.content, new.id) == ("image-1 shows 'an owl'", "m-1")
    plain = HumanMessage("an owl")
    assert without_naming_blocks(plain) is plain
    if isinstance(new, AIMessage):
        assert images_named(new) == [Named("image-1", None)]
