"""Calibrating a model on the own pictures: their captions tell what is there, and what a library of them lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagerag.embedders.calibration import (
    LEAST_CAPTIONED,
    Calibration,
    Kind,
    LookupFloor,
    Presence,
    Reliability,
    Shows,
)
from imagerag.embedders.window_evidence import COARSE, Exemplars, WindowEvidence
from imagerag.errors import UserError
from imagerag.index.captions import CaptionWords, common_names, concepts_of
from imagerag.index.floor_fit import BestMatches, best_matches, fit_floor
from imagerag.index.null_calibration import NAMES_ASKED, temperature_of
from imagerag.index.presence_fit import Question, absent_scores, fit_presence, measure, reliability
from imagerag.index.synonyms import synonym_cosine

if TYPE_CHECKING:
    from imagerag.index.user.snapshot import Snapshot
    from imagerag.index.user.store import UserPictures

FITTED, HELD_OUT = 160, 80
"""Captioned pictures that presence is fitted on, and others that tell how reliable that is: a minute on a CPU. Then it
is fitted on all of them."""
UNCAPTIONED = 40
"""Pictures without captions that tell how absent concepts score."""
QUERIES = 1000
"""Concepts that the floor is fitted on: of 1,000, the share of false positives is known to 0.7 points."""
FEW_QUERIES = 200
"""Concepts below which everyday names are asked for as well."""
PARSED = 10_000
"""Captions that are parsed at most, evenly spread: three seconds."""
VOCABULARY = 2000
"""Concepts of the captions that a concept has to beat, besides everyday names."""


class Known(NamedTuple):
    """The own pictures as the fit sees them, of each only one row.

    Attributes:
        rows: (n,) in the snapshot.
        captions: n.
        concepts: of each, the things it names; of a large library, those of ``PARSED`` captions.
    """

    rows: NDArray[np.int64]
    captions: Sequence[str]
    concepts: Sequence[Sequence[str]]

    @property
    def captioned(self) -> list[int]:
        """Places of the pictures whose captions name something."""
        return [place for place, named in enumerate(self.concepts) if named]


def read_known(snapshot: Snapshot) -> Known:
    """Return the pictures of a snapshot, identical ones once."""
    rows = np.sort(np.unique(snapshot.codes, return_index=True)[1]) if len(snapshot) else np.empty(0, np.int64)
    captions = snapshot.table.column("caption").take(rows).to_pylist()
    parsed = set(np.linspace(0, len(rows) - 1, min(len(rows), PARSED)).astype(int).tolist())
    return Known(rows, captions, [concepts_of(text) if at in parsed else () for at, text in enumerate(captions)])


def vocabulary(known: Known) -> list[str]:
    """Return the names that a concept has to beat: those in the captions, and everyday ones."""
    return list(dict.fromkeys([*_named(known)[:VOCABULARY], *common_names()]))


def exemplars(own: UserPictures, snapshot: Snapshot, known: Known, most: int) -> tuple[Exemplars, list[int]]:
    """Return the newest pictures whose captions name one thing, and their places in ``known``."""
    places = [place for place, named in enumerate(known.concepts) if len(named) == 1][-most:]
    vectors = snapshot.vectors(known.rows[places]) if places else np.empty((0, own.embedder.dimension), np.float32)
    return Exemplars(vectors, [known.concepts[place][0] for place in places]), places


def own_eyes(own: UserPictures, most: int) -> tuple[WindowEvidence, Known, list[int]]:
    """Return what looks with the own pictures' names and likenesses, what is known, and the exemplars' places."""
    snapshot = own.snapshot()
    known = read_known(snapshot)
    shown, places = exemplars(own, snapshot, known, most)
    return WindowEvidence(own.embedder, vocabulary(known), shown if places else None, COARSE), known, places


def calibrate(
    own: UserPictures, progress: Callable[[int, int], None] | None = None, shows: Shows | None = None
) -> Calibration:
    """Fit presence and floor on the own pictures of a model, store the record, and return it.

    Args:
        own: the pictures.
        progress: told how many of the sampled pictures have been looked at.
        shows: what they are; what was said before if ``None``, or else photographs.

    Raises:
        UserError: nothing was added with this model.
    """
    from imagerag.index.user.store import SHOWN

    snapshot = own.snapshot()
    if not len(snapshot):
        raise UserError(_nothing_to_calibrate_on(own))
    eyes, known, shown = own_eyes(own, SHOWN)
    synonym = synonym_cosine(eyes.names, eyes.bank)
    captioned = known.captioned
    enough = len(captioned) >= LEAST_CAPTIONED
    if enough:
        presence, count, checked = _presence(own, eyes, known, shown, synonym, progress)
    else:
        presence, count, checked = _absent(own, eyes, known, synonym, progress), 0, None
    floor = _floor(own, snapshot, known, synonym)
    kind: Kind = "captions" if count else "names"
    before = own.calibration_file.read()
    shows = shows or (before.shows if before is not None else "photographs")
    record = Calibration(own.embedder.model_id, kind, count, len(known.rows), presence, floor, checked, shows)
    own.calibration_file.write(record)
    return record


def _nothing_to_calibrate_on(own: UserPictures) -> str:
    """Return the one line for a library without pictures of a model, with the models that it has pictures of."""
    from imagerag.index.user.shards import Shards

    told = f"there are no own pictures of {own.embedder.model_id!r} to calibrate on"
    if others := Shards(own.directory / "shards").models():
        return f"{told}, but of {', '.join(others)}; next: imagerag index calibrate --lookup-model NAME of one of these"
    return f"{told}; next: imagerag index add FOLDER"


def calibrate_if_outdated(
    own: UserPictures, progress: Callable[[int, int], None] | None = None, shows: Shows | None = None
) -> Calibration | None:
    """Calibrate where there is no fit, or the library has doubled since, or captions have come.

    Args:
        own, progress, shows: see ``calibrate``. What the pictures are is kept with a fit that stays as well.

    Returns:
        the new record; ``None`` where the old one stays, or there are no pictures.
    """
    snapshot = own.snapshot()
    if not len(snapshot):
        return None
    fitted = own.calibration_file.read()
    current = fitted is not None and not fitted.outdated(len(np.unique(snapshot.codes)))
    if fitted is not None and current and (fitted.calibrated or len(read_known(snapshot).captioned) < LEAST_CAPTIONED):
        if shows in (None, fitted.shows):
            return None
        fitted = replace(fitted, shows=shows)
        own.calibration_file.write(fitted)
        return fitted
    return calibrate(own, progress, shows)


def _presence(
    own: UserPictures,
    eyes: WindowEvidence,
    known: Known,
    shown: Sequence[int],
    synonym: float,
    progress: Callable[[int, int], None] | None,
) -> tuple[Presence, int, Reliability | None]:
    sampled = sorted(known.captioned, key=lambda place: _hashed(own.snapshot().value(int(known.rows[place]), "sha256")))
    sampled = sampled[: FITTED + HELD_OUT]
    questions = list(ask(own, eyes, known, shown, synonym, sampled, progress))
    pictures = list(dict.fromkeys(question.picture for question in questions))
    fitted = set(pictures[: len(pictures) * FITTED // (FITTED + HELD_OUT)])
    temperature = temperature_of(own.embedder)
    if len(pictures) < LEAST_CAPTIONED:  # most files are gone
        return Presence(temperature, synonym), 0, None
    raw = measure(eyes, questions, temperature, synonym)
    there = np.array([question.there for question in questions], float)
    mine = np.array([question.picture in fitted for question in questions], bool)
    partly = fit_presence(raw[mine], there[mine], temperature, synonym)
    held = [question.picture for question in questions if question.picture not in fitted]
    checked = reliability(partly, raw[~mine], there[~mine], held)
    return fit_presence(raw, there, temperature, synonym), len(pictures), checked


def ask(
    own: UserPictures,
    eyes: WindowEvidence,
    known: Known,
    shown: Sequence[int],
    synonym: float,
    places: Sequence[int],
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Question]:
    """Ask about each picture what its caption names, and as many things that captions of others name.

    A name that shares a main word with the caption, or is a near-synonym, is never asked for as absent.

    Args:
        own, eyes, known: the pictures, and what looks at them.
        shown: places of the exemplars.
        synonym: cosine of near-synonyms.
        places: of the pictures that are asked about; one that can't be read any more is left out.
        progress: told how many have been looked at.
    """
    others = _named(known)[:VOCABULARY]
    names = list(dict.fromkeys([*others, *(concept for place in places for concept in known.concepts[place])]))
    vectors = own.embedder.embed_texts(names)
    place_of = {name: at for at, name in enumerate(names)}
    words = CaptionWords(known.captions)
    related = [set(words.related(name).tolist()) for name in others]
    shown_at = np.array(shown, np.int64)
    snapshot = own.snapshot()
    random = np.random.default_rng(0)
    for done, place in enumerate(places, 1):
        if progress is not None:
            progress(done, len(places))
        try:
            image = own.image(snapshot.value(int(known.rows[place]), "sha256"))
        except UserError:
            continue
        seen, without = eyes.see(_on_white(image)), shown_at == place
        mine = [place_of[concept] for concept in known.concepts[place]]
        alike = np.atleast_1d((vectors @ vectors[mine].T >= synonym).any(axis=1))
        for concept in known.concepts[place]:
            yield Question(seen, concept, True, place, without)
        wanted = len(mine)
        for at in random.permutation(len(related)):
            if not wanted:
                break
            if not alike[at] and place not in related[at]:
                yield Question(seen, names[at], False, place, without)
                wanted -= 1


def _absent(
    own: UserPictures,
    eyes: WindowEvidence,
    known: Known,
    synonym: float,
    progress: Callable[[int, int], None] | None,
) -> Presence:
    """Return presence as a false positive rate: everyday names, nearly all of which a picture lacks."""
    snapshot = own.snapshot()
    places = sorted(range(len(known.rows)), key=lambda at: _hashed(snapshot.value(int(known.rows[at]), "sha256")))
    random = np.random.default_rng(0)
    temperature, scores = temperature_of(own.embedder), []
    names = common_names()
    for done, place in enumerate(places[:UNCAPTIONED], 1):
        try:
            image = own.image(snapshot.value(int(known.rows[place]), "sha256"))
        except UserError:
            continue
        asked = [names[at] for at in random.choice(len(names), NAMES_ASKED, replace=False)]
        evidence = eyes.evidence(eyes.see(_on_white(image)), asked, temperature, synonym)
        scores.append(np.stack(evidence, axis=1))
        if progress is not None:
            progress(done, min(len(places), UNCAPTIONED))
    absent = absent_scores(np.concatenate(scores)) if scores else ()
    return Presence(temperature, synonym, absent=absent)


def _floor(own: UserPictures, snapshot: Snapshot, known: Known, synonym: float) -> LookupFloor | None:
    queries, best = match_queries(own, snapshot, known, synonym)
    return fit_floor(queries, best)


def match_queries(
    own: UserPictures, snapshot: Snapshot, known: Known, synonym: float
) -> tuple[NDArray[np.float32], BestMatches]:
    """Return (n, d) queries for what captions name, and for everyday things where that is little; and their matches."""
    queries = _named(known)[:QUERIES]
    words = CaptionWords(known.captions)
    if len(queries) < FEW_QUERIES:
        queries += [name for name in common_names() if name not in queries]
    vectors = own.embedder.embed_texts(queries)
    carrying = [known.rows[words.carrying(query)] for query in queries]
    alike = np.asarray(vectors @ vectors.T >= synonym)
    related = [
        np.unique(np.concatenate([known.rows[words.related(query)], *(carrying[at] for at in np.flatnonzero(row))]))
        for query, row in zip(queries, alike, strict=True)
    ]
    count = len(snapshot)
    best = best_matches(vectors, snapshot.in_parts(known.rows, "embedding"), related, carrying, count)
    if snapshot.has("meaning"):
        by_caption = best_matches(vectors, snapshot.in_parts(known.rows, "meaning"), related, carrying, count)
        best = BestMatches(
            np.fmax(best.lacking, by_caption.lacking), np.fmax(best.having, by_caption.having), best.centre
        )
    return vectors, best


def _named(known: Known) -> list[str]:
    return sorted({concept for concepts in known.concepts for concept in concepts}, key=_hashed)


def _on_white(image: Any) -> Any:
    from imagerag.store.png import on_white

    return on_white(image)


def _hashed(text: str) -> str:
    """Return what puts texts in an order that nobody chose."""
    return hashlib.sha256(f"calibrate:{text}".encode()).hexdigest()
