"""A ``ReferenceIndex`` over web sources: what is found by words is ranked by what it shows, then fetched large."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from imagerag.errors import InvalidArgument, UserError
from imagerag.index.base import PLAIN_SEARCH, Floor, Hit, SearchOptions
from imagerag.index.captions import carries
from imagerag.index.filters import all_hold
from imagerag.index.fusion import most_relevant
from imagerag.index.user.duplicates import near
from imagerag.index.user.sources.decoding import perceptual_hash
from imagerag.index.user_libraries import WEB
from imagerag.index.web.cache import WebCache
from imagerag.index.web.candidates import Candidate, WebQuery, WebSource
from imagerag.index.web.client import FULL_BYTES, PAUSES, Pauses, is_left_alone
from imagerag.index.web.first_use import announced
from imagerag.index.web.found import web_file, web_picture
from imagerag.index.web.gathering import Gathered, Gathering, fetched
from imagerag.index.web.sent_words import sent_words
from imagerag.interruptible import run_bounded, seconds_left
from imagerag.licences import DEFAULT_POLICY, LicencePolicy, terms_of
from imagerag.store.files import write_whole
from imagerag.store.moderation import refusal
from imagerag.store.picture_decoding import is_large, read_picture
from imagerag.store.png import encode_png, is_whole_png, on_white

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from imagerag.embedders.calibration import LookupFloor
    from imagerag.embedders.clip import Embedder

SECONDS = 30.0
"""For one look-up, all sources together, however much time the run has."""
OF_SEARCHES = 0.6
"""Share of it for searches and small pictures; the rest is for the large ones."""
LEAST = 5.0
"""Seconds that each source has, however many there are, where the look-up has that much."""
AT_ONCE = 32
"""Small pictures that are decoded at a time, some MiB each."""
SPARE = 2
"""Times as many large pictures as are wanted that are tried at most: some servers refuse to be linked to."""
SAME = 16
"""Bits of 64 in which the looks of a small and a large copy differ at most. Those of unrelated pictures differ in half
of them; in 16 or fewer, by chance, one time in 25,000 (binomial, n = 64, p = 1/2)."""


@dataclass(frozen=True)
class Seen:
    """A small picture, and what a model makes of it."""

    gathered: Gathered
    look: int
    vector: NDArray[np.float32]
    similarity: float

    @property
    def candidate(self) -> Candidate:
        """Whose picture it is."""
        return self.gathered.candidate


class WebIndex:
    """See the module.

    Args:
        sources: which are asked, all at once.
        home: the data directory; what was chosen lies in its folder ``web``.
        embedder: the run's CLIP model, which ranks.
        fit: returns the model's look-up floor, asked when something is found for the first time; ``None`` for a model
            that can't tell what photographs show: then the words of a picture have to name all that was asked for.
        floor: unless a search says otherwise.
        policy: licences that are taken.
        sensitive: whether results that a source marks as sensitive are wanted.
        diverse: how unlike each other what is found is, unless a search says otherwise.
    """

    def __init__(
        self,
        sources: Sequence[WebSource],
        home: str | Path,
        embedder: Embedder,
        fit: Callable[[], LookupFloor | None] | None,
        floor: Floor = "calibrated",
        policy: LicencePolicy = DEFAULT_POLICY,
        sensitive: bool = False,
        diverse: float = 0.0,
    ) -> None:
        self.sources = tuple(sources)
        self.embedder = embedder
        self.policy = policy
        self._home = Path(home)
        self._folder = self._home / WEB
        self._fit = fit
        self._floor = floor
        self._sensitive = sensitive
        self._diverse = diverse
        self._cache = WebCache(self._folder / "cache")
        self._pauses = Pauses(self._folder / PAUSES)
        self._lock = threading.Lock()
        self._taken: dict[str, tuple[Hit, int]] = {}  # what was chosen, by address, with its look
        self._pruned = False

    def prepare(self) -> None:
        """Fit the floor, which takes as long as loading a model does."""
        if self._floor == "calibrated":
            _ = self._fitted

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``; of a source that hangs or fails, only what it has found by then.

        Of the options it has no use for ``like`` and ``fused``. ``tell`` hears which source was asked what.
        """
        if k < 1:
            raise InvalidArgument(f"k {k!r} is below 1; ask for at least one reference")
        concepts = options.concepts or captions
        named = [self._sent_of(concept, options) for concept in concepts]
        sent = [sent_words(caption) if concept else "" for caption, concept in zip(captions, named, strict=True)]
        asked = {words: concept for words, concept in zip(sent, named, strict=True) if words}
        if not asked or not self.sources:
            return [[] for _ in captions]
        answers = dict(zip(asked, self._found(asked, k, options), strict=True))
        return [list(answers.get(words, ())) for words in sent]

    def _sent_of(self, concept: str, options: SearchOptions) -> str:
        """Return what is sent of a concept; empty, which is told, where it has no business on the web."""
        words = "" if concept in options.written else sent_words(concept)
        if concept.strip() and not words:
            is_written = concept in options.written
            why = "it is to be written in the picture" if is_written else "it is somebody's address, number or key"
            options.tell(f"{concept!r} is not asked for on the web: {why}")
        return words

    def _found(self, asked: Mapping[str, str], k: int, options: SearchOptions) -> list[list[Hit]]:
        """Return what is found for captions, of which each stands for a concept."""
        captions = list(asked)
        self._announce(captions, options)
        query = WebQuery("", max(20, k), policy=self.policy, sensitive=self._sensitive)
        gathering = Gathering(self.sources, self._cache, self._pauses, query)
        seconds = min(SECONDS, seconds_left() / 2)
        share = min(seconds * OF_SEARCHES, max(LEAST, seconds * OF_SEARCHES / len(self.sources)))
        plainly = list(asked.values())
        gathered = self._within(share, lambda share: gathering.run(captions, share, plainly), gathering.so_far)
        answers = [
            self._chosen(caption, found, k, options, seconds * (1 - OF_SEARCHES) / len(captions))
            for caption, found in zip(captions, gathered, strict=True)
        ]
        for line in gathering.told(self.policy):
            options.tell(line)
        return answers

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``; also of what an earlier run has chosen."""
        return web_picture(self._home, sha256)

    def _announce(self, captions: Sequence[str], options: SearchOptions) -> None:
        """Tell who is asked what, before anything is sent; the first time also what that means."""
        asked = [source.name for source in self.sources if not is_left_alone(source, self._pauses)]
        for line in announced(self._folder, asked, captions) if asked else ():
            options.tell(line)
        if not self._pruned:
            self._cache.prune()
            self._pruned = True

    def _within(
        self, seconds: float, run: Callable[[float], list[list[Gathered]]], so_far: Callable[[], list[list[Gathered]]]
    ) -> list[list[Gathered]]:
        """Return what comes of network traffic in time; what came before its end where it has none."""
        try:
            return run_bounded(lambda: run(seconds), seconds + 2.0)
        except TimeoutError:  # a resolver, or a loop, that does not end with its time
            return so_far()

    @cached_property
    def _fitted(self) -> LookupFloor | None:
        return None if self._fit is None else self._fit()

    def _chosen(
        self, caption: str, gathered: Sequence[Gathered], k: int, options: SearchOptions, seconds: float
    ) -> list[Hit]:
        """Return what is drawn with: ranked by look, above the floor, each picture once, fetched large."""
        seen = self._seen(caption, gathered)
        keep = all_hold(options.where)
        seen = [one for one in seen if keep(_fields(one.candidate))]
        seen = self._above(caption, seen, options)
        groups = _folded(seen)
        diverse = self._diverse if options.diverse is None else options.diverse
        if diverse > 0 and len(groups) > 1:
            import numpy as np

            order = most_relevant(np.stack([group[0].vector for group in groups]), len(groups), diverse)
            groups = [groups[place] for place in order]
        hits: list[Hit] = []
        tried = 0
        while len(hits) < k and groups and tried < SPARE * k:
            now, groups = groups[: k - len(hits)], groups[k - len(hits) :]
            tried += len(now)
            for group, data in zip(now, self._large(now, seconds), strict=True):
                hit = self._taken_in(caption, group, data, options)
                if hit is not None and hit.sha256 not in {one.sha256 for one in hits}:
                    hits.append(hit)
        return sorted(hits, key=lambda hit: -hit.similarity) if diverse == 0 else hits

    def _seen(self, caption: str, gathered: Sequence[Gathered]) -> list[Seen]:
        """Decode and embed the small pictures, the most similar first; what can't be decoded is left out."""
        small = [one for one in gathered if one.candidate.data or not is_large(one.data)]  # no small copy of anything
        seen: list[Seen] = []
        for start in range(0, len(small), AT_ONCE):
            shown = []
            for one in small[start : start + AT_ONCE]:
                with suppress(UserError):
                    shown.append((one, on_white(read_picture(one.data, name="a picture from the web"))))
            if not shown:
                continue
            query = self.embedder.embed_texts([caption.strip()])[0]
            vectors = self.embedder.embed_images([picture for _, picture in shown])
            seen += [
                Seen(one, perceptual_hash(picture), vector, float(vector @ query))
                for (one, picture), vector in zip(shown, vectors, strict=True)
            ]
        return sorted(seen, key=lambda one: -one.similarity)

    def _above(self, caption: str, seen: list[Seen], options: SearchOptions) -> list[Seen]:
        """Return what is above the look-up floor.

        Words don't count for a picture here, as they do elsewhere: all of them were found by words.
        """
        floor = self._floor if options.floor is None else options.floor
        if floor != "calibrated":
            return [one for one in seen if one.similarity >= floor]
        if self._fit is None:
            return [one for one in seen if _is_said_to_show(one.candidate, caption)]
        if self._fitted is None or not seen:
            return seen
        query = self.embedder.embed_texts([caption.strip()])[0]
        above = self._fitted.above([one.similarity for one in seen], query).tolist()
        return [one for one, kept in zip(seen, above, strict=True) if kept]

    def _large(self, groups: Sequence[Sequence[Seen]], seconds: float) -> list[bytes | None]:
        """Fetch the large picture of each group, all at once; ``None`` for one that can't be had."""
        wanted = [group[0].candidate for group in groups]
        if there := [one.data for one in wanted if one.data]:
            others = [group for group in groups if not group[0].candidate.data]
            fetched_, given = iter(self._large(others, seconds) if others else ()), iter(there)
            return [next(given) if one.data else next(fetched_) for one in wanted]
        clients = {source.name: source for source in self.sources}
        try:
            return run_bounded(
                lambda: asyncio.run(
                    fetched(
                        [(clients[group[0].gathered.of], one.full) for group, one in zip(groups, wanted, strict=True)],
                        self._cache,
                        self._pauses,
                        FULL_BYTES,
                        seconds,
                    )
                ),
                seconds + 2.0,
            )
        except TimeoutError:
            return [None] * len(groups)

    def _taken_in(self, caption: str, group: Sequence[Seen], data: bytes | None, options: SearchOptions) -> Hit | None:
        """Return the hit of a large picture, which has to show what its small copy does; ``None`` where it does not."""
        if data is None:
            return None
        try:
            picture = read_picture(data, name="a picture from the web")
        except UserError:
            return None
        shown = on_white(picture)
        look = perceptual_hash(shown)
        if (look ^ group[0].look).bit_count() > SAME:  # such as a picture that says that linking is not allowed
            return None
        query = self.embedder.embed_texts([caption.strip()])[0]
        similarity = float(self.embedder.embed_images([shown])[0] @ query)
        sha256 = hashlib.sha256(data).hexdigest()
        with self._lock:
            for hit, other in self._taken.values():
                if (hit.sha256 == sha256 or near(look, other)) and self.policy.allows(hit.licence):
                    if hit.sha256 in options.exclude:
                        return None
                    hit = _as_told_now(hit, group[0].candidate)
                    self._taken[hit.sha256] = hit, other
                    return replace(hit, similarity=similarity)
            large = replace(group[0], similarity=similarity)
            if not self._above(caption, [large], options) or sha256 in options.exclude:
                return None
            hit = _hit(large.candidate, sha256, web_file(self._home, sha256), similarity)
            if reason := refusal(shown, "fetched"):
                options.tell(f"a picture of {large.candidate.source} is not used, since it may not be shown ({reason})")
                return None
            if is_whole_png(hit.path):
                with suppress(OSError):  # it is in use: ``imagerag gc`` leaves it alone
                    os.utime(hit.path)
            else:
                write_whole(hit.path, encode_png(shown), durable=False)
            self._taken[sha256] = hit, look
            return hit


def _folded(seen: Sequence[Seen]) -> list[list[Seen]]:
    """Return the pictures in groups that show the same, the best group first.

    In each comes first the one whose licence asks for most: where a picture is found under several, whoever keeps to
    that one keeps to all. Of as much the one that tells more of whom to thank.
    """
    groups: list[list[Seen]] = []
    for one in seen:
        for group in groups:
            same = any(one.gathered.sha256 == other.gathered.sha256 or near(one.look, other.look) for other in group)
            if same:
                group.append(one)
                break
        else:
            groups.append([one])
    return [sorted(group, key=lambda one: _order(one.candidate)) for group in groups]


def _order(candidate: Candidate) -> tuple[int, int]:
    told = (candidate.creator, candidate.link, candidate.title, candidate.licence_link)
    return -_demands(candidate.licence), -sum(map(bool, told))


def _is_said_to_show(candidate: Candidate, caption: str) -> bool:
    """Tell whether the words of a picture name all that a caption does."""
    return any(carries(caption, said) for said in (candidate.title, *candidate.words, " ".join(candidate.words)))


def _demands(licence: str) -> int:
    terms = terms_of(licence)
    return 100 if terms is None else terms.demands


def _as_told_now(hit: Hit, candidate: Candidate) -> Hit:
    """Return a picture that was chosen before with what a source tells of it now.

    What was told before stays where it asks for as much, unless the same page says something else by now.
    """
    same_page = hit.link == (candidate.link or candidate.full)
    if not same_page and _demands(candidate.licence) <= _demands(hit.licence):
        return hit
    return _hit(candidate, hit.sha256, hit.path, hit.similarity)


def _hit(candidate: Candidate, sha256: str, path: Path, similarity: float) -> Hit:
    return Hit(
        sha256=sha256,
        path=path,
        title=candidate.title,
        words=candidate.words,
        similarity=similarity,
        source=candidate.source,
        licence=candidate.licence,
        set=WEB,
        creator=candidate.creator,
        link=candidate.link or candidate.full,
        licence_link=candidate.licence_link,
    )


def _fields(candidate: Candidate) -> dict[str, str]:
    return {
        "licence": candidate.licence,
        "caption": candidate.title,
        "title": candidate.title,
        "source": candidate.source,
    }
