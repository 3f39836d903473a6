"""What a chat can do with its last request besides going on: draw it again, vary it, edit it, in another size."""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from imagerag.cli.terminal import printable
from imagerag.declaration import declared_settings
from imagerag.errors import UserError
from imagerag.graphs.conversation import timeline_of
from imagerag.graphs.state import RedrawRecord, State
from imagerag.graphs.state_queries import is_request, part_redrawn
from imagerag.picture_size import PictureSize
from imagerag.server.thread_history import LOCAL, Threads, thread_name
from imagerag.settings import Settings
from imagerag.store.images import ImageStore

VARIATIONS = 4
"""Candidates of ``/variations`` without a number."""

_NUMBERED = re.compile(r"(?<=.)-\d{1,3}$")
"""How a branch of an edited request is told from the conversation that it comes from."""

HELP = """\
  /retry             draw the last request again, under another seed
  /variations [N]    draw it N times (4) under other seeds; the critic picks one, and all are kept
  /edit TEXT         put TEXT in the place of the last request, in a branch; this conversation stays as it is
  /size WxH or W:H   size or aspect ratio of the images to come
"""


class Draws(Protocol):
    """Draws a request in the chat's conversation, with what a ``RunRequest`` takes besides."""

    def __call__(self, prompt: str, /, **ask: Any) -> None: ...


class Redraws:
    """The commands on the last request.

    Args:
        threads: of the service.
        store: of the service, in which masks are.
        thread: returns the name of the conversation.
        go_to: makes another conversation the chat's own.
        draw: draws in it.
        say: prints a line.
    """

    def __init__(
        self,
        threads: Threads,
        store: ImageStore,
        thread: Callable[[], str],
        go_to: Callable[[str], None],
        draw: Draws,
        say: Callable[[str], None],
    ) -> None:
        self._threads = threads
        self._store = store
        self._thread = thread
        self._go_to = go_to
        self._draw = draw
        self._say = say
        self.size = ""
        """Of the images to come, as ``--size`` or ``--aspect`` takes it; the conversation's own when empty."""

    @property
    def commands(self) -> dict[str, Callable[[str], None]]:
        """What can be typed, and what does it with the rest of the line."""
        return {
            "/retry": self.retry,
            "/variations": self.variations,
            "/edit": self.edit,
            "/size": self.set_size,
        }

    def retry(self, rest: str) -> None:
        """Draw what the last turn asked for once more; both answers stay, and ``/undo`` goes back to the first.

        Raises:
            UserError: there is no request yet, or words behind the command.
        """
        if rest:
            raise UserError(f"/retry takes nothing, and {rest[:40]!r} follows it; for other words: /edit TEXT")
        self._draw_again(seed=_fresh_seed())

    def variations(self, rest: str) -> None:
        """Draw several candidates of what the last turn asked for.

        Raises:
            UserError: no number in the range of ``--n``, or there is no request yet.
        """
        most = declared_settings(Settings)["n"].high
        assert most is not None
        if rest and not (rest.isdecimal() and 1 <= int(rest) <= most):
            raise UserError(
                f"{rest[:40]!r} is no number of variations; say, for example: /variations {VARIATIONS} (1..{most})"
            )
        self._draw_again(seed=_fresh_seed(), n=int(rest or VARIATIONS))

    def edit(self, rest: str) -> None:
        """Go on in a copy of the conversation as it was before the last request, with other words in its place.

        What only drew that request again (``/retry``, ``/variations``) is left out as well.

        Raises:
            UserError: no words, or there is no request yet.
        """
        if not rest:
            raise UserError("give the words to take the place of the last request: /edit TEXT")
        before, name = self._thread(), self._free_name()
        state = self._threads.state(LOCAL, before)
        turn = request_turn(state)
        self._threads.branch_before(LOCAL, before, name, turn)
        self._go_to(name)
        self._say(f"  from here on in {name!r}; {before!r} stays as it is")
        self._draw(rest, **self._mask(part_redrawn(state, turn) if turn else None))

    def set_size(self, rest: str) -> None:
        """Set the size of the images to come, or tell it.

        Raises:
            UserError: neither a size nor an aspect ratio.
        """
        if rest:
            self.size = str(PictureSize.parse(rest))
        now = self.size or self._threads.state(LOCAL, self._thread()).get("run_size") or "the model's own"
        self._say(f"  size of the images to come: {printable(now)}")

    def _draw_again(self, **ask: Any) -> None:
        """Draw what the last turn asked for, or the part of it that was redrawn."""
        state = self._threads.state(LOCAL, self._thread())
        prompt = state.get("prompt")
        if not prompt:
            raise UserError("there is no request to draw again yet; say what to draw")
        redrawn = part_redrawn(state, _turn_shown(state))
        self._draw(redrawn["words"] if redrawn else str(prompt), **self._mask(redrawn), **ask)

    def _mask(self, redrawn: RedrawRecord | None) -> dict[str, Any]:
        """Return the part that is redrawn, for a ``RunRequest``; empty for whole images."""
        if redrawn is None:
            return {}
        self._say("  only the part that was redrawn is redrawn again")
        return {"mask": self._store.data(redrawn["mask"]), "masked": redrawn["image"]}

    def _free_name(self) -> str:
        base, number = _NUMBERED.sub("", self._thread())[:56], 2
        while self._threads.state(LOCAL, f"{base}-{number}"):
            number += 1
        return thread_name(f"{base}-{number}")


def request_turn(state: Mapping[str, Any]) -> int | None:
    """Return the turn of a conversation's last request in words; ``None`` where there is none.

    A turn whose request is the whole prompt of the turn before it says nothing new: it draws that again. So does one
    that redraws the same part with the same words.
    """
    turn = int(state.get("turn", 0))
    said = [message.text for message in state.get("messages", ()) if is_request(message)]
    prompts = {image["turn"]: image["prompt"] for image in state.get("all_images", ())}
    for request in reversed(said):
        redrawn = part_redrawn(state, turn)
        if prompts.get(turn - 1) != request and (redrawn is None or part_redrawn(state, turn - 1) != redrawn):
            break
        turn -= 1
    return turn or None


def _turn_shown(state: Mapping[str, Any]) -> int:
    """Return the turn whose picture the state's prompt is of: the last one, or what stood when that was talk."""
    turn = int(state.get("turn", 0))
    if not state.get("answer"):
        return turn
    timeline, standing = timeline_of(cast("State", state))
    shown = timeline[standing]["image"] if timeline and standing >= 0 else None
    return next((image["turn"] for image in state["all_images"] if image["id"] == shown), turn)


def _fresh_seed() -> int:
    return secrets.randbelow(2**32)
