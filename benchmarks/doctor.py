"""``imagerag doctor`` on a machine with nothing: no key, no weights, no data, no network; seconds and what it names."""

import json
import tempfile
import time
from pathlib import Path

from testing.bare_machine import on_bare_machine

PROFILES = ("pictograms", "local", "cloud", "comfyui")


def main() -> None:
    """Print a row per profile: wall-clock seconds of the whole process, and its findings by status."""
    print("profile       seconds  ok  warnings  wrong  without a way out  traceback")
    for profile in PROFILES:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            done = on_bare_machine(Path(folder), "-m", "imagerag", "doctor", "--profile", profile, "--json")
            seconds = time.perf_counter() - began
        told = json.loads(done.stdout)
        helpless = sum(found["status"] == "wrong" and not found["mend"] for found in told["findings"])
        traceback = "yes" if "Traceback" in done.stdout + done.stderr else "no"
        counts = f"{told['ok']:>4} {told['warning']:>9} {told['wrong']:>6}"
        print(f"{profile:<12} {seconds:>8.1f}{counts} {helpless:>18}  {traceback}")


if __name__ == "__main__":
    main()
