"""What the look-ups of an evaluation find: recorded once per prompt and replayed, so that arms see the same web.

Controls stand here too: an index of which only so many pictures can be found, and one that finds random pictures.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from imagerag.errors import UserError
from imagerag.evaluation.plan import png_bytes
from imagerag.evaluation.switches import Switches
from imagerag.evaluation.told_settings import told_settings
from imagerag.index.base import PLAIN_SEARCH, Hit, OrdersItself, ReferenceIndex, SearchOptions
from imagerag.index.captions import common_names, content_words
from imagerag.store.files import is_address
from imagerag.store.png import encode_png

if TYPE_CHECKING:
    from PIL import Image

NO_FLOOR = -1.0
"""The least that a cosine can be."""

Line = dict[str, Any]
"""One search as it was answered: ``key``, ``prompt`` and ``found``, a line of ``lookups.jsonl``."""


class RecordedLookups:
    """The searches made for one prompt so far, by all arms.

    Args:
        prompt: its name; the same caption of two prompts is searched twice, whichever process comes first.
        lines: that an earlier process has recorded.
        record: is told each new line.
        pictures: PNGs that were kept of what a search service has found, by address.
        keep: is told of each new one its address and its PNG.
    """

    def __init__(
        self,
        prompt: str,
        lines: Sequence[Line] = (),
        record: Callable[[Line], None] = lambda line: None,
        pictures: Mapping[str, Path | bytes] | None = None,
        keep: Callable[[str, bytes], None] = lambda sha256, png: None,
    ) -> None:
        self.prompt = prompt
        self._found = {line["key"]: line["found"] for line in lines}
        self._record = record
        self._pictures = dict(pictures or {})
        self._keep = keep

    def picture(self, sha256: str, find: Callable[[], Image.Image]) -> Image.Image:
        """Return a picture that a search service has found, as it was when it was first looked at."""
        from PIL import Image as pil

        if sha256 not in self._pictures:
            png = encode_png(find().convert("RGBA"))
            self._pictures[sha256] = png
            self._keep(sha256, png)
        image = pil.open(io.BytesIO(png_bytes(self._pictures[sha256])))
        image.load()
        return image

    def answer(self, key: str, search: Callable[[], list[list[Hit]]]) -> list[list[Hit]]:
        """Return what was found under that key, searching if nothing was recorded."""
        if key not in self._found:
            found = [[_plain(hit) for hit in hits] for hits in search()]
            self._found[key] = found
            self._record({"prompt": self.prompt, "key": key, "found": found})
        return [[_hit(plain) for plain in hits] for hits in self._found[key]]


class EvaluationIndex:
    """A ``ReferenceIndex`` that records and replays, and finds what an arm's switches let it.

    Args:
        open_inner: opens the arm's own index when it is first searched.
        settings: of the arm that decide what it finds, by name; part of what a recorded search is known by.
        switches: of the arm.
        recorded: of the prompt.
    """

    def __init__(
        self,
        open_inner: Callable[[], ReferenceIndex],
        settings: Mapping[str, object],
        switches: Switches,
        recorded: RecordedLookups,
    ) -> None:
        self._open_inner = open_inner
        self._switches = switches
        self._recorded = recorded
        told = {"floor": switches.floor, "order": switches.order, "found": switches.found,
                "size": switches.retrieval_size}  # fmt: skip
        shared: dict[str, object] = told_settings(settings)
        if shared != json.loads(json.dumps(dict(settings), default=str)):  # two models of one name in two folders
            whole = json.dumps(dict(settings), sort_keys=True, default=str)
            shared["digest"] = hashlib.sha256(whole.encode()).hexdigest()[:16]
        self._variant = {**shared, **told}

    @property
    def comparable(self) -> bool:
        """See ``OrdersItself``."""
        inner = self._open_inner()
        by_similarity = not isinstance(inner, OrdersItself) or inner.comparable
        return by_similarity and self._switches.order != "fused" and self._switches.found == "index"

    def search(self, captions: Sequence[str], k: int, options: SearchOptions = PLAIN_SEARCH) -> list[list[Hit]]:
        """See ``ReferenceIndex.search``."""
        asked = {
            "captions": list(captions),
            "k": k,
            "exclude": sorted(options.exclude),
            "where": [repr(condition) for condition in options.where],
            "how": [options.fused, options.fold, options.diverse, options.floor],
            "like": None if options.like is None else hashlib.sha256(options.like.tobytes()).hexdigest(),
        }
        key = json.dumps({**self._variant, **asked}, sort_keys=True, default=str)
        return self._recorded.answer(key, lambda: self._search(captions, k, options))

    def image(self, sha256: str) -> Image.Image:
        """See ``ReferenceIndex.image``; what may be gone tomorrow is kept."""
        inner = self._open_inner()
        if not getattr(inner, "services", ()) or not is_address(sha256):
            return inner.image(sha256)
        return self._recorded.picture(sha256, lambda: inner.image(sha256))

    def _search(self, captions: Sequence[str], k: int, options: SearchOptions) -> list[list[Hit]]:
        switches = self._switches
        if switches.found != "index":
            return [self._random(caption, k) for caption in captions]
        if switches.retrieval_size is not None:
            left_out = addresses(cast("Hashable", self._open_inner()))[switches.retrieval_size :]
            if switches.retrieval_size == 0:
                return [[] for _ in captions]
            options = replace(options, exclude={*options.exclude, *left_out})
        if not switches.floor:
            options = replace(options, floor=NO_FLOOR)
        if switches.order != "index":
            options = replace(options, fused=switches.order == "fused")
        return self._open_inner().search(captions, k, options)

    def _random(self, caption: str, k: int) -> list[Hit]:
        """Return a picture of each of ``k`` things that nobody asked for, the same each time."""
        dice = random.Random(f"{self._recorded.prompt} {caption}")
        asked = set(content_words(caption))
        names = dice.sample([name for name in common_names() if not asked & set(content_words(name))], k)
        found = self._open_inner().search(names, 1, SearchOptions(floor=NO_FLOOR))
        hits = [of_name[0] for of_name in found if of_name]
        if self._switches.found == "mislabelled":
            hits = [replace(hit, title=caption, words=()) for hit in hits]
        return list({hit.sha256: hit for hit in hits}.values())


@cache
def addresses(index: Hashable) -> tuple[str, ...]:
    """Return the addresses of all pictures of an index, in an order of their own: smaller sets are parts of larger.

    Raises:
        UserError: it has none that can be listed, as a search service.
    """
    from imagerag.index.search import CombinedIndex
    from imagerag.index.user.store import UserPictures

    if not isinstance(index, CombinedIndex) or index.services:
        raise UserError("retrieval_size needs libraries whose pictures can be listed, and a search service's can't")
    found: set[str] = set()
    if index.library is not None:
        found.update(entry.sha256 for entry in index.library.library.entries)
    for user in index.users:
        if not isinstance(user, UserPictures):
            raise UserError("retrieval_size needs libraries that one CLIP model searches; name one with --lookup-model")
        found.update(user.snapshot().by_address)
    return tuple(sorted(found))


def _plain(hit: Hit) -> dict[str, Any]:
    """Return it as the folder of a run has it: where the picture lies is for this machine alone."""
    return {**asdict(hit), "path": hit.path.name, "words": list(hit.words)}


def _hit(plain: Mapping[str, Any]) -> Hit:
    return Hit(**{**plain, "path": Path(plain["path"]), "words": tuple(plain["words"])})
