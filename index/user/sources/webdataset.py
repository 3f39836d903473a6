"""WebDataset's tar shards as a source: members of one name and different endings are one sample."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath

from imagerag.errors import UserError
from imagerag.index.user.sources.folders import TEXT_BYTES, one_line, read_json, shown
from imagerag.index.user.sources.items import NO_LICENCE, Item, Origin, Wanted
from imagerag.store.files import cannot_read
from imagerag.store.picture_decoding import MAX_BYTES

PICTURES = frozenset({"jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "jp2", "ppm"})
TEXTS = ("txt", "caption", "text")
SEPARATOR = "::"


class TarSource:
    """Tar files of WebDataset's layout, as img2dataset writes them, too.

    Args:
        pattern: absolute; ``*`` and ``?`` as in a shell.
        files: what it matches now.
        licence: of samples that name none.
    """

    def __init__(self, pattern: str, files: Sequence[str], licence: str = NO_LICENCE) -> None:
        self.name = f"webdataset:{pattern}"
        self._pattern = pattern
        self._files = list(files)
        self._licence = licence

    def count(self) -> int:
        """See ``Source``."""
        return sum(len(list(self._samples(file, False))) for file in self._files)

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """See ``Source``."""
        for file in self._files:
            yield from self._samples(file, True)

    def owns(self, key: str) -> bool:
        """See ``Source``."""
        file, found, _ = key.partition(SEPARATOR)
        return bool(found) and fnmatch(file, self._pattern)

    def _samples(self, file: str, texts: bool) -> Iterator[Item]:
        try:
            status = os.stat(file)
            with tarfile.open(file, "r:") as archive:
                sample: list[tarfile.TarInfo] = []
                for member in archive:
                    if not member.isfile():
                        continue
                    if sample and _stem(member.name) != _stem(sample[0].name):
                        yield from self._sample(file, status, archive, sample, texts)
                        sample = []
                    sample.append(member)
                if sample:
                    yield from self._sample(file, status, archive, sample, texts)
                end = archive.offset
        except OSError as error:
            yield Item(file, Origin("tar", file), problem=str(cannot_read(file, error)))
            return
        except tarfile.TarError as error:
            yield Item(file, Origin("tar", file), problem=f"{file!r} is no plain tar file, or damaged ({error})")
            return
        if end > status.st_size:
            yield Item(file, Origin("tar", file), problem=f"{file!r} breaks off; what it held is lost")

    def _sample(
        self,
        file: str,
        status: os.stat_result,
        archive: tarfile.TarFile,
        members: Sequence[tarfile.TarInfo],
        texts: bool,
    ) -> Iterator[Item]:
        fields: dict[str, str] = {}
        problem = ""
        for member in members if texts else ():
            ending = _ending(member.name)
            if ending not in (*TEXTS, "json") or member.size > TEXT_BYTES:
                continue
            content = archive.extractfile(member)
            text = content.read() if content else b""
            if ending != "json":
                caption = one_line(text.decode("utf-8", "replace"))
                fields |= {"caption": caption} if caption else {}
                continue
            try:
                fields = read_json(text, shown(f"{file}{SEPARATOR}{member.name}")) | fields
            except UserError as error:
                problem = str(error)
        there = False
        for member in members:
            if _ending(member.name) not in PICTURES:
                continue
            there = True
            key = shown(f"{file}{SEPARATOR}{member.name}")
            origin = Origin("tar", file, f"{member.offset_data}+{member.size}")
            if member.size > MAX_BYTES:
                problem = f"{key!r} has {member.size / 2**20:.0f} MB; a picture has at most {MAX_BYTES >> 20}"
            known = {"caption": shown(PurePosixPath(_stem(member.name)).name), "source": key, "licence": self._licence}
            known |= fields
            yield Item(
                key,
                origin,
                status.st_size,
                status.st_mtime_ns,
                known["caption"],
                known.get("title", ""),
                known["source"],
                known["licence"],
                problem=problem,
            )
        if not there:
            key = shown(f"{file}{SEPARATOR}{members[0].name}")
            yield Item(key, Origin("tar", file), problem=f"{key!r} has no picture beside it")


def _stem(name: str) -> str:
    """Return a member's name up to the first dot of its last part: what WebDataset goes by."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def _ending(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[2].lower()
