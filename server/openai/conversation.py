"""What a client sends of a conversation, whatever its protocol, and the run that it asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import urlsplit

import anyio
from starlette.requests import Request

from imagerag.errors import UserError
from imagerag.graphs.nodes.intake import check_prompt
from imagerag.server.api_error import ApiError, refusal
from imagerag.server.off_loop import on_pictures, reading
from imagerag.server.openai.base import EndpointBase
from imagerag.server.openai.schemas import RunOptions
from imagerag.server.openai.seeds import drawn_with
from imagerag.server.openai.text_tasks import without_context
from imagerag.server.renditions import size_of
from imagerag.server.run import RunRequest
from imagerag.server.run_fields import run_request
from imagerag.server.uploads import MAX_ADDRESSES, MAX_PICTURES, own_addresses, picture_at, uploaded
from imagerag.tools.builtin import MAX_PROMPT


@dataclass(frozen=True)
class Picture:
    """A picture of the client's own: by address (``data:``, one of ours, or a public one), or by its upload's id."""

    url: str = ""
    file_id: str = ""


class Base(NamedTuple):
    """The state of a thread to go on from."""

    thread: str
    checkpoint: str | None


@dataclass(frozen=True)
class Said:
    """One message.

    Attributes:
        role: ``user`` and ``assistant`` count; others are instructions to a chat model.
        text: its words.
        pictures: of a user's.
        base: the state of the thread that an assistant's message left, where the protocol tells.
    """

    role: str
    text: str
    pictures: tuple[Picture, ...] = ()
    base: Base | None = None


MAX_SAID = 8 * 2**20
"""Characters of all messages of a conversation; each may take four bytes, and is copied while the messages are read."""


class Words:
    """Puts the texts of each message of one conversation together, up to ``MAX_SAID`` characters of all of them.

    Args:
        field: of the request, that holds the conversation.
    """

    def __init__(self, field: str) -> None:
        self._field = field
        self._left = MAX_SAID

    def joined(self, texts: Sequence[str]) -> str:
        """Return a message's texts as one.

        Raises:
            ApiError: those of the conversation so far are too long.
        """
        self._left -= sum(map(len, texts))
        if self._left < 0:
            text = (
                f"the messages have more than {MAX_SAID} characters of text; send a shorter conversation, and pictures "
                f"as parts of their own"
            )
            raise ApiError(413, text, "request_too_large", self._field)
        return "\n".join(texts)


MAX_EARLIER = 50
"""Earlier requests that a new thread takes over, the last ones: each stands in all of its checkpoints."""


@dataclass(frozen=True)
class ConversationBase(EndpointBase):
    """What the endpoints share that are sent conversations."""

    async def _run_request(
        self,
        request: Request,
        client: str,
        said: Sequence[Said],
        *,
        field: str,
        own: RunOptions,
        seed: int | None = None,
        n: int | None = None,
        base: Base | None = None,
        size: str | None = None,
    ) -> RunRequest:
        """Turn a conversation into a request: on the thread that its last image belongs to, or else a new one.

        Args:
            field: the request's field that holds the conversation, for errors.
            base: the state to go on from, where the request names it.
            size: of the images, as OpenAI's API writes it.

        Raises:
            ApiError: it says nothing to draw, or names pictures that can't be had.
        """
        asked = [number for number, message in enumerate(said) if message.role == "user"]
        if not asked:
            raise ApiError(400, "no message of role 'user' says what to draw", "missing_prompt", field)
        last = said[asked[-1]]
        prompt, notes = await reading(without_context, last.text)
        self._check_prompt(prompt, field)
        pictures = await self._pictures(request, last.pictures, client, field)
        if own.thread:
            base = None
        elif base is None:
            base = await reading(self._continued, said[: asked[-1]], client)
        earlier, left_out = ((), ()) if base or own.thread else _earlier([said[number].text for number in asked[:-1]])
        drawn, about_seed = (own.seed, ()) if own.seed is not None else drawn_with(seed)
        return replace(
            run_request(prompt, own),
            pictures=tuple(pictures),
            earlier=earlier,
            thread=base.thread if base else own.thread,
            checkpoint=base.checkpoint if base else None,
            seed=drawn,
            n=max(n or 1, own.n or 1) if n or own.n else None,
            size=own.size or ("" if size_of(size) is None else size or ""),
            notes=(*notes, *left_out, *about_seed),
        )

    @staticmethod
    def _check_prompt(prompt: str, field: str) -> None:
        """Refuse an empty or overlong prompt before anything is queued or streamed.

        Raises:
            ApiError: it is.
        """
        try:
            check_prompt(prompt)
        except UserError as error:
            raise refusal(error, param=field) from error

    def _continued(self, said: Sequence[Said], client: str) -> Base | None:
        """Return the state after the last image of ours in what was said before."""
        looked_up = 0
        for message in reversed(said):
            if message.base is not None:
                return message.base
            if message.role == "assistant":
                for found in own_addresses(message.text):
                    if looked_up == MAX_ADDRESSES:
                        return None
                    looked_up += 1
                    entry = self.service.database.find(found, client)
                    if entry is not None and entry.thread and entry.checkpoint:
                        return Base(entry.thread, entry.checkpoint)
        return None

    async def _pictures(self, request: Request, wanted: Sequence[Picture], client: str, field: str) -> list[bytes]:
        """Return the files of the pictures, each checked to be one.

        Raises:
            ApiError: too many, or one that can't be had or is no picture.
        """
        if len(wanted) > MAX_PICTURES:
            raise ApiError(400, f"{len(wanted)} images are more than {MAX_PICTURES}", "too_many_images", field)
        pictures: list[bytes] = []
        hosts = frozenset({request.url.netloc.lower(), urlsplit(self.public_url or "").netloc.lower()} - {""})
        for one in wanted:
            if one.file_id:
                entry = await anyio.to_thread.run_sync(uploaded, self.service, client, one.file_id)
                pictures.append(await on_pictures(self.service.file, entry))
            else:
                found = await picture_at(self.service, client, one.url, hosts, may_fetch=self.may_fetch, field=field)
                await self._check(found, "mask" if field == "mask" else "image")
                pictures.append(found)
        return pictures


def _earlier(texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the earlier requests that a new thread takes over, and notes on those that it leaves out."""
    said = [text for text in texts if text.strip()]
    short = [text for text in said if len(text) <= MAX_PROMPT]
    kept = tuple(short[-MAX_EARLIER:])
    notes = []
    if len(short) < len(said):
        notes.append(f"earlier messages of more than {MAX_PROMPT} characters are left out: {len(said) - len(short)}")
    if len(kept) < len(short):
        notes.append(f"of {len(short)} earlier messages the last {MAX_EARLIER} are read")
    return kept, tuple(notes)
