"""iNaturalist: photographs of living things, each under the licence of its photographer (https://api.inaturalist.org/v1/)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from imagerag.index.web.answers import LONGEST_NAME, at, plain_text, rows_at, web_address
from imagerag.index.web.candidates import Ask, Candidate, WebQuery
from imagerag.licences import ALL_RIGHTS_RESERVED, UNKNOWN, licence_link, normalised

ADDRESS = "https://api.inaturalist.org"
VERSION = "4.0"
"""Of the Creative Commons licences that it offers: https://help.inaturalist.org/support/solutions/articles/151000173511"""
_SIZE = re.compile(r"/square(?=\.\w+$)")


class INaturalist:
    """See the module.

    Args:
        address: of the service, or of a mirror.
        address_is_set: whether the person has set it.
    """

    name = "inaturalist"

    def __init__(self, address: str = ADDRESS, address_is_set: bool = False) -> None:
        self.address = address.rstrip("/")
        self.address_is_set = address_is_set

    async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
        """See ``WebSource``: the living thing that the words name, then photographs of it. All of them are safe."""
        named = await ask(f"{self.address}/v1/taxa", {"q": query.words, "is_active": "true", "per_page": "1"})
        taxa = rows_at(named, "results", self.name)
        if not taxa or not isinstance(taxa[0].get("id"), int):
            return []
        parameters = {
            "taxon_id": str(taxa[0]["id"]),
            "photos": "true",
            "quality_grade": "research",
            "order_by": "votes",
            "per_page": str(query.count),
            "page": str(query.page),
        }
        codes = query.policy.codes()
        if codes:
            offered = [f"cc-{code}" if code.startswith("by") else code for code in codes if code != "pdm"]
            parameters["photo_license"] = ",".join(offered)
        answer = await ask(f"{self.address}/v1/observations", parameters)
        found: list[Candidate] = []
        for observation in rows_at(answer, "results", self.name):
            photos = observation.get("photos")
            # One of each: others of an observation show the same animal.
            for photo in (photos if isinstance(photos, list) else [])[:1]:
                found += _candidate(observation, photo)
        return found


def _candidate(observation: Mapping[str, Any], photo: Any) -> list[Candidate]:
    square = web_address(at(photo, "url"))
    if not square:
        return []
    code = at(photo, "license_code")
    # Photographs without a licence have all rights reserved, as it says of them.
    licence = ALL_RIGHTS_RESERVED if code is None else normalised(plain_text(code), VERSION)
    common, latin = (plain_text(at(observation, f"taxon.{name}")) for name in ("preferred_common_name", "name"))
    link = web_address(observation.get("uri"))
    who = plain_text(at(observation, "user.name"), LONGEST_NAME) or plain_text(at(observation, "user.login"), 60)
    return [
        Candidate(
            source="iNaturalist",
            small=_SIZE.sub("/small", square),
            full=_SIZE.sub("/large", square),
            title=common or latin or plain_text(observation.get("species_guess")),
            licence=licence if licence else UNKNOWN,
            creator=who,
            licence_link=licence_link(licence),
            link=link,
            words=(latin,) if latin and common else (),
        )
    ]
