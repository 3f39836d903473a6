"""A dataset of Hugging Face, searched by its viewer (https://huggingface.co/docs/dataset-viewer/search)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imagerag.index.web.answers import LONGEST_NAME, at, plain_text, rows_at, web_address
from imagerag.index.web.candidates import Ask, Candidate, RobotsPolicy, WebQuery
from imagerag.licences import licence_link, normalised

ADDRESS = "https://datasets-server.huggingface.co"
PAGE = 100
"""The most rows that one answer has."""
LICENCE_COLUMNS = ("license", "licence", "LICENSE")
TITLE_COLUMNS = ("caption", "text", "title", "label", "name")
CREATOR_COLUMNS = ("creator", "author", "artist")


class HuggingFaceViewer:
    """See the module. The card of a dataset tells of the collection's licence, which need not be that of each picture:
    a licence is taken from a column of that name, or from whoever names the dataset here.

    Args:
        name: by which ``--library`` names it.
        dataset: ``OWNER/NAME``.
        config: of the dataset.
        split: of the dataset.
        licence: of all of its pictures, where no column tells.
        address: of the service.
        address_is_set: whether the person has set it.
        robots: see ``imagerag.index.web.candidates.KnowsRobots``.
    """

    def __init__(
        self,
        name: str,
        dataset: str,
        config: str = "default",
        split: str = "train",
        licence: str = "",
        address: str = ADDRESS,
        address_is_set: bool = False,
        robots: RobotsPolicy = "heed",
    ) -> None:
        self.name = name
        self.robots = robots
        self.address = address.rstrip("/")
        self.address_is_set = address_is_set
        self._where = {"dataset": dataset, "config": config, "split": split}
        self._licence = licence

    async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
        """See ``WebSource``; it knows of no safe results."""
        length = min(query.count, PAGE)
        parameters = {**self._where, "query": query.words, "offset": str((query.page - 1) * length)}
        answer = await ask(f"{self.address}/search", parameters | {"length": str(length)})
        features = rows_at(answer, "features", self.name)
        kinds = {str(feature.get("name")): feature.get("type") for feature in features}
        columns = [name for name, kind in kinds.items() if _has_pictures(kind)]
        labels = {name: names for name, kind in kinds.items() if isinstance(names := at(kind, "names"), list)}
        found = []
        for entry in rows_at(answer, "rows", self.name):
            row = entry.get("row")
            if not isinstance(row, Mapping):
                continue
            cells = [_first_of(row.get(column)) for column in columns]
            address = next((one for cell in cells if (one := web_address(at(cell, "src"), 2000))), "")
            if address:
                found.append(self._candidate(_in_words(row, labels), address, entry.get("row_idx")))
        return found

    def _candidate(self, row: Mapping[str, Any], address: str, number: Any) -> Candidate:
        where = self._where
        page = f"https://huggingface.co/datasets/{where['dataset']}/viewer/{where['config']}/{where['split']}"
        licence = normalised(_first(row, LICENCE_COLUMNS) or self._licence)
        return Candidate(
            source=f"Hugging Face {self._where['dataset']}",
            small=address,
            full=address,
            title=_first(row, TITLE_COLUMNS),
            licence=licence,
            creator=_first(row, CREATOR_COLUMNS)[:LONGEST_NAME],
            licence_link=licence_link(licence),
            link=f"{page}?row={number}" if isinstance(number, int) else page,
        )


def _has_pictures(kind: Any) -> bool:
    """Tell whether a column has pictures, or lists of them: ``List`` and ``Sequence`` have a feature, and what older
    datasets have for a list is one with that alone.
    """
    return any(at(kind, path) == "Image" for path in ("_type", "feature._type", "0._type"))


def _in_words(row: Mapping[str, Any], labels: Mapping[str, list[Any]]) -> Mapping[str, Any]:
    """Return a row with the names of its classes (``ClassLabel``) in place of their numbers; -1 is none."""
    return {**row, **{column: _name(row.get(column), names) for column, names in labels.items()}}


def _name(number: Any, names: Sequence[Any]) -> Any:
    return names[number] if isinstance(number, int) and 0 <= number < len(names) else ""


def _first_of(cell: Any) -> Any:
    """Return the first of a list, and what is none as it is."""
    return next(iter(cell), None) if isinstance(cell, list) else cell


def _first(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    return next((text for column in columns if (text := plain_text(_first_of(row.get(column))))), "")
