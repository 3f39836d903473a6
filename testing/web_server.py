"""A web on loopback: the searches of Openverse, Wikimedia Commons and others in their published shapes, and pictures.

One server stands for all of them; each is asked below the paths of its own API. It can be told to misbehave.
"""

from __future__ import annotations

import io
import json
import random
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from imagerag.index.captions import content_words

Reply = tuple[int, dict[str, str], bytes]
NOTHING_FOUND = re.compile(r"\bfiletype:[\w|]+")
UTM = "?utm_source=commons.wikimedia.org&utm_campaign=imageinfo&utm_content="
"""Behind the addresses of files since 2025."""


def patterned(colour: tuple[int, int, int], number: int, side: int = 400) -> Image.Image:
    """Return a picture of about one colour, whose look tells it from others."""
    dice = random.Random(number)
    small = Image.new("RGB", (9, 8))
    for x in range(9):
        for y in range(8):
            shade = dice.uniform(0.6, 1.0)
            small.putpixel((x, y), tuple(int(part * shade) for part in colour))
    return small.resize((side, side), Image.Resampling.NEAREST)


@dataclass
class Work:
    """One picture of this web.

    Attributes:
        key: part of its addresses.
        title: what it is called; HTML where a source has such.
        picture: what it shows.
        licence: code of Creative Commons as Openverse writes it, ``pdm``, ``cc0``, or ``""`` for one without.
        version: of the licence.
        creator: who made it.
        tags: more words for it.
        sensitive: whether people have reported it as such.
    """

    key: str
    title: str
    picture: Image.Image
    licence: str = "by"
    version: str = "4.0"
    creator: str = "Jane Roe"
    tags: Sequence[str] = ()
    sensitive: bool = False

    @cached_property
    def words(self) -> frozenset[str]:
        """All that a search finds it by."""
        return frozenset(content_words(f"{self.title} {' '.join(self.tags)}"))

    @property
    def licence_url(self) -> str:
        """Address of the licence's terms."""
        if self.licence in ("cc0", "pdm"):
            which = "zero" if self.licence == "cc0" else "mark"
            return f"https://creativecommons.org/publicdomain/{which}/1.0/"
        return f"https://creativecommons.org/licenses/{self.licence}/{self.version}/" if self.licence else ""

    @property
    def short_name(self) -> str:
        """As Wikimedia Commons writes it."""
        names = {"cc0": "CC0", "pdm": "Public domain", "": ""}
        return names.get(self.licence, f"CC {self.licence.upper()} {self.version}")


@dataclass
class WebRequest:
    """One request, with all that was sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    line: str

    @property
    def sent(self) -> str:
        """Every byte of it, as text."""
        return "\n".join([self.line, *self.headers.values(), self.body.decode("latin-1")])


@dataclass
class Web:
    """What the server answers with, and what it was asked.

    Attributes:
        works: the pictures.
        faults: replies in place of the usual ones, by how a path begins; ``None`` from one leaves it to the usual.
        asked: all requests but those for its robots.txt.
        robots: what that says; ``None`` for a server without one.
        robots_asked: the requests for it.
        page_size: the most results of one page; a mirror's may be smaller than what is asked for.
    """

    works: list[Work] = field(default_factory=list)
    faults: dict[str, Callable[[WebRequest], Reply | None]] = field(default_factory=dict)
    asked: list[WebRequest] = field(default_factory=list)
    page_size: int = 20
    url: str = ""
    robots: str | None = None
    robots_asked: list[WebRequest] = field(default_factory=list)

    def searches(self) -> list[WebRequest]:
        """Return the requests that were no pictures."""
        return [one for one in self.asked if not one.path.startswith("/pictures/") and "/thumb/" not in one.path]

    def found(self, words: str) -> list[Work]:
        """Return the works that have all words that mean something."""
        wanted = set(content_words(words))
        return [one for one in self.works if wanted <= one.words]

    def picture(self, key: str, width: int) -> bytes:
        """Return a work's file, scaled to a width; 0 for its own."""
        work = next(one for one in self.works if one.key == key)
        image = work.picture
        if width and width < image.width:
            image = image.resize((width, max(1, image.height * width // image.width)), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        image.save(out, "PNG")
        return out.getvalue()

    def page(self, request: WebRequest, words: str) -> tuple[list[Work], int]:
        """Return the works of the page that is asked for, and how many there are in all."""
        found = self.found(words)
        size = min(int(request.query.get("page_size") or request.query.get("per_page") or 20), self.page_size)
        first = (int(request.query.get("page", "1")) - 1) * size
        return found[first : first + size], len(found)


def as_json(value: Any, status: int = 200, **headers: str) -> Reply:
    """Return a reply of JSON."""
    named = {name.replace("_", "-"): said for name, said in headers.items()}
    return status, {"content-type": "application/json", **named}, json.dumps(value).encode()


def _openverse(web: Web, request: WebRequest) -> Reply:
    if int(request.query.get("page_size", "20")) > 20 and "authorization" not in request.headers:
        return as_json({"detail": "Ensure this value is less than or equal to 20."}, 401)
    works, total = web.page(request, request.query["q"])
    # ``initial_data.get("mature") or value`` there: the text of the query counts, and any text is true.
    if not (request.query.get("mature") or request.query.get("unstable__include_sensitive_results") == "true"):
        works = [one for one in works if not one.sensitive]
    licences = request.query.get("license", "")
    if licences:
        works = [one for one in works if one.licence in licences.split(",")]
    rows: list[dict[str, Any]] = [
        {
            "id": one.key,
            "title": one.title,
            "foreign_landing_url": f"https://photos.example.org/{one.key}",
            "url": f"{web.url}/pictures/{one.key}.png",
            "creator": one.creator,
            "license": one.licence,
            "license_version": one.version if one.licence not in ("cc0", "pdm") else "1.0",
            "license_url": one.licence_url,
            "provider": "flickr",
            "source": "flickr",
            "tags": [{"accuracy": None, "name": tag, "unstable__provider": "flickr"} for tag in one.tags],
            "mature": one.sensitive,
            "thumbnail": f"{web.url}/v1/images/{one.key}/thumb/",
            "unstable__sensitivity": ["user_reported_sensitive"] if one.sensitive else [],
        }
        for one in works
    ]
    page = {"result_count": total, "page_count": 1, "page_size": 20, "page": int(request.query.get("page", "1"))}
    return as_json({**page, "results": rows})


def _commons(web: Web, request: WebRequest) -> Reply:
    if "@" not in request.headers.get("user-agent", "") and "://" not in request.headers.get("user-agent", ""):
        return 403, {"content-type": "text/html"}, b"<html>Please respect our robot policy https://w.wiki/4wJS</html>"
    found = web.found(NOTHING_FOUND.sub("", request.query["gsrsearch"]))
    first = int(request.query.get("gsroffset", "0"))
    works = found[first : first + int(request.query["gsrlimit"])]
    if not works:
        return as_json({"batchcomplete": True})
    pages = [
        {
            "pageid": number,
            "ns": 6,
            "title": f"File:{one.key}.png",
            "index": number,
            "imageinfo": [
                {
                    "size": 1,
                    "width": one.picture.width,
                    "height": one.picture.height,
                    "thumburl": f"{web.url}/pictures/{one.key}.png/330px-{one.key}.png{UTM}thumbnail"
                    if one.picture.width > 330
                    else f"{web.url}/pictures/{one.key}.png{UTM}thumbnail_unscaled",
                    "url": f"{web.url}/pictures/{one.key}.png{UTM}original",
                    "descriptionurl": f"https://commons.wikimedia.org/wiki/File:{one.key}.png",
                    "mime": "image/png",
                    "extmetadata": {
                        "ObjectName": {"value": one.title, "source": "commons-desc-page"},
                        "Artist": {
                            "value": f'<a href="//commons.wikimedia.org/wiki/User:X" title="X">{one.creator}</a>'
                            '<span style="display: none;"> creator QS:P170,Q1</span>'
                        },
                        "LicenseShortName": {"value": one.short_name},
                        **({"LicenseUrl": {"value": one.licence_url}} if one.licence not in ("", "pdm") else {}),
                    },
                }
            ],
        }
        for number, one in reversed(list(enumerate(works, 1)))
    ]
    return as_json({"batchcomplete": True, "query": {"pages": pages}})


def _met_search(web: Web, request: WebRequest) -> Reply:
    ids = [web.works.index(one) for one in web.found(request.query["q"])]
    return as_json({"total": len(ids), "objectIDs": ids or None})


def _met_object(web: Web, request: WebRequest) -> Reply:
    work = web.works[int(request.path.rpartition("/")[2])]
    public = work.licence in ("cc0", "pdm")
    return as_json(
        {
            "objectID": web.works.index(work),
            "isPublicDomain": public,
            "primaryImage": f"{web.url}/pictures/{work.key}.png" if public else "",
            "primaryImageSmall": f"{web.url}/pictures/{work.key}.png" if public else "",
            "title": work.title,
            "constituents": None,
            "artistPrefix": "",
            "artistDisplayName": work.creator,
            "tags": [{"term": tag, "AAT_URL": None, "Wikidata_URL": None} for tag in work.tags] or None,
            "objectURL": f"https://www.metmuseum.org/art/collection/search/{work.key}",
        }
    )


def _taxa(web: Web, request: WebRequest) -> Reply:
    found = web.found(request.query["q"])
    rows = [{"id": web.works.index(one), "name": "Rara avis", "preferred_common_name": one.title} for one in found]
    return as_json({"total_results": len(rows), "page": 1, "per_page": 1, "results": rows[:1]})


def _observations(web: Web, request: WebRequest) -> Reply:
    named = web.works[int(request.query["taxon_id"])].title
    works, total = web.page(request, named)
    wanted = request.query.get("photo_license", "")

    def code(one: Work) -> str | None:
        return None if not one.licence else one.licence if one.licence == "cc0" else f"cc-{one.licence}"

    rows: list[dict[str, Any]] = [
        {
            "id": web.works.index(one),
            "uri": f"https://www.inaturalist.org/observations/{one.key}",
            "taxon": {"name": "Rara avis", "preferred_common_name": one.title},
            "user": {"login": "roe", "name": "Richard Roe"},
            "species_guess": None,
            "photos": [
                {
                    "id": 1,
                    "license_code": code(one),
                    "original_dimensions": {"width": one.picture.width, "height": one.picture.height},
                    # what is not openly licensed lies elsewhere, with the time of its upload behind its name
                    "url": f"{web.url}/pictures/{one.key}.png/square.png{'' if one.licence else '?1565797050'}",
                    "attribution": f"(c) {one.creator}, some rights reserved (CC BY), uploaded by Richard Roe",
                    "flags": [],
                    "moderator_actions": [],
                    "hidden": False,
                }
            ],
        }
        for one in works
        if not wanted or code(one) in wanted.split(",")
    ]
    return as_json({"total_results": total, "page": 1, "per_page": 20, "results": rows})


def _knn(web: Web, request: WebRequest) -> Reply:
    asked = json.loads(request.body)
    if not {"modality", "num_images", "indice_name"} <= asked.keys():  # read without a default there
        return 500, {"content-type": "text/html"}, b"<title>500 Internal Server Error</title>"
    rows: list[dict[str, Any]] = [
        {
            "id": web.works.index(one),
            "caption": one.title,
            "url": f"{web.url}/pictures/{one.key}.png",
            "similarity": 0.3,
            "NSFW": "NSFW" if one.sensitive else "UNLIKELY",
        }
        | ({"license": one.short_name} if one.licence else {})
        for one in web.found(asked["text"])
    ]
    return as_json(rows[: asked["num_images"]])


def _viewer(web: Web, request: WebRequest) -> Reply:
    first = int(request.query["offset"])
    rows: list[dict[str, Any]] = [
        {
            "row_idx": web.works.index(one),
            "row": {
                "image": {"src": f"{web.url}/pictures/{one.key}.png", "height": 400, "width": 400},
                "text": one.title,
                "license": one.short_name or None,
            },
            "truncated_cells": [],
        }
        for one in web.found(request.query["query"])[first : first + int(request.query["length"])]
    ]
    features = [
        {"feature_idx": 0, "name": "image", "type": {"_type": "Image"}},
        {"feature_idx": 1, "name": "text", "type": {"dtype": "string", "_type": "Value"}},
    ]
    return as_json({"features": features, "rows": rows, "num_rows_total": len(rows), "partial": False})


def _plain(web: Web, request: WebRequest) -> Reply:
    rows: list[dict[str, Any]] = [
        {
            "title": one.title,
            "url": f"https://pages.example.org/{one.key}",
            "img_src": f"{web.url}/pictures/{one.key}.png",
            "thumbnail": {"src": f"{web.url}/pictures/{one.key}.png/330px-{one.key}.png"},
            "license": one.short_name or None,
        }
        for one in web.found(request.query["q"])
    ]
    return as_json({"query": request.query["q"], "results": rows})


def _robots(web: Web, request: WebRequest) -> Reply:
    if web.robots is None:
        return as_json({"detail": "Not found."}, 404)
    return 200, {"content-type": "text/plain"}, web.robots.encode()


def _thumb(web: Web, request: WebRequest) -> Reply:
    return 200, {"content-type": "image/png"}, web.picture(request.path.split("/")[3], 200)


_WIDTHS = {"square": 75, "small": 240, "medium": 500, "large": 1024}


def _picture(web: Web, request: WebRequest) -> Reply:
    _, _, name, *size = request.path.split("/")
    asked = size[0] if size else ""
    wide = re.match(r"(\d+)px-", asked)
    width = int(wide[1]) if wide else _WIDTHS.get(asked.partition(".")[0], 0)
    data = web.picture(name.removesuffix(".png"), width)
    tag = f'"{hash(data)}"'
    if request.headers.get("if-none-match") == tag:
        return 304, {"etag": tag}, b""
    return 200, {"content-type": "image/png", "etag": tag}, data


ROUTES: Sequence[tuple[str, Callable[[Web, WebRequest], Reply]]] = (
    (r"/v1/images/", _openverse),
    (r"/v1/images/[^/]+/thumb/", _thumb),
    (r"/w/api\.php", _commons),
    (r"/public/collection/v1/search", _met_search),
    (r"/public/collection/v1/objects/\d+", _met_object),
    (r"/v1/taxa", _taxa),
    (r"/v1/observations", _observations),
    (r"/knn-service", _knn),
    (r"/search", _viewer),
    (r"/plain", _plain),
    (r"/pictures/.+", _picture),
    (r"/robots\.txt", _robots),
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        web: Web = self.server.web  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        request = WebRequest(
            self.command,
            parts.path,
            {name: values[0] for name, values in parse_qs(parts.query).items()},
            {name.lower(): said for name, said in self.headers.items()},
            self.rfile.read(length),
            self.requestline,
        )
        (web.robots_asked if parts.path == "/robots.txt" else web.asked).append(request)
        try:
            reply = next(
                (
                    found
                    for start, fault in web.faults.items()
                    if parts.path.startswith(start) and (found := fault(request)) is not None
                ),
                None,
            )
            if reply is None:
                route = next((route for path, route in ROUTES if re.fullmatch(path, parts.path)), None)
                reply = as_json({"detail": "Not found."}, 404) if route is None else route(web, request)
            status, headers, body = reply
            self.send_response(status)
            for name, said in headers.items():
                self.send_header(name, said)
            self.send_header("content-length", headers.get("content-length", str(len(body))))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    do_POST = do_GET

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def serving_web(works: Sequence[Work] = ()) -> Iterator[Web]:
    """Serve a web on loopback until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    web = Web(list(works), url=f"http://127.0.0.1:{server.server_port}")
    server.web = web  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()


def sources_at(web: Web, *names: str) -> dict[str, str]:
    """Return the variables that set the addresses of built-in sources to this web."""
    return {f"IMAGERAG_{name.upper()}_URL": web.url for name in names} | {"IMAGERAG_CONTACT": "me@example.org"}
