"""``make audit``: known faults of the versions in constraints.txt, and plainly whether anybody could be asked for them.

``pip-audit`` itself says "no known vulnerabilities found" when it has found none of the packages in its database.

python -m docs.known_faults constraints.txt
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

FAULTY, NOT_AUDITED = 1, 3
"""Exit statuses; 0 where every package was audited and none is faulty."""
MODULE = "pip_audit"


def verdict(packages: Sequence[Mapping[str, Any]]) -> tuple[str, int]:
    """Return in words what pip-audit's report says of packages, and the exit status."""
    lines, skipped = [], [one for one in packages if "skip_reason" in one]
    for package in packages:
        for fault in package.get("vulns", ()):
            fixed = ", ".join(fault.get("fix_versions", ())) or "no version"
            lines.append(f"{package['name']} {package['version']}: {fault['id']}, mended in {fixed}")
    audited = len(packages) - len(skipped)
    if skipped:
        why = f"{skipped[0]['name']}: {skipped[0]['skip_reason']}"
        lines.append(f"not audited: {len(skipped)} of {len(packages)} packages ({why})")
    if lines and audited > 0 and len(lines) > bool(skipped):
        return "\n".join(lines), FAULTY
    if skipped or not packages:
        return "\n".join(lines or ["not audited: there are no packages"]), NOT_AUDITED
    return f"audited: {audited} packages; none of them has a known fault", 0


def main(arguments: Sequence[str]) -> int:
    """Audit a file of pinned packages, print what is known, and return the exit status."""
    (file,) = arguments
    command = [sys.executable, "-m", MODULE, "-r", file, "--no-deps", "--disable-pip", "--format", "json"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (asked.stderr.strip().splitlines() or ["it said nothing"])[-1]
        missing = f"No module named {MODULE}" in asked.stderr
        why = "pip-audit is not installed; run: pip install pip-audit" if missing else f"pip-audit failed: {last}"
        print(f"not audited: {why}")
        return NOT_AUDITED
    told, status = verdict(packages)
    print(told)
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
