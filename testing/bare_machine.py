"""The environment of a machine with nothing: no key, no weights, no data, and a hub that nobody answers for."""

import os
import subprocess
import sys
from pathlib import Path

from testing.environments import ROOT, TIMEOUT, variables_of

NOBODY = "http://127.0.0.1:9"
"""An address of this machine where nothing listens (the discard port, RFC 863)."""
UNSET = ("HF_", "HUGGING", "OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_")


def on_bare_machine(
    folder: Path, *arguments: str, hub: str = NOBODY, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run Python there, with everything that it writes in the folder.

    Args:
        folder: the home directory, which may be empty.
        arguments: of Python.
        hub: address of a Hugging Face hub.
        variables: more of them.
    """
    kept = {key: value for key, value in variables_of(folder / "data").items() if not key.startswith(UNSET)}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    own = {"HF_ENDPOINT": hub, "HF_HOME": str(folder / "hf"), "HOME": str(folder), "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**kept, **own, **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
    )
