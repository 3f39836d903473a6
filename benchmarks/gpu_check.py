"""``make gpu-check``: every preset in every memory mode on this machine's GPU, measured beside what was computed.

python -m benchmarks.gpu_check [--random-weights] [--modes full,offload] [--steps N] [--out DIR] [PRESET ...]
"""

import sys

from testing.gpu_checking import check_presets

if __name__ == "__main__":
    sys.exit(check_presets(sys.argv[1:]))
