"""Reading prompts that aren't English, and emoji, into English the grammar understands.

No translation: names of things that the library knows are looked up in a table, small words in another, and what
stands in neither stays as it was written and is told.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from imagerag.prompt_grammar.inflection import plural, singular
from imagerag.prompt_grammar.languages import LANGUAGES, Language, language
from imagerag.prompt_grammar.noun_phrase import article
from imagerag.prompt_grammar.vocabulary import ARTICLES, COLOURS, CONNECTORS, NUMBERS, SIZES, colour_of, number_of
from imagerag.spelling import spelled

_LONGEST = 6
"""Words of the longest name that is looked for, where spaces part words."""
_LONGEST_UNSPACED = 14
"""Characters of the longest name, where none do."""
_SHORT = 8
"""Words of prompts that are tried in every language."""
_TRIED = 3
"""Languages that longer ones are tried in."""
_MARKS = re.compile(r"[.!?\u3002\uff01\uff1f\u061f\u0964\"\u201c\u201d\u00ab\u00bb\u300c\u300d()]+")
_COMMAS = re.compile(r"\s*[,;:\u3001\u3002\uff0c\u060c]\s*")
_SKIN_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
_EMOJI = re.compile(
    "[\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001fbff][\ufe0e\ufe0f\u200d\u20e3\U0001f000-\U0001fbff\u2640\u2642\u2695-\u2708\u2b1b\u2764]*"
)
_ENGLISH_ALONE = frozenset(["the", "of", "with", "and", "wearing", "riding", "holding", "from", "is", "are", "an", "a"])
SMALL_WORDS = frozenset(word for phrase in CONNECTORS for word in phrase.split()) | {
    *ARTICLES,
    *COLOURS,
    *SIZES,
    *NUMBERS,
}
"""English words of the grammar itself."""

Kind = Literal["name", "quality", "number", "relation", "behind", "at", "comma", "unread"]


class Names(Protocol):
    """The names of a language; see ``imagerag.assets.language_names``."""

    @property
    def english(self) -> Mapping[str, str]:
        """What each name is in English."""

    @property
    def stems(self) -> Mapping[str, str]:
        """The same by names without endings."""

    @property
    def unaccented(self) -> Mapping[str, str]:
        """The same by both without accents."""


class Translated(NamedTuple):
    """A prompt in English.

    Attributes:
        text: the prompt itself where it is English already, or no language that is known.
        language: the code of the language it was read as; empty if none.
        unread: words that stand in no table.
    """

    text: str
    language: str = ""
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Piece:
    kind: Kind
    english: str
    size: int = 0
    """Letters of the prompt that it stands for."""
    either: str = ""
    """The name of a thing that a colour's word is as well: "rose", "naranja"."""


def emoji_to_words(text: str, names: Mapping[str, str]) -> str:
    """Return the text with its emoji in words: "a dog face on a skateboard".

    Args:
        text: a prompt.
        names: concepts by emoji. One that isn't there is called as Unicode calls it.
    """
    if text.isascii():
        return text

    def words(found: re.Match[str]) -> str:
        read = _emoji_run(_SKIN_TONES.sub("", found[0]).replace("\ufe0f", "").replace("\ufe0e", ""), names)
        return f" {' and '.join(read)} " if read else found[0]

    return re.sub(r"\s+(?=[,.;!?])", "", " ".join(_EMOJI.sub(words, text).split()))


def _emoji_run(run: str, names: Mapping[str, str]) -> list[str]:
    read: list[str] = []
    at = 0
    while at < len(run):
        for end in range(min(len(run), at + 12), at, -1):
            if name := names.get(spelled(run[at:end])):
                break
        else:
            end = at + 1
            sign = run[at]
            name = unicodedata.name(sign, "").lower() if unicodedata.category(sign) == "So" else ""
        if name:
            read.append(name)
        at = end
    return read


def to_english(text: str, names: Mapping[str, Names], english: Collection[str]) -> Translated:
    """Return the prompt in English, if it is in a language of ``LANGUAGES`` and names a thing in it.

    Where English understands as much of it as any other language, it is English.

    Args:
        text: a prompt without emoji.
        names: of ``LANGUAGES``, by code.
        english: words and names that English prompts have.
    """
    if spelled(text) not in english and (whole := _whole(text, names)):
        return whole
    plain = _MARKS.sub(" ", _COMMAS.sub(" , ", text))
    tokens = [token for part in plain.split() if (token := part if part == "," else spelled(part))]
    words = [word for token in tokens for word in token.split()]
    if not words:
        return Translated(text)
    best, most = None, _known_in_english(words, english)
    if most == 1:
        return Translated(text)
    for code in _likely(words, names):
        tongue = language(code)
        pieces = _pieces(words, tongue, names[code])
        read = sum(piece.size for piece in pieces if piece.kind != "unread")
        share = read / sum(len(word) for word in words if word != ",")
        if share > most and any(piece.kind == "name" or piece.either for piece in pieces):
            best, most = (tongue, pieces), share
    if best is None:
        return Translated(text)
    tongue, pieces = best
    pieces = _settled(pieces, tongue)
    unread = tuple(dict.fromkeys(piece.english for piece in pieces if piece.kind == "unread"))
    return Translated(_said(_placed(pieces)), tongue.code, unread)


def _likely(words: Sequence[str], names: Mapping[str, Names]) -> list[str]:
    """Return the languages that a prompt may be in: of a long one those in which most of its words are known as they
    stand, since looking for stems takes its time; none of those that lack an article or connector it has in English.
    """
    found: dict[str, int] = {}
    for code in LANGUAGES:
        if code in names:
            tongue = language(code)
            small = {word for word in words if word in tongue.words or word in tongue.drop or word in tongue.behind}
            english = {word for word in words if word in _ENGLISH_ALONE}
            if english - small or (english and small == english):
                continue
            found[code] = len(small) + sum(word in names[code].english for word in words)
    if len(words) <= _SHORT:
        return list(found)
    return sorted(found, key=lambda code: -found[code])[:_TRIED]


def _whole(text: str, names: Mapping[str, Names]) -> Translated | None:
    """Read a prompt that is one name: such names have colons, commas and quotation marks, too."""
    whole = spelled(text)
    for code in LANGUAGES:
        if code in names and (meaning := names[code].english.get(whole)):
            return Translated(f"{article(meaning)} {meaning}", code)
    return None


def _known_in_english(words: Sequence[str], english: Collection[str]) -> float:
    told = [word for word in words if word != ","]
    known = sum(len(w) for w in told if w in english or singular(w) in english or w in SMALL_WORDS or number_of(w))
    return known / max(sum(len(word) for word in told), 1)


def _pieces(words: Sequence[str], tongue: Language, names: Names) -> list[_Piece]:
    return _spaced(words, tongue, names) if tongue.spaces else _unspaced(words, tongue, names)


def _spaced(words: Sequence[str], tongue: Language, names: Names) -> list[_Piece]:
    pieces: list[_Piece] = []
    at = 0
    while at < len(words):
        if words[at] == ",":
            pieces.append(_Piece("comma", ","))
            at += 1
            continue
        for length in range(min(_LONGEST, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + length])
            found = _exact(phrase, tongue, names) or _inflected(phrase, tongue, names)
            if found is not None:
                break
        else:
            length = 1
            found = _attached(words[at], tongue, names) or [_Piece("unread", words[at])]
        pieces += found
        at += length
    return pieces


def _exact(phrase: str, tongue: Language, names: Names) -> list[_Piece] | None:
    size = len(phrase.replace(" ", ""))
    concept = names.english.get(phrase, "")
    if phrase in tongue.words:
        return [_small_word(tongue.words[phrase], size, concept)]
    if phrase in tongue.behind:
        return [_Piece("behind", tongue.behind[phrase], size)]
    if phrase in tongue.drop:
        return [_Piece("relation", "", size)]
    return [_Piece("name", concept, size)] if concept else None


def _small_word(english: str, size: int, concept: str = "") -> _Piece:
    if colour_of(english) or english in SIZES:
        return _Piece("quality", english, size, concept)
    if english == ",":
        return _Piece("comma", ",", size)
    if english == "at":
        return _Piece("at", "", size)
    return _Piece("number" if number_of(english) else "relation", english, size)


def _inflected(phrase: str, tongue: Language, names: Names) -> list[_Piece] | None:
    """Find a phrase by its stems, or without its accents."""
    size = len(phrase.replace(" ", ""))
    if not tongue.stemmer or size < 3:
        return None
    stem = tongue.stem(phrase)
    meaning = names.stems.get(stem, "")
    if quality := tongue.quality_stems.get(stem):
        return [_Piece("quality", quality, size, "" if meaning == quality else meaning)]
    if meaning:
        return [_Piece("name", meaning, size)]
    plain = names.unaccented.get(phrase) or names.unaccented.get(stem) if phrase.isascii() else None
    return [_Piece("name", plain, size)] if plain else None


def _attached(word: str, tongue: Language, names: Names) -> list[_Piece] | None:
    """Take apart a word with an article, "and" or a particle written together with it."""
    for prefix in tongue.prefixes:
        rest = word.removeprefix(prefix)
        if len(rest) > 1 and rest != word and (found := _exact(rest, tongue, names) or _inflected(rest, tongue, names)):
            return [_Piece("relation", "and", len(prefix)), *found] if prefix.startswith("و") else found
    for suffix in tongue.suffixes:
        rest = word.removesuffix(suffix)
        if rest and rest != word and (found := _exact(rest, tongue, names)):
            tail = _Piece("relation", "and" if suffix in tongue.joined else "", len(suffix))
            return [*found, tail]
    return None


def _unspaced(words: Sequence[str], tongue: Language, names: Names) -> list[_Piece]:
    pieces: list[_Piece] = []
    for word in words:
        at = 0
        if word == "," or word.isascii():
            pieces.append(_Piece("comma" if word == "," else "unread", word))
            continue
        while at < len(word):
            for end in range(min(len(word), at + _LONGEST_UNSPACED), at, -1):
                if found := _exact(word[at:end], tongue, names):
                    pieces += found
                    break
            else:
                end = at + 1
                last = pieces.pop() if at and pieces and pieces[-1].kind == "unread" else _Piece("unread", "")
                pieces.append(_Piece("unread", last.english + word[at]))
            at = end
    return [piece if piece.english != "," else _Piece("comma", ",") for piece in pieces]


def _settled(pieces: Sequence[_Piece], tongue: Language) -> list[_Piece]:
    """Decide what is a colour and what a thing of the same name, and put what stands behind its thing before it."""
    kept = [piece for piece in pieces if piece.english or piece.kind == "at"]
    settled: list[_Piece] = []
    for k, piece in enumerate(kept):
        if piece.kind == "quality" and piece.either:
            beside = kept[k - 1 : k] if tongue.adjective_after else kept[k + 1 : k + 2]
            if not any(other.kind in ("name", "quality", "unread") for other in beside):
                piece = _Piece("name", piece.either, piece.size)
        settled.append(piece)
    if not tongue.adjective_after:
        return settled
    ordered: list[_Piece] = []
    for piece in settled:
        at = len(ordered)
        if piece.kind == "quality":
            while (
                at
                and ordered[at - 1].kind in ("quality", "name", "unread")
                and not any(ordered[j].kind == "name" for j in range(at, len(ordered)))
            ):
                at -= 1
        ordered.insert(at, piece)
    return ordered


def _placed(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Put "desk on cat", as languages say it whose relations stand behind, as "cat on desk"."""
    pieces = list(pieces)
    k = 0
    while k < len(pieces):
        if pieces[k].kind != "behind":
            k += 1
            continue
        start = k
        while start and pieces[start - 1].kind in ("name", "quality", "number", "unread"):
            start -= 1
        anchor = pieces[start:k]
        relation = _Piece("relation", pieces[k].english, pieces[k].size)
        if start and pieces[start - 1].kind == "at":
            pieces[start - 1 : k + 1] = [relation, *anchor]
            k += 1
            continue
        end = k + 1
        while end < len(pieces) and pieces[end].kind in ("name", "quality", "number", "unread"):
            end += 1
        subject = pieces[k + 1 : end]
        if subject:
            pieces[start:end] = [*subject, relation, *anchor]
            k = end
        else:  # "cat desk on": the subject was said before
            first = start
            pieces[first : k + 1] = [relation, *anchor]
            k += 1
    return pieces


def _said(pieces: Sequence[_Piece]) -> str:
    out: list[str] = []
    chunk: list[_Piece] = []

    def close() -> None:
        if chunk:
            words = " ".join(piece.english for piece in chunk)
            counted = any(piece.kind == "number" for piece in chunk) or chunk[0].kind == "unread"
            out.append(words if counted or words.endswith("background") else f"{article(words)} {words}")
            chunk.clear()

    for piece in pieces:
        if piece.kind in ("name", "quality", "number", "unread"):
            if chunk and chunk[-1].kind == "name" and piece.kind != "unread":
                close()
                out.append("and")
            many = piece.kind == "name" and any(other.kind == "number" for other in chunk)
            chunk.append(_Piece("name", plural(piece.english)) if many else piece)
        elif piece.kind != "at":
            close()
            out.append(piece.english)
    close()
    while out and out[-1] in ("and", ","):
        out.pop()
    return " ".join(out).replace(" ,", ",")
