"""A knn-service of clip-retrieval, by its address (https://github.com/rom1504/clip-retrieval)."""

from __future__ import annotations

from collections.abc import Sequence

from imagerag.index.web.answers import LONGEST_NAME, plain_text, rows_at, web_address
from imagerag.index.web.candidates import Ask, Candidate, RobotsPolicy, WebQuery
from imagerag.licences import normalised

PATH = "/knn-service"
MARKED = "NSFW"
"""What the column ``NSFW`` of LAION's collections has for what is surely not safe; else ``UNLIKELY`` or ``UNSURE``."""


class KnnService:
    """See the module. What it knows of a picture is an address and a caption, of some collections a licence as well.

    Args:
        name: by which ``--library`` names it.
        address: of the service, with or without ``/knn-service``.
        index: which of its indices; empty for its first one.
        licence: of all that it finds, where its operator says so; empty where only its records tell.
        robots: see ``imagerag.index.web.candidates.KnowsRobots``.
    """

    most_at_once = 200

    def __init__(
        self, name: str, address: str, index: str = "", licence: str = "", robots: RobotsPolicy = "heed"
    ) -> None:
        self.name = name
        self.robots = robots
        self.address = address.rstrip("/").removesuffix(PATH)
        self.address_is_set = True
        self._index = index
        self._licence = licence

    async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
        """See ``WebSource``; it has no pages, so that further ones are empty."""
        if query.page > 1:
            return []
        body = {
            "text": query.words,
            "modality": "image",
            "num_images": query.count,
            "num_result_ids": query.count,
            "indice_name": self._index or None,  # it has to be there; none means the first
            "deduplicate": True,
            "use_safety_model": not query.sensitive,
            "use_violence_detector": not query.sensitive,
        }
        answer = await ask(f"{self.address}{PATH}", body=body)
        found = []
        for row in rows_at(answer, "", self.name):
            if row.get("NSFW") == MARKED and not query.sensitive:
                continue
            if address := web_address(row.get("url"), 1000):
                told = row.get("license") or row.get("LICENSE") or self._licence
                found.append(
                    Candidate(
                        source=self.name,
                        small=address,
                        full=address,
                        title=plain_text(row.get("caption")),
                        licence=normalised(plain_text(told)),
                        creator=plain_text(row.get("creator"), LONGEST_NAME),
                        link=address,
                    )
                )
        return found
