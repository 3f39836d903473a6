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
_SIZE = re.compile(r"/square(?=\.\w+(?:\?[^/]*)?$)")
"""The size in an address; photographs that are not openly licensed have a number of their upload behind the name."""
_NAMED = re.compile(r"\(c\) (?P<who>.+), [^,()]+(?: \([^()]+\))?|(?P<free>.+), no known copyright restrictions.*")
"""A line of thanks without who uploaded it, as in "(c) Jane Roe, some rights reserved (CC BY)", in any language."""


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
            shown = [
                one for photo in (photos if isinstance(photos, list) else []) for one in _candidate(observation, photo)
            ]
            # One of each, since others of an observation show the same animal; each has a licence of its own.
            found += sorted(shown, key=lambda one: not query.policy.allows(one.licence))[:1]
        return found


def _candidate(observation: Mapping[str, Any], photo: Any) -> list[Candidate]:
    """Return the photograph; none where its address is that of a sign in its place, as it has for hidden ones and for
    those that somebody says infringe a copyright or were made by a machine.
    """
    square = web_address(at(photo, "url"))
    if not square or at(photo, "hidden") is True or _is_flagged(photo):
        return []
    code = at(photo, "license_code")
    # Photographs without a licence have all rights reserved, as it says of them.
    licence = ALL_RIGHTS_RESERVED if code is None else normalised(plain_text(code), VERSION)
    common, latin = (plain_text(at(observation, f"taxon.{name}")) for name in ("preferred_common_name", "name"))
    link = web_address(observation.get("uri"))
    who = _photographer(photo) or plain_text(at(observation, "user.name"), LONGEST_NAME)
    return [
        Candidate(
            source="iNaturalist",
            small=_SIZE.sub("/small", square),
            full=_SIZE.sub("/large", square),
            title=common or latin or plain_text(observation.get("species_guess")),
            licence=licence if licence else UNKNOWN,
            creator=who or plain_text(at(observation, "user.login"), 60),
            licence_link=licence_link(licence),
            link=link,
            words=(latin,) if latin and common else (),
        )
    ]


def _is_flagged(photo: Any) -> bool:
    """Tell whether somebody has an objection that nobody has settled."""
    flags = at(photo, "flags")
    return any(at(flag, "resolved") is not True for flag in flags) if isinstance(flags, list) else False


def _photographer(photo: Any) -> str:
    """Return who made a photograph, who need not have uploaded it; empty where it does not tell apart from that."""
    if named := plain_text(at(photo, "attribution_name"), LONGEST_NAME):
        return named
    line = plain_text(at(photo, "attribution"), 2 * LONGEST_NAME).partition(", uploaded by ")[0]
    found = _NAMED.fullmatch(line)
    return plain_text(found["who"] or found["free"], LONGEST_NAME) if found else ""
