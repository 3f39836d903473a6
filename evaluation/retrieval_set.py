"""The pictures of a suite that are looked up in, as a library of the data directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from imagerag.evaluation.records import Suite
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.sources.items import Item, Origin, Wanted
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.profiles.resolve import resolve
from imagerag.settings import Settings
from imagerag.store.home import home_directory

PREFIX = "eval-"

Progress = Callable[[str, int, int], None]
"""Told what is done, how many pictures are, and of how many."""


class PlainPictures:
    """A source of pictures without captions: a name or a folder of a public set would give their class away.

    Args:
        name: of the source, as ``index status`` tells it.
        pictures: absolute paths.
        confined: where they have to lie.
    """

    def __init__(self, name: str, pictures: Iterable[Path], confined: Confined) -> None:
        self.name = name
        self._confined = confined
        self._pictures = sorted(set(pictures))

    def count(self) -> int:
        """See ``Source``."""
        return len(self._pictures)

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``."""
        for path in self._pictures:
            key = str(path)
            if refusal := self._confined.refusal(key):
                yield Item(key, Origin("file", key), problem=refusal)
                continue
            try:
                found = path.stat()
            except OSError as error:
                yield Item(key, Origin("file", key), problem=f"{key!r} can't be read ({error.strerror})")
                continue
            yield Item(key, Origin("file", key), found.st_size, found.st_mtime_ns, source=self.name)

    def owns(self, key: str) -> bool:
        """See ``Source``: the library has nothing else."""
        return True


def with_retrieval_set(
    suite: Suite,
    pictures: Iterable[Path] | None,
    settings: Settings,
    tell: Progress = lambda what, done, total: None,
    note: Callable[[str], None] = lambda text: None,
    *,
    root: Path | None = None,
    allow_outside: bool = False,
) -> Settings:
    """Return the settings that look up in the suite's own pictures, which are indexed first, if there are any.

    The library is kept, so that the next run of the suite embeds only what has changed.

    Args:
        suite: that is run; one with a folder of pictures may caption them.
        pictures: its pictures without captions, if it has such.
        settings: of all arms; another library that is asked for stays.
        tell: told how far indexing has come.
        note: told what is indexed where.
        root: folder of the pictures without captions; they may lie anywhere where it is not given.
        allow_outside: whether they, and what a suite's folder of pictures names, may lie elsewhere.

    Raises:
        UserError: the pictures, or the CLIP model that looks things up, can't be used.
    """
    asked = settings.library is not None and settings.library != suite.library
    if asked or not (suite.retrieval or pictures is not None):
        return settings
    from imagerag.embedders.registry import clip_model
    from imagerag.index.user.calibrate import calibrate_if_outdated
    from imagerag.index.user.store import UserPictures

    library = PREFIX + suite.name
    settings = replace(settings, library=(library,))
    resolved = resolve(settings)
    home = home_directory(resolved.home)
    source: str | PlainPictures = suite.retrieval
    if pictures is not None:
        confined = Confined(root or Path.cwd(), allow_outside=allow_outside or root is None)
        source = PlainPictures(f"{suite.name} (retrieval set)", pictures, confined)
    reading = ReadOptions(allow_outside=allow_outside)
    for model in resolved.lookup_models:
        own = UserPictures(home, clip_model(model, resolved.device_settings), chroma=resolved.chroma, library=library)
        try:
            outcome = own.add([source], progress=lambda done, total: tell("indexing", done, total), reading=reading)
            calibrate_if_outdated(own, lambda done, total: tell("calibrating", done, total))
        finally:
            own.close()
        if outcome.skipped:
            first = outcome.skipped[0]["reason"]
            note(f"{len(outcome.skipped)} pictures of {library!r} are left out; the first: {first}")
    note(
        f"what is looked up lies in library {library!r}; to remove it: imagerag index remove --all --library {library}"
    )
    return settings
