"""How long things take on this machine: start-up, a warm run of the whole loop, and the graph's own time.

python -m benchmarks.speed
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from benchmarks.cases import lacking_cases
from benchmarks.settings import benchmark_settings
from imagerag.agent.protocols import Critic
from imagerag.assets.library import Library
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest
from imagerag.graphs.agent_graph import build_graph
from imagerag.records import ConceptScore, Verdict


def command(arguments: Sequence[str], home: Path) -> float:
    """Return the seconds that a new process of the command line takes."""

    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "imagerag", *arguments],
        check=True,
        capture_output=True,
        env={**os.environ, "IMAGERAG_HOME": str(home)},
    )
    return time.perf_counter() - began


class Blank:
    """A generator that costs nothing: a plain square per seed."""

    name, revision, max_references = "blank", "1", 6

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Return one square per seed."""
        return [Drawing(Image.new("RGB", (32, 32), (seed % 256, 0, 0)), seed) for seed in request.seeds]


class NeverSatisfied:
    """A critic that costs nothing and keeps the loop going: each image scores a little better than the one before."""

    name = "never"

    def __init__(self) -> None:
        self._score = 0.0

    def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
        """Return a verdict with everything missing."""
        verdicts: list[Verdict] = []
        for _ in images:
            self._score += 1e-4
            concepts = self.look_for(images[0], [prompt])
            verdicts.append(
                {"satisfied": False, "score": self._score, "concepts": concepts, "missing": [prompt], "critic": "never"}
            )
        return verdicts

    def look_for(self, image: Image.Image, concepts: Sequence[str]) -> list[ConceptScore]:
        """Return every concept as absent."""
        return [{"concept": concept, "kind": "content", "present": False, "score": self._score} for concept in concepts]


def own_time(generations: int = 20) -> tuple[float, int]:
    """Return the graph's own milliseconds per decision and how many decisions were timed: what is left of the wall
    clock when the tools' time is taken out, with a critic and a generator that cost nothing."""
    critic: Critic = NeverSatisfied()
    graph = build_graph(generator=Blank(), critic=critic)
    with tempfile.TemporaryDirectory() as home:
        settings = benchmark_settings(max_generations=generations, max_steps=10 * generations, max_seconds=600)
        graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "warm"}}, context=settings)
        began = time.perf_counter()
        run = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": home}}, context=settings)
        wall = time.perf_counter() - began
    tools = sum(step["seconds"] for step in run["trace"] if step["node"] in ("tools", "critic"))
    decisions = len([step for step in run["trace"] if step["node"] == "agent"])
    return 1000 * (wall - tools) / decisions, decisions


def warm_loops(count: int = 7) -> list[tuple[float, int]]:
    """Return seconds and images of whole loops in a process that has run before, one per prompt."""
    graph = build_graph()
    runs = []
    for case in lacking_cases(Library(), "dev", pairs=False)[: count + 1]:
        config = {"configurable": {"thread_id": f"warm:{case.prompt}"}}
        began = time.perf_counter()
        run = graph.invoke({"prompt": case.prompt, "seed": case.seed}, config, context=benchmark_settings())  # type: ignore[call-overload]
        runs.append((time.perf_counter() - began, len(run["images"])))
    return runs[1:]


def main() -> None:
    """Print the rows of the table in docs/evaluating.md."""
    with tempfile.TemporaryDirectory() as home:
        helps = [command(["--help"], Path(home)) for _ in range(5)]
        print(f"imagerag --help                              {statistics.median(helps):5.2f} s   (wanted <= 0.7 s)")
        cold = command(["a lobster in a kimono", "--json", "--no-copy"], Path(home) / "new")
        print(f"cold start to first finished run             {cold:5.1f} s   (wanted <= 25 s)")
        again = command(["a lobster in a kimono", "--json", "--no-copy"], Path(home) / "new")
        print(f"the same command again, process included     {again:5.1f} s")
        command(["an owl", "--quiet", "--no-copy"], Path(home) / "owl")
        seconds = [command(["an owl", "--quiet", "--no-copy"], Path(home) / "owl") for _ in range(5)]
        print(f'a second `imagerag "an owl"` in a new process {statistics.median(seconds):4.1f} s   (wanted <= 4 s)')
    loops = warm_loops()
    two = [seconds for seconds, images in loops if images == 2]
    if two:
        print(f"warm run, two images and one look-up         {statistics.median(two):5.1f} s   (wanted <= 8 s)")
    print(f"  all warm runs: {', '.join(f'{seconds:.1f} s ({images} images)' for seconds, images in loops)}")
    own, decisions = own_time()
    print(f"the graph's own time, over {decisions} decisions       {own:5.1f} ms a step   (wanted <= 15 ms)")


if __name__ == "__main__":
    main()
