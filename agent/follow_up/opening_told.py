"""A first request that names what is wanted without a wish: lists, headings, looks told apart, and stories."""

import re
from collections.abc import Collection, Sequence

from imagerag.agent.follow_up.opening_items import Item
from imagerag.agent.follow_up.opening_names import is_side
from imagerag.agent.follow_up.opening_parts import NOT_BEHIND, THEY, Parts, speaks_of_looks
from imagerag.agent.follow_up.opening_scene import OpeningScene
from imagerag.agent.follow_up.opening_wording import (
    SCENE_OF,
    TALKERS,
    clauses_in,
    exclaimed_in,
    headings_of,
    is_remark,
    is_shares,
    opening_tables,
    split_at,
    without_leads,
)
from imagerag.agent.follow_up.phrases import joined
from imagerag.prompt_grammar.vocabulary import ARTICLES, number_of

MOST_HEADING = 3
"""Words of the longest heading that names what is named again behind it."""
_HEADING = re.compile(r"(?:[a-z' -]+)")
_OWNED = frozenset(["my", "our", "your", "the", "his", "her", "their", "this", "that"])


def _side_of(words: Sequence[str]) -> str:
    inner = [word for word in words if word not in ("on", "the", "to", "at", "side")]
    return inner[0] if len(inner) == 1 and is_side(inner[0]) else ""


class Told(Parts):
    """Reads sentences of which none wishes for anything."""

    def told(self, sentences: Sequence[Sequence[str]], words: Sequence[str]) -> bool:
        """Read the sentences of which none wishes; tell whether something could be made of them."""
        body = list(words)
        while ":" in body and _HEADING.fullmatch(" ".join(body[: body.index(":")])):
            body = body[body.index(":") + 1 :]
        if speaks_of_looks(joined(body), self._vocabulary):
            return False
        exclaimed = exclaimed_in(words)
        talks = bool(set(words) & opening_tables().talk - {"my"})
        ways = ((False, False), (True, False), (False, True)) if talks else ((False, False), (True, False))
        return any(self._attempt(sentences, exclaimed, guesses, spans) for guesses, spans in ways)

    def _attempt(
        self, sentences: Sequence[Sequence[str]], exclaimed: Collection[int], guesses: bool, spans: bool
    ) -> bool:
        """Read all sentences; tell whether all that names a thing was read, or was surely a remark.

        Args:
            sentences: without the marks between them.
            exclaimed: which of them end with "!".
            guesses: whether words that nobody knows may be things.
            spans: whether things may be taken out of a sentence that isn't read as a whole.
        """
        self.scene, self.remarks, self._further = OpeningScene(), [], []
        self._is_strict, self._is_alone = True, len(sentences) == 1
        pieces: list[tuple[list[str], bool, bool, bool]] = []
        for number, sentence in enumerate(sentences):
            cried = number in exclaimed and number + 1 < len(sentences)
            for part, heading in headings_of(sentence):
                pieces.append((part, heading, cried or (number == 0 and len(sentences) > 1), cried))
        unread: list[list[str]] = []
        side = ""
        for at, (piece, heading, opens, cried) in enumerate(pieces):
            later = [one for one, *_ in pieces[at + 1 :]]
            piece = self._without_setting(self._trimmed(without_leads(piece), purpose=not heading))
            piece = self._without_noise(
                SCENE_OF.sub("", " ".join(piece), count=1).split() if SCENE_OF.match(" ".join(piece)) else piece
            )
            if later and len(piece) > 1 and self._is_headline(piece) and not self._vocabulary.name(piece):
                unread.append(piece)
                continue
            if opens and len(piece) > 1 and self._names_thing(piece) and self._again(piece, later):
                unread.append(piece)
                continue
            if not piece or self._is_nothing(piece) or self._is_gone(piece):
                continue
            if piece[0].split("'")[0] in THEY and self.scene.things and not heading:
                self._further.append(piece)
                continue
            if {"not", "no", "without", "never", "neither", "nor"} & set(piece) and not is_remark(piece):
                return False
            if heading and (side := _side_of(piece)):
                continue
            before, remarks = self.scene.copy(), list(self.remarks)
            shares = heading and any(is_shares(one) for one in later[:1])
            first = piece[: piece.index(",")] if "," in piece else piece
            wishing = [part for part in split_at(piece, {","}) if part == first or set(part) & opening_tables().asks]
            speaks = {word.split("'")[0] for part in wishing for word in part} & {*TALKERS, "me", "us"}
            owned = piece[0] in ("my", "our", "your") and {"is", "was", "are", "goes", "has", "had"} & set(first)
            read = not (speaks or owned) and self._read_all(piece, guesses=(guesses and not cried) or shares)
            if read and heading and not self._goes_on_from(before, later):
                self.scene, self.remarks, read = before, [*remarks, joined(piece)], True
            elif read and side:
                self.scene.sides[len(self.scene.things) - 1] = side
            side = ""
            if read:
                continue
            known = self._names_thing(piece)
            bare = not (set(piece) & (ARTICLES | {",", "and", "with"}) or any(map(number_of, piece)))
            known = known and not (cried and bare)
            named = self._is_headline(piece) or (cried and not known) or (opens and self._again(piece, later))
            if heading or named or is_remark(piece) or self._is_noise(piece):
                unread.append(piece)
                continue
            if spans:
                unread.append(piece)
                continue
            return False
        if not self.scene.things:
            return spans and self._ranked(unread)
        self.remarks += [joined(piece) for piece in unread]
        return bool(self.scene.things)

    def _without_setting(self, piece: Sequence[str]) -> list[str]:
        """Leave out in what place it is at the beginning: "in jungle, three monkeys"."""
        text = " ".join(piece)
        found = re.match(
            r"(?:deep |far |high |down )?(?:in|at) (?:the |a |an |our |my )?(?P<place>[a-z]+)"
            r"(?: ,| (?:live|lives|lived|there (?:is|are|was|were)|sits?|stands?|is|are)) ",
            text,
        )
        alone = re.fullmatch(r"(?:deep|far|high|down) in (?:the |a )?[a-z]+", text)
        if alone or (found and self._vocabulary.name([found["place"]]) not in self._vocabulary.names):
            cut = len(text) if alone or not found else found.end()
            self.remarks.append(text[:cut].strip(" ,"))
            return text[cut:].split()
        return list(piece)

    def _without_noise(self, piece: Sequence[str]) -> list[str]:
        """Leave out a sound at the beginning: "huhuuu a ghost"."""
        left = list(piece)
        while len(left) > 1 and re.search(r"([a-z])\1\1", left[0]) and not self._names_thing(left[:1]):
            self.remarks.append(left[0])
            left = left[1:]
        return left

    def _is_gone(self, piece: Sequence[str]) -> bool:
        """Take out what is not to be there: "no globe"."""
        if piece[0] not in ("no", "without", "minus") or (at := self.scene.find(" ".join(piece[1:]))) is None:
            return False
        self.scene.drop(at)
        return True

    def _is_headline(self, piece: Sequence[str]) -> bool:
        return piece[-1] in opening_tables().headings

    def _again(self, piece: Sequence[str], later: Sequence[Sequence[str]]) -> bool:
        """Tell whether the things that a heading names are named again: "Frog prince. green frog"."""
        behind = {word for one in later for word in one}
        return len(piece) <= MOST_HEADING and any(self._vocabulary.name([word]) and word in behind for word in piece)

    def _goes_on_from(self, before: OpeningScene, later: Sequence[Sequence[str]]) -> bool:
        """Tell whether what follows speaks of the things of a heading: "ring, bouquet: ring left"."""
        mine = set(range(len(before.things), len(self.scene.things)))
        if not mine:
            return True
        for following in later:
            item = Item(self.scene.copy(), following, self._vocabulary, guesses=True)
            if item.read() and (mine & set(item.told) or (not item.told and item.done)):
                return True
            if set(item.scene.sides) - set(self.scene.sides) and not item.scene.relations:
                return len(item.scene.sides) == 1 or (len(mine) == 1 and item.scene.sides.get(item.told[0]) != "middle")
        return False

    def _is_nothing(self, piece: Sequence[str]) -> bool:
        text = " ".join(piece)
        if self.scene.things and opening_tables().row.fullmatch(text):
            self.scene.in_a_row()
            return True
        return opening_tables().nothing.fullmatch(text) is not None

    def _ranked(self, sentences: Sequence[Sequence[str]]) -> bool:
        """Take the things of the clause that most likely wishes for them; tell whether any can be told."""
        found: list[tuple[float, OpeningScene, list[str]]] = []
        clauses = [(number, clause) for number, sentence in enumerate(sentences) for clause in clauses_in(sentence)]
        for number, clause in clauses:
            asked = bool(opening_tables().asks & set(clause)) or any(word.endswith("'d") for word in clause)
            for at in range(len(clause)):
                counted = clause[at] in ("a", "an") or bool(number_of(clause[at]))
                item = Item(OpeningScene(), list(clause[at:]), self._vocabulary, guesses=asked and counted)
                if not item.read() or not item.new:
                    continue
                before = clause[at - 1] if at else ""
                first = clause[at]
                score = 2.0 * asked + 0.5 * number - 0.02 * at
                score += 1.0 if first in ("a", "an") or number_of(first) else 0.0
                score -= 1.0 if first in _OWNED else 0.0
                objects = asked and before in ("for", "to", "of", "like")
                score -= 1.5 if before in _OWNED or (before in NOT_BEHIND and not objects) else 0.0
                score -= 0.5 if not at and len(clause) > item.at and not asked else 0.0
                found.append((score, item.scene, list(clause)))
        if not found:
            return False
        _, scene, clause = max(found, key=lambda one: one[0])
        self.scene.take(scene)
        self.remarks.append(" . ".join(joined(sentence) for sentence in sentences))
        return True
