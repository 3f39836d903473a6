"""Follow-ups in conversations: are they understood, and is what comes of them right?

    python -m benchmarks.follow_ups [--half development|varied|varied2|...|varied40] [--reading | --vlm]
                                    [--limit N] [--show-failures] [--results FILE]

Each conversation of ``follow_ups_test.toml`` is played through ``graph.invoke`` with one thread, mistakes and all.
Counts, colours, sizes and places are compared with the layout that the generator recorded; whether the things can be
seen is told by ``evaluation.evaluator``. Its own error is told twice: what it says of the same pictures asked for by
plain prompts, and how often it contradicts the recorded layout about what was drawn.
``--reading`` draws boxes in place of pictures and leaves the evaluator out; ``--vlm`` does likewise, and has each turn
read by a chat model that knows the corpus. Whatever reads follow-ups is tuned on the half ``development``
and on the further collections, and on nothing of ``test``, ``varied16`` and ``varied25``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from imagerag.evaluation.evaluator import Evaluator
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings
from testing.follow_up_checks import is_called
from testing.follow_up_corpus import COLLECTIONS, Conversation, Corpus, Turn, read_corpus
from testing.follow_up_play import Played, Player, hangs_on_failure, poisoned
from testing.follow_up_vlm import PerfectVlm
from testing.openai_server import serving
from testing.sketches import Pleased, Sketches


class Answer(NamedTuple):
    """What the evaluator says of one thing.

    Attributes:
        name: of the thing.
        wanted: whether it is to be there.
        seen: whether it is seen in the picture that was returned.
        seen_plainly: whether it is seen in the picture that a plain prompt for the same gives.
        drawn: whether the layout recorded with the returned picture has it.
    """

    name: str
    wanted: bool
    seen: bool
    seen_plainly: bool
    drawn: bool


Record = dict[str, Any]
"""How one turn went, as JSON."""


@dataclass
class Judge:
    """Asks the evaluator about pictures, and about the same ones drawn from plain prompts.

    Attributes:
        corpus: names the concepts that show a thing.
        draw: returns the picture of a plain prompt.
    """

    corpus: Corpus
    draw: Callable[[str], str]
    evaluator: Evaluator = field(default_factory=Evaluator)

    def __post_init__(self) -> None:
        """Ask about no plain prompt twice."""
        self.draw = cache(self.draw)

    def answers(self, one: Played) -> list[Answer]:
        """Return what is seen of each thing that a turn wants, or wants gone."""
        assert one.shown is not None
        wanted = one.turn.wanted[0]
        names = {thing.name: True for thing in wanted.things} | dict.fromkeys(one.turn.absent, False)
        here = self._seen(one.shown.path, names, one.turn)
        plainly = here if one.turn.upload else self._seen(self.draw(wanted.plain), names, one.turn)
        drawn = {
            name: any(is_called(thing, name, self.corpus, one.turn) for thing in one.shown.scene.instances)
            for name in names
        }
        return [Answer(name, names[name], here[name], plainly[name], drawn[name]) for name in names]

    def _seen(self, path: str, names: Iterable[str], turn: Turn) -> dict[str, bool]:
        evidence = self.evaluator.evidence(Image.open(path))
        place = {name: at for at, name in enumerate(self.evaluator.concepts)}
        return {
            name: any(
                evidence[place[concept]] >= self.evaluator.threshold
                for concept in self.corpus.concepts_of(name, turn.upload)
                if concept in place
            )
            for name in names
        }


def record_of(one: Played, played: list[Played], calls: int, judge: Judge | None) -> Record:
    """Return what is kept of a turn."""
    asked = judge is not None and one.generations > 0 and one.turn.draws and one.shown is not None
    return {
        "number": one.number,
        "say": one.turn.say,
        "kind": "back" if one.turn.goes_back else one.turn.kind,
        "draws": one.turn.draws,
        "ending": one.ending,
        "faults": [list(fault) for fault in one.faults],
        "wanted": one.turn.wanted[0].plain,
        "got": one.shown.scene.prompt if one.shown else None,
        "said": one.said,
        "stayed": one.stayed if one.turn.stays and one.generations else None,
        "hangs": hangs_on_failure(one, played),
        "generations": one.generations,
        "calls": calls,
        "seconds": one.seconds,
        "seen": judge.answers(one) if judge is not None and asked else [],
    }


def play_all(
    conversations: Iterable[Conversation],
    player: Player,
    vlm: PerfectVlm | None,
    judge: Judge | None,
    kept: Path | None,
) -> Iterator[tuple[str, bool, list[Record]]]:
    """Play the conversations that are not in ``kept`` yet; yield name, whether it is poisoned, and its turns."""
    done = {}
    if kept is not None and kept.exists():
        done = {name: (name, bad, records) for name, bad, records in map(json.loads, kept.read_text().splitlines())}
    for conversation in conversations:
        if conversation.name not in done:
            calls: list[int] = []
            if vlm is not None:
                player.before_turn = _counting(vlm, calls)
            played = player.play(conversation)
            calls.append(vlm.calls if vlm else 0)
            per_turn = [later - earlier for earlier, later in pairwise(calls)] or [0] * len(played)
            records = [record_of(one, played, per_turn[at], judge) for at, one in enumerate(played)]
            done[conversation.name] = (conversation.name, poisoned(played), records)
            if kept is not None:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[conversation.name]) + "\n")
        yield done[conversation.name]


def _counting(vlm: PerfectVlm, calls: list[int]) -> Callable[[Turn, str | None], None]:
    def before_turn(turn: Turn, image_id: str | None) -> None:
        calls.append(vlm.calls)
        vlm.turn, vlm.image_id = turn, image_id

    return before_turn


@contextmanager
def playing(chosen: argparse.Namespace, corpus: Corpus) -> Iterator[tuple[Player, PerfectVlm | None, Judge | None]]:
    """Yield what plays and judges: the product's own parts, or boxes and a critic that finds everything."""
    home = Path(tempfile.mkdtemp(prefix="imagerag-follow-ups-"))
    try:
        settings = Settings(home=str(home), profile="pictograms")
        if not (chosen.reading or chosen.vlm):
            graph = build_graph()
            yield Player(graph, corpus, settings, home), None, Judge(corpus, _drawing(graph, settings))
            return
        graph = build_graph(generator=Sketches(), critic=Pleased())
        if not chosen.vlm:
            yield Player(graph, corpus, settings, home), None, None
            return
        vlm = PerfectVlm()
        with serving(vlm.answer) as server:
            settings = Settings(home=str(home), profile="pictograms", vlm=server.name)
            yield Player(graph, corpus, settings, home), vlm, None
    finally:
        shutil.rmtree(home)


def _drawing(graph: Any, settings: Settings) -> Callable[[str], str]:
    def draw(prompt: str) -> str:
        run = graph.invoke({"prompt": prompt}, {"configurable": {"thread_id": f"plain: {prompt}"}}, context=settings)
        return str(run["image"]["path"])

    return draw


def report(turns: list[Record], poisoned_threads: int, threads: int) -> list[str]:
    """Return the lines to print.

    Args:
        turns: the follow-ups, openings left out.
        poisoned_threads, threads: how many of how many.
    """
    lines = [f"{len(turns)} follow-ups in {threads} conversations"]
    for kind in ("change", "new", "back", "talk", "unclear"):
        of_kind = [turn for turn in turns if turn["kind"] == kind]
        if of_kind:
            ends = Counter(turn["ending"] for turn in of_kind)
            told = ", ".join(f"{ends[end]} {end}" for end in ("right", "wrong", "not understood"))
            lines.append(f"  {kind:8} {len(of_kind):4}: {told}")
    understood = [turn for turn in turns if turn["ending"] != "not understood"]
    lines.append(f"understood {_share(len(understood), len(turns))} (wanted >= 90%), the others with nothing changed")
    right = sum(turn["ending"] == "right" for turn in understood)
    lines.append(f"  of these right by the recorded layout {_share(right, len(understood))} (wanted >= 90%)")
    sound = [turn for turn in understood if not turn["hangs"]]
    right = sum(turn["ending"] == "right" for turn in sound)
    lines.append(f"  of those that go on from a right picture {_share(right, len(sound))} of {len(sound)}")
    for aspect, count in Counter(aspect for turn in understood for aspect in _aspects(turn)).most_common():
        lines.append(f"    wrong in {aspect}: {count}")
    stays = [turn["stayed"] for turn in understood if turn["stayed"] is not None]
    lines.append(f"  what was to stay stayed: {_share(sum(stays), len(stays))} of {len(stays)}")
    lines += _by_the_evaluator(understood)
    lines.append(f"poisoned threads {poisoned_threads} of {threads} (wanted 0)")
    generations = sum(turn["generations"] for turn in turns)
    lines.append(f"{generations} generations, {sum(turn['calls'] for turn in turns)} calls of the chat model")
    return lines


def _by_the_evaluator(turns: list[Record]) -> list[str]:
    judged = [[Answer(*answer) for answer in turn["seen"]] for turn in turns if turn["seen"]]
    if not judged:
        return []
    here = [all(one.wanted == one.seen for one in answers) for answers in judged]
    plainly = [all(one.wanted == one.seen_plainly for one in answers) for answers in judged]
    each = [one for answers in judged for one in answers]
    missed = [not one.seen for one in each if one.drawn]
    imagined = [one.seen for one in each if not one.drawn]
    return [
        f"  all things right by the evaluator {_share(sum(here), len(here))} of {len(here)} "
        f"(the same asked for by plain prompts {_share(sum(plainly), len(plainly))})",
        f"    thing by thing {_share(sum(one.wanted == one.seen for one in each), len(each))} of {len(each)} "
        f"(plainly {_share(sum(one.wanted == one.seen_plainly for one in each), len(each))})",
        f"    the evaluator's own error: misses {_share(sum(missed), len(missed))} of {len(missed)} things drawn, "
        f"sees {_share(sum(imagined), len(imagined))} of {len(imagined)} not drawn",
    ]


def _aspects(turn: Mapping[str, Any]) -> set[str]:
    return {aspect for aspect, _, _ in turn["faults"]} or ({"picture"} if turn["ending"] == "wrong" else set())


def _share(part: int, whole: int) -> str:
    return f"{part / max(whole, 1):.1%}"


def failure(name: str, turn: Mapping[str, Any]) -> str:
    """Return one line about a turn that did not go right."""
    texts = "; ".join(text for _, _, text in turn["faults"]) or turn["said"][:80]
    hangs = " (goes on from a failure)" if turn["hangs"] else ""
    return (
        f"{turn['ending']:14} {name} {turn['number']}{hangs}: {turn['say']!r} wanted {turn['wanted']!r}, "
        f"got {turn['got']!r}: {texts}"
    )


def main() -> None:
    """Play one half and print the figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--half", choices=COLLECTIONS, default="test")
    options.add_argument("--reading", action="store_true", help="draw boxes: only how the requests are read")
    options.add_argument("--vlm", action="store_true", help="a chat model that knows what is right reads them")
    options.add_argument("--limit", type=int, default=1000, help="conversations")
    options.add_argument("--show-failures", action="store_true", help="a line for each turn that did not go right")
    options.add_argument("--results", type=Path, help="keep each conversation's outcome there, and play none twice")
    chosen = options.parse_args()
    corpus = read_corpus(chosen.half)
    follow_ups: list[Record] = []
    openings = bad = threads = 0
    with playing(chosen, corpus) as (player, vlm, judge):
        outcomes = play_all(corpus.conversations[: chosen.limit], player, vlm, judge, chosen.results)
        for name, is_poisoned, records in outcomes:
            threads, bad = threads + 1, bad + is_poisoned
            follow_ups += records[1:]
            openings += records[0]["ending"] == "right"
            if chosen.show_failures:
                for turn in records:
                    if turn["ending"] != "right":
                        print(failure(name, turn), flush=True)
    print(f"half {chosen.half}; first turns right: {openings} of {threads}")
    print("\n".join(report(follow_ups, bad, threads)))


if __name__ == "__main__":
    main()
