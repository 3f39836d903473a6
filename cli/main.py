"""The edge: picks the command, and turns what went wrong into one line and an exit status."""

import errno
import io
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, TextIO

from imagerag.cli.interrupt import Ended, ending_raises, status_of
from imagerag.cli.result_stream import results_alone
from imagerag.cli.terminal import guard_logging, say, say_json
from imagerag.devices import out_of_memory_told
from imagerag.errors import UserError, first_line
from imagerag.model_hub import silence_libraries

if TYPE_CHECKING:
    from imagerag.records import StopReason
    from imagerag.report.json_document import Failure

BAD_INPUT = 2
MOST_SAID = 500
"""Characters that are told of a defect."""
BROKEN_PIPE = 141
"""128 + SIGPIPE, as for programs that the signal ends."""

_PLACE_PROBLEMS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EIO}
    | {errno.ENOLCK}
)


def run(argv: Sequence[str]) -> int:
    """Run the command line and return its exit status: 0, 1 (a replay differs), 2 (bad input), 130 (Ctrl-C), 143
    (SIGTERM), 129 (SIGHUP).

    Only what the person can mend ends as one line; a defect of the program propagates with its traceback.
    """
    stdout = _open_streams()
    silence_libraries()
    guard_logging()
    flags = argv[: argv.index("--") if "--" in argv else None]
    as_json = "--json" in flags
    with results_alone(stdout) if as_json or "--quiet" in flags else nullcontext(stdout) as results:
        return _run(argv, results, as_json)


def _run(argv: Sequence[str], stdout: TextIO, as_json: bool) -> int:
    try:
        try:
            with ending_raises():
                return _dispatch(list(argv), stdout)
        finally:
            # Here, where a reader that has gone away is still caught; --help ends by SystemExit.
            stdout.flush()
    except UserError as error:
        return _fail(str(error), as_json, stdout)
    except KeyboardInterrupt as ended:
        kept = ended.kept if isinstance(ended, Ended) else ""
        say(f"imagerag: cancelled; {kept or 'nothing was made yet'}", file=sys.stderr)
        if as_json:
            _print_failure("cancelled", f"cancelled; {kept}" if kept else "cancelled before anything was made", stdout)
        return status_of(ended)
    except BrokenPipeError:
        _abandon(stdout)
        return BROKEN_PIPE
    except OSError as error:
        if (memory := out_of_memory_told(error)) is not None:
            return _fail(str(memory), as_json, stdout)
        if error.errno not in _PLACE_PROBLEMS:
            raise
        _flush_or_abandon(stdout)
        if error.filename:
            from imagerag.store.file_errors import file_error

            return _fail(str(file_error(str(error.filename), error, verb="used")), as_json, stdout)
        told = "standard output, or a file of the run, can't be written"
        return _fail(
            f"{told} ({error.strerror}); make room there, or choose another folder with --home DIR", as_json, stdout
        )
    except Exception as error:
        if (memory := out_of_memory_told(error)) is not None:
            return _fail(str(memory), as_json, stdout)
        if as_json:
            _print_failure("error", f"{type(error).__name__}: {first_line(error, MOST_SAID)}", stdout)
        raise


def _dispatch(argv: list[str], stdout: TextIO) -> int:
    from imagerag.cli.parser import parse

    command, parsed = parse(argv)
    return command.runner()(parsed, stdout)


def _fail(message: str, as_json: bool, stdout: TextIO) -> int:
    line = " ".join(message.split())
    say(f"imagerag: {line}", file=sys.stderr)
    if as_json:
        _print_failure("error", line, stdout)
    return BAD_INPUT


def _print_failure(reason: "StopReason", message: str, stdout: TextIO) -> None:
    failure: Failure = {"stop_reason": reason, "error": message}
    try:
        say_json(failure, stdout)
    except OSError:
        # The result's reader is gone or its disk is full, which stderr has told already.
        _abandon(stdout)


def _abandon(stdout: TextIO) -> None:
    """Let what is still in the buffer go nowhere, so that it does not raise once more while Python shuts down."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stdout.fileno())
    os.close(nowhere)


def _flush_or_abandon(stdout: TextIO) -> None:
    try:
        stdout.flush()
    except OSError:
        _abandon(stdout)


def _open_streams() -> TextIO:
    """Make sure that 0, 1 and 2 are open, and return standard output.

    A file that is opened next would get the number of a closed stream, and every stray print would go into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - open for as long as the process lives
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return sys.stdout
