"""When a request is read as what it most likely means: where no rule reads it, or one reads it in a doubtful way."""

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from imagerag.agent.follow_up.clauses import LONGEST
from imagerag.agent.follow_up.coverage import denied, left_out, points_elsewhere, takes_away, unreadable
from imagerag.agent.follow_up.edit import Edit, is_known
from imagerag.agent.follow_up.mentions import is_noun, verbs_of_change
from imagerag.agent.follow_up.pictures import UNDOING
from imagerag.agent.follow_up.ranking import (
    Reading,
    Scores,
    fitted_words,
    made,
    readings,
    single_changes,
)
from imagerag.agent.follow_up.wording import spellings_of_chats
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.parser import parse_scene

SURE = 0.7
"""Probability from which on a request that no rule reads is drawn as what it most likely means.

Of a quarter of the collections, read by a network that was fitted on the others: of 72 such changes from 0.5 to 0.7, 22
were wrong, of 144 up to 0.9, 34, and of 371 above, 20. What is refused is offered, and "yes" takes it."""
SURE_IN_DOUBT = 0.93
"""The same, where the reading leaves out something of the request."""
SURE_OF_A_CHANGE = 0.95
"""The same, where a thing comes of a name that nobody knows, or goes though no word says so."""
SURE_BY_RULE = 0.45
"""The same of what a rule makes of a request; of what is likelier than 0.95, 97 % are right."""
LEFT_TO_RULES = 0.25
"""The same where what is likelier is not likely enough to be drawn."""
SURE_OF_ANOTHER = 0.5
"""The same of another picture, where no rule reads the request as that."""
LIKELY = 0.15
"""Probability from which on a reading is offered where the request is not understood."""
_ASKING = frozenset(
    [
        *("why", "who", "where", "when", "which", "whose"),
        *("is", "are", "am", "was", "were", "do", "does", "did", "has"),
    ]
)
"""Words that begin a question about the picture."""
_ASKS_FOR = frozenset(["possible", "could", "can", "would", "way", "chance", "able"])
"""Words by which a question about the picture may ask for a change of it."""
_RETURNS = frozenset(
    ["back", "again", "return", "returns", "miss", "missed", "missing", "bring", "restore", "reappear", "after"]
)
"""Words by which something that was there before may be wanted again."""
_WHAT_IS = frozenset([("what", verb) for verb in ("is", "are", "was", "were", "do", "does", "did", "'s")])
_ALL_BUT = frozenset([("everything", "but"), ("all", "but"), ("anything", "but"), ("everyone", "but")])
_CORRECTIONS = frozenset(["meant", "mean", "said"])
_GIVING_WAY = ("remove", "replace", "only")
SHORTEST_WISH = 4
"""Words behind "no the" from which on it may say what is wanted."""
MOST_ENGLISH = 0.6
"""Share of a request's words, marks left out, of which more are English; others are to be translated first."""


class Likeliest:
    """Reads requests as what they most likely mean.

    Args:
        weights: loads them; ``None``: nothing is read so.
        known: names of things.
        english: returns English words.
        seen: returns the words of the requests that the weights were fitted on.
        network: loads what adds to the weights' scores; ``None``: nothing does.
    """

    def __init__(
        self,
        weights: Callable[[], NDArray[np.float32]] | None,
        known: Collection[str],
        english: Callable[[], Collection[str]],
        seen: Callable[[], Collection[str]] = fitted_words,
        network: Callable[[], Scores] | None = None,
    ) -> None:
        self._weights, self._known, self._english, self._seen = weights, known, english, seen
        self._network = network
        self._last: tuple[object, list[Reading]] = (None, [])

    def enough(self, best: Reading, edit: Edit, words: Sequence[str]) -> float:
        """Return the probability from which on a change is drawn that no rule makes.

        Args:
            best: the change.
            edit: of the picture that stands.
            words: of the request, as typed.
        """
        if brings_back(best, words):
            return SURE
        there = {item.thing.phrase for item in edit.items}
        come = [thing.phrase for thing in parse_scene(best.prompt, edit.names).objects if thing.phrase not in there]
        strange = not all(is_known(phrase, self._known) or is_noun(singular(phrase)) for phrase in come)
        takes = any(order.startswith("remove") for order in best.orders) and not takes_away(words)
        if strange or takes:
            return SURE_OF_A_CHANGE
        in_part = best.in_part and not denied(words)  # "not yellow, purple" leaves yellow out
        doubtful = in_part or bool(left_out(edit, words, self._is_word, self._seen()))
        return SURE_IN_DOUBT if doubtful else SURE

    def points_elsewhere(self, edit: Edit, words: Sequence[str]) -> bool:
        """Tell whether words may speak of what isn't there; "make it red and flubber the dog" is read in part."""
        return points_elsewhere(edit, words, self._is_word)

    def ways(self, edit: Edit, words: Sequence[str]) -> list[Reading]:
        """Return what words can mean, the likeliest first; nothing where weights are not to be trusted with them."""
        if self._weights is None or not words or len(words) > LONGEST or not self.is_english(words):
            return []
        pairs = list(pairwise(words))
        asks = words[0] in _ASKING or any(pair in _WHAT_IS for pair in pairs[:1])
        asks = asks and not _ASKS_FOR & set(words)  # "is a bigger dog possible?"
        if asks or "except" in words or any(pair in _ALL_BUT for pair in pairs):
            return []
        if edit.before is None and any(pair == ("other", "one") for pair in pairs):
            return []  # than that which was changed before
        if words[0] == "cut" and "out" not in words:
            return []  # "cut the pizza" may mean to slice it
        if words[0] in ("no", "nope") and words[1:2] == ["the"] and len(words) <= SHORTEST_WISH:
            return []  # "no the cat" corrects, and nobody can tell what
        if unreadable(edit, words, self._is_word):
            return []
        ways = self._readings(edit, words, self._weights())
        takes = bool(ways) and any(order.startswith("remove") for order in ways[0].orders)
        if takes and _CORRECTIONS & set(words):
            return []  # "no, i meant the cat" wants something of the cat, whatever it is
        if not_so := denied(words):  # "the dog shouldn't be red" says what it is not to be
            ways = [one for one in ways if not _looks_of(one) & not_so or _gives_way(one)]
        bears = " ".join(words).partition(" off ")[2]
        if bears and takes and any(f"remove {bears}".startswith(order) for order in ways[0].orders):
            return []  # "take them off the zebra" keeps the zebra
        return ways

    def _readings(self, edit: Edit, words: Sequence[str], weights: NDArray[np.float32]) -> list[Reading]:
        """Return ``readings``, once for the questions that one request is asked about one after the other."""
        asked = (edit.scene, edit.latest, edit.newest, edit.before, tuple(words))
        last, ways = self._last
        if last != asked:
            ways = readings(edit, words, weights, self._network() if self._network is not None else None)
            self._last = asked, ways
        return ways

    def is_english(self, words: Sequence[str]) -> bool:
        """Tell whether most words are English, or names."""
        said = [word for word in words if any(letter.isalpha() for letter in word)]
        return sum(map(self._is_word, said)) > MOST_ENGLISH * len(said)

    def _is_word(self, word: str) -> bool:
        """Tell whether a word is English, or a name."""
        stem = word.partition("'")[0]
        english = self._english()
        compared = (stem, stem.removesuffix("er"), stem.removesuffix("ier") + "y", stem.removesuffix("r"))
        return (
            any(form in english for form in compared)
            or word in spellings_of_chats()
            or singular(stem) in self._known
            or word in verbs_of_change()
            or word in UNDOING
        )


def offered(ways: Sequence[Reading]) -> Reading | None:
    """Return the change that is told where a request is not understood: the likeliest, if it is likely at all."""
    change = next((one for one in ways if one.prompt), None)
    return change if change is not None and change.probability >= LIKELY else None


def brings_back(way: Reading, words: Sequence[str]) -> bool:
    """Tell whether a change brings back what was there before, and a word says so; then that is not missing."""
    return any(order.startswith("bring back ") for order in way.orders) and bool(_RETURNS & set(words))


_MISSED = frozenset(["back", "miss", "missed", "return", "returns"])


def named_back(edit: Edit, words: Sequence[str]) -> Reading | None:
    """Return the picture with a thing back that was there before, where a request names that one and no other.

    Args:
        edit: of the picture that stands.
        words: of the request, as typed: "i miss the plant , bring it back".
    """
    if not _MISSED & set(words):
        return None
    request, singles = single_changes(edit, words)
    named = [change for change in singles if change.kind == "restore" and change.new is not None]
    others = [one for one in request.mentions if one.kind != "pronoun"]
    prompt = made(edit, (named[0],)) if len(named) == len(others) == 1 else None
    return None if prompt is None else Reading(prompt, 1.0, (" ".join(named[0].order),))


def _looks_of(way: Reading) -> set[str]:
    """Return the words of orders that may be a look: the last two of each."""
    return {word for order in way.orders for word in order.split()[-2:]}


def _gives_way(way: Reading) -> bool:
    return any(order.startswith(_GIVING_WAY) for order in way.orders)
