"""First requests of the conversations: how many are read into the picture that is wanted, by its layout.

    python -m benchmarks.first_requests [--half varied13 ...] [--misses]

The reading of first requests was written with these collections in sight, so that their figures are no estimate for
others.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import get_args

from imagerag.agent.follow_up.reading import FollowUps
from imagerag.errors import UserError
from testing.follow_up_checks import faults
from testing.follow_up_corpus import Collection, Corpus, Turn, read_corpus
from testing.follow_up_examples import follow_ups_by_rule, scene_drawn

WORDED = ("varied12", "varied13", "varied14", "varied15")
"""Collections whose first requests are worded as people word them in a chat, in letters and in notes."""


def first_turns(corpus: Corpus) -> Iterator[Turn]:
    """Yield the turns that open a conversation without a picture of the person's."""
    yield from (one.turns[0] for one in corpus.conversations if not one.turns[0].upload)


def misread(turn: Turn, reader: FollowUps, corpus: Corpus) -> str | None:
    """Return what is drawn of a first request that isn't what was wanted; ``None`` where it is."""
    try:
        brief = reader.brief(turn.say, [])
    except UserError as error:
        return str(error)
    if brief.answer:
        return brief.answer
    return brief.prompt if faults(turn, scene_drawn(brief.prompt), None, corpus) else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Print, for each collection, how many first requests are read right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", nargs="+", choices=get_args(Collection), default=WORDED)
    parser.add_argument("--misses", action="store_true", help="show what is read wrongly")
    chosen = parser.parse_args(arguments)
    reader = follow_ups_by_rule()
    for half in chosen.half:
        corpus = read_corpus(half)
        read = [(turn, misread(turn, reader, Corpus((), corpus.called))) for turn in first_turns(corpus)]
        print(f"{half}: {sum(wrong is None for _, wrong in read)} of {len(read)}")
        for turn, wrong in read if chosen.misses else ():
            if wrong is not None:
                print(f"  {turn.say!r} -> {wrong!r}")


if __name__ == "__main__":
    main()
