"""The conversation as the model that decides is shown it: its newest images in pixels, or all in words."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from cachetools import LRUCache
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from imagerag.chat_models.capabilities import in_words
from imagerag.chat_models.images import ImageLimit, encoded_in, image_block, limit_of
from imagerag.graphs.budget import memory_of_run
from imagerag.graphs.components import Components
from imagerag.graphs.state import State
from imagerag.records import ImageRecord, ReferenceRecord
from imagerag.tools.engines import open_pixels
from imagerag.tools.image_ids import Named, images_named, without_naming_blocks

NEWEST = 16
"""Images shown to the model at each decision, some 12,000 tokens with most; of older ones it knows what was said."""


BLOCKS_KEPT = 48 * 2**20
"""Characters of images kept as they are sent, since every decision sends the conversation's images again."""


_blocks: LRUCache[tuple[str, ImageLimit], dict[str, Any]] = LRUCache(
    BLOCKS_KEPT, getsizeof=lambda block: len(encoded_in(block) or "")
)


_blocks_lock = threading.Lock()


def messages_shown(state: State, components: Components) -> list[BaseMessage]:
    """Return the messages as the model takes them: with the pixels of images, which state doesn't hold, or in words."""
    if not components.driver_takes_images(memory_of_run(state["spent"])):
        return in_words(state["messages"])
    every: list[ImageRecord | ReferenceRecord] = [*state["all_images"], *state["all_references"]]
    records = {record["id"]: record for record in every}

    def block(named: Named) -> dict[str, Any] | None:
        record = records.get(named.id)
        if record is None or named.sha256 not in (None, record["sha256"]):
            return None  # of another thread, whose messages came with the request
        return _block(record, components)

    return _seen_apart(state["messages"], block)


def _seen_apart(messages: Sequence[BaseMessage], block: Callable[[Named], dict[str, Any] | None]) -> list[BaseMessage]:
    """Return the messages with the images of answers and results in turns of the person's after them, each by its id.

    That is where every provider takes images: OpenAI refuses them elsewhere. The results of calls made at once have to
    stay together, so that their images follow the last of them. Of a long conversation only the newest are shown.
    """
    shown = [without_naming_blocks(message) for message in messages]
    seen_after: dict[int, list[Named]] = {}
    for place, message in enumerate(messages):
        named = images_named(message)
        if named:
            last = place
            while last + 1 < len(messages) and isinstance(messages[last + 1], ToolMessage):
                last += 1
            seen_after.setdefault(last, []).extend(named)
    left = NEWEST
    for last, found in sorted(seen_after.items(), reverse=True):
        newest = list({one.id: one for one in found}.values())[-left:] if left else []
        seen = [(one.id, shown_as) for one in newest if (shown_as := block(one)) is not None]
        left -= len(seen)
        labelled = [({"type": "text", "text": f"{image_id}:"}, shown_as) for image_id, shown_as in seen]
        if labelled:
            shown.insert(last + 1, HumanMessage([each for pair in labelled for each in pair]))
    return shown


def _block(record: ImageRecord | ReferenceRecord, components: Components) -> dict[str, Any]:
    model = components.chat_model
    assert model is not None
    limit = limit_of(model, components.settings.image_size)
    key = (record["sha256"], limit)
    with _blocks_lock:
        known = _blocks.get(key)
    if known is None:
        known = image_block(open_pixels(components, record), limit)
        with _blocks_lock, suppress(ValueError):  # larger than all that is kept
            _blocks[key] = known
    return known
