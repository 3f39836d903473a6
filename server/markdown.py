"""A run told in Markdown, for chat front ends: each event becomes a line or a picture."""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from imagerag.agent.absence import presence_in_words
from imagerag.attribution import attributions, credit_of, quote_line, quotes_of
from imagerag.graphs.nodes.finish import why_ended

MAX_SHOWN = 6
MAX_ANSWER = 2000
"""Characters of an answer in words."""
MAX_CREDIT = 480
"""Characters of whom to thank for a reference: with two addresses among them, more than of other texts."""
MAX_QUOTE = 1300
"""Characters of a quote's line: of a title, a concept and a text, which are bounded, and of an address."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~])")

AddressOf = Callable[[Mapping[str, Any]], str]
"""Where a front end finds the image of a record."""


def plain(text: str, most: int = 300) -> str:
    """Return text of people, libraries and models so that no part of it is taken for Markdown, a link or HTML.

    Of longer ones come the first ``most`` characters.
    """
    return html.escape(_SPECIAL.sub(r"\\\1", " ".join(text.split())[:most]), quote=False)


def told(event: Mapping[str, Any], address_of: AddressOf) -> str:
    """Return an event as Markdown; empty for those that front ends show by themselves."""
    match event["event"]:
        case "images":
            shown = event["images"][:MAX_SHOWN]
            pictures = " ".join(picture(record, address_of(record)) for record in shown)
            return f"{_origin(shown[0])}\n\n{pictures}\n\n"
        case "verdict":
            verdict = event["verdict"]
            found = ", ".join(
                f"{plain(concept['concept'])} {'✓' if concept['present'] else '✗'} {presence_in_words(concept)} "
                f"({concept['score']:.2f})"
                for concept in verdict["concepts"]
            )
            best = ", the best so far" if event["best"] else ""
            best += ", uncalibrated" if verdict.get("uncalibrated") else ""
            return f"{event['image']['id']} scores {verdict['score']:.2f}{best}: {found}\n\n"
        case "captions":
            return f"Looking up {', '.join(plain(concept) for concept in event['captions'])}\n\n"
        case "references":
            if not event["references"]:
                return "The library has nothing close enough\n\n"
            lines = [
                f"- {record['id']} for {plain(record['concept'])}: {plain(record['title'])}, "
                f"similarity {record['similarity']:.2f}, {plain(credit_of(record), MAX_CREDIT)}"
                for record in event["references"][:MAX_SHOWN]
            ]
            if (more := len(event["references"]) - MAX_SHOWN) > 0:
                lines.append(f"- and {more} more")
            return "Found:\n" + "\n".join(lines) + "\n\n"
        case "answer":
            shown = event["image"]
            return f"{plain(event['text'], MAX_ANSWER)}\n\n" + (
                f"{picture(shown, address_of(shown))}\n\n" if shown else ""
            )
        case "note":
            return f"Note: {plain(event['text'])}\n\n"
        case _:
            return ""


def picture(record: Mapping[str, Any], address: str) -> str:
    """Return an image as Markdown, with words for those who can't see it."""
    return f"![{record['id']}: {plain(record['prompt'])}]({address})"


def ending(output: Mapping[str, Any], address_of: AddressOf) -> str:
    """Return the last words: the best image, what is still missing, why the run ended, and whom to thank and quote."""
    if output["stop_reason"] == "answered":
        return ""  # its event has said all
    best = output["image"]
    why = plain(why_ended(output["stop_reason"], output.get("trace", ())))
    if best is None:
        return f"No image was made: {why}.\n"
    verdict = best["verdict"]
    missing = ", ".join(_lacking(verdict)) if verdict else ""
    lack = f" Still missing: {missing}." if missing else ""
    score = f" (score {best['score']:.2f})" if best["score"] is not None else ""
    words = f"**{best['id']}**{score}; {why}.{lack}\n"
    if best["id"] != output["images"][-1]["id"]:
        words = f"{words}\n{picture(best, address_of(best))}\n"
    thanks = [plain(line, MAX_CREDIT) for line in attributions([best], output["references"])]
    read = [plain(quote_line(quote), MAX_QUOTE) for quote in quotes_of(output.get("trace", ()))]
    return words + _listed("References in it:", thanks) + _listed("What was read, as others say it:", read)


def _listed(heading: str, lines: Sequence[str]) -> str:
    return f"\n{heading}\n" + "".join(f"- {line}\n" for line in lines) if lines else ""


def _lacking(verdict: Mapping[str, Any]) -> list[str]:
    """Return what is missing; of what must not be there and is, that it is there."""
    there = {one["concept"]: presence_in_words(one) for one in verdict["concepts"] if one["kind"] == "absence"}
    return [plain(f"{name} ({there[name]})" if name in there else name) for name in verdict["missing"]]


def _origin(record: Mapping[str, Any]) -> str:
    if not record["references"]:
        return f"Drawn from words, seed {record['seed']}:"
    return f"Drawn again with {', '.join(record['references'])}, seed {record['seed']}:"
