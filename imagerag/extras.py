"""Optional libraries: where one is missing, one line names the extra that installs it."""

import importlib

from imagerag.errors import UserError


def need(library: str, extra: str, what: str = "this") -> None:
    """Make sure that an optional library can be imported.

    Args:
        library: a module's full name.
        extra: of ``[project.optional-dependencies]``, which has it.
        what: needs it; the message begins with it.

    Raises:
        UserError: it is not installed; the message has the command that installs it.
    """
    try:
        importlib.import_module(library)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != library.partition(".")[0]:
            raise
        raise missing(library, extra, what) from error


def missing(library: str, extra: str, what: str = "this") -> UserError:
    """Return the error that names a library, and the command that installs it."""
    return UserError(f"{what} needs {library!r}, which is not installed; run: pip install 'imagerag[{extra}]'")
