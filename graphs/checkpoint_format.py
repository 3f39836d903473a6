"""How a checkpoint is packed: as plain data, with the numbers of its lists' elements instead of the lists."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from imagerag.errors import FileError
from imagerag.store.file_errors import file_error
from imagerag.store.home import THREADS

ELEMENTS = "imagerag_elements"
"""Key of a stored checkpoint: the numbers of each list's elements, by channel, as ``ranges_of`` has them."""

MOST_ELEMENTS = 1_000_000
"""Of one list. A turn adds some dozens to its thread's longest, the trace; a range of a damaged thread, or of
somebody else's, may say that it has any number."""

_TABLES = ("channel_values", "channel_versions", "versions_seen")

KIND = "imagerag-1"
"""Type of a checkpoint that is stored so. An imagerag that doesn't know it fails, and takes no thread for empty."""


DAMAGED = "a checkpoint in it can't be read; go on in another thread with --thread NAME, the others are whole"


class PlainData(JsonPlusSerializer):
    """Writes and reads checkpoints as plain data and messages.

    LangGraph's own default calls whatever a checkpoint names, ``os.system`` among it, and a data directory may be
    somebody else's. Here what is not on LangGraph's list of harmless types comes back as the data that would have been
    handed to it, and LangGraph logs a warning that names it.

    Args:
        file: that they are in, for errors.
    """

    def __init__(self, file: Path | None = None) -> None:
        super().__init__(allowed_msgpack_modules=None)
        self._file = file or Path(THREADS)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        kind, data = super().dumps_typed(obj)
        return (KIND if isinstance(obj, dict) and ELEMENTS in obj else kind), data

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """See ``JsonPlusSerializer.loads_typed``.

        Raises:
            FileError: the data can't be read.
        """
        kind, stored = data
        try:
            return super().loads_typed(("msgpack" if kind == KIND else kind, stored))
        except Exception as error:  # whatever decoders raise on what isn't theirs
            raise damaged_thread(self._file, error) from error


def damaged_thread(file: Path, error: Exception) -> FileError:
    """Return the error that tells that one thread of a file can't be read."""
    return file_error(file, error, verb="read", damaged=DAMAGED)


def lacking_in(stored: object) -> str:
    """Return what was read lacks of the shape of a checkpoint (LangGraph's ``Checkpoint``); empty where nothing."""
    if not isinstance(stored, dict):
        return "it is no checkpoint"
    lacks = [] if _is_id(stored.get("id")) else ["id"]
    if not isinstance(stored.get("v"), int):
        lacks.append("v")
    if not _is_time(stored.get("ts")):
        lacks.append("ts")
    lacks += [name for name in _TABLES if not isinstance(stored.get(name), dict)]
    if not lacks:
        if not _are_versions(stored["channel_versions"]):
            lacks.append("channel_versions")
        if not all(isinstance(seen, dict) and _are_versions(seen) for seen in stored["versions_seen"].values()):
            lacks.append("versions_seen")
        if not _are_ranges(stored.get(ELEMENTS, {})):
            lacks.append(ELEMENTS)
        if not isinstance(stored.get("updated_channels") or [], list):
            lacks.append("updated_channels")
    return f"it lacks {', '.join(lacks)}" if lacks else ""


def _are_versions(versions: dict[Any, Any]) -> bool:
    """Tell whether channels have versions that compare with each other: the checkpointer makes texts of them."""
    return all(isinstance(one, str) for one in versions.values())


def _is_id(text: object) -> bool:
    """Tell whether it is a UUID, which LangGraph makes the ids of tasks of."""
    try:
        return isinstance(text, str) and bool(UUID(text))
    except ValueError:
        return False


def _is_time(text: object) -> bool:
    try:
        return isinstance(text, str) and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _are_ranges(elements: object) -> bool:
    """Tell whether they are what ``ranges_of`` makes, and no more than a thread can have."""
    return isinstance(elements, dict) and all(
        isinstance(ranges, list)
        and len(ranges) % 2 == 0
        and all(isinstance(number, int) and number > 0 for number in ranges)
        and sum(ranges[1::2]) <= MOST_ELEMENTS
        for ranges in elements.values()
    )


def ranges_of(numbers: Iterable[int]) -> Sequence[int]:
    """Return numbers as pairs of a first one and how many follow each other from there, in one flat list."""
    ranges: list[int] = []
    for number in numbers:
        if ranges and number == ranges[-2] + ranges[-1]:
            ranges[-1] += 1
        else:
            ranges += [number, 1]
    return ranges


def numbers_in(ranges: Sequence[int]) -> Iterator[int]:
    """Return the numbers of which ``ranges_of`` made that."""
    for first, count in zip(ranges[::2], ranges[1::2], strict=True):
        yield from range(first, first + count)
