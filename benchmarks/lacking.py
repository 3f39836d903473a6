"""Things that the library has nothing for: is anything drawn with a picture of something else, and does it stop soon?

    python -m benchmarks.lacking [--half development] [--limit N] [--show]

80 names for each half in ``lacking_names.tsv``. What decides is tuned on the half ``development`` alone.
"""

import argparse
import hashlib
import statistics
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.settings import benchmark_settings
from imagerag.assets.library import Library
from imagerag.graphs.agent_graph import build_graph
from imagerag.prompt_grammar.noun_phrase import article

FILE = Path(__file__).with_name("lacking_names.tsv")
HALVES = ("development", "test")


class LackingName(NamedTuple):
    """A thing that the library lacks, and concepts that are that thing in general."""

    name: str
    accepted: tuple[str, ...]


def lacking_names(half: str, library: Library) -> list[LackingName]:
    """Return the names of one half.

    Raises:
        ValueError: the library has come to know one of them.
    """
    lines = FILE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")][1:]
    names = [LackingName(name, tuple(filter(None, also.split("|")))) for name, of, also in rows if of == half]
    said = {word.lower() for words in (*library.said, *library.synonyms.values()) for word in words}
    if known := [name.name for name in names if name.name in said]:
        raise ValueError(f"the library knows {known}; take them out of {FILE.name}")
    return names


def wrong_references(run: Any, wanted: LackingName, library: Library) -> list[str]:
    """Return the concepts of the library's pictures that any image of the run was drawn with, but for accepted ones."""
    shown = []
    for reference in run["references"]:
        place = library.find(reference["sha256"])
        if reference["kind"] == "retrieved" and place is not None:
            shown.append(library.entries[place].concept)
    return sorted(set(shown) - set(wanted.accepted))


def main() -> None:
    """Run the prompts and print both figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--half", choices=HALVES, default="test")
    options.add_argument("--limit", type=int, default=80)
    options.add_argument("--show", action="store_true", help="a line for each prompt")
    chosen = options.parse_args()
    library, graph = Library(), build_graph()
    names = lacking_names(chosen.half, library)[: chosen.limit]
    wrong, generations = 0, []
    for wanted in names:
        prompt = f"{article(wanted.name)} {wanted.name}"
        seed = int(hashlib.sha256(f"{chosen.half}:{prompt}".encode()).hexdigest()[:6], 16)
        config: Any = {"configurable": {"thread_id": f"lacking: {prompt}"}}
        run = graph.invoke({"prompt": prompt, "seed": seed}, config, context=benchmark_settings())
        drawn_with = wrong_references(run, wanted, library)
        wrong += bool(drawn_with)
        generations.append(len(run["images"]))
        if chosen.show:
            told = ", ".join(drawn_with) or "nothing"
            print(f"{prompt:30} {generations[-1]} images, {run['stop_reason']}, wrongly drawn with {told}", flush=True)
    print(f"concepts that the library lacks, {len(names)} ({chosen.half})")
    print(f"  drawn with a wrong reference {wrong / len(names):.1%} (wanted <= 2%)")
    print(f"  generations at the median {statistics.median(generations):g} (wanted <= 2), at most {max(generations)}")


if __name__ == "__main__":
    main()
