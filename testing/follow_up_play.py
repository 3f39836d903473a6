"""Plays a conversation of the corpus through ``graph.invoke`` with one thread, and says how each turn went."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from PIL import Image

from imagerag.assets.library import bundled_library
from imagerag.errors import UserError
from imagerag.settings import Settings
from imagerag.store.manifest import read_manifest
from testing.follow_up_checks import DrawnScene, Fault, faults, is_called, may_be_shown
from testing.follow_up_corpus import Conversation, Corpus, Turn

Ending = Literal["right", "wrong", "not understood"]
"""``not understood``: nothing was drawn although something was to be; the picture stays as it was."""


class Picture(NamedTuple):
    """A picture that the person has been shown: its id in the thread, file, pixels (a digest) and recorded scene."""

    id: str
    path: str
    pixels: str
    scene: DrawnScene


@dataclass(frozen=True)
class Played:
    """How one turn went.

    Attributes:
        ending: in all.
        faults: what was wrong, if anything.
        shown: the picture as it stands after the turn; ``None`` while there is none.
        generations: drawn in this turn.
        seconds: of the turn.
        foreign, lost: names that are in the picture unasked, and names that should have stayed and are not there.
        said: the last message, or the error.
    """

    turn: Turn
    number: int
    ending: Ending
    faults: tuple[Fault, ...] = ()
    shown: Picture | None = None
    generations: int = 0
    seconds: float = 0.0
    foreign: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    said: str = ""

    @property
    def stayed(self) -> bool:
        """Whether all that was to stay is as it was."""
        return not any(fault.name in self.turn.stays for fault in self.faults)


@dataclass
class Player:
    """Plays conversations.

    Attributes:
        graph: of ``build_graph``.
        corpus: that the conversations are of.
        settings: of every turn.
        uploads: a folder for the pictures that the person brings.
        before_turn: told each turn, and the id of the picture that it goes on from, before it is played.
    """

    graph: Any
    corpus: Corpus
    settings: Settings
    uploads: Path
    before_turn: Callable[[Turn, str | None], None] = lambda turn, image_id: None
    _shown: dict[int, Picture] = field(default_factory=dict)
    _pixels: set[str] = field(default_factory=set)

    def shown(self, number: int) -> Picture | None:
        """Return the picture as it stood after a turn of the conversation that is played; ``None`` without one."""
        return self._shown.get(number)

    def play(self, conversation: Conversation) -> list[Played]:
        """Play all turns, one after the other, whatever comes of each."""
        self._shown, self._pixels = {}, set()
        config: Any = {"configurable": {"thread_id": f"follow-ups: {conversation.name}"}}
        played: list[Played] = []
        upload: tuple[str, str] | None = None
        for number, turn in enumerate(conversation.turns, 1):
            upload = turn.upload or upload
            one = self._turn(turn, number, upload, config)
            if one.shown is not None:
                self._shown[number] = one.shown
            played.append(one)
        return played

    def _turn(self, turn: Turn, number: int, upload: tuple[str, str] | None, config: Any) -> Played:
        current = self._shown.get(number - 1)
        before = self._shown.get(turn.goes_on_from)
        self.before_turn(turn, before.id if before else None)
        request: dict[str, Any] = {"prompt": turn.say}
        if turn.upload:
            request["subjects"] = [str(self._upload(turn.upload[0]))]
        try:
            run = self.graph.invoke(request, config, context=self.settings)
        except UserError as error:
            return Played(turn, number, self._without_drawing(turn, current, current), (), current, said=str(error))
        said = str(run["messages"][-1].content) if run.get("messages") else ""
        image, drawn = run["image"], run["images"]
        shown = _picture(image) if image else current
        if not drawn:
            ending = self._without_drawing(turn, shown, current)
            return Played(turn, number, ending, (), shown, seconds=run["seconds"], said=said)
        found: list[Fault] = []
        if not turn.draws:
            found.append(Fault("picture", "", "drew something where nothing was to be drawn"))
        if shown is not None:
            known = turn if turn.upload or upload is None else _with_upload(turn, upload)
            found += faults(known, shown.scene, before.scene if before else None, self.corpus)
            foreign, lost = self._astray(known, shown.scene)
        else:
            found.append(Fault("things", "", f"no picture: {run['stop_reason']}"))
            foreign, lost = frozenset(), frozenset()
        found += self._pictures(turn, run)
        self._pixels.update(_pixels(one["path"]) for one in drawn)
        if turn.goes_back and shown is not None and before is not None and shown.pixels == before.pixels:
            found = []
        ending = "wrong" if found else "right"
        return Played(turn, number, ending, tuple(found), shown, len(drawn), run["seconds"], foreign, lost, said)

    def _without_drawing(self, turn: Turn, shown: Picture | None, current: Picture | None) -> Ending:
        """Tell how a turn ended that drew nothing."""
        if turn.goes_back:
            meant = self._shown.get(turn.goes_on_from)
            same = meant is not None and shown is not None and shown.pixels == meant.pixels
            return "right" if same else "not understood"
        stays = (shown.pixels if shown else "") == (current.pixels if current else "")
        if not stays:
            return "wrong"
        return "right" if not turn.draws or turn.may_ask else "not understood"

    def _astray(self, turn: Turn, scene: DrawnScene) -> tuple[frozenset[str], frozenset[str]]:
        wanted = [thing.name for choice in turn.wanted for thing in choice.things]
        foreign = {
            one.phrase
            for one in scene.instances
            if not any(is_called(one, name, self.corpus, turn) for name in wanted) and not may_be_shown(one, turn)
        }
        lost = {
            name for name in turn.stays if not any(is_called(one, name, self.corpus, turn) for one in scene.instances)
        }
        return frozenset(foreign), frozenset(lost)

    def _pictures(self, turn: Turn, run: Mapping[str, Any]) -> list[Fault]:
        """Return what is wrong with which pictures were drawn, and from which."""
        found: list[Fault] = []
        drawn = run["images"]
        digests = [_pixels(one["path"]) for one in drawn]
        if turn.fresh and self._pixels & set(digests):
            found.append(Fault("picture", "", "the same pixels as before"))
        if len(set(digests)) < turn.pictures:
            found.append(Fault("picture", "", f"{len(set(digests))} different pictures, not {turn.pictures}"))
        earlier = {picture.id for picture in self._shown.values()}
        parent = drawn[0]["parent"]
        meant = self._shown.get(turn.goes_on_from)
        if parent in earlier and parent != (meant.id if meant else None):
            found.append(Fault("picture", "", f"goes on from {parent}"))
        return found

    def _upload(self, concept: str) -> Path:
        """Return a file that shows the concept."""
        library = bundled_library()
        file = self.uploads / f"{concept.replace(' ', '-')}.png"
        if not file.exists():
            picture = library.image(library.by_concept[concept][0])
            page = Image.new("RGB", picture.size, "white")
            page.paste(picture, mask=picture.getchannel("A"))
            page.save(file)
        return file


def poisoned(played: list[Played]) -> bool:
    """Tell whether something that nobody asked for, or that should not have gone, is so in a later picture again."""
    drawn = [one for one in played if one.generations]
    return any(
        one.foreign & later.foreign or one.lost & later.lost
        for place, one in enumerate(drawn)
        for later in drawn[place + 1 :]
    )


def hangs_on_failure(one: Played, played: list[Played]) -> bool:
    """Tell whether a turn goes on from one that did not go right, so that it could hardly go right itself."""
    by_number = {other.number: other for other in played}
    at = one.turn.goes_on_from
    while at:
        if by_number[at].ending != "right":
            return True
        at = by_number[at].turn.goes_on_from
    return False


def _with_upload(turn: Turn, upload: tuple[str, str]) -> Turn:
    return replace(turn, upload=upload)


def _picture(image: Mapping[str, Any]) -> Picture:
    facts = read_manifest(image["path"]).facts
    return Picture(image["id"], image["path"], _pixels(image["path"]), DrawnScene.of(image["prompt"], facts))


def _pixels(path: str) -> str:
    with Image.open(path) as image:
        return hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()
