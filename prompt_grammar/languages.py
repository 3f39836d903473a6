"""Languages whose prompts are read by what they call things: their small words, their spelling, their stems."""

import tomllib
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from imagerag.prompt_grammar.vocabulary import SIZES, colour_of

EMOJI = "emoji"
"""Stands for a language where names are listed by language."""
_VARIATION = dict.fromkeys(map(ord, "\ufe0e\ufe0f\u200c\u0640"))
_ONE_SPELLING = str.maketrans(
    {
        **dict.fromkeys("-'\u2019", " "),
        "\u0451": "\u0435",
        **dict.fromkeys("\u0622\u0623\u0625", "\u0627"),
        "\u0629": "\u0647",
        "\u0649": "\u064a",
    }
)
"""What people write one for the other: Russian io and ie, Arabic alif with and without hamza, ta marbuta and ha, alif
maqsura and ya. Hyphens and apostrophes part words."""


def spelled(text: str) -> str:
    """Return words as they are compared: NFKC, case folded, without vowel signs of Arabic and variation selectors."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_VARIATION).translate(_ONE_SPELLING)
    return " ".join("".join(sign for sign in folded if not "\u064b" <= sign <= "\u0652" and sign != "\u0307").split())


def without_accents(text: str) -> str:
    """Return Latin letters without their marks, as people type them whose keyboard lacks them."""
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(sign for sign in parts if not "\u0300" <= sign <= "\u036f"))


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
