"""Prompts that the base set can draw: is the critic satisfied at once, and does nothing get worse?

python -m benchmarks.known [--half dev] [--count N] [--misses]
"""

import argparse

from PIL import Image

from benchmarks.cases import known_cases
from benchmarks.settings import benchmark_settings
from imagerag.assets.library import Library
from imagerag.evaluation.evaluator import Evaluator
from imagerag.graphs.agent_graph import build_graph


def main() -> None:
    """Run the prompts and print the rows of the table in docs/evaluating.md."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--half", choices=("dev", "test"), default="test")
    options.add_argument("--count", type=int, default=100)
    options.add_argument("--misses", action="store_true", help="print the prompts that took more than one generation")
    chosen = options.parse_args()
    graph, judge = build_graph(), Evaluator()
    cases = known_cases(Library(), chosen.half, chosen.count)
    worse = once = there = first_there = 0
    for case in cases:
        config = {"configurable": {"thread_id": case.prompt}}
        run = graph.invoke({"prompt": case.prompt, "seed": case.seed}, config, context=benchmark_settings())  # type: ignore[call-overload]
        first, best = run["images"][0], run["image"]
        worse += best["score"] < first["score"]
        once += len(run["images"]) == 1
        names = [name for name in (case.wanted, case.beside) if name]
        first_there += all(judge.present(Image.open(first["path"]), name) for name in names)
        there += all(judge.present(Image.open(best["path"]), name) for name in names)
        if chosen.misses and len(run["images"]) > 1:
            print(
                f"{case.prompt:45} {[i['score'] for i in run['images']]} {first['verdict']['missing']} {first['path']}"
            )
    count = len(cases)
    print(f"prompts the base set can draw, {count} ({chosen.half}), every second one a pair")
    print(f"  returned image scores below the first   {worse}   (wanted 0)")
    print(f"  stops after one generation              {once / count:6.1%}   (wanted >= 90%)")
    print(f"  by the evaluator all there: first image {first_there / count:6.1%}, returned image {there / count:6.1%}")


if __name__ == "__main__":
    main()
