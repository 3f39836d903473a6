"""Common English words: those that the embedded CLIP's tokenizer keeps whole."""

import json
from functools import lru_cache

from imagerag.assets import asset


@lru_cache(maxsize=1)
def english_words() -> frozenset[str]:
    """Return about 23,000 words in lower case, common names of people and places among them.

    Raises:
        UserError: the tokenizer's file is missing.
    """
    content = json.loads((asset("clip") / "tokenizer.json").read_text(encoding="utf-8"))
    return frozenset(piece for piece in content["model"]["vocab"] if piece.isalpha())
