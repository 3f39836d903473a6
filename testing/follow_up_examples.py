"""Follow-ups of the collections with the pictures that they are said of, and which changes of these are right."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from imagerag.agent.follow_up.reading import FollowUps
from imagerag.agent.protocols import Brief, PastImage
from imagerag.agent.rule_writer import RuleWriter
from imagerag.assets.library import bundled_library
from imagerag.generators.layout import arrange
from imagerag.graphs.agent_graph import build_graph
from imagerag.index.captions import common_names
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import STYLES
from imagerag.settings import Settings
from testing.follow_up_checks import DrawnScene, Instance, faults
from testing.follow_up_corpus import Collection, Corpus, Turn, library_names, read_corpus
from testing.follow_up_play import Player
from testing.sketches import SIDE, Pleased, Sketches


@dataclass(frozen=True)
class Example:
    """One follow-up, said of a picture that is as it should be.

    Attributes:
        collection, conversation, number: where it is from; turns count from 1.
        turn: with what has to come of it.
        request: as typed.
        history: the images of the thread.
        before: the picture that it goes on from.
        called: the collection's names that no library has.
    """

    collection: Collection
    conversation: str
    number: int
    turn: Turn
    request: str
    history: tuple[PastImage, ...]
    before: DrawnScene | None
    called: Mapping[str, tuple[str, ...]]

    @property
    def is_change(self) -> bool:
        """Whether a changed picture is to be drawn of it."""
        return self.turn.kind == "change" and self.turn.draws

    def is_right(self, prompt: str) -> bool:
        """Tell whether the picture of a prompt is what was wanted, by its layout."""
        return not faults(self.turn, scene_drawn(prompt), self.before, Corpus((), self.called))


def scene_drawn(prompt: str) -> DrawnScene:
    """Return what ``Sketches`` would record of a prompt's picture."""
    scene = parse_scene(prompt, library_names())
    instances = []
    for place in sorted(arrange(scene), key=lambda place: place.index):
        thing = scene.objects[place.index]
        left, top, side = round(place.x * SIDE), round(place.y * SIDE), max(8, round(place.side * SIDE))
        box = (left, top, left + side, top + side)
        instances.append(Instance(thing.phrase, thing.colour, thing.size, box, place.depth))
    styles = tuple(style for style in scene.styles if style in STYLES)
    return DrawnScene(prompt, tuple(instances), scene.background or "white", styles)


def follow_ups_by_rule() -> FollowUps:
    """Return the product's reader of follow-ups, without fitted weights."""
    names = frozenset(concept.name for concept in bundled_library().concepts)
    return FollowUps(names, common_names, weights=None)


class _Asked(RuleWriter):
    """A writer that reads by rules alone, and keeps what it was asked."""

    def __init__(self, reader: FollowUps) -> None:
        super().__init__(library_names)
        self.reader = reader
        self.requests: list[tuple[str, tuple[PastImage, ...]]] = []

    def brief(self, request: str, history: Sequence[PastImage]) -> Brief:
        """See ``Writer``."""
        self.requests.append((request, tuple(history)))
        return self.reader.brief(request, history)


def _note(
    writer: _Asked, player: Player, starts: list[tuple[int, DrawnScene | None]], turn: Turn, image_id: str | None
) -> None:
    shown = player.shown(turn.goes_on_from)
    starts.append((len(writer.requests), shown.scene if shown else None))


def examples_of(collection: Collection) -> list[Example]:
    """Play a collection by rules, and return its follow-ups, but for those that go wrong behind one that has.

    Of the first turn that is not read right, the picture that stands is still what was wanted; behind it that is so
    only of turns that end right.
    """
    corpus, found = read_corpus(collection), list[Example]()
    writer = _Asked(follow_ups_by_rule())
    with tempfile.TemporaryDirectory(prefix="imagerag-examples-") as folder:
        graph = build_graph(generator=Sketches(), critic=Pleased(), writer=writer)
        player = Player(graph, corpus, Settings(home=folder, profile="pictograms"), Path(folder))
        for conversation in corpus.conversations:
            starts: list[tuple[int, DrawnScene | None]] = []
            player.before_turn = partial(_note, writer, player, starts)
            played = player.play(conversation)
            ends = [start for start, _ in starts[1:]] + [len(writer.requests)]
            sound = True
            for one, (start, before), end in zip(played, starts, ends, strict=True):
                if one.number > 1 and end > start and (sound or one.ending == "right"):
                    request, history = writer.requests[end - 1]
                    found.append(
                        Example(
                            collection, conversation.name, one.number, one.turn, request, history, before, corpus.called
                        )
                    )
                sound = sound and one.ending == "right"
    return found
