"""Whether what a caller puts into a graph has the types of a request: callers in Python and JSON can put anything."""

from numbers import Integral
from typing import Any

from imagerag.errors import UserError
from imagerag.graphs.state import State
from imagerag.picture_size import PictureSize


def check_request(state: State) -> None:
    """Refuse values of other types; limits are checked where they are merged, messages by LangGraph.

    Raises:
        UserError: naming the field, its value and what it has to be.
    """
    prompt, seed, subjects = state.get("prompt"), state.get("seed"), state.get("subjects")
    if not isinstance(prompt, str | None):
        raise _wrong("prompt", prompt, "text")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, Integral)):
        raise _wrong("seed", seed, "a whole number")
    if (size := state.get("size")) is not None:
        if not isinstance(size, str):
            raise _wrong("size", size, "text")
        PictureSize.parse(size)  # or else it raises
    for name, path in (("mask", state.get("mask")), ("masked", state.get("masked"))):
        if not isinstance(path, str | None):
            raise _wrong(name, path, "a path")
    if state.get("masked") and not state.get("mask"):
        raise UserError(f"masked {str(state['masked'])[:80]!r} is of no use without a mask; give both")
    if subjects is not None and not (
        isinstance(subjects, list | tuple) and all(isinstance(path, str) for path in subjects)
    ):
        raise _wrong("subjects", subjects, "a list of paths, each a text")


def _wrong(name: str, value: Any, noun: str) -> UserError:
    return UserError(f"{name} {str(value)[:80]!r} of the request is not {noun}; leave it out, or give {noun}")
