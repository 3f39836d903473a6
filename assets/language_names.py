"""What 14 languages call the library's concepts, and their emoji, from Unicode CLDR; read when needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from imagerag.assets import asset
from imagerag.spelling import without_accents


@dataclass(frozen=True)
class LanguageNames:
    """The names of one language.

    Attributes:
        english: what each name is in English, a concept of the library or a keyword; in the spelling of
            ``imagerag.prompt_grammar.languages``.
        stems: the same by names whose words have lost their endings; of several with one stem, the first.
    """

    english: Mapping[str, str]
    stems: Mapping[str, str]

    @cached_property
    def unaccented(self) -> Mapping[str, str]:
        """The same by names and stems without accents."""
        return {without_accents(name): meaning for name, meaning in (*self.stems.items(), *self.english.items())}


@lru_cache(maxsize=1)
def language_names() -> dict[str, LanguageNames]:
    """Return the names by code of the language; emoji are listed as one, too.

    Raises:
        UserError: the file is missing.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(asset("language_names.parquet")) as file:
        table = file.read().to_pydict()
    names: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    for code, name, stem, meaning in zip(*(table[key] for key in ("language", "name", "stem", "english")), strict=True):
        english, stems = names.setdefault(code, ({}, {}))
        english[name] = meaning
        stems.setdefault(stem, meaning)
    return {code: LanguageNames(*found) for code, found in names.items()}
