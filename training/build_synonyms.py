"""Write assets/synonyms.tsv: words of emojilib for the library's concepts, beside the keywords from Unicode CLDR.

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
HEADER = "# Words of emojilib 4.0.3 (MIT) for concepts of the library; written by training/build_synonyms.py.\n"


def synonyms(library: Library, emojilib: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return further words by concept.

    Args:
        library: whose concepts and keywords.
        emojilib: words by emoji, as in ``dist/emoji-en-US.json`` of the npm package.
    """
    of_emoji = {emoji.replace("\ufe0f", ""): words for emoji, words in emojilib.items()}
    found: dict[str, list[str]] = {}
    for entry in library.entries:
        codes = entry.source.rsplit(" u", 1)[1].split("-")
        words = of_emoji.get("".join(chr(int(code, 16)) for code in codes), ())
        plain = dict.fromkeys(word.lower().replace("_", " ") for word in words)
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
    parser.add_argument("--modules", type=Path, required=True, help="the node_modules folder with emojilib")
    args = parser.parse_args()
    emojilib = json.loads((args.modules / "emojilib/dist/emoji-en-US.json").read_text(encoding="utf-8"))
    told = synonyms(Library(), emojilib)
    lines = [f"{name}\t{'|'.join(words)}\n" for name, words in told.items()]
    asset("library.parquet").with_name("synonyms.tsv").write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"{sum(map(len, told.values()))} words for {len(told)} concepts", file=sys.stderr)


if __name__ == "__main__":
    main()
