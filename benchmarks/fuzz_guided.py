"""One fuzz target under atheris, which follows the code that inputs reach: ``--engine atheris`` of benchmarks/fuzz.py.

Hypothesis makes the inputs of a target out of bytes, and libFuzzer chooses the bytes. What reached new code is kept in
the folder ``guided/TARGET`` of the fuzz folder.

python -m benchmarks.fuzz_guided TARGET SECONDS FOLDER
"""

import atexit
import sys
from pathlib import Path
from typing import Any

SAVED_EVERY = 50
"""Inputs between two savings of what was done: libFuzzer ends the process by itself."""


def main() -> None:
    """Run a target for so many seconds."""
    import atheris

    with atheris.instrument_imports(include=["imagerag"], enable_loader_override=False):
        from benchmarks.fuzz import GUIDED, Session

    name, seconds, folder = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    session = Session(GUIDED[name], folder)
    one_input = session.one_input()

    atexit.register(session.end)

    def run(data: bytes) -> Any:
        try:
            one_input(data)
        except Exception:
            session.failed()
            raise
        finally:
            if session.done % SAVED_EVERY == 0:
                session.keep()

    corpus = folder / "guided" / name
    corpus.mkdir(parents=True, exist_ok=True)
    # A target's own limits of time and memory hold (testing/fuzzing.py), which use the same signals.
    own_limits = ["-timeout=3600", "-rss_limit_mb=0"]
    options = [
        f"-max_total_time={max(1, round(seconds))}",
        "-max_len=8192",
        "-len_control=0",
        f"-artifact_prefix={corpus.parent}/",
    ]
    atheris.Setup([sys.argv[0], *own_limits, *options, str(corpus)], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
