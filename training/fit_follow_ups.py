"""Fit the weights by which follow-ups are read that no rule reads; writes ``assets/follow_up_weights.safetensors``.

On all collections of follow-ups but the half "test", "varied16" and "varied25", which are kept apart.

    python -m training.fit_follow_ups [--kept FILE]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from imagerag.agent.follow_up.ranking import WEIGHTS
from imagerag.assets import asset
from testing.follow_up_fit import fit, weighed_collections, words_seen


def main() -> None:
    """Fit on everything that may be tuned on, and write the file."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kept", type=Path, help="keep the weighed examples there, and weigh none twice")
    weighed = [each for some in weighed_collections(options.parse_args().kept).values() for each in some]
    weights = fit(weighed)
    path = asset("library.parquet").with_name(WEIGHTS)
    # half precision moves no probability by as much as 0.01, and halves the file
    told = {"follow_ups": str(len(weighed)), "words": " ".join(words_seen())}
    save_file({"weights": weights.astype(np.float16)}, path, metadata=told)
    path.chmod(0o644)
    print(f"fitted on {len(weighed)} follow-ups", file=sys.stderr)


if __name__ == "__main__":
    main()
