"""How words of any language are written where they are compared."""

import unicodedata

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
