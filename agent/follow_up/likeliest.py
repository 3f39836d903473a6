"""When a request is read as what it most likely means: where no rule reads it, or one reads it in a doubtful way."""

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from imagerag.agent.follow_up.clauses import LONGEST
from imagerag.agent.follow_up.coverage import denies, left_out, takes_away
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.ranking import Reading, exchanges_untold, fitted_words, is_doubtful, readings
from imagerag.agent.follow_up.wording import spellings_of_chats
from imagerag.prompt_grammar.inflection import singular

SURE = 0.5
"""Probability from which on a request that no rule reads is drawn as what it most likely means.

By ``benchmarks.follow_up_readers``, 90 % of what the weights alone draw from there on is right, of collections that
they were not fitted on."""
SURE_OF_A_CHANGE = 0.9
"""The same, where the words can stand for a new picture as well, or where a rule's reading is to give way to it."""
UNLIKELY = 0.05
"""Probability below which what a rule makes of a request gives way, where it is of a kind that is often misread."""
LIKELY = 0.15
"""Probability from which on a reading is offered where the request is not understood."""
_ASKING = frozenset(
    [
        *("why", "who", "where", "when", "which", "whose"),
        *("is", "are", "am", "was", "were", "do", "does", "did", "has"),
    ]
)
"""Words that begin a question about the picture."""
_ALL_BUT = frozenset([("everything", "but"), ("all", "but"), ("anything", "but"), ("everyone", "but")])
_CORRECTIONS = frozenset(["meant", "mean", "said"])
MOST_ENGLISH = 0.6
"""Share of a request's words, marks left out, of which more are English; others are to be translated first."""


class Likeliest:
    """Reads requests as what they most likely mean.

    Args:
        weights: loads them; ``None``: nothing is read so.
        known: names of things.
        english: returns English words.
        seen: returns the words of the requests that the weights were fitted on.
    """

    def __init__(
        self,
        weights: Callable[[], NDArray[np.float32]] | None,
        known: Collection[str],
        english: Callable[[], Collection[str]],
        seen: Callable[[], Collection[str]] = fitted_words,
    ) -> None:
        self._weights, self._known, self._english, self._seen = weights, known, english, seen

    def best(self, edit: Edit, words: Sequence[str]) -> Reading | None:
        """Return the change that words most likely ask for; ``None`` where they more likely ask for none.

        Args:
            edit: of the picture that stands.
            words: of the request, as typed.
        """
        ways = self._ways(edit, words)
        return ways[0] if ways and ways[0].prompt else None

    def instead_of(self, result: str, changed: Edit, edit: Edit, words: Sequence[str]) -> Reading | None:
        """Return what words mean far more likely than what a rule makes of them; ``None`` where that is to be trusted.

        Args:
            result: the prompt that the rule makes.
            changed: the picture as the rule changes it.
            edit: the picture as it stands.
            words: of the request.
        """
        if self._weights is None:
            return None
        doubtful = is_doubtful(edit, changed, words)
        if not doubtful and not exchanges_untold(edit, changed, words):
            return None
        ways = self._ways(edit, words)
        trusted = any(one.prompt == result and one.probability >= UNLIKELY for one in ways)
        enough = SURE if doubtful else SURE_OF_A_CHANGE
        sure = bool(ways and ways[0].prompt) and ways[0].probability >= enough
        return ways[0] if sure and not trusted else None

    def _ways(self, edit: Edit, words: Sequence[str]) -> list[Reading]:
        if self._weights is None or len(words) > LONGEST or not self._is_english(words):
            return []
        if words[0] in _ASKING or left_out(edit, words, self._is_word, self._seen()):
            return []  # "make it red and flubber the dog" is read in part at best
        ways = readings(edit, words, self._weights())
        if ways and ways[0].in_part:
            return []
        if "except" in words or any(pair in _ALL_BUT for pair in pairwise(words)):
            return []
        if _CORRECTIONS & set(words) and ways and any(order.startswith("remove") for order in ways[0].orders):
            return []  # "no, i meant the cat" wants something of the cat, whatever it is
        if ways and any(order.startswith("remove") for order in ways[0].orders) and not takes_away(words):
            return []
        bears = " ".join(words).partition(" off ")[2]
        if bears and ways and any(f"remove {bears}".startswith(order) for order in ways[0].orders):
            return []  # "take them off the zebra" keeps the zebra
        removes = ways and any(order.startswith(("remove", "replace", "only")) for order in ways[0].orders)
        return [] if denies(words) and not removes else ways

    def _is_english(self, words: Sequence[str]) -> bool:
        """Tell whether most words are English, or names."""
        said = [word for word in words if any(letter.isalpha() for letter in word)]
        return sum(map(self._is_word, said)) > MOST_ENGLISH * len(said)

    def _is_word(self, word: str) -> bool:
        """Tell whether a word is English, or a name."""
        stem = word.partition("'")[0]
        english = self._english()
        compared = (stem, stem.removesuffix("er"), stem.removesuffix("ier") + "y", stem.removesuffix("r"))
        return (
            any(form in english for form in compared) or word in spellings_of_chats() or singular(stem) in self._known
        )
