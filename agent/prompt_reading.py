"""A request as the rules read it: emoji and other languages in English, and names that were nearly hit."""

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import NamedTuple

from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.languages import EMOJI, Language, language
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.translation import SMALL_WORDS, Names, emoji_to_words, to_english

MOST_NEAR = 2
"""Names that are offered for one that isn't known."""
_SHORTEST = 3
_LONGEST = 24
"""Letters of a word for which near ones are looked for."""
_NEAR = 0.8
"""Share of letters in common, as ``difflib`` counts it, from which on two words are nearly the same: two of eight wrong
are 0.75, one missing of five 0.89."""


class ReadRequest(NamedTuple):
    """A request in English, and sentences for the person on how it was read."""

    text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PromptReader:
    """Reads requests for those who have no language model.

    Args:
        load_words: names and words that English prompts have; called when first needed.
        load_languages: what other languages and emoji call things, by code of the language; likewise.
        load_english: common English words, which are no misspelled names; likewise.
        load_nouns: English names of things, in the singular, which are read as no other language, whatever they are a
            form of: "bike" is no Turkish bikini; likewise.
        keeps_unread: whether a prompt with words that aren't understood stays as it is written, for generators that may
            understand more than the tables.
    """

    load_words: Callable[[], Collection[str]]
    load_languages: Callable[[], Mapping[str, Names]]
    load_english: Callable[[], Collection[str]]
    load_nouns: Callable[[], Collection[str]] = frozenset
    keeps_unread: bool = False

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self.load_words()) | SMALL_WORDS

    def read(self, request: str) -> ReadRequest:
        """Return the request in English."""
        if request.isascii() and self._is_english(request):
            return ReadRequest(request)
        languages = self.load_languages()
        text = emoji_to_words(request, languages[EMOJI].english)
        notes = [f"emoji are read as words: {text}"] if text != request else []
        found = to_english(text, languages, self._words)
        if not found.language:
            if _is_of_other_script(text):
                way = "it is left to the generator as it is written"
                if not self.keeps_unread:
                    way = "say it in English, or give a picture of it (--subject)"
                notes.append(f"not understood: {text[:80]!r} is in no language that is read here; {way}")
            return ReadRequest(text, tuple(notes))
        if request.isascii() and self._is_likelier_english(request, language(found.language), languages):
            return ReadRequest(request)
        name = language(found.language).name
        unread = ", ".join(repr(word) for word in found.unread)
        if unread and self.keeps_unread:
            notes.append(f"not understood, and left to the generator as it is written ({name}): {unread}")
            return ReadRequest(text, tuple(notes))
        notes.append(f"read as {name}: {found.text}")
        if unread:
            notes.append(f"not understood of it: {unread}; say it in English, or give a picture of it (--subject)")
        return ReadRequest(found.text, tuple(notes))

    def read_name(self, name: str) -> ReadRequest:
        """Return what is to be looked up in English: of "ein Hund", "dog"."""
        read = self.read(name)
        things = parse_scene(read.text, self._words).content_concepts() if read.text != name else []
        return ReadRequest(things[0], read.notes) if len(things) == 1 else read

    def _is_known(self, request: str) -> bool:
        words = request.lower().replace(",", " ").split()
        return all(word in self._words or singular(word) in self._words for word in words)

    def _is_english(self, request: str) -> bool:
        """Tell whether all words are known, or name things in English."""
        rest = self._unknown(request)
        return not rest or all(singular(word) in self.load_nouns() for word in rest)

    def _is_likelier_english(self, request: str, other: Language, languages: Mapping[str, Names]) -> bool:
        """Tell whether what isn't known are English words, and names in the other language by their stems at most."""
        english, names = self.load_english(), languages[other.code].english
        small = other.words.keys() | other.behind.keys() | set(other.drop)
        return all(
            (word in english or singular(word) in english) and word not in names and word not in small
            for word in self._unknown(request)
        )

    def _unknown(self, request: str) -> list[str]:
        words = [word.strip(".!?;:") for word in request.lower().replace(",", " ").split()]
        return [word for word in words if word not in self._words and singular(word) not in self._words]

    def did_you_mean(self, prompt: str, names: Collection[str]) -> list[str]:
        """Return a sentence for each word of a prompt in English that is none, and nearly one of the library's.

        Args:
            prompt: what is to be drawn.
            names: of things, which are offered before other words.
        """
        unknown = [
            word
            for thing in parse_scene(prompt, self._words).content_concepts()
            if thing not in self._words
            for word in thing.split()
            if not self._is_known(word) and word.isalpha() and word not in self.load_english()
        ]
        told = []
        for word in dict.fromkeys(unknown):
            if near := self._nearly(word, names):
                told.append(f"{word!r} is no word of the library; did you mean {' or '.join(map(repr, near))}?")
        return told

    def _nearly(self, word: str, names: Collection[str]) -> Sequence[str]:
        if not _SHORTEST <= len(word) <= _LONGEST:
            return ()
        matcher = SequenceMatcher(None, "", word)
        found = []
        for name in self._words:
            if abs(len(name) - len(word)) > 1 or len(name) < _SHORTEST or not name.isalpha():
                continue
            share = _one_letter_off(name, word)
            if name[0] == word[0] and share < 1:
                matcher.set_seq1(name)
                if matcher.real_quick_ratio() >= _NEAR and matcher.quick_ratio() >= _NEAR:
                    share = max(share, matcher.ratio())
            if share >= _NEAR:
                found.append((name not in names, -share, name[0] != word[0], name))
        return [name for *_, name in sorted(found)[:MOST_NEAR]]


def _is_of_other_script(text: str) -> bool:
    """Tell whether most of a text's letters are not Latin, so that it can't be English."""
    letters = [character for character in text if character.isalpha()]
    latin = sum("LATIN" in unicodedata.name(character, "") for character in letters)
    return bool(letters) and latin < len(letters) / 2


def _one_letter_off(name: str, word: str) -> float:
    """Return 1 where one letter differs, or two beside each other are swapped: of short words that is a large share."""
    if len(name) != len(word):
        return 0.0
    differ = [k for k, (one, other) in enumerate(zip(name, word, strict=True)) if one != other]
    if len(differ) == 1:
        return 1.0
    swapped = len(differ) == 2 and differ[1] == differ[0] + 1
    return float(swapped and name[differ[0]] == word[differ[1]] and name[differ[1]] == word[differ[0]])
