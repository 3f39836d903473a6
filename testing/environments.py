"""A new environment with packages of somebody else's, which borrows the libraries that are installed here."""

import os
import site
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 300.0
"""Seconds that one command may take."""


class Environment:
    """An environment of its own with this checkout and the packages in it.

    Args:
        folder: where it is made.
        packages: folders of packages that are installed into it, without what they depend on.
    """

    def __init__(self, folder: Path, packages: Sequence[Path] = ()) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False)
        self.python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.libraries = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
        # A path file adds the folder but runs none of the path files in it, such as the one of our editable install.
        paths = [str(ROOT), *site.getsitepackages()]
        (self.libraries / "borrowed.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")
        if packages:
            self.install(*packages)

    def install(self, *packages: Path) -> None:
        """Install packages from their folders."""
        command = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet", "--no-deps"]
        command += ["--no-build-isolation", "--no-index", *map(str, packages)]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr

    def run(self, *arguments: str, cwd: Path, home: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run its interpreter with nothing of our environment's settings."""
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT,
            env=variables_of(home) | variables,
        )

    def imagerag(self, *arguments: str, cwd: Path, home: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run its command line."""
        return self.run("-m", "imagerag", *arguments, cwd=cwd, home=home, **variables)


def variables_of(home: Path) -> dict[str, str]:
    """Return this process's variables without settings of ours and of Python's, and with that data directory."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("IMAGERAG_", "PYTHON"))}
    return {**kept, "IMAGERAG_HOME": str(home)}
