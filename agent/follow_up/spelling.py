"""Misspelt words of a request put right, where they are nearly a word of the picture or the grammar."""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from imagerag.agent.follow_up.lexicon import lexicon
from imagerag.agent.follow_up.phrases import one_slip, phrases
from imagerag.agent.follow_up.wording import spellings_of_chats
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.vocabulary import COLOURS, NUMBERS, SIZES, STYLES

SHORTEST = 5
"""Letters of the shortest word that is put right: shorter ones are too near to too many."""
SHORTEST_LOOK = 3
"""The same of a word that is nearly a colour or a size: "brwn", "smal"."""

_TURNED = frozenset(["ot", "teh", "hte", "adn", "nad", "wih", "wiht"])
"""Small words with letters turned or left out, which ``wording.toml`` puts right."""


@lru_cache(maxsize=1)
def _of_the_grammar() -> tuple[str, ...]:
    """Return the words that a request may be made of besides names."""
    said = phrases()
    verbs = [word for kind in (*lexicon().verbs.values(), *said.verbs.values()) for verb in kind for word in verb]
    places = [word for relation, _ in said.relations for word in relation]
    sizes = [word for kind in said.sizes.values() for text in kind for word in text.split()]
    colours = [word for colour in COLOURS for word in colour.split()]
    spellings = list(spellings_of_chats())
    styles = [word for style in (*said.styles, *STYLES) for word in style.split()]
    words = [
        *colours,
        *verbs,
        *places,
        *spellings,
        *styles,
        *sizes,
        *said.times,
        *NUMBERS,
        "background",
        "another",
        "please",
        "instead",
        "picture",
    ]
    return tuple(dict.fromkeys(word for word in words if len(word) >= SHORTEST))


@lru_cache(maxsize=1)
def _looks() -> tuple[str, ...]:
    """Return the colours and sizes of one word that are longer than others are near to."""
    return tuple(word for word in (*COLOURS, *SIZES) if word.isalpha() and len(word) > SHORTEST_LOOK)


def spelt(
    words: Sequence[str],
    things: Iterable[str],
    names: Collection[str],
    english: Collection[str],
    *,
    names_too: bool = True,
) -> list[str]:
    """Return the words with those put right that are misspelt beyond doubt.

    Args:
        words: of a request, as ``words_of`` returns them.
        things: phrases of the picture, which are tried first.
        names: of things, which are tried last.
        english: words that are right as they are.
        names_too: whether a word is put right that is nearly one of ``names``.
    """
    nouns = tuple(dict.fromkeys(word for phrase in things for word in phrase.split()))
    right = set(nouns) | set(_of_the_grammar()) | {word for name in names if " " in name for word in name.split()}
    near = tuple(name for name in names if len(name) >= SHORTEST) if names_too else ()
    return [word if _is_right(word, right, names, english) else _nearest(word, nouns, near) for word in words]


def notes_on(words: Sequence[str], put_right: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence for each word that was put right."""
    pairs = dict.fromkeys((word, right) for word, right in zip(words, put_right, strict=True) if word != right)
    return tuple(f"{word!r} was read as {right!r}" for word, right in pairs)


def _is_right(word: str, right: Collection[str], names: Collection[str], english: Collection[str]) -> bool:
    plural = singular(word)
    return (
        (len(word) < SHORTEST_LOOK and word not in _TURNED)
        or not word.isalpha()
        or any(form in right or form in english or form in names for form in (word, plural, word.removesuffix("s")))
    )


def _nearest(word: str, nouns: Sequence[str], names: Sequence[str]) -> str:
    if word in _TURNED:
        return spellings_of_chats()[word]
    if len(word) < SHORTEST:
        near = [look for look in _looks() if look[0] == word[0] and one_slip(word, look)]
        return near[0] if len(near) == 1 else word
    for candidates in (nouns, _of_the_grammar(), names):
        for form, ending in ((word, ""), (word.removesuffix("s"), "s")):
            near = [other for other in candidates if other[0] == form[0] and one_slip(form, other)]
            if len(near) == 1 and (ending == "" or form != word):
                return near[0] + ending
    return word
