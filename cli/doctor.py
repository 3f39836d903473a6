"""``imagerag doctor``: what a profile lacks on this machine, and what mends it."""

import argparse
import json
from pathlib import Path
from typing import TextIO

from imagerag.cli.setting_flags import settings_of
from imagerag.doctor import examine
from imagerag.settings import load_settings


def doctor(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print one line for each thing that was checked, and return the exit status: 2 if one of them is wrong.

    Raises:
        UserError: a setting that no run could have.
    """
    asked = load_settings(settings_of(options), file=Path(options.config) if options.config else None)
    found = examine(asked, options.offline)
    if options.json:
        print(json.dumps(found.document, ensure_ascii=False), file=stdout, flush=True)
    else:
        for finding in found.findings:
            print(finding.line, file=stdout)
        warnings, wrong = found.count("warning"), found.count("wrong")
        told = f"{found.count('ok')} ok, {warnings} warning{'' if warnings == 1 else 's'}, {wrong} wrong"
        print(f"{told} ({found.seconds:.1f} s)", file=stdout, flush=True)
    return 2 if found.count("wrong") else 0
