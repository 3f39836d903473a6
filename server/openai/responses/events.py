"""The events of a streamed response, in the order in which clients expect them."""

import json
from collections.abc import Iterator
from typing import Any

from imagerag.server.openai.responses.objects import Draft, text_part

PICTURE, MESSAGE = 0, 1
"""Places of the items in the output of a response that draws; one of words alone has its message at 0."""


class ResponseEvents:
    """Words the events of one response, which it numbers.

    Args:
        draft: the response.
        message_at: place of the message in its output.
    """

    def __init__(self, draft: Draft, message_at: int = MESSAGE) -> None:
        self._draft = draft
        self._at = message_at
        self._number = 0
        self._told = ""
        self._open = False

    def event(self, kind: str, **fields: Any) -> str:
        """Return one event as a piece of the stream."""
        data = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return f"event: {kind}\ndata: {json.dumps(data)}\n\n"

    def begin(self, *, queued: bool = False) -> Iterator[str]:
        """Yield the beginning of the response."""
        waiting = self._draft.response("queued" if queued else "in_progress", [])
        yield self.event("response.created", response=waiting)
        if queued:
            yield self.event("response.queued", response=waiting)
        yield self.event("response.in_progress", response=self._draft.response("in_progress", []))

    def begin_picture(self) -> Iterator[str]:
        """Yield the beginning of the picture."""
        yield self._item("added", PICTURE, self._draft.picture("in_progress"))
        for step in ("in_progress", "generating"):
            yield self._about_picture(step)

    def partial(self, index: int, **fields: Any) -> str:
        """Return a preview of the picture."""
        return self._about_picture("partial_image", partial_image_index=index, **fields)

    def end_picture(self, item: dict[str, Any]) -> Iterator[str]:
        """Yield the end of the picture."""
        yield self._about_picture("completed")
        yield self._item("done", PICTURE, item)

    def no_picture(self) -> Iterator[str]:
        """Yield the end of the picture where none was made, as of a request that is answered in words."""
        yield self._item("done", PICTURE, self._draft.picture("failed"))

    def words(self, text: str) -> Iterator[str]:
        """Yield some more words of the message, which begins with the first."""
        if not text:
            return
        if not self._open:
            self._open = True
            yield self._item("added", self._at, self._draft.message("", "in_progress"))
            yield self._about_words("response.content_part.added", part=text_part(""))
        self._told += text
        yield self._about_words("response.output_text.delta", delta=text, logprobs=[])

    def end_words(self) -> Iterator[str]:
        """Yield the end of the message."""
        if self._open:
            yield self._about_words("response.output_text.done", text=self._told, logprobs=[])
            yield self._about_words("response.content_part.done", part=text_part(self._told))
            yield self._item("done", self._at, self._draft.message(self._told, "completed"))

    def fail(self, error: dict[str, Any], response: dict[str, Any]) -> Iterator[str]:
        """Yield the end of a response that failed.

        Args:
            error: ``message``, ``type``, ``param`` and ``code``.
            response: as it ended.
        """
        yield self.event("error", **{name: error[name] for name in ("code", "message", "param")}, error=error)
        yield self.event("response.failed", response=response)

    def _item(self, what: str, place: int, item: dict[str, Any]) -> str:
        return self.event(f"response.output_item.{what}", output_index=place, item=item)

    def _about_picture(self, what: str, **fields: Any) -> str:
        return self.event(
            f"response.image_generation_call.{what}", output_index=PICTURE, item_id=self._draft.picture_id, **fields
        )

    def _about_words(self, kind: str, **fields: Any) -> str:
        return self.event(kind, output_index=self._at, content_index=0, item_id=self._draft.message_id, **fields)
