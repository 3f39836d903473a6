"""``imagerag eval label`` and ``imagerag eval report``: what is done with a run that is there."""

import argparse
import sys
from pathlib import Path
from typing import TextIO

from imagerag.cli.result_file import open_file
from imagerag.cli.terminal import say, say_json
from imagerag.errors import UserError
from imagerag.extras import need


def label(options: argparse.Namespace, stdout: TextIO) -> int:
    """Show pairs of a run's images in a browser until Ctrl-C, print what the labels add up to, and return the status.

    Raises:
        UserError: the folder is no run, an arm is not there, or the port is taken.
    """
    for module in ("uvicorn", "starlette"):
        need(module, "serve", "imagerag eval label")
    from imagerag.evaluation.label_server import serve_labels
    from imagerag.evaluation.tables import aligned, preference_table, strength_table

    if not 0 <= options.port < 2**16:
        raise UserError(f"--port {options.port} is no port; give one of 0..65535, 0 for any that is free")
    folder = Path(options.folder).expanduser()
    found, notes = serve_labels(folder, options.arm, by=options.by, port=options.port, browser=not options.no_browser)
    if options.json:
        say_json({**found.as_json(), "notes": [*found.notes, *notes]}, stdout)
        return 0
    if found.rates:
        for line in aligned(preference_table(found)):
            say(line, file=stdout)
    else:
        say("nothing is labelled yet", file=stdout)
    if found.strengths:
        for line in ["", *aligned(strength_table(found))]:
            say(line, file=stdout)
    for note in (*found.notes, *notes):
        say(f"note: {note}", file=sys.stderr)
    if found.rates:
        say(f"into the report: imagerag eval report {folder}", file=sys.stderr)
    return 0


def report(options: argparse.Namespace, stdout: TextIO) -> int:
    """Write the report of a run anew, print its figures, and return the exit status.

    Raises:
        UserError: the folder is no run, nothing of it is drawn or measured, or the report can't be written.
    """
    from imagerag.evaluation.report import REPORT, write_report
    from imagerag.evaluation.tables import report_lines

    folder = Path(options.folder).expanduser()
    summary = write_report(folder)
    page = str((folder / REPORT).absolute())
    if options.json:
        say_json({**summary.as_json(), "report": page}, stdout)
    else:
        for line in [*report_lines(summary), f"report: {page}"]:
            say(line, file=stdout)
    if options.open and (told := open_file(page)):
        say(told, file=sys.stderr)
    return 0
