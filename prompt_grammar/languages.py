"""Languages whose prompts are read by what they call things: their small words, their spelling, their stems."""

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from imagerag.prompt_grammar.vocabulary import SIZES, colour_of
from imagerag.spelling import spelled

EMOJI = "emoji"
"""Stands for a language where names are listed by language."""


@dataclass(frozen=True)
class Language:
    """The small words of a language; see ``languages.toml``.

    Attributes:
        code: of ISO 639.
        name: in English.
        words: English by word or words of the language, as ``spelled`` writes them.
        behind: likewise, of words behind what they place something at.
        drop: words that have no English one here.
        adjective_after: whether colours and sizes stand behind their thing.
        spaces: whether spaces part its words.
        prefixes: what is written together with the word behind it, the longest first.
        suffixes: what is written together with the word before it, the longest first.
        joined: those of the suffixes that mean "and".
        stemmer: of the package ``snowballstemmer``; empty where it has none.
    """

    code: str
    name: str
    words: Mapping[str, str]
    behind: Mapping[str, str]
    drop: Collection[str]
    adjective_after: bool = False
    spaces: bool = True
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    joined: frozenset[str] = field(default_factory=frozenset)
    stemmer: str = ""

    @cached_property
    def quality_stems(self) -> Mapping[str, str]:
        """English colours and sizes by the stems of their words."""
        return {
            self.stem(word): english
            for word, english in self.words.items()
            if " " not in word and (colour_of(english) or english in SIZES)
        }

    def stem(self, text: str) -> str:
        """Return every word of a text, as ``spelled`` writes it, without its ending."""
        if not self.stemmer:
            return text
        stem = _stemmer(self.stemmer)
        return " ".join(stem(word) for word in text.split(" "))


@lru_cache(maxsize=16)
def _stemmer(algorithm: str) -> Callable[[str], str]:
    import snowballstemmer

    stem_word: Callable[[str], str] = lru_cache(maxsize=4096)(snowballstemmer.stemmer(algorithm).stemWord)
    return stem_word


def _language(code: str, data: Mapping[str, Any]) -> Language:
    def by_word(table: Mapping[str, list[str]]) -> dict[str, str]:
        return {spelled(word): english for english, words in table.items() for word in words}

    return Language(
        code=code,
        name=data["name"],
        words=by_word(data["words"]),
        behind=by_word(data.get("behind", {})),
        drop=frozenset(spelled(word) for word in data["drop"]),
        adjective_after=data["adjective"] == "after",
        spaces=data.get("spaces", True),
        prefixes=tuple(spelled(word) for word in data.get("prefixes", ())),
        suffixes=tuple(spelled(word) for word in data.get("suffixes", ())),
        joined=frozenset(data.get("joined", ())),
        stemmer=data.get("stemmer", ""),
    )


@lru_cache(maxsize=1)
def _languages() -> dict[str, Language]:
    data = tomllib.loads((Path(__file__).parent / "languages.toml").read_text(encoding="utf-8"))
    return {code: _language(code, content) for code, content in data.items()}


LANGUAGES = ("de", "fr", "es", "pt", "it", "nl", "pl", "ru", "tr", "ar", "hi", "zh", "ja", "ko")
"""Codes of those in ``languages.toml``."""


def language(code: str) -> Language:
    """Return a language of ``LANGUAGES``."""
    return _languages()[code]
