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
        columns = [
            str(feature.get("name"))
            for feature in rows_at(answer, "features", self.name)
            if at(feature, "type._type") == "Image"
        ]
        found = []
        for entry in rows_at(answer, "rows", self.name):
            row = entry.get("row")
            addresses = [web_address(at(row, f"{column}.src"), 2000) for column in columns]
            address = next((one for one in addresses if one), "")
            if isinstance(row, Mapping) and address:
                found.append(self._candidate(row, address, entry.get("row_idx")))
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


def _first(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    return next((text for column in columns if (text := plain_text(row.get(column)))), "")
