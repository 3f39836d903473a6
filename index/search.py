"""The bundled library, a person's own libraries and installed search services, searched as one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from imagerag.errors import InvalidArgument
from imagerag.index.base import PLAIN_SEARCH, Floor, Hit, ReferenceIndex, SearchOptions
from imagerag.index.bundled.chroma import ChromaIndex
from imagerag.index.plugin_search import SearchService
from imagerag.index.user.ensemble import ModelEnsemble
from imagerag.index.user.store import UserPictures
from imagerag.index.web.found import web_picture
from imagerag.index.web.web_index import WebIndex
from imagerag.licences import DEFAULT_POLICY, OWN, UNKNOWN, LicencePolicy, normalised, terms_of

if TYPE_CHECKING:
    from PIL import Image

ROUNDS = 8
"""Searches for as many pictures as are wanted where many have a licence that is not allowed."""
WEB_ROUNDS = 2
"""Captions of one concept that web sources are asked for: their servers count requests."""
LICENCES_NAMED = 4
"""Licences that a note names."""
SERVICE = "service"
"""The set of what a search service has found and calls by the name of one of the person's own libraries."""


class CombinedIndex:
    """A ``ReferenceIndex`` over the bundled library, a person's own libraries, and search services of plugins.

    Similarities are compared, and hits sorted by them, only where they are cosines of one model; else what each has
    found is taken in turn.

    Args:
        library: the bundled library's index, if it is searched.
        users: the person's libraries that are searched, each as embedded by one model or by several.
        floor: similarity of the bundled library's below which nothing is found, unless a search says otherwise.
        user_floors: the same of each of ``users``; ``floor`` unless given.
        diverse: how unlike each other the pictures of a library are, unless a search says otherwise.
        services: further indexes, whose similarities mean something else.
        web: web sources, asked for what nothing is found for elsewhere.
        home: the data directory, for pictures of the web that were chosen once, whether it is searched now or not.
        policy: licences that are drawn with. A person's own pictures need none, unless one was recorded with them.
    """

    def __init__(
        self,
        library: ChromaIndex | None,
        users: Sequence[UserPictures | ModelEnsemble] = (),
        floor: Floor = "calibrated",
        user_floors: Sequence[Floor] | None = None,
        diverse: float = 0.0,
        services: Sequence[ReferenceIndex] = (),
        web: WebIndex | None = None,
        home: Path | None = None,
        policy: LicencePolicy = DEFAULT_POLICY,
    ) -> None:
        self.library = library
        self.users = tuple(users)
        self.floor = floor
        self.user_floors = tuple(user_floors) if user_floors is not None else (floor,) * len(self.users)
        self.diverse = diverse
        self.services = tuple(services)
        self.web = web
        self.home = home
        self.policy = policy

    @property
    def comparable(self) -> bool:
        """See ``OrdersItself``."""
        if self.diverse or self.services or self.web or not all(map(_ranks_by_similarity, self._embedded)):
            return False
        return len({_space(one, at) for at, one in enumerate(self._embedded)}) <= 1

    @property
    def _embedded(self) -> list[UserPictures | ModelEnsemble | ChromaIndex]:
        """What is searched by embeddings: a person's own first, since they are what he means where ranks are equal."""
        return [*self.users, *([] if self.library is None else [self.library])]

    def prepare(self) -> None:
        """Do what is done once before the first search and is no part of it: floors of services and web are fitted."""
        for service in (*self.services, self.web):
            if isinstance(service, SearchService | WebIndex):
                service.prepare()

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``: the nearest of all; cosines of one model are comparable.

        Near-duplicates among the user's pictures are folded unless the options say otherwise. Pictures whose licence
        is not allowed are not found.
        """
        found = self._allowed(captions, k, options)
        if self.web is not None:
            self._ask_web(self.web, captions, k, options, found)
        return found

    def _ask_web(
        self, web: WebIndex, captions: Sequence[str], k: int, options: SearchOptions, found: list[list[Hit]]
    ) -> None:
        """Ask the web for the concepts that nothing was found for: by the plainest caption, then by another."""
        concepts = options.concepts or tuple(captions)
        for tried in range(WEB_ROUNDS):
            answered = {concept for concept, hits in zip(concepts, found, strict=True) if hits}
            places: dict[str, list[int]] = {}
            for place, concept in enumerate(concepts):
                places.setdefault(concept, []).append(place)
            asked = [
                sorted(of_it, key=lambda place: len(captions[place].split()))[tried]
                for concept, of_it in places.items()
                if concept not in answered and tried < len(of_it)
            ]
            if not asked:
                return
            how = replace(options, concepts=tuple(concepts[place] for place in asked))
            answers = web.search([captions[place] for place in asked], k, how)
            for place, hits in zip(asked, answers, strict=True):
                found[place] = hits

    def _allowed(self, captions: Sequence[str], k: int, options: SearchOptions) -> list[list[Hit]]:
        """Search what lies near, and again without what may not be drawn with, until there is none of that."""
        if self.library is None and not self.users and not self.services:
            return [[] for _ in captions]
        refused: dict[str, Hit] = {}
        for _ in range(ROUNDS):
            how = replace(options, exclude={*options.exclude, *refused}) if refused else options
            found = self._near(captions, k, how)
            now = {hit.sha256: hit for hits in found for hit in hits if not self._may_use(hit)}
            refused |= now
            if not now:
                break
        if refused:
            which = ", ".join(sorted({hit.licence for hit in refused.values()})[:LICENCES_NAMED])
            options.tell(
                f"{len(refused)} pictures found are not used for their licence ({which}); --licences takes others than "
                f"{self.policy.in_words}"
            )
        return [[self._as_own(hit) for hit in hits if self._may_use(hit)] for hits in found]

    def _may_use(self, hit: Hit) -> bool:
        if hit.set in self._own:
            return self.policy.allows_own(hit.licence)
        return self.policy.allows(hit.licence if terms_of(hit.licence) is not None else normalised(hit.licence))

    def _as_own(self, hit: Hit) -> Hit:
        """Say of a person's own picture that it is; not of one that came from elsewhere with a page or a name."""
        elsewhere = hit.licence not in ("", UNKNOWN) or hit.link or hit.creator or "://" in hit.source
        return hit if elsewhere or hit.set not in self._own else replace(hit, licence=OWN)

    def _of_service(self, hit: Hit) -> Hit:
        return replace(hit, set=SERVICE) if hit.set in self._own else hit

    @cached_property
    def _own(self) -> frozenset[str]:
        """Names of the person's own libraries."""
        return frozenset(one.name if isinstance(one, UserPictures) else one.own[0].name for one in self.users)

    def _near(self, captions: Sequence[str], k: int, options: SearchOptions) -> list[list[Hit]]:
        diverse = self.diverse if options.diverse is None else options.diverse
        fold = True if options.fold is None else options.fold
        floors = [*self.user_floors, self.floor]
        if options.floor is not None:
            floors = [options.floor] * len(floors)
        lists: dict[str, list[list[list[Hit]]]] = {}  # what each has found, those of one model together
        by_rank = bool(options.fused or diverse or options.like)  # then the order is not that of the similarities
        for at, index in enumerate(self._embedded):
            if at == len(self.users):
                how = replace(options, floor=floors[-1], diverse=diverse)
            else:
                how = replace(options, floor=floors[at], fold=fold, diverse=diverse)
            space = f"{at}" if by_rank else _space(index, at)
            lists.setdefault(space, []).append(index.search(captions, k, how))
        others = [
            [[self._of_service(hit) for hit in hits] for hits in service.search(captions, k, options)]
            for service in self.services
        ]
        answers = []
        for place in range(len(captions)):
            near = [_by_similarity([found[place] for found in of_model]) for of_model in lists.values()]
            answers.append(_once(_in_turn([*near, *(found[place] for found in others)]))[:k])
        return answers

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``."""
        for index in (*self.users, *self.services, self.library):
            if index is not None:
                with suppress(InvalidArgument):
                    return index.image(sha256)
        if self.home is not None:
            with suppress(InvalidArgument):
                return web_picture(self.home, sha256)
        raise InvalidArgument(f"{sha256!r} is not the address of a picture in what is searched")


def _space(index: UserPictures | ModelEnsemble | ChromaIndex, at: int) -> str:
    """Return a name shared by all whose hits come in the order of comparable similarities; else one of its own."""
    if _ranks_by_similarity(index):
        return index.embedder.model_id  # type: ignore[union-attr]
    return f"{at}"


def _ranks_by_similarity(index: UserPictures | ModelEnsemble | ChromaIndex) -> bool:
    """Whether its hits come in the order of similarities that compare: not those that are fused of several ranks."""
    return isinstance(index, ChromaIndex) or (isinstance(index, UserPictures) and index.ranks_by_similarity)


def _by_similarity(lists: Sequence[list[Hit]]) -> list[Hit]:
    return lists[0] if len(lists) == 1 else sorted(chain(*lists), key=lambda hit: -hit.similarity)


def _in_turn(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Return the best of each list, then the second of each, and so on."""
    return [hit for hit in chain.from_iterable(zip_longest(*lists)) if hit is not None]


def _once(hits: Sequence[Hit]) -> list[Hit]:
    """Return each picture once: the same may lie in several libraries."""
    return list({hit.sha256: hit for hit in reversed(hits)}.values())[::-1]
