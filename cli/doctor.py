"""``imagerag doctor``: what a profile lacks on this machine, and what mends it."""

import argparse
from pathlib import Path
from typing import TextIO

from imagerag.cli.setting_flags import settings_of
from imagerag.cli.terminal import say, say_json
from imagerag.cli.thread_profile import profile_of_thread
from imagerag.doctor import examine
from imagerag.settings import load_settings


def doctor(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print one line for each thing that was checked, and return the exit status: 2 if one of them is wrong.

    Raises:
        UserError: a setting that no run could have.
    """
    asked = load_settings(settings_of(options), file=Path(options.config) if options.config else None)
    found = examine(asked, asked.offline, profile_of_thread(asked))
    if options.json:
        say_json(found.document, stdout)
    else:
        for finding in found.findings:
            say(finding.line, file=stdout)
        warnings, wrong = found.count("warning"), found.count("wrong")
        told = f"{found.count('ok')} ok, {warnings} warning{'' if warnings == 1 else 's'}, {wrong} wrong"
        say(f"{told} ({found.seconds:.1f} s)", file=stdout, flush=True)
    return 2 if found.count("wrong") else 0
