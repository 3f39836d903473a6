"""How likely a proposed change is what a request means: features of the words around what it mentions, weighed."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from zlib import crc32

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.keywords import is_animate
from imagerag.agent.follow_up.lexicon import lexicon
from imagerag.agent.follow_up.mentions import Mention, is_noun
from imagerag.agent.follow_up.phrases import phrases
from imagerag.agent.follow_up.proposals import Change, Proposal, Referent
from imagerag.agent.follow_up.wording import spellings_of_chats
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.vocabulary import GARMENTS, colour_of

FEATURES = 1 << 17
"""Weights; a feature's is at its checksum modulo this."""
LONGEST_GRAM = 3
_NEGATIONS = frozenset(
    ["no", "not", "don't", "dont", "isn't", "aren't", "never", "doesn't", "without", "can't", "cant", "nah", "nope",
     "hate", "dislike", "nor", "neither", "bored", "ugly", "boring", "wrong", "weird"]
)  # fmt: skip
_MARKS = frozenset(",;:.!?-")
_PARTS = frozenset([",", ";", ".", "!", "?", "and", "but", "then"])
_SMALL_WORDS = frozenset(
    ["the", "a", "an", "some", "of", "to", "on", "in", "at", "for", "with", "is", "are", "be", "i", "you", "we", "it",
     "my"]
)  # fmt: skip
MOST_TOLD_APART = 5
"""Number of words, or parts, from which on more of them make no difference."""


@lru_cache(maxsize=1)
def _classes() -> dict[str, str]:
    """Return verbs of change by what they do."""
    found: dict[str, str] = {}
    for kind, verbs in lexicon().verbs.items():
        for verb in verbs:
            if len(verb) == 1:
                found.setdefault(verb[0], f"<{kind}>")
    return found | dict.fromkeys(_NEGATIONS, "<not>")


class Request:
    """A request as its words and mentions, from which the features of proposals are taken.

    Args:
        edit: of the picture that stands.
        words: of the request.
        mentions: of it.
    """

    def __init__(self, edit: Edit, words: Sequence[str], mentions: Sequence[Mention]) -> None:
        spellings, classes = spellings_of_chats(), _classes()
        self.edit, self.words, self.mentions = edit, words, mentions
        self.tokens: list[str | int] = []
        """Words outside mentions, and mentions by their places."""
        ends = {mention.start: at for at, mention in enumerate(mentions)}
        at = 0
        while at < len(words):
            if at in ends:
                self.tokens.append(ends[at])
                at = mentions[ends[at]].end
            else:
                self.tokens.append(spellings.get(words[at], words[at]))
                at += 1
        filler = lexicon().filler
        known = classes.keys() | filler | phrases().no_things | _SMALL_WORDS
        rest = [token for token in self.tokens if isinstance(token, str) and token.isalpha() and token not in known]
        self.rest = min(len(rest), MOST_TOLD_APART)
        """Words outside mentions that are neither filler nor verbs of change."""
        marks = [token for token in self.tokens if token in _PARTS]
        self.parts = min(len(marks) + 1, MOST_TOLD_APART)
        """Parts of the request between marks and conjunctions."""
        self.plain: list[str | int] = []
        """The same without filler, and with verbs of change as what they do."""
        for token in self.tokens:
            if isinstance(token, int):
                self.plain.append(token)
            elif token in classes:
                self.plain.append(classes[token])
            elif token not in filler:
                self.plain.append(token if token in _MARKS else f"?{token[-3:]}" if token.isalpha() else token)

    def features(self, proposal: Proposal) -> list[int]:
        """Return the places of the weights that a proposal's features have; of none, those of refusing."""
        return [crc32(name.encode()) % FEATURES for name in self._named(proposal)]

    def _named(self, proposal: Proposal) -> Iterator[str]:
        used = frozenset(at for change in proposal for at in change.used)
        kinds = "+".join(sorted(change.kind for change in proposal)) or "none"
        yield f"kinds {kinds}"
        yield f"many {len(proposal)}"
        yield f"many {len(proposal)} rest {self.rest}"
        yield f"many {len(proposal)} parts {self.parts}"
        yield f"{kinds} rest {self.rest}"
        for at, mention in enumerate(self.mentions):
            if at not in used:
                kind = self._kind_of(mention)
                yield f"unused {kind}"
                yield f"unused {kind} {len(proposal)}"
                yield f"unused {kind} first {mention.start == 0}"
                if used:
                    where = "before" if at < min(used) else "behind" if at > max(used) else "between"
                    yield f"unused {kind} {where} {kinds}"
                if len(proposal) < 2:
                    yield f"unused {kind} {kinds}"
        if not proposal:
            roles = {at: f"[{self._kind_of(mention)}]" for at, mention in enumerate(self.mentions)}
            yield from self._grams("none", roles)
            return
        for change in proposal:
            yield from self._of_change(change, used)

    def _kind_of(self, mention: Mention) -> str:
        if mention.kind != "thing":
            return mention.kind
        return "there" if mention.places else "new"

    def _of_change(self, change: Change, used: frozenset[int]) -> Iterator[str]:
        roles: dict[int, str] = {}
        for at, mention in enumerate(self.mentions):
            kind = self._kind_of(mention)
            roles[at] = f"[o:{kind}]" if at in used else f"[u:{kind}]"
        for role, place in (("LOOK", change.look), ("REL", change.relation), ("NEW", change.new)):
            if place is not None:
                roles[place] = role
        roles |= {place: f"APART {self.mentions[place].kind}" for place in change.apart}
        for role, who in (("WHO", change.target), ("OTHER", change.other)):
            if who is not None and who.mention is not None:
                both = who.mention == change.look
                roles[who.mention] = f"{role}{'+LOOK' if both else ''}"
        yield from self._grams(change.kind, roles)
        for role, who in (("who", change.target), ("other", change.other)):
            if who is not None:
                for name in self._of_referent(who):
                    yield f"{role} {name}"
                    yield f"{change.kind} {role} {name}"
        if change.new is not None:
            for name in self._of_new(self.mentions[change.new]):
                yield f"{change.kind} new {name}"
            for place in change.apart:
                yield f"apart {self.mentions[place].kind} behind {min(place - change.new, 4)}"
        yield from self._of_look(change)

    def _grams(self, kind: str, roles: dict[int, str]) -> Iterator[str]:
        for name, tokens in (("w", self.tokens), ("c", self.plain)):
            tags = ["<s>", *(roles[token] if isinstance(token, int) else token for token in tokens), "</s>"]
            for length in range(1, LONGEST_GRAM + 1):
                for at in range(len(tags) - length + 1):
                    yield f"{kind} {name} {' '.join(tags[at : at + length])}"
        skeleton = " ".join(roles[token] for token in self.tokens if isinstance(token, int))
        yield f"{kind} s {skeleton}"
        coarse = " ".join(tag if not tag.startswith("?") else "?" for tag in self._tags(roles))
        yield f"{kind} p {coarse}"

    def _tags(self, roles: dict[int, str]) -> list[str]:
        return [roles[token] if isinstance(token, int) else token for token in self.plain]

    def _of_referent(self, who: Referent) -> Iterator[str]:
        edit, thing = self.edit, self.edit.items[who.place].thing
        how = "implied"
        if who.mention is not None:
            mention = self.mentions[who.mention]
            how = mention.kind
            if mention.kind == "pronoun":
                yield f"{mention.words[0]} animate {is_animate(thing.phrase)}"
                yield f"{mention.words[0]} many {thing.count > 1}"
            else:
                whole = " ".join(mention.words)
                yield f"exact {thing.phrase in (whole, singular(whole))}"
                if mention.colour and thing.colour:
                    yield f"colour {mention.colour == thing.colour}"
                yield f"said {' '.join(mention.before[:1])}"
        yield how
        latest = edit.place_of(edit.latest) if edit.latest else None
        yield f"{how} latest {latest is None or latest == who.place} {latest is None}"
        yield f"{how} newest {thing.phrase == edit.newest}"
        yield f"{how} first {who.place == 0}"
        yield f"{how} alone {len(edit.items) == 1}"
        if how != "thing":
            yield f"{how} animate {is_animate(thing.phrase)}"
            named = any(who.place in mention.places for mention in self.mentions)
            yield f"{how} named too {named}"
        yield f"joint {edit.items[who.place].joint}"

    def _of_new(self, mention: Mention) -> Iterator[str]:
        whole = " ".join(mention.words)
        yield f"said {' '.join(mention.before[:1])}"
        yield f"named {whole in self.edit.names or singular(whole) in self.edit.names}"
        known = whole in self.edit.known or singular(whole) in self.edit.known
        yield f"noun {is_noun(singular(whole)) and not known} {mention.before[:1] == ()}"
        yield f"garment {mention.words[-1] in GARMENTS}"
        yield f"there {bool(mention.places)} {bool(mention.count)} {bool(mention.colour)}"
        yield f"there {bool(mention.places)} said {' '.join(mention.before[:1])}"
        yield f"many {singular(whole) != whole}"

    def _of_look(self, change: Change) -> Iterator[str]:
        if change.target is None:
            return
        thing = self.edit.items[change.target.place].thing
        if change.kind == "count":
            count = int(change.order[2])
            yield f"count more {count > thing.count} {change.look is None} was {min(thing.count, 2)}"
        if change.kind == "colour" and change.look is not None:
            mention = self.mentions[change.look]
            said = mention.colour if mention.kind == "thing" else " ".join(mention.words)
            yield f"colour is so {said is not None and colour_of(said) == thing.colour}"
            yield f"colour was {thing.colour is not None}"
        if change.look is not None and change.target.mention is not None:
            gap = self.mentions[change.look].start - self.mentions[change.target.mention].end
            yield f"{change.kind} gap {max(-4, min(gap, 4))}"
            between = range(min(change.look, change.target.mention) + 1, max(change.look, change.target.mention))
            kinds = sorted({self._kind_of(self.mentions[at]) for at in between})
            yield f"{change.kind} between {' '.join(kinds)}"
