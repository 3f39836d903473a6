"""What of a request a reading leaves out although it matters, so that nothing is drawn on half of what was said."""

from collections.abc import Callable, Collection, Sequence

from imagerag.agent.follow_up.edit import BODY_PARTS, Edit
from imagerag.agent.follow_up.holding import PARTS_OF_FACES
from imagerag.agent.follow_up.lexicon import lexicon
from imagerag.agent.follow_up.mentions import Mention, mentions_of, verbs_of_change
from imagerag.agent.follow_up.phrases import phrases
from imagerag.prompt_grammar.vocabulary import ARTICLES

SHORTEST_UNKNOWN = 4
"""Letters of the shortest word that counts as left out because no list has it."""
_COPULAS = frozenset(
    ["is", "are", "be", "was", "were", "look", "looks", "seem", "seems", "feel", "feels", "so", "very", "too", "more"]
)
_NEGATIONS = frozenset(["not", "dont", "never", "neither", "nor"])
_SHORT_IS = frozenset(
    ["it", "that", "what", "he", "she", "there", "here", "let", "who", "where", "this", "how", "when", "one",
     "everything"]
)  # fmt: skip
"""Words behind which "'s" is short for "is", "has" or "us"."""
_POINTS_BACK = frozenset(["back", "or", "either"])
"""Words that speak of something said or drawn before, which mentions don't show."""
_NO_NOUNS = frozenset(
    ["because", "since", "cause", "cuz", "while", "when", "if", "for", "with", "from", "this", "that", "those", "these",
     "all", "both", "each", "in", "on", "at", "by", "or", "not", "please", "instead", "last", "first", "other", "same",
     "whole", "bit", "lot", "way", "thing", "things", "rest", "total", "one", "ones", "colour", "color", "colored",
     "coloured", "size", "version", "than", "as", "like", "top", "bottom", "side", "front", "middle", "center",
     "centre", "edge", "corner"]
)  # fmt: skip
"""Words that are no noun or adjective where one could stand."""
_BEARINGS = frozenset(
    ["head", "heads", "shoulder", "shoulders", "back", "hand", "hands", "lap", "arm", "arms", "paw", "paws", "feet",
     "neck", "face", "nose", "beak", "friend", "friends", "company", "buddy", "companion", "mate"]
)  # fmt: skip
"""Parts that somebody has something on, and those in place of whom a thing is named: they say no more than it does."""


def left_out(edit: Edit, words: Sequence[str], is_word: Callable[[str], bool], seen: Collection[str]) -> list[str]:
    """Return words of a request that matter, and that no mention explains.

    These are words that nobody knows, those that stand where a noun or a property does ("behind the *wheel*", "blue
    *eyes*", "looks *odd*"), the names of things that are spoken of as there and aren't ("the *cat*", of a dog), and
    words of which nothing is known that could weigh for or against a reading ("make the dragon *breathe* fire").

    Args:
        edit: of the picture that stands.
        words: of the request, as typed.
        is_word: tells whether a word is known.
        seen: words of the requests by which readings are weighed.
    """
    mentions = mentions_of(edit, words)
    inside = {at for mention in mentions for at in range(mention.start, mention.end)}
    ends = {mention.end: mention for mention in mentions}
    starts = {mention.start: mention.kind for mention in mentions}
    named = {word for mention in mentions for word in mention.words}
    found = [" ".join(one.words) for one in mentions if _is_missing(one)]
    for at, word in enumerate(words):
        before = words[at - 1] if at else ""
        bearing = word in _BEARINGS and before in phrases().definite | ARTICLES
        if at in inside or not word.isalpha() or word in named or bearing:
            continue
        unknown = word not in seen or (len(word) >= SHORTEST_UNKNOWN and not is_word(word))
        matters = before in ARTICLES | phrases().definite | _COPULAS or _describes(ends.get(at))
        if at == 0 and starts.get(1) == "relation" and word not in verbs_of_change():  # "knight on a horse"
            matters = True
        if unknown or word in _POINTS_BACK or (matters and word not in lexicon().filler | _NO_NOUNS):
            found.append(word)
    return found


def points_elsewhere(edit: Edit, words: Sequence[str], is_word: Callable[[str], bool]) -> bool:
    """Tell whether a request speaks of what isn't there, or of something said before, so that nothing is guessed.

    That is "the *piano*" of a picture without one, "the dog's *scarf*" of a dog without, a verb that nobody knows
    ("*flubber* it"), and "*or* a cat".

    Args:
        edit: of the picture that stands.
        words: of the request, as typed.
        is_word: tells whether a word is known.
    """
    mentions = mentions_of(edit, words)
    inside = {at for mention in mentions for at in range(mention.start, mention.end)}
    no_noun = lexicon().filler | _NO_NOUNS | _COPULAS | _BEARINGS | verbs_of_change()
    ends = [*words[1:], "."]
    missing = (
        at not in inside
        and word.isalpha()
        and word not in no_noun
        and words[at - 1] == "the"
        and (not ends[at].isalpha() or ends[at] in no_noun or at + 1 in inside or not is_word(word))
        for at, word in enumerate(words)
        if at
    )
    owned = (one.kind == "thing" and not one.places and _owns(words[one.start - 1]) for one in mentions)
    back = any(word in _POINTS_BACK and at not in inside for at, word in enumerate(words))
    return (
        back
        or any(map(_is_missing, mentions))
        or any(missing)
        or any(owned)
        or _has_unknown_verb(words, mentions, is_word)
    )


def unreadable(edit: Edit, words: Sequence[str], is_word: Callable[[str], bool]) -> bool:
    """Tell whether nothing of a request is to be guessed, however likely.

    That is where it has a verb that nobody knows, said of a thing ("*flubber* it"), puts something to what nobody
    knows ("behind the *wheel*"), or colours a part of somebody ("blue *eyes*").
    """
    mentions = mentions_of(edit, words)
    inside = {at for mention in mentions for at in range(mention.start, mention.end)}
    relations = {one.end for one in mentions if one.kind == "relation"}
    missing = any(_is_missing(one) and one.start in relations for one in mentions)
    no_noun = _NO_NOUNS | lexicon().filler
    ends = [*words[1:], "."]
    unknown = any(
        at not in inside and word.isalpha() and words[at - 1] == "the" and at - 1 in relations
        and not ends[at].isalpha() and word not in no_noun
        for at, word in enumerate(words)
        if at > 1
    )  # fmt: skip
    looks = {one.end for one in mentions if one.kind == "colour"}
    parts = any(
        at in looks and word in BODY_PARTS | PARTS_OF_FACES for at, word in enumerate(words)
    )  # "give it blue eyes"
    return missing or unknown or parts or _has_unknown_verb(words, mentions, is_word)


def _has_unknown_verb(words: Sequence[str], mentions: Sequence[Mention], is_word: Callable[[str], bool]) -> bool:
    """Tell whether a word that nobody knows stands before what is there: "*flubber* it"."""
    inside = {at for mention in mentions for at in range(mention.start, mention.end)}
    starts = {mention.start: mention for mention in mentions}
    return any(
        word.isalpha() and at not in inside and not is_word(word)
        and (_points_at(starts.get(at + 1)) or (_begins_an_order(words, at) and words[at + 1 : at + 2] == ["the"]))
        for at, word in enumerate(words)
    )  # fmt: skip


def _begins_an_order(words: Sequence[str], at: int) -> bool:
    return not at or words[at - 1] in ("and", ",", "then", "but", ".", ";")


def _owns(word: str) -> bool:
    """Tell whether a word says whose something is: "the dog's scarf", and not "it's a picnic"."""
    return word.endswith("'s") and word.removesuffix("'s") not in _SHORT_IS


def _points_at(mention: Mention | None) -> bool:
    return mention is not None and (mention.kind == "pronoun" or bool(mention.places))


def _is_missing(mention: Mention) -> bool:
    return mention.kind == "thing" and mention.before[:1] == ("the",) and not mention.places


def _describes(mention: Mention | None) -> bool:
    return mention is not None and mention.kind in ("colour", "size", "number")


_TAKES_AWAY = frozenset(
    ["gone", "go", "goes", "out", "away", "off", "down", "disappear", "vanish", "leave", "leaves", "take", "quit",
     "kill", "destroy", "done", "over", "enough", "only", "just", "fewer", "less", "minus", "no", "not", "without",
     "nah", "nope", "bored", "tired", "sick", "hate", "dislike", "ugly", "annoying", "useless", "unnecessary",
     "needless", "needed", "longer", "anymore", "except", "but", "rid", "alone", "none", "ate", "eaten", "stole",
     "stolen"]
)  # fmt: skip
"""Words beside the verbs of removing by which something may be meant to go."""


def takes_away(words: Sequence[str]) -> bool:
    """Tell whether any word says that something is to go: of "the zebra wants some as well" none does."""
    verbs = (*lexicon().verbs["remove"], *phrases().verbs["remove"])
    return denies(words) or bool(_TAKES_AWAY & set(words)) or any(set(verb) <= set(words) for verb in verbs)


def denies(words: Sequence[str]) -> bool:
    """Tell whether a request says what is not to be: "the dog shouldn't be red"."""
    return any(word in _NEGATIONS or word.endswith("n't") for word in words)


def denied(words: Sequence[str]) -> frozenset[str]:
    """Return the words of what a request says is not to be: "red" of "it shouldn't be red , but blue"."""
    found: set[str] = set()
    denying = False
    for word in words:
        if word in _NEGATIONS or word.endswith("n't"):
            denying = True
        elif not word[0].isalnum() or word == "but":
            denying = False
        elif denying:
            found.add(word)
    return frozenset(found)
