"""Licences of pictures: what others write, as identifiers; what each allows; and which a run draws with.

Identifiers are those of SPDX where it has one (https://spdx.org/licenses/), such as ``CC-BY-SA-4.0``. Whatever can't be
told for sure stays ``unknown``: a guess here would be a promise in somebody else's name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from imagerag.errors import UserError

UNKNOWN = "unknown"
PUBLIC_DOMAIN = "public-domain"
"""Said to be in the public domain, by whatever law; not a dedication (``CC0-1.0``) nor a mark (``CC-PDM-1.0``)."""
ALL_RIGHTS_RESERVED = "all-rights-reserved"
OWN = "own"
"""Of a picture of the person's own, with which nobody has recorded a licence; it needs none."""


class Terms(NamedTuple):
    """What a licence allows and asks.

    Attributes:
        commercial: commercial use is allowed.
        derivatives: changed copies are allowed, and so is drawing with it.
        attribution: the creator has to be named.
        share_alike: what is made of it has to be under the same licence.
    """

    commercial: bool
    derivatives: bool
    attribution: bool
    share_alike: bool

    @property
    def demands(self) -> int:
        """How much it asks for, to compare licences: what is not allowed counts most, attribution least."""
        return 8 * (not self.derivatives) + 4 * (not self.commercial) + 2 * self.share_alike + self.attribution


FREE = Terms(True, True, False, False)
NAMED = Terms(True, True, True, False)
SHARED = Terms(True, True, True, True)
CLOSED = Terms(False, False, True, False)

_OTHERS = {
    "0BSD": FREE, "Unlicense": FREE, "CC-PDDC": FREE, PUBLIC_DOMAIN: FREE,
    "Apache-2.0": NAMED, "MIT": NAMED, "ISC": NAMED, "BSD-2-Clause": NAMED, "BSD-3-Clause": NAMED, "OFL-1.1": NAMED,
    "Etalab-2.0": NAMED, "OGL-UK-3.0": NAMED, "OGL-UK-2.0": NAMED, "OGL-UK-1.0": NAMED, "KOGL-1": NAMED,
    "GFDL-1.2": SHARED, "GFDL-1.3": SHARED, "LAL-1.3": SHARED, "GPL-2.0": SHARED, "GPL-3.0": SHARED, "LGPL-3.0": SHARED,
    ALL_RIGHTS_RESERVED: CLOSED,
    # Retired in 2007 and 2011: changes are allowed, advertising with them is not.
    "CC-Sampling+-1.0": Terms(False, True, True, False), "CC-NC-Sampling+-1.0": Terms(False, True, True, False),
}  # fmt: skip
"""Licences that pictures are found under besides Creative Commons', with what their texts say."""
_BY_NAME = {name.lower(): name for name in _OTHERS} | {
    "gfdl": "GFDL-1.2", "fal": "LAL-1.3", "free art license": "LAL-1.3", "free art licence": "LAL-1.3",
    "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache licence 2.0": "Apache-2.0",
    "sampling+": "CC-Sampling+-1.0", "nc-sampling+": "CC-NC-Sampling+-1.0",
    "all rights reserved": ALL_RIGHTS_RESERVED, "copyrighted": ALL_RIGHTS_RESERVED, "c": ALL_RIGHTS_RESERVED,
    "©": ALL_RIGHTS_RESERVED, "none": UNKNOWN,
}  # fmt: skip
_PUBLIC_DOMAIN = re.compile(
    r"pd(?:-[a-z0-9]+)*"
    r"|(?:in the )?public[ -]?domain(?: (?:dedication|work|image|picture|photo(?:graph)?))?"
    r"(?: in the (?:united states|u\.?s\.?a?))?"
)
"""As on Wikimedia Commons, whose templates are named ``PD-old-70``, ``PD-USGov`` and so on. Nothing else may follow, as
it does in "public domain status unknown".
"""
_MARK = re.compile(r"(?:cc[ -]?)?pdm(?:[ -]1\.0)?|(?:creative commons )?public domain mark(?: 1\.0)?")
_ZERO = re.compile(r"(?:cc|creative commons)[ -]?(?:cc)?(?:0|zero)(?:[ -]?v?1\.0)?(?: (?:universal|deed).*)?")
"""A zero alone is none: Flickr, and what is made of it, has that number for all rights reserved."""
_VERSION = r"(?:1\.0|2\.[015]|3\.0|4\.0)"
"""2.1 there is in some countries, such as Japan."""
_CC = re.compile(
    r"(?:cc|creative commons)?[ -]?(?P<parts>by(?:[ -](?:nc|nd|sa))*)"
    rf"(?:[ -]v?(?P<version>{_VERSION})(?:(?:, ?|-){_VERSION})*(?:[ -](?P<port>[a-z]{{2,3}}))?)?"
)
"""Of several versions, as in ``cc-by-sa-3.0,2.5,2.0,1.0``, whoever uses the picture chooses: the first."""
_WORDS = {
    "attribution": "by", "noncommercial": "nc", "non-commercial": "nc", "noderivatives": "nd", "noderivs": "nd",
    "no-derivatives": "nd", "no derivatives": "nd", "sharealike": "sa", "share-alike": "sa", "share alike": "sa",
    "non commercial": "nc",
}  # fmt: skip
_DECORATION = re.compile(r"\b(?:international|unported|generic|licen[cs]ed?|universal|public domain dedication)\b")
_CC_LINK = re.compile(
    r"(?:(?:https?:)?//)?(?:www\.)?creativecommons\.org/"
    rf"(?:licenses/(?P<parts>by(?:-(?:nc|nd|sa))*)/(?P<version>{_VERSION})"
    r"(?:/(?P<port>[a-z]{2,3}|igo))?|publicdomain/(?P<zero>zero|mark)/1\.0)(?:/.*)?",
    re.IGNORECASE,
)
_RIGHTS = re.compile(r"https?://(?:www\.)?rightsstatements\.org/(?:vocab|page)/(?P<which>[A-Za-z-]+)/1\.0.*")
_ID = re.compile(rf"CC-BY(?P<more>(?:-(?:NC|ND|SA))*)(?:-{_VERSION}(?:-[A-Z]{{2,3}})?)?")
_TWICE = re.compile(r"([^()]+)\(([^()]+)\)")
ATTRIBUTION = "attribution"
"""Alone it is a template of Wikimedia Commons for whatever terms somebody wrote himself, not Creative Commons'."""
_ORDER = ("nc", "sa", "nd")


def normalised(text: str, version: str = "", link: str = "") -> str:
    """Return the identifier of a licence: of its address, if that is known, or of what it is called.

    ``by-sa`` with version ``4.0``, ``CC BY-SA 4.0``, ``cc-by-sa-4.0`` and
    ``https://creativecommons.org/licenses/by-sa/4.0/deed.en`` are ``CC-BY-SA-4.0``. Without a version, it has none.
    Where name and address are known and say different things, which of them holds can't be told.

    Args:
        text: what it is called, or its address; it may be empty.
        version: where the source tells it apart from the name.
        link: its address.

    Returns:
        The identifier; ``unknown`` where it is none that is known.
    """
    named = _of_link(text) if "/" in text else _of_name(text, version)
    linked = _of_link(link)
    if UNKNOWN in (named, linked):
        return linked if named == UNKNOWN else named
    if terms_of(named) != terms_of(linked):
        return UNKNOWN
    return _that_tells_more(linked, named)


def terms_of(licence: str) -> Terms | None:
    """Return what a licence allows and asks, by its identifier; ``None`` where that is not known."""
    if licence in ("CC0-1.0", "CC-PDM-1.0"):
        return FREE
    if found := _ID.fullmatch(licence):
        parts = found["more"].split("-")
        return Terms("NC" not in parts, "ND" not in parts, True, "SA" in parts)
    return _OTHERS.get(licence)


def licence_link(licence: str) -> str:
    """Return the address of a Creative Commons licence's terms by its identifier; empty for others, which have many."""
    if licence == "CC0-1.0":
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    if licence == "CC-PDM-1.0":
        return "https://creativecommons.org/publicdomain/mark/1.0/"
    found = re.fullmatch(rf"CC-(BY(?:-(?:NC|ND|SA))*)-({_VERSION})(?:-([A-Z]{{2,3}}))?", licence)
    if found is None:
        return ""
    port = f"{found[3].lower()}/" if found[3] else ""
    return f"https://creativecommons.org/licenses/{found[1].lower()}/{found[2]}/{port}"


def _of_link(link: str) -> str:
    if found := _CC_LINK.fullmatch(link.strip()):
        if found["zero"]:
            return "CC0-1.0" if found["zero"].lower() == "zero" else "CC-PDM-1.0"
        return _cc(found["parts"], found["version"], found["port"])
    if found := _RIGHTS.fullmatch(link.strip()):
        if found["which"].lower().startswith("inc"):
            return ALL_RIGHTS_RESERVED
        # "No copyright" with no more said; the others of this kind name restrictions by contract or law, or don't know.
        return PUBLIC_DOMAIN if found["which"].lower() == "noc-us" else UNKNOWN
    return UNKNOWN


def _of_name(text: str, version: str) -> str:
    name = " ".join(text.lower().replace("_", "-").split()).strip(" .")
    if twice := _TWICE.fullmatch(name):  # "Attribution 4.0 International (CC BY 4.0)"
        long, short = (_of_one_name(one.strip(), version) for one in twice.groups())
        if UNKNOWN not in (long, short):
            return UNKNOWN if terms_of(long) != terms_of(short) else _that_tells_more(long, short)
    return _of_one_name(re.sub(r"\s*[()]\s*", " ", name).strip(), version)


def _of_one_name(name: str, version: str) -> str:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name == ATTRIBUTION:
        return UNKNOWN
    for words, short in _WORDS.items():
        name = name.replace(words, short)
    plain = " ".join(_DECORATION.sub(" ", name).split())
    if found := _CC.fullmatch(plain):
        return _cc(found["parts"], found["version"] or version, found["port"])
    if _ZERO.fullmatch(name) or _ZERO.fullmatch(plain):
        return "CC0-1.0"
    if _MARK.fullmatch(name) or _MARK.fullmatch(plain):
        return "CC-PDM-1.0"
    return PUBLIC_DOMAIN if _PUBLIC_DOMAIN.fullmatch(name) else UNKNOWN


def _that_tells_more(one: str, other: str) -> str:
    """Return of two identifiers of one licence the one with a version."""
    return one if any(sign.isdigit() for sign in one) else other


def _cc(parts: str, version: str | None, port: str | None) -> str:
    given = set(re.split(r"[ -]", parts.lower())) - {"by"}
    known = version if version and re.fullmatch(_VERSION, version) else None
    pieces = ["CC", "BY", *(part.upper() for part in _ORDER if part in given), *([known] if known else [])]
    return "-".join([*pieces, *([port.upper()] if port and known else [])])


SHORT = {
    "cc0": ("CC0-1.0",),
    "pdm": ("CC-PDM-1.0",),
    "public-domain": ("CC-PDM-1.0", "CC-PDDC", PUBLIC_DOMAIN),
}
"""Names of the public domain in ``--licences``, with what they stand for."""
FAMILIES = ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")
"""Creative Commons' licences in ``--licences``: each stands for all of its versions."""
ANY = "any"


@dataclass(frozen=True)
class LicencePolicy:
    """Which licences a run draws with.

    Attributes:
        names: as a person gives them; none for all that allow commercial use and changes, the public domain among them.
    """

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Take names as people write them: ``CC BY`` is ``by``, ``cc-by-4.0`` is ``CC-BY-4.0``.

        Raises:
            UserError: what is no licence; naming it, and what is valid.
        """
        object.__setattr__(self, "names", tuple(dict.fromkeys(map(_named, self.names))))

    def allows(self, licence: str) -> bool:
        """Tell whether a picture of this licence may be drawn with, by its identifier."""
        if ANY in self.names:
            return True
        terms = terms_of(licence)
        if terms is None:
            return UNKNOWN in self.names
        if not self.names:
            return terms.commercial and terms.derivatives
        named = {one for name in self.names for one in SHORT.get(name, (name,))}
        return licence in named or _family(licence) in named

    def allows_own(self, licence: str) -> bool:
        """Tell the same of a picture of the person's own, which needs no licence; one that is recorded with it counts.

        Args:
            licence: as it was recorded, in words of whoever did; what is not known for a licence is no obstacle.
        """
        known = licence if terms_of(licence) is not None else normalised(licence)
        return terms_of(known) is None or self.allows(known)

    @property
    def in_words(self) -> str:
        """Which ones, for messages."""
        return ", ".join(self.names) or "those that allow changes and commercial use"

    def codes(self) -> Sequence[str]:
        """Return the codes of those allowed among ``cc0``, ``pdm`` and Creative Commons', as services filter by them.

        Empty where every licence is allowed, or one that has no such code: then nothing may be left out by asking.
        """
        if ANY in self.names or UNKNOWN in self.names:
            return ()
        sample = {"cc0": "CC0-1.0", "pdm": "CC-PDM-1.0"} | {name: f"CC-{name.upper()}-4.0" for name in FAMILIES}
        return tuple(code for code, licence in sample.items() if self.allows(licence) or self._names_a_version_of(code))

    def _names_a_version_of(self, code: str) -> bool:
        return any(_family(name) == code for name in self.names)


def _named(name: str) -> str:
    """Return a name of ``--licences`` as it is known here.

    Raises:
        UserError: it is none.
    """
    plain = name.strip().lower()
    if plain in (ANY, UNKNOWN, *SHORT, *FAMILIES):
        return plain
    licence = name if terms_of(name) is not None else normalised(name)
    if licence in ("CC0-1.0", "CC-PDM-1.0"):
        return "cc0" if licence == "CC0-1.0" else "pdm"
    if terms_of(licence) is not None:  # without a version, it stands for all of them
        return licence if any(sign.isdigit() for sign in licence) else _family(licence) or licence
    valid = ", ".join((*SHORT, *FAMILIES, UNKNOWN, ANY))
    raise UserError(
        f"licences {name[:80]!r} is none that is known; give --licences some of: {valid}, or identifiers such as "
        "CC-BY-4.0 and Apache-2.0, or leave it out: then those are taken that allow changes and commercial use"
    )


def _family(licence: str) -> str:
    """Return ``by-nc`` of ``CC-BY-NC-4.0``; nothing of others."""
    found = _ID.fullmatch(licence)
    return f"by{found['more'].lower()}" if found else ""


DEFAULT_POLICY = LicencePolicy()
