"""Names of things in a first request, known, meant by a part of one, or guessed."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from imagerag.agent.follow_up.opening_scene import OpeningScene, Wanted
from imagerag.agent.follow_up.phrases import phrases
from imagerag.prompt_grammar.inflection import plural, singular
from imagerag.prompt_grammar.verbs import is_verb
from imagerag.prompt_grammar.vocabulary import ARTICLES, CONNECTORS, SIZES, Size, colour_of, number_of

LONGEST_NAME = 4
"""Words of the longest name that is looked for."""
MOST_UNKNOWN = 3
"""Words of the longest name that nobody knows, by which a thing may be called where only a thing can stand."""
SIDE = {
    "left": "left", "leftmost": "left", "right": "right", "rightmost": "right", "top": "top", "above": "top",
    "overhead": "top", "bottom": "bottom", "below": "bottom", "underneath": "bottom", "centre": "middle",
    "center": "middle", "middle": "middle",
}  # fmt: skip
PRONOUNS = frozenset(["it", "its", "him", "his", "her", "hers", "them", "their", "that"])
COPULAS = frozenset(["is", "are", "in", ":", "=", "should", "be", "being", "to", "coloured", "colored", "painted", "-"])
POSTURES = frozenset(
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
     "draw", "show", "paint", "make", "picture", "image", "drawing", "look", "looks", "loves", "likes", "wants",
     "needs", "goes", "has"]
)  # fmt: skip
"""Words of which no unknown name is made."""
_ENDS_NAMES = frozenset([*POSTURES, "left", "right", "top", "bottom", "above", "below", "inside", "behind", "overhead"])
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


def is_side(word: str) -> bool:
    """Tell whether a word says where in a picture something is."""
    return word in SIDE


@dataclass
class Names:
    """Reads the names of things in a part of a request.

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
                if self._known_here() and (rest[1] in COPULAS or rest[1] in CONNECTORS or rest[1] == ","):
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
            if longer > taken and self.guesses and not is_verb(words[taken]) and words[taken] not in POSTURES:
                return 0, ""  # "sushi flyer" is no sushi
            return taken, name
        part = self.scene.find(words[0]) if words and (definite or not determined) else None
        if part is not None:
            return 1, self.scene.things[part].name
        if determined and len(words) > 1 and self._may_be_name(words[0]) and not is_verb(words[0]):
            behind = words[1 : 1 + LONGEST_NAME]  # "a charming house"
            for length in range(len(behind), 0, -1):
                if name := self.vocabulary.name(behind[:length]):
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
        rest = Names(self.scene, behind, self.vocabulary)
        more = rest._longest_known()
        if not more or self._may_end(words[length - 1]):
            return length, name
        listed = Names(self.scene, behind[more:], self.vocabulary)._longest_known() > 0
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
        return free and word not in _NO_NAMES | ARTICLES | PRONOUNS and word not in CONNECTORS and not is_side(word)
