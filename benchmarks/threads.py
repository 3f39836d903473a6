"""How much a conversation takes in the data directory: bytes of its threads' file after so many turns.

python -m benchmarks.threads          16 and 64 turns
python -m benchmarks.threads 128      so many
"""

import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.settings import Settings
from imagerag.store.home import THREADS
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf

SIZES = (16, 64)
SCORES = (0.3, 0.5, 0.9)
"""Of the images of each turn: two redraws, of which the second satisfies."""


class Grown(NamedTuple):
    """What one size came to: turns, bytes, checkpoints, and seconds of all turns together."""

    turns: int
    size: int
    checkpoints: int
    seconds: float


def grow(turns: int, home: Path) -> Grown:
    """Draw so many turns of one conversation with quick engines, and measure its file."""
    began = time.perf_counter()
    with open_checkpointer(home) as saver:
        critic: Any = ScriptedCritic(itertools.cycle(SCORES))
        graph = build_graph(critic=critic, generator=Squares(), index=Shelf(), checkpointer=saver)
        config: Any = {"configurable": {"thread_id": "grown"}}
        for _ in range(turns):
            graph.invoke({"prompt": "an owl"}, config, context=Settings(home=str(home)))
        checkpoints = sum(1 for _ in saver.list(config))
    return Grown(turns, (home / THREADS).stat().st_size, checkpoints, time.perf_counter() - began)


def main() -> None:
    """Print a line for each size."""
    for turns in map(int, sys.argv[1:] or SIZES):
        with tempfile.TemporaryDirectory() as folder:
            grown = grow(turns, Path(folder))
        print(
            f"{grown.turns} turns: {grown.size / 1e6:.2f} MB, {grown.size / grown.turns / 1e3:.0f} kB a turn, "
            f"{grown.checkpoints} checkpoints, {grown.seconds:.1f} s"
        )


if __name__ == "__main__":
    main()
