"""Whom to thank for a reference, and who says a fact: lines ready to be shown, printed, or put beside a picture.

The parts are those that Creative Commons recommends (title, author, source, licence: "TASL"), each as the index or the
web source told it, so that they are data of others: whoever shows them escapes them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

UNKNOWN = "unknown"
"""The licence of what nobody has said anything about."""
OWN = "own"
"""That of a picture in a library of the person's own, with which nobody has recorded one."""


def attribution(record: Mapping[str, object]) -> str:
    """Return one line with title, creator, source, licence and links, as far as they are known.

    Such as ``"Scarlet ibis" by Jane Roe, openverse (flickr), CC-BY-4.0 (https://creativecommons.org/licenses/by/4.0/),
    https://example.org/ibis``.

    Args:
        record: a ``ReferenceRecord``, or any mapping with ``title``, ``creator``, ``source``, ``licence``,
            ``licence_link`` and ``link``; what is missing or empty is left out, except that an unknown licence is said
            to be unknown. ``kind`` tells a person's own picture.
    """
    if record.get("kind") == "subject":
        return "the user's own picture"
    title = _text(record, "title")
    credit = credit_of(record)
    return f'"{title}"{"" if credit.startswith("by ") else ","} {credit}' if title else credit


def credit_of(record: Mapping[str, object]) -> str:
    """Return the same line without the title, for where that is shown already."""
    creator, source = _text(record, "creator"), _text(record, "source")
    licence = _text(record, "licence")
    if licence in ("", UNKNOWN):
        licence = "licence unknown"
    elif licence == OWN:
        licence = "an own picture"
    if terms := _text(record, "licence_link"):
        licence = f"{licence} ({terms})"
    parts = [f"by {creator}" if creator else "", source, licence, _text(record, "link")]
    return ", ".join(part for part in parts if part)


def attributions(images: Iterable[Mapping[str, Any]], references: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return whom to thank for the pictures that images were drawn with, each once, in order.

    Args:
        images: records (``ImageRecord``) of drawn ones.
        references: records (``ReferenceRecord``) among which theirs are. The person's own need no thanks.
    """
    known = {record["id"]: record for record in references if record["kind"] != "subject" and not _is_own(record)}
    used = dict.fromkeys(one for image in images for one in image["references"] if one in known)
    return list(dict.fromkeys(attribution(known[one]) for one in used))


def quotes_of(trace: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what was read in a run (``QuoteRecord``), each once, in order, by its trace (``TraceStep``)."""
    quotes = [quote for step in trace for quote in step.get("quotes", ())]
    return list({(quote["concept"], quote["link"], quote["quote"]): quote for quote in quotes}.values())


def quote_line(quote: Mapping[str, Any]) -> str:
    """Return one line that says who says what of a concept, and where.

    Such as ``Wikipedia on the mascot of the 2026 Winter Olympics, page "Tina and Milo": "Tina and Milo are ..."
    (https://en.wikipedia.org/wiki/Tina_and_Milo, CC-BY-SA-4.0)``. All of it is data of others.
    """
    page, said = " ".join(quote["title"].split()), " ".join(quote["quote"].split())
    return f'{quote["source"]} on {quote["asked"]}, page "{page}": "{said}" ({quote["link"]}, {quote["licence"]})'


def _is_own(record: Mapping[str, object]) -> bool:
    return record.get("licence") == OWN


def _text(record: Mapping[str, object], name: str) -> str:
    """Return a part on one line."""
    return " ".join(str(record.get(name) or "").split())
