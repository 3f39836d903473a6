"""Follow-ups of the collections with the pictures that they are said of, and which changes of these are right."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.proposals import Change
from imagerag.agent.follow_up.ranking import made
from imagerag.agent.follow_up.reading import FollowUps, standing_of
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
from testing.follow_up_corpus import (
    PREPOSITIONS,
    Collection,
    Corpus,
    Place,
    Turn,
    Wanted,
    library_names,
    phrase_of,
    read_corpus,
)
from testing.follow_up_play import Ending, Player
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
        base: id of the image that it goes on from; ``None`` for a new picture.
        stood: how things were to stand in the picture that it goes on from.
    """

    collection: Collection
    conversation: str
    number: int
    turn: Turn
    request: str
    history: tuple[PastImage, ...]
    before: DrawnScene | None
    called: Mapping[str, tuple[str, ...]]
    base: str | None
    stood: tuple[Place, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether a changed picture is to be drawn of it."""
        return self.turn.kind == "change" and self.turn.draws

    def is_right(self, prompt: str, *, strictly: bool = True) -> bool:
        """Tell whether the picture of a prompt is what was wanted, by its layout.

        Args:
            prompt: of the picture.
            strictly: whether what stood somewhere has to stand there still; the prompt of the picture before need not
                say so, if its layout has it by chance.
        """
        turn = self.turn
        if not strictly:
            left = tuple(
                replace(one, places=tuple(place for place in one.places if place not in self.stood))
                for one in turn.wanted
            )
            turn = replace(turn, wanted=left)
        return not faults(turn, scene_drawn(prompt), self.before, Corpus((), self.called))

    def ending(self, brief: Brief | None) -> Ending:
        """Tell how the turn ends that is read so; ``None``: it is refused."""
        if self.turn.goes_back:
            back = brief is not None and bool(brief.answer) and not brief.declined and brief.base == self.base
            again = brief is not None and not brief.answer and self.is_right(brief.prompt)
            return "right" if back or again else "not understood" if brief is None or brief.answer else "wrong"
        if brief is None or brief.answer:
            return "right" if not self.turn.draws or self.turn.may_ask else "not understood"
        goes_on = brief.base == self.base or (self.turn.kind == "new" and brief.base is None)
        return "right" if self.turn.draws and goes_on and self.is_right(brief.prompt) else "wrong"


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


def prompt_of(turn: Turn, called: Mapping[str, tuple[str, ...]]) -> str:
    """Return a prompt that draws what a turn asks for: the plain one, or one put together thing by thing."""
    plain = turn.wanted[0].plain
    found = [plain] if turn.upload else list(_prompts(turn))
    alone = replace(turn, stays=(), absent=(), zoom="")
    right = (one for one in found if not faults(alone, scene_drawn(one), None, Corpus((), called)))
    return next(right, plain)


def _prompts(turn: Turn) -> Iterator[str]:
    wanted = turn.wanted[0]
    told = [word for choice in turn.says for word in choice.split("|")[:2]]
    for prompt in (wanted.plain, _put_together(wanted)):
        if prompt is not None:
            yield prompt
            yield from (f"{prompt} at {word}" for word in told)
            yield from (f"{prompt}, {word}" for word in told)


def _put_together(wanted: Wanted) -> str | None:
    """Return the prompt that changes of the picture's first thing give, or ``None`` where one of them can't be made."""
    left = {thing.name: thing for thing in wanted.things}
    if len(left) < len(wanted.things):
        return None
    said = {name: phrase_of(thing) for name, thing in left.items()}
    first = next(iter(left))
    del left[first]
    orders = list[str]()
    while left:
        for place in wanted.places:
            subject, kind, anchor = place
            if subject in left and anchor not in left:
                how = PREPOSITIONS.get(kind, kind)
                orders.append(f"put {said[subject]} {how} the {anchor}")
                del left[subject]
                break
            if anchor in left and subject not in left:
                orders.append(f"put the {subject} {PREPOSITIONS.get(kind, kind)} {said[anchor]}")
                del left[anchor]
                break
        else:
            name = next(iter(left))
            orders.append(f"add {said[name]}")
            del left[name]
    if wanted.background:
        orders.append(f"make the background {wanted.background}")
    edit = Edit.of(said[first], library_names(), library_names() | frozenset(common_names()))
    prompt = made(edit, tuple(Change("add", tuple(order.split())) for order in orders))
    return f"{prompt}, {wanted.style}" if prompt and wanted.style else prompt


class _Knowing(RuleWriter):
    """A writer that is told what each turn asks for, and keeps what it was asked.

    Attributes:
        turn, image_id: the turn that is played, and the picture that it goes on from.
        called: names of the collection that no library has.
        asked: of the turn that is played, each request and the images of the thread then.
    """

    def __init__(self, reader: FollowUps) -> None:
        super().__init__(library_names)
        self._by_rule = reader
        self.turn: Turn | None = None
        self.image_id: str | None = None
        self.called: Mapping[str, tuple[str, ...]] = {}
        self.asked: list[tuple[str, tuple[PastImage, ...]]] = []

    def brief(self, request: str, history: Sequence[PastImage]) -> Brief:
        """See ``Writer``."""
        turn = self.turn
        assert turn is not None, "set .turn first"
        self.asked.append((request, tuple(history)))
        special = turn.upload or turn.pictures > 1 or turn.fresh
        if special:
            return self._by_rule.brief(request, history)
        standing = standing_of(history)
        if turn.draws:
            return Brief(prompt_of(turn, self.called), self.image_id)
        if turn.goes_back:
            image = next(one for one in history if one.id == self.image_id)
            step = -1 if standing is not None and standing.before == image.id else 0
            return Brief(image.prompt, image.id, answer="back", step=step)
        stays = standing or history[-1]
        return Brief(stays.prompt, stays.id, answer="so it is", declined=turn.kind == "unclear")


def examples_of(collection: Collection) -> list[Example]:
    """Return the follow-ups of a collection, each said of a picture that is as it should be.

    Left out are those behind a picture that even one plain prompt does not give.
    """
    corpus, found = read_corpus(collection), list[Example]()
    writer = _Knowing(follow_ups_by_rule())
    writer.called = corpus.called
    with tempfile.TemporaryDirectory(prefix="imagerag-examples-") as folder:
        graph = build_graph(generator=Sketches(), critic=Pleased(), writer=writer)
        player = Player(graph, corpus, Settings(home=folder, profile="pictograms"), Path(folder))
        for conversation in corpus.conversations:
            begun: list[tuple[Turn, str | None, DrawnScene | None, list[tuple[str, tuple[PastImage, ...]]]]] = []

            def told(turn: Turn, image_id: str | None, begun: list[Any] = begun) -> None:
                writer.turn, writer.image_id, writer.asked = turn, image_id, []
                shown = player.shown(turn.goes_on_from)
                begun.append((turn, image_id, shown.scene if shown else None, writer.asked))

            player.before_turn = told
            played = player.play(conversation)
            sound = {0: True}
            for one, (turn, image_id, before, asked) in zip(played, begun, strict=True):
                sound[one.number] = one.ending == "right"
                if one.number == 1 or not asked or not sound[turn.goes_on_from]:
                    continue
                request, history = asked[-1]
                place = (collection, conversation.name, one.number)
                at = turn.goes_on_from
                stood = conversation.turns[at - 1].wanted[0].places if at else ()
                found.append(Example(*place, turn, request, history, before, corpus.called, image_id, stood))
    return found
