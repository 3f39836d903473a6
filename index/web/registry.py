"""Which web sources there are: those built in, and those of a file of the person's own.

Each built-in one's address can be set by a variable, such as ``IMAGERAG_OPENVERSE_URL``: a mirror, a proxy, a test
server. The file that ``IMAGERAG_WEB_SOURCES`` names holds tables of further ones::

    [searx]
    kind = "json"
    address = "http://127.0.0.1:8888/search"
    query = {q = "{caption}", format = "json", categories = "images"}
    results = "results"
    fields = {full = "img_src", small = "thumbnail_src", title = "title", link = "url"}
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from imagerag.errors import UserError
from imagerag.index.web.candidates import RobotsPolicy, WebSource
from imagerag.index.web.commons import ADDRESS as COMMONS
from imagerag.index.web.commons import Commons
from imagerag.index.web.hf_viewer import ADDRESS as HUGGING_FACE
from imagerag.index.web.hf_viewer import HuggingFaceViewer
from imagerag.index.web.inaturalist import ADDRESS as INATURALIST
from imagerag.index.web.inaturalist import INaturalist
from imagerag.index.web.json_search import PLACEHOLDERS, JsonSearch
from imagerag.index.web.knn_service import KnnService
from imagerag.index.web.met import ADDRESS as MET
from imagerag.index.web.met import Met
from imagerag.index.web.names import FILE, own_tables, web_source_names
from imagerag.index.web.openverse import ADDRESS as OPENVERSE
from imagerag.index.web.openverse import Openverse
from imagerag.licences import UNKNOWN, normalised
from imagerag.net.safe_fetch import Origin, Unfetched

TOKEN = "IMAGERAG_OPENVERSE_TOKEN"
APPLICATION = ("IMAGERAG_OPENVERSE_CLIENT_ID", "IMAGERAG_OPENVERSE_CLIENT_SECRET")
"""Variables of an application that was registered with Openverse."""
CLEVELAND = "https://openaccess-api.clevelandart.org"


def _openverse(address: str, is_set: bool) -> WebSource:
    name, secret = (os.environ.get(variable, "") for variable in APPLICATION)
    if bool(name) != bool(secret):
        given, other = APPLICATION if name else APPLICATION[::-1]
        raise UserError(f"{given} is of no use alone; set {other} as well, or unset it")
    return Openverse(address, is_set, os.environ.get(TOKEN, ""), (name, secret) if name else None)


def _cleveland(address: str, is_set: bool) -> WebSource:
    """The Cleveland Museum of Art (https://openaccess-api.clevelandart.org/)."""
    return JsonSearch(
        name="cleveland",
        address=f"{address}/api/artworks/",
        query={"q": "{caption}", "has_image": "1", "cc0": "1", "limit": "{count}", "skip": "{offset}"},
        results="data",
        fields={
            "small": "images.web.url",
            "full": "images.web.url",
            "title": "title",
            "creator": "creators.0.description",
            "licence": "share_license_status",
            "link": "url",
        },
        address_is_set=is_set,
    )


BUILT_IN: Mapping[str, tuple[str, str, Callable[[str, bool], WebSource]]] = {
    "openverse": ("IMAGERAG_OPENVERSE_URL", OPENVERSE, _openverse),
    "commons": ("IMAGERAG_COMMONS_URL", COMMONS, Commons),
    "met": ("IMAGERAG_MET_URL", MET, Met),
    "cleveland": ("IMAGERAG_CLEVELAND_URL", CLEVELAND, _cleveland),
    "inaturalist": ("IMAGERAG_INATURALIST_URL", INATURALIST, INaturalist),
}
"""The variable that sets the address, the address without it, and the factory, by name."""


ResultField = Literal["small", "full", "title", "creator", "licence", "licence_link", "link"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    address: str
    licence: str = ""
    robots: bool = True
    """Whether the ``robots.txt`` of its server is heeded; not for a server of the person's own."""


class JsonTable(_Table):
    """A search that answers with JSON."""

    kind: Literal["json"]
    query: dict[str, str]
    fields: dict[ResultField, str]
    results: str = ""
    headers: dict[str, str] = {}
    safe: dict[str, str] = {}
    key_variable: str = ""


class KnnTable(_Table):
    """A knn-service of clip-retrieval."""

    kind: Literal["knn"]
    index: str = ""


class HuggingFaceTable(_Table):
    """A dataset of Hugging Face."""

    kind: Literal["hf"]
    dataset: str
    config: str = "default"
    split: str = "train"
    address: str = ""


_TABLE: TypeAdapter[JsonTable | KnnTable | HuggingFaceTable] = TypeAdapter(
    Annotated[JsonTable | KnnTable | HuggingFaceTable, Field(discriminator="kind")]
)


def open_web_source(name: str) -> WebSource:
    """Return the source of that name.

    Raises:
        UserError: there is none, or its address is none.
    """
    if name in BUILT_IN:
        variable, default, factory = BUILT_IN[name]
        given = os.environ.get(variable, "")
        return factory(checked_address(given, variable) if given else default, bool(given))
    tables = own_tables()
    if name not in tables:
        raise UserError(f"web source {name!r} is not known; known are: {', '.join(web_source_names())}")
    return _of_table(name, tables[name])


def _of_table(name: str, table: Any) -> WebSource:
    try:
        told = _TABLE.validate_python(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the table"
        raise UserError(
            f"web source {name!r} in {os.environ[FILE]!r}: {where}: {first['msg']}; mend it, or take the table out"
        ) from error
    if told.licence and normalised(told.licence) == UNKNOWN:
        raise UserError(
            f"web source {name!r}: licence {told.licence!r} is none that is known; give one such as CC-BY-4.0, or "
            "leave it out where only the results tell"
        )
    robots: RobotsPolicy = "heed" if told.robots else "none"
    if isinstance(told, HuggingFaceTable):
        address = checked_address(told.address, name) if told.address else HUGGING_FACE
        where_it_is = (told.dataset, told.config, told.split)
        return HuggingFaceViewer(name, *where_it_is, told.licence, address, bool(told.address), robots)
    address = checked_address(told.address, name)
    if isinstance(told, KnnTable):
        return KnnService(name, address, told.index, told.licence, robots)
    if "full" not in told.fields:
        known = ", ".join(get_args(ResultField))
        raise UserError(f"web source {name!r}: fields has no full, the path of a picture's address; of {known}")
    for text in (*told.query.values(), *told.headers.values()):
        for place in re.findall(r"\{\w*\}", text):
            if place not in PLACEHOLDERS:
                raise UserError(
                    f"web source {name!r}: {place!r} is filled in with nothing; of {', '.join(PLACEHOLDERS)}"
                )
    source = JsonSearch(
        name,
        address,
        told.query,
        {str(field): path for field, path in told.fields.items()},
        told.results,
        told.headers,
        told.safe,
        told.key_variable,
        told.licence,
        robots=robots,
    )
    # Whoever gives out keys publishes an API for programs: what his robots.txt says to crawlers is not said of that.
    return replace(source, robots="named") if robots == "heed" and source.has_key else source


def checked_address(address: str, where: str) -> str:
    """Return an address that was given, without a slash at its end.

    Args:
        address: that was given.
        where: the variable or the source, for the error.

    Raises:
        UserError: it is none.
    """
    try:
        Origin.of(address)
    except Unfetched as error:
        raise UserError(f"{where}: {error.why}; give one like https://HOST") from error
    return address.rstrip("/")
