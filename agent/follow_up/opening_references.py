"""A first request that speaks of its own things again: "a school with a tree on its left and a bus in front of it".

A prompt has no pronouns, and each name in it is another thing. So whatever stands to a thing that was named before is
put to that: "a bus in front of a school to the right of a tree".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.keywords import is_animate
from imagerag.agent.follow_up.mentions import Mention, mentions_of
from imagerag.agent.follow_up.opening_names import POSTURES
from imagerag.agent.follow_up.opening_scene import HOLDING, OpeningScene, Wanted
from imagerag.agent.follow_up.proposals import relation_said
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.participles import is_participle
from imagerag.prompt_grammar.vocabulary import ARTICLES, SIZES, number_of

LONGEST = 40
"""Words of the longest request that is read so; a longer one describes a scene."""
MOST_ADJECTIVES = 2
"""Words before a name that belong to it: "a fluffy white cat"."""
_JOINING = frozenset(["and", ",", "plus", "&", "with", "then"])
_PASSED = frozenset(
    ["is", "are", "that", "which", "who", "there", "there's", "please", "just", "right", "also", "both", "in", "at",
     "on", "style", "styled", "."]
)  # fmt: skip
_BEFORE_ALL = frozenset(
    ["draw", "paint", "show", "make", "create", "generate", "give", "me", "us", "picture", "image", "drawing", "of",
     "darling", "dear", "bro", "dude", "sir", "mate", "buddy", "i", "want", "would", "like", "need", "can", "could",
     "you", "may", "have", "hi", "hello", "hey", "ok", "so", "now", "please", "was", "am", "thinking", "imagine",
     "let's", "see", "do", "get", "somebody", "someone", "gimme", "wanna", "lemme", "what", "about", "how", "maybe",
     "with", "that", "has", "shows", "showing", ",", ":", "!", "."]
)  # fmt: skip
_FINITE = {
    "wears": "wearing", "holds": "holding", "carries": "carrying", "has": "with", "have": "with", "eats": "eating",
    "rides": "riding", "chases": "chasing",
}  # fmt: skip
"""Verbs with what stands for them between two things."""
_STANDS = POSTURES | frozenset(
    ["stands", "sits", "lies", "sleeps", "hangs", "shines", "flies", "rests", "leans", "leaning", "stand", "sit", "lie",
     "sleep", "floats", "floating", "shining", "hovers", "hovering", "stays", "placed", "watches"]
)  # fmt: skip
_OF_BODIES = frozenset(["back", "head", "shoulder", "shoulders", "lap", "nose", "roof", "top"])
"""Parts that somebody has something on; they say no more than who is meant."""
_SIDE_BY_SIDE = frozenset(["to the left of", "to the right of", "above", "below", "under", "next to", "beside"])
"""How things stand that stay apart; they are said last."""
_SEVERAL = frozenset(["them", "they", "their", "these", "those"])
_SOMEBODY = frozenset(["him", "his", "he", "her", "she"])


def with_references(words: Sequence[str], names: Collection[str], known: Collection[str]) -> str:
    """Return the prompt of a first request in which each thing is named once; empty where none is spoken of again.

    Empty as well where anything is said that isn't a thing, how it looks or how it stands.

    Args:
        words: of the request.
        names: that the prompt grammar keeps whole.
        known: names of things, with those.
    """
    if len(words) > LONGEST:
        return ""
    told = _Told(names, known)
    if not told.all_of(words) or not told.refers:
        return ""
    # In a prompt all that was said before stands so: what is in front of a school is to the right of its tree as well,
    # while the tree need not be behind what is in front of the school.
    told.scene.relations.sort(key=lambda one: one[1] in _SIDE_BY_SIDE)
    prompt = ", ".join(filter(None, (told.scene.prompt(names, known), *told.whole)))
    drawn = sorted((thing.count, thing.phrase) for thing in parse_scene(prompt, names).objects)
    wanted = sorted((thing.count, thing.name) for thing in told.scene.things)
    return prompt if [count for count, _ in drawn] == [count for count, _ in wanted] else ""


@dataclass
class _Told:
    """What was told so far.

    Attributes:
        names, known: as of ``with_references``.
        scene: the things, and how they stand.
        heads: places of the things that stand for themselves, and are what "it" may be.
        whole: styles and times.
        refers: whether a thing was spoken of again.
    """

    names: Collection[str]
    known: Collection[str]
    scene: OpeningScene = field(default_factory=OpeningScene)
    heads: list[int] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    refers: bool = False
    _subject: int | None = None
    _how: str = ""
    _front: tuple[str, int] | None = None
    _adjective: Mention | None = None
    _turned: bool = False
    _owned: bool = False

    def all_of(self, words: Sequence[str]) -> bool:
        """Read a request, and tell whether all of it was read."""
        mentions = mentions_of(Edit.of("", self.names, self.known), words)
        at = 0
        for place, mention in enumerate(mentions):
            behind = mentions[place + 1] if place + 1 < len(mentions) else None
            if not self._take(list(words[at : mention.start]), mention, behind):
                return False
            at = mention.end
        rest = {word for word in words[at:] if word.isalpha()}
        ended = not self._how and self._front is None
        return bool(self.scene.things) and ended and rest <= _PASSED | _OF_BODIES | {"thanks", "background"}

    def _take(self, gap: list[str], mention: Mention, behind: Mention | None) -> bool:
        if self._owned:
            gap = gap[gap[:1] != [] and gap[0] in _OF_BODIES :]
        self._owned = mention.kind == "pronoun" and mention.words[0] in ("its", "his", "her", "their")
        if mention.kind == "thing":
            if behind is not None and behind.kind == "thing" and behind.start == mention.end and not behind.before:
                self._adjective = mention  # "a fluffy cat"
                return not set(gap) - _JOINING - _PASSED - _STANDS - HOLDING or not self.scene.things
            if self._adjective is not None:
                first, self._adjective = self._adjective, None
                words = (*first.words, *mention.words)
                mention = replace(mention, start=first.start, words=words, before=first.before)
            return self._thing(gap, mention, behind)
        if mention.kind == "pronoun" and not self._how and gap and _is_done(gap[-1]):
            self._how = gap.pop()  # "a carrot and a rabbit eating it"
        if set(gap) - ARTICLES - _JOINING - _PASSED - _STANDS:
            return False
        if mention.kind == "relation":
            begins = bool(gap) and gap[-1] in ("and", ",", ".", ";", "with")
            return self._relation(mention, behind, begins=begins)
        if mention.kind == "between":
            return self._between()
        if mention.kind == "pronoun":
            return self._front is not None or self._again(self._meant(mention.words[0]))
        if mention.kind == "colour" and behind is not None and behind.kind == "background":
            self.scene.background = " ".join(mention.words)
            return True
        if mention.kind == "style":
            self.whole.append(f"{' '.join(mention.words)} style")
        elif mention.kind == "time":
            self.whole.append(f"at {' '.join(mention.words)}")
        return mention.kind in ("style", "time", "background")

    def _thing(self, gap: list[str], mention: Mention, behind: Mention | None) -> bool:
        name = self._name(mention.words)
        there = self.scene.find(name) if mention.before[:1] in (("the",), ()) else None
        stands = behind is not None and behind.kind == "relation"
        if there is not None and (mention.before or stands or self._how or self._front is not None):
            if set(gap) - _PASSED - _JOINING - ARTICLES:
                return False
            return self._front is not None or (self._again(there) if self._how else self._turns_to(there))
        if "." in gap:
            return False  # "Library mascot. An owl with a book": the first may be what it is all about
        adjectives, count = list[str](), mention.count
        while gap and not mention.before and gap[-1].isalpha() and gap[-1] not in _JOINING | _PASSED | ARTICLES:
            if number_of(gap[-1]) or (not self.scene.things and gap[-1] in _BEFORE_ALL):
                break
            adjectives.insert(0, gap.pop())
        if adjectives:
            count = number_of(gap[-1]) if gap else 0
            if len(adjectives) > MOST_ADJECTIVES or not (count or gap[-1:] in ([one] for one in ARTICLES)):
                return False
            gap.pop()
        allowed = (
            _JOINING | _PASSED | _STANDS | HOLDING | _FINITE.keys()
            if self.scene.things
            else _BEFORE_ALL | _PASSED | ARTICLES
        )
        if set(gap) - allowed - ({":"} if self._front is not None else set()):
            return False
        holds = next((_FINITE.get(word, word) for word in gap if word in HOLDING or word in _FINITE), "")
        several = singular(name) != name and name not in self.names
        named = " ".join([*adjectives, singular(name) if several else name])
        size = SIZES[mention.size] if mention.size else "normal"
        at = self.scene.add(Wanted(named, count or (2 if several else 1), mention.colour or "", size))
        if self._front is not None:  # "above the ship: a cloud"
            how, anchor = self._front
            self._front, self.refers = None, True
            self.scene.relate(at, how, anchor)
        elif self._how:
            self._relate(at)
        elif holds and self._subject is not None:
            self.scene.relate(self._subject if self._turned or not self.heads else self.heads[-1], holds, at)
        else:
            self.heads.append(at)
        self._subject, self._turned = at, False
        return True

    def _turns_to(self, there: int) -> bool:
        """Let what follows be said of a thing that was named before: "and the frog wears a crown"."""
        self._subject, self._turned, self.refers = there, True, True
        return True

    def _name(self, words: Sequence[str]) -> str:
        text = " ".join(words)
        one = singular(text)
        return one if text not in self.names and one in self.names else text

    def _relation(self, mention: Mention, behind: Mention | None, *, begins: bool) -> bool:
        if self._subject is None or self._how or self._front is not None:
            return False
        if begins and behind is not None and (there := self._named(behind)) is not None:
            self._front = " ".join(relation_said(mention)), there
            return True
        if behind is not None and behind.kind in ("style", "time", "colour", "background") and not _is_of_whom(mention):
            return True  # "in flat style", "at night", "on a white background"
        self._how = " ".join(relation_said(mention))
        owner = _is_of_whom(mention)
        ends = behind is None or behind.kind not in ("thing", "pronoun", "colour", "size")
        parted = behind is not None and behind.start > mention.end
        if owner or (ends and not parted):
            if mention.relation in ("on", "inside") and not owner:
                return False  # "a dog with a hat on"
            return self._again(self._meant(owner or "it"))
        return True

    def _between(self) -> bool:
        """Put the thing that was told of last between two that were named before: "and a ball between them"."""
        sides = [at for at in self.heads if at != self._subject]
        if self._subject is None or self._how or len(sides) != 2:
            return False
        self.scene.relate(sides[0], "to the left of", self._subject)
        self.scene.relate(self._subject, "to the left of", sides[1])
        self.refers = True
        return True

    def _named(self, mention: Mention) -> int | None:
        """Return which thing that was named before is meant, if any is."""
        if mention.kind == "pronoun":
            subject, self._subject = self._subject, None
            meant = self._meant(mention.words[0])
            self._subject = subject
            return meant
        return self.scene.find(self._name(mention.words)) if mention.before[:1] == ("the",) else None

    def _again(self, there: int | None) -> bool:
        """Put the thing that was told of last to one that was named before."""
        if there is None or not self._how or self._subject is None or there == self._subject:
            return False
        subject = self._subject
        self.scene.relations = [one for one in self.scene.relations if one[2] != subject or one[1] not in HOLDING]
        if subject in self.heads:
            self.heads.remove(subject)
        self._relate(there)
        self.refers = True
        self._subject = there
        return True

    def _relate(self, anchor: int) -> None:
        assert self._subject is not None
        self.scene.relate(self._subject, self._how, anchor)
        self._how = ""

    def _meant(self, pronoun: str) -> int | None:
        """Return which of the things before the last is meant."""
        before = [at for at in self.heads if at != self._subject]
        things = self.scene.things
        if pronoun in _SEVERAL:
            several = [at for at in before if things[at].count > 1]
            return several[-1] if several else (before[0] if before and len(things) > 2 else None)
        if pronoun in _SOMEBODY:
            somebody = [at for at in before if is_animate(things[at].name)]
            return next(reversed(somebody or before), None)
        single = [at for at in before if things[at].count == 1]
        return next(reversed(single or before), None)


def _is_of_whom(mention: Mention) -> str:
    """Return the pronoun of whom a place is: of "on his left", "his", of "in front", "it"; else nothing."""
    owner = next((word for word in mention.words if word in _SEVERAL | _SOMEBODY | {"its"}), "")
    return owner or ("it" if mention.words[-1] == "front" else "")


def _is_done(word: str) -> bool:
    """Tell whether a word is what one thing does to another: "eating", "watching"."""
    return is_participle(word) or word in ("watching", "chasing")
