"""One part of a first request read as things, how they stand, or looks of things that were named before."""

import re

from imagerag.agent.follow_up.opening_looks import Looks
from imagerag.agent.follow_up.opening_names import POSTURES, PRONOUNS
from imagerag.agent.follow_up.phrases import phrases
from imagerag.prompt_grammar.vocabulary import ARTICLES, CONNECTORS, RELATION_WORDS

_BEARS = frozenset(["head", "back", "top", "lap", "shoulder", "shoulders", "hand", "hands", "face", "neck", "side"])
"""What a thing has on which another one is: "on its head"."""


class Item(Looks):
    """A part of a request that is read into a scene: a chain of things, or looks of things told of before."""

    def read(self) -> bool:
        """Read as much as is a chain of things; return whether anything was."""
        begun = self.at
        if self._look_of_all() or self._shares() or self._look_alone():
            return True
        if not self._subject():
            self.at = begun
            return False
        while not self.done:
            before = self.at
            placed = self._here()[0] not in (",", "and", "plus", "&") and self._property()
            if placed or self._joined() or self._property():
                continue
            self.at = before
            break
        return True

    def _subject(self) -> bool:
        """Read what the part is about: a thing, or how a new one stands to the one that was told of before."""
        relation = self._relation() if self.scene.things else ""
        if relation and (subject := self._main()) is not None:
            if self._here() == [","]:
                self.at += 1
            thing = self._thing()  # "and behind it three cars" comes with the pronoun
            if thing is None and self._pronoun() and (new := self._thing()) is not None:
                self.scene.relate(new, relation, subject)
                return True
            if thing is not None:
                self.scene.relate(subject, relation, thing)
                return True
            return False
        return self._thing() is not None

    def _main(self) -> int | None:
        """Return the thing of which "it" is said: the first of the part, or else the first of all."""
        return 0 if self.scene.things else None

    def _relation(self) -> str:
        """Read what connects two things and return it in the words of ``describe``; nothing where nothing does."""
        for length in range(min(6, len(self.words) - self.at), 0, -1):
            words = self._here(length)
            text = " ".join(words)
            relation = dict(phrases().relations).get(tuple(words))
            joint = CONNECTORS.get(text)
            if relation is None and joint is None and text not in ("left", "right"):
                continue
            if text in ("left", "right") or text in ("and", ",", "plus", "&", "+"):
                continue
            self.at += length
            if text in ("holding", "carrying", "wearing", "with", "dressed in", "in", "riding"):
                return "wearing" if text == "dressed in" else text
            kind = relation or joint
            assert kind is not None
            return kind if kind == "in" or kind == "and" else RELATION_WORDS.get(kind, kind)
        return ""

    def _pronoun(self) -> bool:
        """Read "it", "its head", "the tree's", which stand for the thing that was told of before."""
        words = self._here(2)
        if words[:1] and words[0] in PRONOUNS:
            self.at += 2 if len(words) > 1 and words[1] in _BEARS and words[0] in ("its", "his", "her", "their") else 1
            return True
        return False

    def _joined(self) -> bool:
        """Read what is joined to the things before: "with a bus to the left of it", "and two cookies at its left"."""
        begun = self.at
        while self._here() and self._here()[0] in (",", "and", "plus", "&", "+", "an"):
            self.at += 1
        subjects, anchors = list(self.told), list(self.new)
        if self.at > begun:
            begun_rest = self.at
            stood = self._here() and self._here()[0] in POSTURES
            self.at += 1 if stood else 0
            relation = self._relation()
            if relation == "with" or not relation:
                thing = self._thing()
                if thing is None:
                    self.at = begun
                    return False
                if relation and subjects:
                    self.scene.relate(subjects[0], relation, thing)
                return True
            if self._pronoun() and subjects:
                main = self._anchor_of(subjects[-1])
                if (new := self._thing()) is not None:  # "and behind it three cars"
                    self.scene.relate(new, relation, subjects[0])
                    return True
                if main is not None:  # "bee, small, right above it"
                    self.scene.relate(subjects[-1], relation, main)
                    return True
            if stood and subjects and (new := self._thing()) is not None:  # "dinosaur, standing left of a nest"
                self.scene.relate(subjects[-1], relation, new)
                return True
            self.at = begun_rest
            if self._side_phrase() is not None:
                self.at = begun
                return self._property()
            self.at = begun
            return False
        if self.listing and self._thing() is not None:
            return True
        if self._here() and self._here()[0] in POSTURES and len(self.words) > self.at + 1:
            self.at += 1
        verb = self._here(2)
        if len(verb) == 2 and re.fullmatch(r"[a-z]{2,}s", verb[0]) and verb[1] in ARTICLES and not self._known_here():
            self.at += 1  # "a bear finds a honey pot"
            if self._thing() is not None:
                return True
            self.at = begun
        relation = self._relation()
        if not relation or not subjects:
            self.at = begun
            return False
        if self._pronoun():
            main = self._anchor_of(subjects[-1])
            if main is None:
                return False
            self.scene.relate(subjects[-1], relation, main)
            return True
        owner = self._here()[:1]
        thing = self._thing()
        place = relation in ("in", "inside", "next to") and owner in (["our"], ["my"])
        if thing is not None and place and self.scene.things[thing].name not in self.vocabulary.names:
            self.scene.drop(self.told.pop())
            self.new.pop()
            thing = None
        if thing is None:
            self.at = begun
            return False
        fresh = thing in self.new and thing not in anchors
        self.scene.relate(subjects[0] if fresh and len(set(subjects)) == 1 else subjects[-1], relation, thing)
        return True
