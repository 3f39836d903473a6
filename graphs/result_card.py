"""A result as a notebook shows it: the image, what the critic says of it, and the references that it was drawn with.

Every text is escaped: prompts, titles and comments come from people, models and libraries. Pictures are small copies
within the text, so that a notebook that is given to others shows them and grows by little.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from imagerag.agent.absence import presence_in_words
from imagerag.attribution import credit_of, quote_line, quotes_of
from imagerag.graphs.nodes.finish import why_ended
from imagerag.records import ConceptScore, ReferenceRecord
from imagerag.store.inline_pictures import smaller

if TYPE_CHECKING:
    from imagerag.graphs.result import Result

SIDE = 512
"""Pixels on the longer side of the image."""
REFERENCE_SIDE = 96
"""Pixels on the longer side of a reference."""
MOST_REFERENCES = 12
"""References that are shown; the result has them all."""
LONGEST = 400
"""Characters of any one text."""


def card(result: Result) -> str:
    """Return a result as HTML without script, style sheet or outside resources."""
    return "".join(_parts(result))


def _parts(result: Result) -> Iterator[str]:
    yield '<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start">'
    if result.image is not None:
        address = _address(result.image["path"], SIDE)
        alt = f"{'The picture as it stands' if result.answer else 'The best image of the run'}: {result.prompt}"
        shown = f'<img src="{address}" alt="{_text(alt)}" style="max-width:min(100%,{SIDE}px);height:auto">'
        yield shown if address else f"<p>picture not at hand: {_text(alt)}</p>"
    yield '<div style="min-width:16em;max-width:40em">'
    yield f"<p><strong>{_text(result.prompt)}</strong></p>"
    why = _text(why_ended(result.stop_reason, result.trace))
    if result.answer:
        yield f"<p>{escape(result.answer)}</p>"
    elif result.image is None:
        yield f"<p>No image was made: {why}.</p>"
    else:
        said = "satisfied" if result.satisfied else "not satisfied"
        score = "not judged" if result.score is None else f"score {result.score:.2f}"
        seed = f"seed {result.seed}, {len(result.images)} drawn in {result.seconds:.1f} s"
        yield f"<p>{said}, {score}; {seed}; stopped because {why}</p>"
    if result.verdict is not None:
        yield "<ul>" + "".join(map(_concept, result.verdict["concepts"])) + "</ul>"
        if result.verdict.get("uncalibrated"):
            yield "<p>uncalibrated: the figures are no probabilities</p>"
    if result.notes:
        yield "<p>Notes</p><ul>" + "".join(f"<li>{_text(note)}</li>" for note in result.notes) + "</ul>"
    if result.references:
        yield '<p>References</p><ul style="list-style:none;padding:0">'
        yield "".join(map(_reference, result.references[:MOST_REFERENCES]))
        if (more := len(result.references) - MOST_REFERENCES) > 0:
            yield f"<li>and {more} more</li>"
        yield "</ul>"
    if quotes := quotes_of(result.trace):
        yield "<p>What was read</p><ul>" + "".join(f"<li>{escape(quote_line(one))}</li>" for one in quotes) + "</ul>"
    if result.path is not None:
        yield f"<p><small><code>{_text(str(result.path))}</code></small></p>"
    yield "</div></div>"


def _concept(score: ConceptScore) -> str:
    mark = "\N{CHECK MARK}" if score["present"] else "\N{BALLOT X}"
    return f"<li>{mark} {_text(score['concept'])}: {presence_in_words(score)} ({score['score']:.2f})</li>"


def _reference(record: ReferenceRecord) -> str:
    address = _address(record["path"], REFERENCE_SIDE)
    picture = f'<img src="{address}" alt="" style="vertical-align:middle;margin-right:.5em">' if address else ""
    what = f"{_text(record['title'])}{' for ' + _text(record['concept']) if record['concept'] else ''}"
    similar = f", similarity {record['similarity']:.2f}" if record["kind"] == "retrieved" else ""
    return f"<li>{picture}{what}{similar}, {_text(credit_of(record))}</li>"


def _address(path: str, side: int) -> str:
    """Return a small copy of a picture; empty where its file is not here or no picture any more."""
    try:
        return smaller(path, side) if path else ""
    except (OSError, ValueError):
        return ""


def _text(text: str) -> str:
    return escape(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...")
