"""Looks and places of things in a first request that are told apart from their names."""

import re
from dataclasses import replace

from imagerag.agent.follow_up.opening_names import COPULAS, SIDE, Names
from imagerag.agent.follow_up.opening_scene import STANDS
from imagerag.prompt_grammar.vocabulary import CONNECTORS, SIZES, colour_of, number_of

_BEFORE_SIDE = frozenset(
    ["on", "at", "to", "in", "the", "its", "their", "far", "furthest", "further", "from", "side", "hand", "up"]
)
_ALONE = {"inside": "inside", "in front": "in front of", "behind": "behind", "on top": "on", "beside": "next to",
          "next to": "next to", "underneath": "under"}  # fmt: skip
"""What says how a thing stands to the one that was told of before it."""
_ALL = frozenset(["all", "both", "everything", "each"])


class Looks(Names):
    """Reads looks and places of things that were named."""

    def _anchor_of(self, subject: int) -> int | None:
        """Return to what "it" points that is said of a thing: the one with which it came, or the first of all."""
        others = [at for at in self.told if at != subject]
        return others[0] if others else (0 if subject != 0 and self.scene.things else None)

    def _property(self) -> bool:
        """Read a look or a place of the thing that was named last: "in gold", "(blue)", "on the left", "inside"."""
        begun = self.at
        if not self.told:
            return False
        last = self.told[-1]
        if self._here() == ["("] and ")" in self.words[self.at :]:
            end = list(self.words).index(")", self.at)
            inner = type(self)(self.scene, self.words[self.at + 1 : end], self.vocabulary)
            self.scene.latest = last
            if inner._shares():  # "two cats (one black, one white)"
                self.at = end + 1
                return True
        while self._here() and self._here()[0] in COPULAS | {"(", ")", ","}:
            self.at += 1
        words = self._here(2)
        if words and number_of(words[0]) and self._here(2)[1:] in ([")"], []):
            self.at = begun
            return False
        if (size := self._compared(last)) is not None:
            return size
        if words and words[0] in SIZES and self._ends(1):
            self.scene.things[last] = replace(self.scene.things[last], size=SIZES[words[0]])
            self.at += 1
            return self._closed()
        for length in (2, 1):
            colour = " ".join(words[:length])
            if len(words) >= length and colour_of(colour):
                self.scene.recolour(last, colour)
                self.at += length
                return self._closed()
        self.at = begun
        if self._here() == [","]:
            self.at += 1
        while self._here() and self._here()[0].endswith("ing") and self._here()[0] not in CONNECTORS:
            self.at += 1
        side = self._side_phrase()
        if side is None:
            self.at = begun
            return False
        where, of = side
        if of == "it":
            main = self._anchor_of(last)
            if main is None:
                self.at = begun
                return False
            self.scene.relate(last, where, main)
        elif of:
            self.scene.relate(last, where, int(of))
        else:
            self.scene.sides[last] = where
        return self._closed()

    def _compared(self, last: int) -> bool | None:
        """Read "twice the animal's size", said of a thing; ``None`` where nothing of the kind stands here."""
        text = " ".join(self.words[self.at :])
        if re.fullmatch(r"(?:twice|double|three times) (?:the|its|his|her) [a-z' ]*size(?: of .*)?", text):
            self.scene.things[last] = replace(self.scene.things[last], size="large")
            self.at = len(self.words)
            return True
        return None

    def _ends(self, length: int) -> bool:
        rest = self.words[self.at + length : self.at + length + 1]
        return not rest or rest[0] in (",", ")", "and", "on", "at", "left", "right")

    def _closed(self) -> bool:
        if self._here() == [")"]:
            self.at += 1
        return True

    def _side_phrase(self) -> tuple[str, str] | None:
        """Read where a thing stands; return a side, or a relation and "it" or the place of the thing meant."""
        begun = self.at
        for text, how in _ALONE.items():
            words = text.split()
            if self._here(len(words)) == words and len(self.words) == self.at + len(words):
                self.at += len(words)
                return how, "it"
        own, of = False, ""
        while self._here() and self._here()[0] in _BEFORE_SIDE:
            own = own or self._here()[0] in ("its", "their")
            self.at += 1
        if self._here() and self._here()[0].endswith("'s"):
            named = self.scene.find(self._here()[0].removesuffix("'s"))
            if named is not None:
                of, self.at = str(named), self.at + 1
        side = SIDE.get(self._here()[0]) if self._here() else None
        if side is None:
            self.at = begun
            return None
        if self.words[self.at] in CONNECTORS and self._here(2)[1:] not in ([], [","], ["and"], [")"]):
            self.at = begun  # "above it" says of what
            return None
        self.at += 1
        if self._here() in (["side"], ["hand"]):
            self.at += 1
        if self._here(2) == ["of", "it"]:
            own, self.at = True, self.at + 2
        elif self._here() == ["of"] and len(self.words) > self.at + 1:
            self.at = begun
            return None
        how = STANDS.get(side, "")
        if how and (own or of):
            return how, of or "it"
        if side == "top" and self.words[self.at - 1] in ("above", "overhead") and len(self.told) > 1:
            return "above", "it"
        return side, ""

    def _look_of_all(self) -> bool:
        """Read "all red", "both birds to the tree's left"."""
        words = list(self.words[self.at :])
        if not words or words[0] not in _ALL or not self.scene.things:
            return False
        rest = [word for word in words[1:] if word not in COPULAS]
        if colour_of(" ".join(rest)):
            many = [at for at, thing in enumerate(self.scene.things) if thing.count > 1]
            for at in many or range(len(self.scene.things)):
                self.scene.recolour(at, " ".join(rest))
            self.at = len(self.words)
            return True
        if words[0] == "both" and self.scene.find(words[1] if len(words) > 1 else "") is not None:
            self.at += 1
        return False

    def _shares(self) -> bool:
        """Read "one pink and one brown", said of the things that were named last."""
        text = " ".join(word for word in self.words[self.at :] if word != ",")
        found = re.findall(r"(?:and )?(\S+) ((?:light |dark )?[a-z]+)(?: ones?(?= and|$))?(?: |$)", text)
        parts = [(1 if number in ("a", "an") else number_of(number), colour) for number, colour in found]
        whole = " ".join(f"{number} {colour}" for number, colour in found)
        plain = re.sub(r"\b(?:and|ones?(?=$| and))\b ?", "", text).strip() if len(parts) > 1 else ""
        if len(parts) == 1 and whole == text.removesuffix(" ones").removesuffix(" one") and self.scene.things:
            latest = self.scene.things[self.scene.latest]
            if parts[0][0] and parts[0][0] == latest.count and colour_of(parts[0][1]):
                self.scene.recolour(self.scene.latest, parts[0][1])
                self.at = len(self.words)
                return True
        if len(parts) < 2 or not all(number and colour_of(colour) for number, colour in parts):
            return False
        if whole.split() != [word for word in text.split() if word != "and"] and whole != plain:
            return False
        if not self.scene.things or sum(count for count, _ in parts) > max(
            6, self.scene.things[self.scene.latest].count
        ):
            return False
        self.scene.split(self.scene.latest, [(count or 1, colour) for count, colour in parts])
        self.at = len(self.words)
        return True

    def _look_alone(self) -> bool:
        """Read "violet" or "small" as the look of the thing that was named last."""
        words = [word for word in self.words[self.at :] if word not in ("in", "of", "them", "coloured", "colored")]
        if not self.scene.things or not words or len(words) > 2:
            return False
        last = self.scene.latest
        counted = number_of(words[0]) if words[1:] in ([], ["pieces"], ["total"], ["times"]) else 0
        if counted:
            self.scene.things[last] = replace(self.scene.things[last], count=counted)
            self.at = len(self.words)
            return True
        if len(words) == 1 and words[0] in SIZES:
            self.scene.things[last] = replace(self.scene.things[last], size=SIZES[words[0]])
        elif colour_of(" ".join(words)) and not self.scene.things[last].colour:
            self.scene.recolour(last, " ".join(words))
        else:
            return False
        self.at = len(self.words)
        return True
