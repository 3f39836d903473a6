"""A collection format: a text file with one picture a line, ``FILE<tab>CAPTION``; ``imagerag index add tsv:LIST``."""

from collections.abc import Iterator
from pathlib import Path

from imagerag.errors import UserError
from imagerag.index.user.sources.items import Item, Origin, Source, Wanted
from imagerag.index.user.sources.read_options import ReadOptions


class TsvSource:
    """The pictures of one list.

    Args:
        file: the list; relative names in it are looked for in its folder.
        licence: of its pictures.
    """

    def __init__(self, file: Path, licence: str) -> None:
        self.file = file.absolute()
        self.name = f"tsv:{self.file}"
        self._licence = licence
        try:
            text = self.file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{str(self.file)!r} can't be read ({error}); give tsv: a text file in UTF-8") from error
        self._rows = [line.split("\t", 1) for line in text.splitlines() if line.strip()]

    def count(self) -> int:
        """Return how many items there will be."""
        return len(self._rows)

    def items(self, wanted: Wanted) -> Iterator[Item]:
        """Yield one item a line; what can't be taken has a ``problem``."""
        for name, *caption in self._rows:
            picture = self.file.parent / name
            key = f"{self.file}::{name}"  # names the picture for ever
            origin = Origin("file", str(picture))
            if not picture.is_file():
                yield Item(key, origin, problem=f"{str(picture)!r} is not there")
                continue
            status = picture.stat()
            text = caption[0] if caption else picture.stem
            yield Item(
                key, origin, status.st_size, status.st_mtime_ns, text, text, source=self.name, licence=self._licence
            )

    def owns(self, key: str) -> bool:
        """Tell whether a picture of this key is gone when the list no longer names it."""
        return key.startswith(f"{self.file}::")


def open_tsv(what: str, reading: ReadOptions) -> Source:
    """Return the source behind ``tsv:WHAT``."""
    return TsvSource(Path(what).expanduser(), reading.licence)
