"""The outcome of a run with typed attributes beside its keys, which shows itself in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AnyMessage

from imagerag.errors import UserError
from imagerag.modes import Mode
from imagerag.records import ImageRecord, ReferenceRecord, StopReason, TraceStep, Verdict
from imagerag.regular_files import open_regular

if TYPE_CHECKING:
    from PIL import Image

KEYS = ("prompt", "image", "verdict", "images", "references", "trace", "stop_reason")
"""What every outcome has, and the state of another graph has not."""


class Result(dict[str, Any]):
    """The outcome of one run: the dictionary that LangGraph returns (``imagerag.graphs.state.Output``), and attributes.

    ``build_graph().invoke(...)`` and ``imagerag.draw(...)`` return one. As a dictionary it equals LangGraph's own, and
    JSON, checkpoints and other graphs take it as such.

    Args:
        values: the outcome.
        thread: the conversation, where it is known.
        notes: what was told while the run went on; only those who listen to a run have them.
    """

    def __init__(self, values: Mapping[str, Any], *, thread: str = "", notes: Sequence[str] = ()) -> None:
        super().__init__(values)
        self.thread = thread
        self.notes = tuple(notes)

    @classmethod
    def of(cls, outcome: Mapping[str, Any]) -> Result:
        """Return the result of an outcome that came another way: of a stream, a state, or ``version="v2"``.

        Raises:
            UserError: it is no outcome of a run.
        """
        if missing := [key for key in KEYS if key not in outcome]:
            raise UserError(f"this is no outcome of a run of imagerag: it has no {missing[0]!r}")
        return cls(outcome)

    @property
    def prompt(self) -> str:
        """The whole of what was asked for, with earlier turns taken into account."""
        return str(self["prompt"])

    @property
    def image(self) -> ImageRecord | None:
        """The best image; ``None`` only when the run ended before one was made."""
        return cast("ImageRecord | None", self["image"])

    @property
    def answer(self) -> str | None:
        """What was said where nothing was drawn, as of "thanks" or a question; ``None`` where something was."""
        return cast("str | None", self.get("answer"))

    @property
    def path(self) -> Path | None:
        """The PNG of the best image; ``None`` where there is none here."""
        return Path(self.image["path"]) if self.image is not None and self.image["path"] else None

    @property
    def seed(self) -> int | None:
        """Of the best image."""
        return None if self.image is None else self.image["seed"]

    @property
    def score(self) -> float | None:
        """Of the best image, 0..1; higher is better."""
        return None if self.image is None else self.image["score"]

    @property
    def verdict(self) -> Verdict | None:
        """The critic's judgement of the best image."""
        return cast("Verdict | None", self["verdict"])

    @property
    def satisfied(self) -> bool:
        """Whether the critic finds everything in it that was asked for."""
        return self.verdict is not None and self.verdict["satisfied"]

    @property
    def missing(self) -> list[str]:
        """What the critic does not find in it."""
        return [] if self.verdict is None else self.verdict["missing"]

    @property
    def images(self) -> list[ImageRecord]:
        """Every image made in this run, in order."""
        return cast("list[ImageRecord]", self["images"])

    @property
    def references(self) -> list[ReferenceRecord]:
        """Every reference that an image of this run was drawn with."""
        return cast("list[ReferenceRecord]", self["references"])

    @property
    def stop_reason(self) -> StopReason:
        """Why the run ended."""
        return cast("StopReason", self["stop_reason"])

    @property
    def trace(self) -> list[TraceStep]:
        """Every step, with its duration and cost."""
        return cast("list[TraceStep]", self["trace"])

    @property
    def mode(self) -> Mode:
        """When references were looked up."""
        return cast("Mode", self["mode"])

    @property
    def seconds(self) -> float:
        """How long the run took."""
        return float(self["seconds"])

    @property
    def messages(self) -> list[AnyMessage]:
        """The conversation."""
        return cast("list[AnyMessage]", self["messages"])

    def open(self) -> Image.Image:
        """Return the pixels of the best image, RGB.

        Raises:
            UserError: none was made, or its file is gone.
        """
        from PIL import Image

        if self.path is None:
            raise UserError(f"no image of {self.prompt!r} was made: {self.stop_reason}")
        try:
            with open_regular(self.path) as file, Image.open(file, formats=("PNG",)) as image:
                return image.convert("RGB")
        except OSError as error:
            from imagerag.store.files import cannot_read

            raise cannot_read(self.path, error) from error

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        from imagerag.graphs.result_card import card

        return card(self)


def as_result(values: Any, thread: str = "") -> Any:
    """Return a ``Result`` where these are the values of a run that has come to its end, else the values as they are."""
    if type(values) is not dict or "__interrupt__" in values or not all(key in values for key in KEYS):
        return values
    return Result(values, thread=thread)
