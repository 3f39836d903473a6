"""``make bench``: every row of the table in docs/evaluating.md, one after the other.

About two hours on two cores, of which the index of a million vectors takes one.
"""

import subprocess
import sys

PARTS = (
    "speed",
    "clip",
    "evaluator",
    "critic",
    "calibration",
    "wiring",
    "doctor",
    "known",
    "lookup",
    "photo_prompts",
    "prompt_kinds",
    "lacking",
    "languages",
    "follow_ups",
    "facts",
    "copying",
    "isolation",
    "chat_models",
    "doctor",
    "server",
    "hostile_inputs",
    "threads",
    "generators",
    "index",
)


def main() -> None:
    """Run each benchmark in a process of its own, so that none warms another up."""
    for part in PARTS:
        print(f"== {part}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], check=True)


if __name__ == "__main__":
    main()
