"""One part of a first request read as things, how they stand, or looks of things that were named before."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from imagerag.agent.follow_up.opening_scene import OpeningScene, Wanted
from imagerag.agent.follow_up.phrases import phrases
from imagerag.prompt_grammar.inflection import plural, singular
from imagerag.prompt_grammar.verbs import is_verb
from imagerag.prompt_grammar.vocabulary import (
    ARTICLES,
    CONNECTORS,
    RELATION_WORDS,
    SIZES,
    Size,
    colour_of,
    number_of,
)

LONGEST_NAME = 4
"""Words of the longest name that is looked for."""
MOST_UNKNOWN = 3
"""Words of the longest name that nobody knows, by which a thing may be called where only a thing can stand."""
_SIDE = {
    "left": "left", "leftmost": "left", "right": "right", "rightmost": "right", "top": "top", "above": "top",
    "overhead": "top", "bottom": "bottom", "below": "bottom", "underneath": "bottom", "centre": "middle",
    "center": "middle", "middle": "middle",
}  # fmt: skip
_BEFORE_SIDE = frozenset(
    ["on", "at", "to", "in", "the", "its", "their", "far", "furthest", "further", "from", "side", "hand", "up"]
)
_ALONE = {"inside": "inside", "in front": "in front of", "behind": "behind", "on top": "on", "beside": "next to",
          "next to": "next to", "underneath": "under"}  # fmt: skip
"""What says how a thing stands to the one that was told of before it."""
_PRONOUNS = frozenset(["it", "its", "him", "his", "her", "hers", "them", "their", "that"])
_BEARS = frozenset(["head", "back", "top", "lap", "shoulder", "shoulders", "hand", "hands", "face", "neck", "side"])
"""What a thing has on which another one is: "on its head"."""
_ALL = frozenset(["all", "both", "everything", "each"])
_COPULAS = frozenset(
    ["is", "are", "in", ":", "=", "should", "be", "being", "to", "coloured", "colored", "painted", "-"]
)
_POSTURES = frozenset(
    ["standing", "sitting", "lying", "walking", "running", "sleeping", "resting", "hanging", "perched", "seated",
     "flying", "playing", "jumping", "swimming", "dancing", "smiling", "laughing", "eating", "parked"]
)  # fmt: skip
_NO_NAMES = frozenset(
    ["how", "why", "where", "when", "i", "we", "you",
     "he", "she", "they", "me", "us", "who", "which", "what", "that", "this", "there", "because",
     "if", "so", "then", "is", "are", "was", "were", "be", "been", "has", "have", "had", "do", "does", "did", "will",
     "would", "could", "can", "should", "may", "might", "must", "shall", "like", "love", "want", "need", "not", "or",
     "but", "for", "to", "from", "of", "as", "at", "than", "please", "thanks", "thank", "just", "only", "very", "too",
     "all", "both", "each", "every", "everything", "nothing", "something", "colours", "colors", "one", "ones", "else",
     "draw", "show", "paint", "make", "picture", "image", "drawing", "look", "looks"]
)  # fmt: skip
"""Words of which no unknown name is made."""
_ENDS_NAMES = frozenset(
    [*_POSTURES, "left", "right", "top", "bottom", "above", "below", "inside", "behind", "overhead"]
)
_PART = {"wedge", "slice", "piece", "stack", "pile", "bunch", "pot", "cup", "pan", "mug", "glass", "bowl", "ear", "bar"}
"""What a thing is a portion of: "a wedge of cheese"."""


@dataclass(frozen=True)
class Vocabulary:
    """What is known of names.

    Attributes:
        names: of the library.
        known: names of things by which words are taken for things.
        headings: words with which no guessed name ends.
    """

    names: Collection[str]
    known: Collection[str]
    headings: Collection[str] = ()

    def name(self, words: Sequence[str]) -> str:
        """Return the name of a known thing in the form in which it is known, or nothing: "balloon" of "balloons"."""
        text = " ".join(words)
        if text in self.names:
            return text
        one = singular(text)
        if one in self.names or one in self.known:
            return one
        if text in self.known:
            return text
        if "of" in words:  # "pan of food", of which the library has a shallow one
            longer = [name for name in self.names if name.endswith(f" {text}")]
            return longer[0] if len(longer) == 1 else ""
        alias = phrases().aliases.get(one)
        return one if alias and alias in self.known else ""


@dataclass
class Item:
    """A part of a request that is read into a scene.

    Attributes:
        scene: that it adds to.
        words: of the part.
        vocabulary: see there.
        guesses: whether unknown words may be a thing's name.
        at: the first word that is not read.
        told: the places of the things that were named or meant, in order.
        new: of these, the new ones.
        listing: whether names follow each other with nothing between them: "banana lemon pear".
    """

    scene: OpeningScene
    words: Sequence[str]
    vocabulary: Vocabulary
    guesses: bool = False
    at: int = 0

    def __post_init__(self) -> None:
        self.told: list[int] = []
        self.new: list[int] = []
        self.listing = False

    @property
    def done(self) -> bool:
        """Whether every word is read."""
        return self.at >= len(self.words)

    def _here(self, length: int = 1) -> list[str]:
        return list(self.words[self.at : self.at + length])

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

    # What a part is made of. Each of these reads its words and tells whether it did, or stays where it is.

    def _thing(self) -> int | None:
        """Read a thing, new or told of before, and return its place."""
        begun = self.at
        definite = False
        count, colour, determined = 0, "", False
        size: Size = "normal"
        words = self.words
        while self.at < len(words):
            word = words[self.at]
            rest = words[self.at :]
            if self._known_here() and not (number_of(word) or word in SIZES or colour_of(word)):
                break
            if word in ARTICLES:
                definite = definite or word in ("the", "this", "that", "these", "those")
                determined = True
            elif self._longest_known() > 1:
                break
            elif number_of(word.rstrip("x")) and not word.endswith("xx"):
                count, determined = number_of(word.rstrip("x")), True
            elif word in SIZES:
                size = SIZES[word]
            elif len(rest) > 2 and colour_of(" ".join(rest[:2])):
                colour, self.at = " ".join(rest[:2]), self.at + 1
            elif colour_of(word) and len(rest) > 1:
                if self._known_here() and (rest[1] in _COPULAS or rest[1] in CONNECTORS or rest[1] == ","):
                    break
                colour = word
            elif word in ("pair", "couple") and rest[1:2] == ["of"] and determined:
                count = 2
            elif word in ("very", "really", "of", "few") and determined and self.at > begun:
                pass
            else:
                break
            self.at += 1
        owned = self.at > begun and words[self.at - 1] in ("my", "our", "his", "her", "their", "your")
        if not determined and colour_of(words[self.at] if self.at < len(words) else ""):
            self.at = begun
            return None
        length, name = self._name(determined and not owned, definite)
        if not length and owned and self.guesses:
            length, name = self._name(determined, definite)
        if not length:
            self.at = begun
            return None
        raw = " ".join(words[self.at : self.at + length])
        self.at += length
        if self._here() and (times := re.fullmatch(r"x(\d)|(\d)x", self._here()[0])):
            count, self.at = int(times[1] or times[2]), self.at + 1
        there = self.scene.find(name)
        other = there is not None and colour and self.scene.things[there].colour not in ("", colour)
        if there is not None and (definite or not determined) and not count and not other:
            if colour:
                self.scene.recolour(there, colour)
            if size != "normal":
                self.scene.things[there] = replace(self.scene.things[there], size=size)
            self.told.append(there)
            self.scene.latest = there
            return there
        owner = "my" if words[begun] == "my" else ""
        several = raw == plural(name) != name and raw not in self.vocabulary.names and raw not in phrases().pairs
        place = self.scene.add(Wanted(name, count or (2 if several and not determined else 1), colour, size, owner))
        self.told.append(place)
        self.new.append(place)
        return place

    def _longest_known(self) -> int:
        """Return of how many words the longest known name is that begins here."""
        for length in range(min(LONGEST_NAME, len(self.words) - self.at), 0, -1):
            if self.vocabulary.name(self._here(length)):
                return length
        return 0

    def _known_here(self) -> bool:
        return self._longest_known() > 0

    def _name(self, determined: bool, definite: bool) -> tuple[int, str]:
        """Return how many words a name takes that stands here, and the name; 0 where none does."""
        words = self._here(8)
        if len(words) > 2 and words[1] == "of" and words[0] in _PART:
            for length in (2, 1):
                inner = " ".join([*words[2 : 2 + length], words[0]])
                if inner in self.vocabulary.names:
                    return 2 + length, inner
            if words[0] in ("cup", "mug", "glass") and not self.vocabulary.name(words[:3]):
                return 3, words[2]
            if words[0] in ("stack", "pile", "bunch") and (name := self.vocabulary.name(words[2:3])):
                many = words[2] if words[2] in self.vocabulary.names else name
                return 3, many
        if length := self._longest_known():
            name = self.vocabulary.name(words[:length])
            part = None if determined and not definite else self.scene.find(words[0])
            if length == 1 and part is not None and name not in self._names_there():
                return 1, self.scene.things[part].name
            if words[length : length + 1] == ["of"] and not self.vocabulary.name(words[: length + 2]):
                return 0, ""
            taken, name = self._compound(words, length, name, determined)
            longer = self._unknown(words)
            if longer > taken and self.guesses and not is_verb(words[taken]) and words[taken] not in _POSTURES:
                return 0, ""  # "sushi flyer" is no sushi
            return taken, name
        part = self.scene.find(words[0]) if words and (definite or not determined) else None
        if part is not None:
            return 1, self.scene.things[part].name
        if determined and len(words) > 1 and self._may_be_name(words[0]) and not is_verb(words[0]):
            inner = words[1 : 1 + LONGEST_NAME]  # "a charming house"
            for length in range(len(inner), 0, -1):
                if name := self.vocabulary.name(inner[:length]):
                    return 1 + length, f"{words[0]} {name}"
        length = self._unknown(words)
        if self.guesses and 0 < length <= MOST_UNKNOWN and words[length - 1] not in self.vocabulary.headings:
            name = " ".join(words[:length])
            return length, singular(name) if determined and self.words[self.at - 1] not in ("a", "an") else name
        return 0, ""

    def _compound(self, words: Sequence[str], length: int, name: str, determined: bool) -> tuple[int, str]:
        """Take two nouns that nothing parts for one name, "a fire truck", unless they are a list."""
        behind = words[length : length + LONGEST_NAME]
        if not behind or number_of(behind[0]) or colour_of(behind[0]) or behind[0] in _ENDS_NAMES:
            return length, name
        rest = Item(self.scene, behind, self.vocabulary)
        more = rest._longest_known()
        if not more or self._may_end(words[length - 1]):
            return length, name
        listed = Item(self.scene, behind[more:], self.vocabulary)._longest_known() > 0
        if (listed or self.listing) and not determined:
            self.listing = True
            return length, name
        return length + more, " ".join([*words[:length], self.vocabulary.name(behind[:more])])

    def _may_end(self, word: str) -> bool:
        """Tell whether no noun stands before another one so: "two cats dog"."""
        return singular(word) != word

    def _names_there(self) -> set[str]:
        return {thing.name for thing in self.scene.things}

    def _unknown(self, words: Sequence[str]) -> int:
        length = 0
        while length < len(words) and self._may_be_name(words[length]):
            length += 1
        return length

    def _may_be_name(self, word: str) -> bool:
        free = re.fullmatch(r"[a-z][a-z'-]*", word) is not None
        if colour_of(word) or word in SIZES or word.endswith("ly") or "'" in word:
            return False
        return free and word not in _NO_NAMES | ARTICLES | _PRONOUNS and word not in CONNECTORS and not is_side(word)

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
            return RELATION_WORDS.get(kind, kind)  # type: ignore[call-overload, no-any-return]
        return ""

    def _pronoun(self) -> bool:
        """Read "it", "its head", "the tree's", which stand for the thing that was told of before."""
        words = self._here(2)
        if words[:1] and words[0] in _PRONOUNS:
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
            stood = self._here() and self._here()[0] in _POSTURES
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
        if self._here() and self._here()[0] in _POSTURES and len(self.words) > self.at + 1:
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
        while self._here() and self._here()[0] in _COPULAS | {"(", ")", ","}:
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
        side = _SIDE.get(self._here()[0]) if self._here() else None
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
        how = {"left": "to the left of", "right": "to the right of", "top": "above", "bottom": "under"}.get(side)
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
        rest = [word for word in words[1:] if word not in _COPULAS]
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
        if not self.scene.things or sum(count for count, _ in parts) > max(6, self.scene.things[-1].count):
            return False
        self.scene.split(len(self.scene.things) - 1, [(count or 1, colour) for count, colour in parts])
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


def is_side(word: str) -> bool:
    """Tell whether a word says where in a picture something is."""
    return word in _SIDE
