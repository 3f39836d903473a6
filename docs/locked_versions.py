"""``constraints.txt``: one version of every package, as pip resolves them all together; see ``make lock``.

python -m docs.locked_versions REPORT.json > constraints.txt
"""

import json
import sys
from pathlib import Path


def locked(report: str) -> str:
    """Return the file's text.

    Args:
        report: what ``pip install --report`` wrote.
    """
    found = {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in json.loads(report)["install"]}
    found.pop("imagerag", None)
    lines = (f"{name}=={version.split('+')[0]}" for name, version in sorted(found.items()))
    return (
        "# pip install -c constraints.txt -e . installs what was tested together; `make lock` writes this file.\n"
        + ("\n".join(lines) + "\n")
    )


if __name__ == "__main__":
    sys.stdout.write(locked(Path(sys.argv[1]).read_text(encoding="utf-8")))
