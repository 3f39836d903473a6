"""The three kinds of error this product tells apart; everything else propagates.

======================  ==============================================================================
``InvalidArgument``     goes back to the model as a tool message that says what is valid
``BudgetExceeded``,     end the run cleanly with the best image so far
``Cancelled``
``UserError``           one line for the person: the offending value and the next command; exit status 2. A
                        ``FileError`` is one about a file, a ``ServiceError`` one about another server
======================  ==============================================================================
"""

from collections.abc import Iterator
from typing import Literal

from imagerag.credentials import without_credentials

BudgetKind = Literal["steps", "generations", "seconds", "loading", "tokens", "money"]
FileCause = Literal[
    "damaged", "full", "read-only", "not permitted", "locked", "no locks", "missing", "no file", "failing", "other"
]
"""``no locks``: its file system has none; ``no file``: a folder where a file should be, or the other way round;
``failing``: the disk answers with errors."""


MOST_TOLD = 12_000
"""Characters of a message. What it names may be anybody's, and a manifest's generator may have a name of megabytes; the
longest of our own, which list what there is, have some thousands."""


class _Told(Exception):
    """An error whose message is told and kept: addresses in it lose their credentials, and it has an end."""

    def __init__(self, *told: object) -> None:
        super().__init__(*(_bounded(without_credentials(one)) if isinstance(one, str) else one for one in told))


def _bounded(text: str) -> str:
    """Return a message without its middle where it is too long: what it is about comes first, and the way out last."""
    half = MOST_TOLD // 2
    return text if len(text) <= MOST_TOLD else f"{text[:half]} ... {text[-half:]}"


class InvalidArgument(_Told, ValueError):
    """A tool argument the model can correct. The message names the value and lists what is valid."""


class DrawingFailed(InvalidArgument):
    """A generator could not make a drawing. The message says why; images that were made before are not lost by it."""


class GeneratorUnavailable(DrawingFailed):
    """The generator's server can't be reached, or asks to be left alone for longer than the run lasts.

    Another try in the same run is of no use: it ends with the best image so far, and the stop reason ``unavailable``.
    """


class DrawingRefused(DrawingFailed):
    """A model's own safety check refused a drawing. The message says whose check, and that other words may pass."""


class BudgetExceeded(Exception):
    """A limit of the run was reached.

    Attributes:
        kind: which limit.
        used: how much of it was used, in the limit's own unit (count, seconds, tokens, US dollars).
        limit: the limit itself, in the same unit.
        cause: what used it up and how to mend that, where it is not the run's own work; empty if unknown.
    """

    def __init__(self, kind: BudgetKind, used: float, limit: float) -> None:
        super().__init__(f"{kind} budget used up: {used:g} of {limit:g}")
        self.kind: BudgetKind = kind
        self.used = used
        self.limit = limit
        self.cause = ""


class Cancelled(Exception):
    """The caller asked the run to stop; raised between two denoising steps at the latest."""


class UserError(_Told, RuntimeError):
    """Something only the person can mend. ``str(error)`` is one line: the value and the way out.

    A ``RuntimeError``: a LangGraph server tells its clients what errors of Python's own kinds say, and of all others
    only that an internal error occurred.
    """


class FileError(UserError):
    """A file of the program's or the person's that can't be read or written; made by ``imagerag.store.file_errors``.

    Attributes:
        file: which.
        cause: why.
        public: the same without folders, for clients of a server: the file's name and the cause.
    """

    def __init__(self, message: str, file: str, cause: FileCause, public: str) -> None:
        super().__init__(message)
        self.file = file
        self.cause: FileCause = cause
        self.public = public


class ServiceError(UserError):
    """Another server that the program needs can't be reached or used: it is gone, hangs, or answers with errors.

    Attributes:
        public: the same without addresses, for clients of a server of ours.
    """

    def __init__(self, message: str, public: str) -> None:
        super().__init__(message)
        self.public = public


class NoStandIn(UserError):
    """The critic that has to judge where another one gave no verdict can't be loaded; what was drawn is kept."""


def first_line(error: BaseException, most: int = 120) -> str:
    """Return what an error says in one line of at most ``most`` characters; its kind if it says nothing."""
    try:
        said = str(error)
    except Exception:  # of somebody else's: an error that can't even be told
        said = ""
    return without_credentials(said).strip().split("\n")[0][:most] or type(error).__name__


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that led to it, the last one first."""
    at: BaseException | None = error
    for _ in range(16):
        if at is None:
            return
        yield at
        at = at.__cause__ or at.__context__
