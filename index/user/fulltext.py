"""Captions searched by their words: SQLite's full-text index, ranked by BM25."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from imagerag.store.sqlite import open_database

DAMAGED = "run `imagerag index rebuild`, which makes it anew; if that says the same, make room there"


class FullTextIndex:
    """A full-text index of captions by id.

    Args:
        file: where it lies; in memory if ``None``.

    Raises:
        FileError: it is damaged or can't be used; so does every method.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._database = open_database(file, damaged=DAMAGED)
        with self._database:
            self._database.execute(
                "CREATE VIRTUAL TABLE IF NOT EXISTS captions USING fts5"
                "(id UNINDEXED, caption, tokenize = 'porter unicode61 remove_diacritics 2')"
            )

    def ids(self) -> set[str]:
        """Return the ids of all captions."""
        return {row[0] for row in self._database.execute("SELECT id FROM captions").fetchall()}

    def change(self, removed: Sequence[str], added: Iterable[tuple[str, str]]) -> None:
        """Remove captions by id, and add (id, caption) pairs, all or none."""
        with self._database:
            gone = set(removed)
            if gone:  # the id is no key: one pass over the rows finds them all
                held = self._database.execute("SELECT rowid, id FROM captions").fetchall()
                rows = [(row,) for row, key in held if key in gone]
                self._database.executemany("DELETE FROM captions WHERE rowid = ?", rows)
            self._database.executemany("INSERT INTO captions (id, caption) VALUES (?, ?)", added)

    def search(self, text: str, wanted: int) -> list[str]:
        """Return the ids of the captions that have words of ``text``, best first by BM25, at most ``wanted``."""
        words = dict.fromkeys(re.findall(r"\w+", text.lower()))
        useful = [word for word in words if word not in STOP] or list(words)
        if not useful:
            return []
        query = " OR ".join(f'"{word}"' for word in useful)
        statement = "SELECT id FROM captions WHERE captions MATCH ? ORDER BY rank, id LIMIT ?"
        return [row[0] for row in self._database.execute(statement, (query, wanted)).fetchall()]

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


STOP = frozenset(
    {"a", "an", "and", "are", "as", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or", "the", "to"}
)
"""Words that nearly every caption has; a match in nothing else is none."""
