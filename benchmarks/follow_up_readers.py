"""Ways of reading requests side by side: rules, rules weighed with fitted weights, and with the network as well.

    python -m benchmarks.follow_up_readers [--kept FILE] [--parts N ...]

Each request is taken by itself: follow-ups are said of a picture that is as it should be, first requests of none. What
reads a collection is fitted on those of the other parts, of ``PARTS``. The rules were written with "development" and
"varied" to "varied11" in sight, so that the figures of these are no estimate for others. About an hour for all parts.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from imagerag.agent.follow_up.network import Scorer, encoder
from imagerag.agent.follow_up.reading import FollowUps
from imagerag.agent.protocols import Brief
from imagerag.errors import UserError
from imagerag.index.captions import common_names
from testing.follow_up_checks import faults
from testing.follow_up_corpus import Collection, Corpus, Turn, library_names, read_corpus
from testing.follow_up_examples import Example, scene_drawn
from testing.follow_up_fit import Weighed, fit, weigh_openings, weighed_collections
from testing.follow_up_play import Ending
from training.train_follow_up_network import Lesson, lesson_of_opening, lessons, trained

PARTS = 4
"""Parts into which the collections are put."""


def ending(example: Example, reader: FollowUps) -> Ending:
    """Tell how a follow-up ends."""
    try:
        brief: Brief | None = reader.brief(example.request, example.history)
    except UserError:
        brief = None
    return example.ending(brief)


def first_ending(turn: Turn, corpus: Corpus, reader: FollowUps) -> Ending:
    """Tell how a first request ends."""
    try:
        brief = reader.brief(turn.say, [])
    except UserError:
        return "not understood"
    if brief.answer:
        return "not understood"
    return "wrong" if faults(turn, scene_drawn(brief.prompt), None, corpus) else "right"


def readers(others: Mapping[Collection, Sequence[Weighed]]) -> dict[str, FollowUps]:
    """Return what is compared, fitted on these collections."""
    weights = fit([one for some in others.values() for one in some])
    learnt: list[Lesson] = lessons(others)
    learnt += [lesson_of_opening(one) for name in others for one in weigh_openings(name)]
    network = Scorer(trained(learnt).requires_grad_(False), encoder())
    names = library_names()
    return {
        "rules": FollowUps(names, common_names, weights=None, network=None),
        "rules and weights": FollowUps(names, common_names, weights=lambda: weights, network=None),
        "rules, weights and network": FollowUps(names, common_names, weights=lambda: weights, network=lambda: network),
    }


def told(endings: Counter[Ending]) -> str:
    """Return the shares of what is right, wrong and refused."""
    whole = max(endings.total(), 1)
    kinds: tuple[Ending, ...] = ("right", "wrong", "not understood")
    return ", ".join(f"{endings[kind] / whole:.1%} {kind}" for kind in kinds)


def main() -> None:
    """Leave out each part of the collections in turn, and print the sums."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kept", type=Path, help="keep the weighed examples there, and weigh none twice")
    options.add_argument("--parts", type=int, nargs="+", default=range(PARTS), help="of these parts only")
    chosen = options.parse_args()
    collections = weighed_collections(chosen.kept)
    sums: dict[str, tuple[Counter[Ending], Counter[Ending]]] = {}
    for part in chosen.parts:
        left_out = list(collections)[part::PARTS]
        others = {name: some for name, some in collections.items() if name not in left_out}
        for name, reader in readers(others).items():
            later, first = sums.setdefault(name, (Counter(), Counter()))
            for collection in left_out:
                corpus = read_corpus(collection)
                found = Counter(ending(one.example, reader) for one in collections[collection])
                turns = [one.turns[0] for one in corpus.conversations if not one.turns[0].upload]
                begun = Counter(first_ending(turn, corpus, reader) for turn in turns)
                print(f"{collection} by {name}: {told(found)}; first requests {told(begun)}", flush=True)
                later.update(found)
                first.update(begun)
    for name, (later, first) in sums.items():
        print(f"{name}: {told(later)} of {later.total()} follow-ups; {told(first)} of {first.total()} first requests")


if __name__ == "__main__":
    main()
