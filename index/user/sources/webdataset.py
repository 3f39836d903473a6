"""WebDataset's tar shards as a source: members of one name up to its first dot are one sample."""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath

from imagerag.errors import UserError, first_line
from imagerag.index.user.sources.beside import BESIDE, Described, ending_of, told_by
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.sources.fields import joined
from imagerag.index.user.sources.items import NO_LICENCE, SEPARATOR, Item, Origin, Wanted
from imagerag.index.user.sources.named_files import PICTURES
from imagerag.index.user.sources.short_text import CAPTION_LENGTH, one_line, shown
from imagerag.index.user.sources.texts import TEXT_BYTES
from imagerag.regular_files import open_regular
from imagerag.store.files import cannot_read
from imagerag.store.picture_decoding import MAX_BYTES

HIDDEN = re.compile(r"(.*/)?(\.[^/]*|__MACOSX/.*)|__[^/]*__(/.*)?", re.DOTALL)
"""Members that are no samples: hidden ones, as macOS puts ``._x.jpg`` beside ``x.jpg``, and WebDataset's own."""
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


class TarSource:
    """Tar files of WebDataset's layout, as img2dataset writes them, too.

    Args:
        pattern: absolute; ``*`` and ``?`` as in a shell.
        files: what it matches now.
        licence: of samples that name none.
        confined: where the files may lie; in the pattern's folder unless given. What is in a tar file is in it.
    """

    def __init__(
        self, pattern: str, files: Sequence[str], licence: str = NO_LICENCE, *, confined: Confined | None = None
    ) -> None:
        self._confined = confined or Confined.of_pattern(pattern, files)
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
        refusal = self._confined.refusal(file)
        if refusal:
            yield Item(file, Origin("tar", file), problem=refusal)
            return
        try:
            status = os.stat(file)
            with open_regular(file) as opened, tarfile.open(fileobj=opened, mode="r:") as archive:
                sample: list[tarfile.TarInfo] = []
                for member in archive:
                    if not member.isfile() or HIDDEN.fullmatch(member.name):
                        continue
                    if sample and _key(member.name) != _key(sample[0].name):
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
            yield Item(file, Origin("tar", file), problem=_no_tar(file, error))
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
        pictures = [member for member in members if ending_of(member.name) in PICTURES]
        for member in pictures:
            key = shown(f"{file}{SEPARATOR}{member.name}")
            fields: dict[str, str] = {}
            problem = ""
            if texts:
                try:
                    fields = told_by(_beside(file, archive, members, member), whole=True)
                except UserError as error:
                    problem = str(error)
            if member.size > MAX_BYTES:
                problem = f"{key!r} has {member.size / 2**20:.0f} MB; a picture has at most {MAX_BYTES >> 20}"
            name = one_line(shown(PurePosixPath(_stem(member.name)).name))
            caption = fields.get("title") or name[:CAPTION_LENGTH]
            fields = joined({"caption": caption, "source": key, "licence": self._licence}, fields)
            origin = Origin("tar", file, f"{member.offset_data}+{member.size}")
            yield Item(key, origin, status.st_size, status.st_mtime_ns, problem=problem, **fields)  # type: ignore[arg-type]
        if not pictures:
            key = shown(f"{file}{SEPARATOR}{members[0].name}")
            yield Item(key, Origin("tar", file), problem=f"{key!r} has no picture beside it")


def _beside(
    file: str, archive: tarfile.TarFile, members: Sequence[tarfile.TarInfo], picture: tarfile.TarInfo
) -> dict[str, Described]:
    """Return the members of a sample that describe one of its pictures, by their endings; the nearest by its name.

    That is ``x.left.jpg.txt`` or ``x.left.txt`` of ``x.left.jpg``, then ``x.txt``, then one of any other name in the
    sample, such as ``x.en.txt``.
    """
    near = (picture.name, _stem(picture.name), _key(picture.name))
    others = {_stem(member.name) for member in members if ending_of(member.name) in PICTURES} - set(near)
    found: dict[str, tuple[int, Described]] = {}
    for member in members:
        ending, stem = ending_of(member.name), _stem(member.name)
        if ending not in BESIDE or stem in others:
            continue
        distance = near.index(stem) if stem in near else len(near)
        if ending not in found or distance < found[ending][0]:
            found[ending] = distance, _described(file, archive, member)
    return {ending: described for ending, (_, described) in found.items()}


def _described(file: str, archive: tarfile.TarFile, member: tarfile.TarInfo) -> Described:
    def read() -> bytes:
        opened = archive.extractfile(member)
        return opened.read(TEXT_BYTES + 1) if opened else b""

    return Described(shown(f"{file}{SEPARATOR}{member.name}"), member.size, read)


def _no_tar(file: str, error: Exception) -> str:
    try:
        with open_regular(file) as opened:
            start = opened.read(8)
    except OSError as why:
        return str(cannot_read(file, why))
    packed = next((name for mark, name in _PACKED.items() if start.startswith(mark)), None)
    if packed:
        return f"{file!r} is packed with {packed}; unpack it: pictures are read at their places in a plain tar file"
    return f"{file!r} is no plain tar file, or damaged ({first_line(error)})"


def _key(name: str) -> str:
    """Return a member's name up to the first dot of its last part: what WebDataset calls the key of its sample."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def _stem(name: str) -> str:
    """Return a member's name up to the last dot of its last part."""
    return os.path.splitext(name)[0]
