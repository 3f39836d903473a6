"""A server under mixed load for an hour: whether its memory, handles and threads stay flat, and what its data grows by.

``imagerag serve`` runs as a process of its own with the embedded engine. Three clients draw, talk, stream, call tools,
upload, hang up, and send what is wrong; every answer is checked. With the same folder, a run that was broken off goes
on where it was.

python -m benchmarks.soak [--minutes 60] [--folder DIR] [--clients 3]
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from testing.soaking import KINDS_OF_DATA, MOST_MORE, figures, soak

MOST_SLOPE = 1.0
"""MiB a minute after the warm-up."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, help="keeps what was measured; give it again to go on")
    parser.add_argument("--clients", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        try:
            record = soak(options.minutes, options.folder or Path(temporary), options.clients)
        except KeyboardInterrupt:
            sys.exit("broken off" + ("; the same command goes on where it was" if options.folder else ""))
    try:
        found = figures(record.samples)
    except ValueError as error:
        sys.exit(f"soak: {error}, with more --minutes and the same --folder")
    print(f"{record.seconds / 60:.1f} minutes, {sum(record.done.values())} pieces of load, {record.runs} drawings")
    slope = f"{found.slope:+.2f} (+- {found.either_way:.2f}) MiB a minute"
    print(f"memory after warm-up   {slope}   (wanted < {MOST_SLOPE})")
    print(f"handles                {found.handles[0]} -> {found.handles[1]}   (wanted flat)")
    print(f"threads                {found.threads[0]} -> {found.threads[1]}   (wanted flat)")
    for kind in KINDS_OF_DATA:
        print(f"{kind:12} grow by    {found.growth[kind] / 1024:.1f} KiB a drawing, bend {found.bend[kind]:.2f}")
    print(f"errors                 {len(record.errors)}   (wanted 0)")
    for what, times in Counter(record.errors).most_common(10):
        print(f"  {times} x {what}")
    more = max(found.handles[1] - found.handles[0], found.threads[1] - found.threads[0])
    sys.exit(bool(record.errors or found.slope >= MOST_SLOPE or more > MOST_MORE))


if __name__ == "__main__":
    main()
