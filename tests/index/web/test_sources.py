"""Each kind of source: what it asks, and what it reads from answers in their published shape."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.index.web.cache import WebCache
from imagerag.index.web.candidates import Candidate, SourceFailed, WebQuery, WebSource
from imagerag.index.web.client import Pauses, WebClient, user_agent
from imagerag.index.web.commons import Commons
from imagerag.index.web.hf_viewer import HuggingFaceViewer
from imagerag.index.web.json_search import JsonSearch
from imagerag.index.web.knn_service import KnnService
from imagerag.index.web.openverse import Openverse
from imagerag.index.web.registry import open_web_source
from imagerag.net import safe_fetch
from testing.colour_library import HUES
from testing.web_server import Web, Work, as_json, patterned


def ask(source: WebSource, folder: Path, query: WebQuery) -> Sequence[Candidate]:
    async def searched() -> Sequence[Candidate]:
        async with WebClient(source, WebCache(folder), Pauses()) as client:
            return await source.search(client.ask, query)

    return asyncio.run(searched())


def test_openverse_is_asked_for_no_more_than_it_gives_and_for_safe_results(web: Web, tmp_path: Path) -> None:
    found = ask(open_web_source("openverse"), tmp_path, WebQuery("red square", 500))
    assert len(found) == 4
    query = {**web.asked[0].query}
    assert query.pop("license") == "cc0,pdm,by,by-sa"
    assert query == {"q": "red square", "page": "1", "page_size": "20"}
    assert web.asked[0].headers["user-agent"].startswith("imagerag/")
    assert "(me@example.org)" in web.asked[0].headers["user-agent"]
    ask(open_web_source("openverse"), tmp_path, WebQuery("red square", 5, sensitive=True))
    assert web.asked[1].query["mature"] == "true"


@pytest.mark.parametrize("name", ["openverse", "knn"])
def test_what_is_marked_as_sensitive_comes_only_where_it_is_wanted(web: Web, tmp_path: Path, name: str) -> None:
    web.works.append(Work("reported", "red square", patterned(HUES["red"], 8), sensitive=True))
    source = open_web_source("openverse") if name == "openverse" else KnnService("knn", web.url)
    assert len(ask(source, tmp_path, WebQuery("red square", 9))) == 4
    assert len(ask(source, tmp_path, WebQuery("red square", 9, sensitive=True))) == 5


def test_openverse_is_sent_no_syntax_of_its_search(web: Web, tmp_path: Path) -> None:
    ask(open_web_source("openverse"), tmp_path, WebQuery('red -"square" | well-worn* (old)', 5))
    assert web.asked[0].query["q"] == "red square well-worn old"


def test_a_token_is_sent_to_openverse_alone(web: Web, tmp_path: Path) -> None:
    source = Openverse(web.url, True, "token-canary")
    ask(source, tmp_path, WebQuery("red square", 5))
    assert web.asked[0].headers["authorization"] == "Bearer token-canary"
    web.faults["/v1/images/"] = lambda _: (302, {"location": f"{web.url}/plain?q=x"}, b"")
    with pytest.raises(SourceFailed, match="answers with status 302"):
        ask(source, tmp_path, WebQuery("blue square", 5))
    assert not any(file.read_bytes().count(b"token-canary") for file in tmp_path.rglob("*") if file.is_file())


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_OPENVERSE_CLIENT_ID", "id-1")
    monkeypatch.setenv("IMAGERAG_OPENVERSE_CLIENT_SECRET", "secret-canary")


@pytest.mark.usefixtures("application")
def test_a_registered_application_asks_openverse_for_a_token_and_anew_when_that_ends(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"access_token": "token-canary", "token_type": "Bearer", "scope": "read write", "expires_in": 43200}
    web.faults["/v1/auth_tokens/token/"] = lambda _: as_json(told)
    source = open_web_source("openverse")
    for words in ("red square", "blue square"):
        ask(source, tmp_path, WebQuery(words, 5))
    first, *others = web.asked
    assert (first.method, first.headers["content-type"]) == ("POST", "application/x-www-form-urlencoded")
    assert first.body == b"grant_type=client_credentials&client_id=id-1&client_secret=secret-canary"
    assert [one.headers["authorization"] for one in others] == ["Bearer token-canary"] * 2
    assert not any(file.read_bytes().count(b"canary") for file in tmp_path.rglob("*") if file.is_file())
    now = time.monotonic()
    monkeypatch.setattr("imagerag.index.web.openverse.time.monotonic", lambda: now + 43200)
    ask(source, tmp_path, WebQuery("a red square", 5))
    assert [one.path for one in web.asked[3:]] == ["/v1/auth_tokens/token/", "/v1/images/"]


@pytest.mark.usefixtures("application")
@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (as_json({"error": "invalid_client"}, 401), "status 401; its key may be wrong"),
        (as_json({"access_token": None}), "gives no token for the application"),
        ((302, {"location": "/elsewhere"}, b""), "answers with status 302"),
    ],
)
def test_an_application_that_openverse_does_not_know_is_told(
    reply: tuple[int, dict[str, str], bytes], says: str, web: Web, tmp_path: Path
) -> None:
    web.faults["/v1/auth_tokens/token/"] = lambda _: reply
    with pytest.raises(SourceFailed, match=says) as caught:
        ask(open_web_source("openverse"), tmp_path, WebQuery("red square", 5))
    assert "canary" not in str(caught.value)
    assert len(web.asked) == 1


def test_half_an_application_is_refused(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_OPENVERSE_CLIENT_SECRET", "secret-canary")
    with pytest.raises(UserError, match="CLIENT_SECRET is of no use alone; set IMAGERAG_OPENVERSE_CLIENT_ID as well"):
        open_web_source("openverse")


def test_commons_gives_standard_sizes_plain_names_and_what_it_says_of_rights(web: Web, tmp_path: Path) -> None:
    web.works = [
        Work("big", "<i>Red</i> kite", patterned(HUES["red"], 1, 1200), "by-sa", "3.0"),
        Work("pd", "red kite", patterned(HUES["red"], 2, 200), "pdm"),
    ]
    big, small = ask(open_web_source("commons"), tmp_path, WebQuery('red -"kite":', 5))
    assert big.small.endswith("/330px-big.png")
    assert big.full.endswith("/960px-big.png")
    assert small.small == small.full == f"{web.url}/pictures/pd.png"
    assert (big.title, big.creator, big.licence) == ("Red kite", "Jane Roe", "CC-BY-SA-3.0")
    assert small.licence == "public-domain"
    assert web.asked[0].query["gsrsearch"] == "red kite filetype:bitmap|drawing"


def test_a_tiff_of_commons_is_asked_for_as_a_thumbnail_of_it(web: Web, tmp_path: Path) -> None:
    """Its own file may have hundreds of MB; thumbnails of it are named otherwise than those of photographs."""
    host = "https://thumb.wikimedia.org/wikipedia/commons/thumb/f/fc/Galileo.tiff"
    told = {
        "width": 6000, "height": 7000, "mime": "image/tiff", "extmetadata": [],
        "thumburl": f"{host}/lossy-page1-330px-Galileo.tiff.jpg?utm_source=commons.wikimedia.org&utm_content=thumbnail",
        "url": "https://upload.wikimedia.org/wikipedia/commons/f/fc/Galileo.tiff?utm_source=commons.wikimedia.org",
    }  # fmt: skip
    missing = {"title": "File:Gone.jpg", "imageinfo": [{"filemissing": True}]}
    pages = [{"title": "File:Galileo.tiff", "imageinfo": [told]}, missing, {"title": "File:None.jpg"}]
    web.faults["/w/api.php"] = lambda _: as_json({"continue": {"iistart": "x"}, "query": {"pages": pages}})
    found, gone = ask(open_web_source("commons"), tmp_path, WebQuery("galileo", 5))
    assert found.small == f"{host}/lossy-page1-330px-Galileo.tiff.jpg"
    assert found.full == f"{host}/lossy-page1-960px-Galileo.tiff.jpg"
    assert (found.title, found.licence, found.creator) == ("Galileo", "unknown", "")
    assert gone.full == gone.small == "", "it is left out later"


@pytest.mark.parametrize(
    ("kind", "name", "thumb", "wide", "full"),
    [
        ("image/svg+xml", "Flag.svg", "330px-Flag.svg.png", 60, "960px-Flag.svg.png"),
        ("image/svg+xml", "Flag.svg", "330px-Flag.svg.png", 2000, "960px-Flag.svg.png"),
        ("image/tiff", "Map.tif", "lossy-page1-330px-Map.tif.jpg", 700, "lossy-page1-330px-Map.tif.jpg"),
        ("application/pdf", "Book.pdf", "page1-330px-Book.pdf.jpg", 700, "page1-330px-Book.pdf.jpg"),
        ("video/webm", "Bird.webm", "330px--Bird.webm.jpg", 640, "330px--Bird.webm.jpg"),
        ("image/gif", "Walk.gif", "330px-Walk.gif", 700, None),
        ("image/webp", "Kite.webp", "330px-Kite.webp.png", 1600, "960px-Kite.webp.png"),
    ],
)
def test_commons_is_asked_for_no_file_that_cannot_be_decoded(
    kind: str, name: str, thumb: str, wide: int, full: str | None, web: Web, tmp_path: Path
) -> None:
    host = "https://upload.wikimedia.org/wikipedia/commons"
    small, original = f"{host}/thumb/a/ab/{name}/{thumb}", f"{host}/a/ab/{name}"
    told = {"width": wide, "height": wide, "mime": kind, "thumburl": small, "url": original, "extmetadata": {}}
    page = {"title": f"File:{name}", "imageinfo": [told]}
    web.faults["/w/api.php"] = lambda _: as_json({"query": {"pages": [page]}})
    (found,) = ask(open_web_source("commons"), tmp_path, WebQuery("kite", 5))
    assert found.small == small
    assert found.full == (original if full is None else f"{host}/thumb/a/ab/{name}/{full}")


def test_openverse_has_nulls_where_nobody_has_said(web: Web, tmp_path: Path) -> None:
    bare = dict.fromkeys(
        ("title", "creator", "license_version", "license_url", "filetype", "tags", "thumbnail", "source", "provider",
         "foreign_landing_url", "mature", "unstable__sensitivity")
    )  # fmt: skip
    row = {**bare, "url": "https://photos.example.org/a.jpg", "license": "BY"}
    web.faults["/v1/images/"] = lambda _: as_json({"results": [row, {**row, "url": None}, None]})
    found, _ = ask(open_web_source("openverse"), tmp_path, WebQuery("red square", 5))
    assert (found.licence, found.title, found.creator, found.source) == ("CC-BY", "", "", "openverse")
    assert found.small == found.full == "https://photos.example.org/a.jpg"


def test_commons_without_a_contact_says_what_to_set(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGERAG_CONTACT")
    assert "IMAGERAG_CONTACT" in user_agent()
    with pytest.raises(SourceFailed, match=r"status 403; .* set IMAGERAG_CONTACT"):
        ask(open_web_source("commons"), tmp_path, WebQuery("red", 5))


def test_commons_says_what_is_wrong_in_an_answer_of_status_200(web: Web, tmp_path: Path) -> None:
    web.faults["/w/api.php"] = lambda _: as_json({"error": {"code": "maxlag", "info": "Waiting for <b>db1</b>"}})
    with pytest.raises(SourceFailed, match="'commons' says: Waiting for db1"):
        ask(open_web_source("commons"), tmp_path, WebQuery("red", 5))


def test_inaturalist_names_the_photographer_and_asks_for_allowed_licences(web: Web, tmp_path: Path) -> None:
    web.works = [
        Work("a", "Red kite", patterned(HUES["red"], 1), "by-sa"),
        Work("b", "Red kite", patterned(HUES["red"], 2), ""),
    ]
    (found,) = ask(open_web_source("inaturalist"), tmp_path, WebQuery("red kite", 5))
    assert (found.licence, found.creator, found.title) == ("CC-BY-SA-4.0", "Jane Roe", "Red kite")
    assert found.small.endswith("/small.png")
    assert found.full.endswith("/large.png")
    assert web.asked[1].query["photo_license"] == "cc0,cc-by,cc-by-sa"
    assert ask(open_web_source("inaturalist"), tmp_path, WebQuery("no such thing", 5)) == []


PHOTO = {
    "id": 1, "license_code": "cc-by", "url": "https://static.inaturalist.org/photos/1/square.jpeg?1565797050",
    "attribution": "(c) heni, some rights reserved (CC BY), uploaded by Jane Percival",
    "flags": [], "moderator_actions": [], "hidden": False,
}  # fmt: skip


def _observed(web: Web, folder: Path, *photos: object) -> Sequence[Candidate]:
    """What is read of an observation in the shape that the service answers with: nulls where nobody has said."""
    observation = {
        "uri": "https://www.inaturalist.org/observations/1", "species_guess": None, "photos": photos,
        "taxon": {"name": "Milvus milvus"}, "user": {"login": "jp", "name": None},
    }  # fmt: skip
    web.faults["/v1/observations"] = lambda _: as_json({"total_results": 1, "results": [observation]})
    return ask(open_web_source("inaturalist"), folder, WebQuery("red square", 5))


def test_inaturalists_addresses_with_the_time_of_an_upload_have_sizes_as_well(web: Web, tmp_path: Path) -> None:
    (found,) = _observed(web, tmp_path, PHOTO)
    assert found.small == "https://static.inaturalist.org/photos/1/small.jpeg?1565797050"
    assert found.full == "https://static.inaturalist.org/photos/1/large.jpeg?1565797050"
    assert found.title == "Milvus milvus"


@pytest.mark.parametrize(
    ("line", "who"),
    [
        ("(c) heni, some rights reserved (CC BY), uploaded by Jane Percival", "heni"),
        ("(c) Jane Roe, Ph.D., certains droits réservés (CC BY-NC)", "Jane Roe, Ph.D."),
        ("(c) David Foster, todos los derechos reservados", "David Foster"),
        ("Jane Roe, no known copyright restrictions (public domain)", "Jane Roe"),
        ("no rights reserved, uploaded by Abhas Misraraj", "jp"),
        ("no rights reserved", "jp"),
        (None, "jp"),
    ],
)
def test_inaturalist_thanks_who_took_a_photograph_and_not_who_uploaded_it(
    line: str | None, who: str, web: Web, tmp_path: Path
) -> None:
    (found,) = _observed(web, tmp_path, {**PHOTO, "attribution": line})
    assert found.creator == who


def test_of_an_observation_the_photograph_is_taken_that_may_be_used(web: Web, tmp_path: Path) -> None:
    reserved = {**PHOTO, "license_code": None, "url": "https://static.inaturalist.org/photos/2/square.jpg"}
    (found,) = _observed(web, tmp_path, reserved, PHOTO)
    assert (found.licence, found.full) == ("CC-BY-4.0", "https://static.inaturalist.org/photos/1/large.jpeg?1565797050")


@pytest.mark.parametrize(
    "photo",
    [
        None,
        {**PHOTO, "url": None},
        {**PHOTO, "hidden": True, "url": "https://www.inaturalist.org/assets/media-hidden-square.png"},
        {**PHOTO, "flags": [{"flag": "copyright infringement", "resolved": False}]},
    ],
    ids=["none", "no address", "hidden", "flagged"],
)
def test_a_sign_in_place_of_a_photograph_is_none(photo: object, web: Web, tmp_path: Path) -> None:
    assert _observed(web, tmp_path, photo) == []


def test_a_flag_that_was_settled_counts_for_nothing(web: Web, tmp_path: Path) -> None:
    assert len(_observed(web, tmp_path, {**PHOTO, "flags": [{"flag": "spam", "resolved": True}]})) == 1


def test_a_knn_service_is_asked_for_safe_results_and_its_licences_are_read(web: Web, tmp_path: Path) -> None:
    web.works.append(Work("none", "red square", patterned(HUES["red"], 8), ""))
    found = ask(KnnService("knn", f"{web.url}/knn-service"), tmp_path, WebQuery("red square", 9))
    assert [one.licence for one in found] == ["CC-BY-4.0"] * 4 + ["unknown"]
    assert b'"use_safety_model":true' in web.asked[0].body.replace(b" ", b"")
    assert web.asked[0].method == "POST"
    stated = ask(KnnService("knn", web.url, licence="CC0"), tmp_path, WebQuery("red square", 8))
    assert stated[-1].licence == "CC0-1.0"


def test_a_dataset_of_hugging_face(web: Web, tmp_path: Path) -> None:
    web.works.append(Work("none", "red square", patterned(HUES["red"], 8), ""))
    source = HuggingFaceViewer("hf", "somebody/squares", address=web.url, address_is_set=True)
    found = ask(source, tmp_path, WebQuery("red square", 9))
    assert [one.licence for one in found] == ["CC-BY-4.0"] * 4 + ["unknown"]
    assert found[0].link == "https://huggingface.co/datasets/somebody/squares/viewer/default/train?row=0"
    assert found[0].title == "red square 0"


def test_a_dataset_with_lists_of_pictures_and_classes_by_number(web: Web, tmp_path: Path) -> None:
    picture = {"src": f"{web.url}/pictures/red-0.png?Expires=1&Signature=x", "height": 9, "width": 9}
    features = [
        {"feature_idx": 0, "name": "images", "type": {"feature": {"_type": "Image"}, "_type": "List"}},
        {"feature_idx": 1, "name": "label", "type": {"names": ["kite", "ibis"], "_type": "ClassLabel"}},
        {"feature_idx": 2, "name": "license", "type": {"feature": {"_type": "Value"}, "_type": "List"}},
    ]
    rows = [
        {"row_idx": 4, "row": {"images": [picture, picture], "label": 1, "license": ["cc-by-4.0"]}},
        {"row_idx": 5, "row": {"images": [], "label": 0, "license": []}},
        {"row_idx": 6, "row": {"images": None, "label": 0, "license": None}},
        {"row_idx": 7, "row": {"images": [picture], "label": -1, "license": []}},
    ]
    web.faults["/search"] = lambda _: as_json({"features": features, "rows": rows, "num_rows_total": 4})
    source = HuggingFaceViewer("hf", "somebody/squares", address=web.url, address_is_set=True)
    found = ask(source, tmp_path, WebQuery("ibis", 9))
    assert [(one.title, one.licence) for one in found] == [("ibis", "CC-BY-4.0"), ("", "unknown")]


def test_what_a_server_says_of_its_refusal_is_told(web: Web, tmp_path: Path) -> None:
    source = HuggingFaceViewer("hf", "somebody/squares", address=web.url, address_is_set=True)
    said = "The config parameter has to be one of: <b>first</b>"
    web.faults["/search"] = lambda _: as_json({"error": said}, 404, X_Error_Code="ResponseNotFound")
    with pytest.raises(SourceFailed, match=r"status 404 \(The config parameter has to be one of: first\)"):
        ask(source, tmp_path, WebQuery("ibis", 9))


def test_any_search_that_answers_with_json(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"full": "img_src", "small": "thumbnail.src", "title": "title", "link": "url", "licence": "license"}
    source = JsonSearch(
        "any",
        f"{web.url}/plain",
        {"q": "{caption}", "n": "{count}"},
        fields,
        "results",
        headers={"x-key": "{key}"},
        safe={"safe": "strict"},
        key_variable="ANY_KEY",
    )
    with pytest.raises(SourceFailed, match="'any' needs a key; set the variable ANY_KEY"):
        ask(source, tmp_path, WebQuery("red square", 9))
    monkeypatch.setenv("ANY_KEY", "key-canary-{caption}")
    found = ask(source, tmp_path, WebQuery("red square", 9))
    assert [one.licence for one in found] == ["CC-BY-4.0"] * 4
    assert found[0].link == "https://pages.example.org/red-0"
    assert web.asked[0].query == {"q": "red square", "n": "9", "safe": "strict"}
    assert web.asked[0].headers["x-key"] == "key-canary-{caption}", "filled in once"
    assert list(ask(source, tmp_path, WebQuery("red square", 9, page=2))) == []


@pytest.mark.parametrize(("place", "sent"), [("{page}", "3"), ("{page_from_0}", "2"), ("{offset}", "18")])
def test_a_search_is_asked_for_its_pages_as_it_counts_them(web: Web, tmp_path: Path, place: str, sent: str) -> None:
    fields = {"full": "img_src"}
    source = JsonSearch("any", f"{web.url}/plain", {"q": "{caption}", "p": place}, fields, "results")
    ask(source, tmp_path, WebQuery("red square", 9, page=3))
    assert web.asked[0].query == {"q": "red square", "p": sent}


def test_a_museum_by_its_json(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_CLEVELAND_URL", web.url)
    row = {
        "title": "Red vase", "share_license_status": "CC0", "url": "https://clevelandart.org/art/1",
        "creators": [{"description": "Jane Roe (American, 1900-1980)"}],
        "images": {"web": {"url": f"{web.url}/pictures/red-0.png"}},
    }  # fmt: skip
    others = [{**row, "share_license_status": "Copyrighted"}, {**row, "images": None, "creators": []}]
    web.faults["/api/artworks/"] = lambda _: as_json({"info": {"total": 3}, "data": [row, *others]})
    free, other, bare = ask(open_web_source("cleveland"), tmp_path, WebQuery("a red vase", 5))
    assert (free.licence, free.licence_link) == ("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/")
    assert free.creator == "Jane Roe (American, 1900-1980)"
    assert other.licence == "all-rights-reserved"
    assert (bare.full, bare.creator) == ("", ""), "it has no picture, and is left out later"
    ask(open_web_source("cleveland"), tmp_path, WebQuery("a red vase", 5, page=3))
    assert [one.query["skip"] for one in web.asked] == ["0", "10"]


def test_the_met_tells_what_is_seen_and_whose_a_work_is_said_to_be(web: Web, tmp_path: Path) -> None:
    web.works = [Work("quail", "Quail and Millet", patterned(HUES["red"], 1), "cc0", tags=["Birds", "Leaves"])]
    usual = "/public/collection/v1/search"
    web.faults[usual] = lambda _: as_json({"total": 3, "objectIDs": [0, 7, 0]})
    web.faults["/public/collection/v1/objects/7"] = lambda _: as_json({"message": "ObjectID not found"}, 404)
    (found,) = ask(open_web_source("met"), tmp_path, WebQuery("birds", 5))
    assert found.words == ("Birds", "Leaves")
    told = {"primaryImageSmall": f"{web.url}/pictures/quail.png", "isPublicDomain": True, "tags": None}
    named = {"artistPrefix": "Attributed to", "artistDisplayName": "Kiyohara Yukinobu"}
    web.faults["/public/collection/v1/objects/0"] = lambda _: as_json(told | named)
    (found,) = ask(open_web_source("met"), tmp_path / "other", WebQuery("birds", 5))
    assert (found.creator, found.words, found.title) == ("Attributed to Kiyohara Yukinobu", (), "")
    web.faults[usual] = lambda _: as_json({"total": 0, "objectIDs": None})
    assert ask(open_web_source("met"), tmp_path, WebQuery("nothing of that kind", 5)) == []


FULL = {"full": "url"}


@pytest.mark.parametrize(
    "source",
    [
        JsonSearch("any", "{}/any", {"q": "{caption}"}, FULL, headers={"X-Subscription-Token": "key-canary"}),
        JsonSearch("any", "{}/any", {"q": "{caption}"}, FULL, headers={"Authorization": "Bearer key-canary"}),
        JsonSearch("any", "{}/any", {"q": "{caption}", "api_key": "key-canary"}, FULL),
        JsonSearch("any", "{}/any?apikey=key-canary", {"q": "{caption}"}, FULL),
    ],
    ids=["header", "authorization", "query", "address"],
)
def test_a_key_that_stands_in_the_table_is_carried_nowhere_else(source: JsonSearch, web: Web, tmp_path: Path) -> None:
    """A redirect is not followed with it, whichever way the table has it."""
    web.faults["/any"] = lambda request: (302, {"location": f"{web.url}/elsewhere"}, b"")
    with pytest.raises(SourceFailed, match="answers with status 302"):
        ask(replace(source, address=source.address.format(web.url)), tmp_path, WebQuery("red square", 5))
    assert [one.path for one in web.asked] == ["/any"]


def test_a_source_without_a_key_may_be_redirected(web: Web, tmp_path: Path) -> None:
    web.faults["/any"] = lambda _: (302, {"location": f"{web.url}/other"}, b"")
    web.faults["/other"] = lambda _: as_json([{"url": f"{web.url}/pictures/red-0.png"}])
    source = JsonSearch("any", f"{web.url}/any", {"q": "{caption}"}, FULL, headers={"Accept": "application/json"})
    assert len(ask(source, tmp_path, WebQuery("red square", 5))) == 1


def test_what_robots_txt_forbids_is_not_asked_and_the_file_is_read_once(web: Web, tmp_path: Path) -> None:
    web.robots = "User-agent: *\nDisallow: /v1/images/*thumb\n"
    assert len(ask(open_web_source("openverse"), tmp_path, WebQuery("red square", 5))) == 4
    ask(open_web_source("openverse"), tmp_path, WebQuery("blue square", 5))
    assert len(web.robots_asked) == 1, "kept for a day"
    web.robots, web.asked = "User-agent: *\nDisallow: /v1/\n", []
    with pytest.raises(SourceFailed, match=r"'openverse': its robots\.txt asks programs not to ask for .*/v1/images/"):
        ask(open_web_source("openverse"), tmp_path / "other", WebQuery("red square", 5))
    assert web.asked == []


def test_pictures_of_the_same_server_heed_it_as_well(web: Web, tmp_path: Path) -> None:
    web.robots = "User-agent: ImageRAG\nDisallow: /pictures/\n"

    async def fetched() -> bytes:
        async with WebClient(open_web_source("openverse"), WebCache(tmp_path), Pauses()) as client:
            return await client.picture(f"{web.url}/pictures/red-0.png", 10**6)

    with pytest.raises(SourceFailed, match=r"robots\.txt"):
        asyncio.run(fetched())


def _picture_of_another(web: Web, folder: Path, source: WebSource, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Fetch a picture from a server that is not the source's own, as if it were on a public address."""
    monkeypatch.setattr(safe_fetch, "is_public", lambda address: True)

    async def fetched() -> bytes:
        async with WebClient(source, WebCache(folder), Pauses()) as client:
            one, two = f"{web.url}/pictures/red-0.png", f"{web.url}/pictures/red-1.png"
            return (await asyncio.gather(client.picture(one, 10**6), client.picture(two, 10**6)))[0]

    return asyncio.run(fetched())


@pytest.mark.parametrize(
    ("source", "text", "is_given"),
    [
        (Openverse(), "User-agent: *\nDisallow: /pictures/\n", False),
        (Openverse(), "User-agent: *\nDisallow: /thumbs/\n", True),
        (Openverse(), None, True),
        (KnnService("own", "http://10.0.0.1", robots="none"), "User-agent: *\nDisallow: /\n", False),
        (Commons(), "User-agent: *\nDisallow: /\n", True),
        (Commons(), "User-agent: imagerag\nDisallow: /\n", False),
    ],
    ids=["forbidden", "allowed", "none", "pictures of one's own search", "of the API's maker", "by name"],
)
def test_servers_that_only_have_the_pictures_are_asked_for_their_rules(
    source: WebSource, text: str | None, is_given: bool, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.robots = text
    if is_given:
        assert _picture_of_another(web, tmp_path, source, monkeypatch).startswith(b"\x89PNG")
    else:
        with pytest.raises(SourceFailed, match=r"the robots\.txt of '127\.0\.0\.1' asks programs not to ask for"):
            _picture_of_another(web, tmp_path, source, monkeypatch)
    assert len(web.robots_asked) == 1


def test_a_server_of_pictures_that_wants_to_be_left_alone_pauses_no_source(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.faults["/robots.txt"] = lambda _: as_json({}, 429, retry_after="300")
    with pytest.raises(SourceFailed, match="asks to be left alone for 300 seconds"):
        _picture_of_another(web, tmp_path, Openverse(), monkeypatch)
    assert [one.path for one in web.asked] == []


def test_the_next_command_asks_nothing_before_a_pause_is_over(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.faults["/v1/images/"] = lambda _: as_json({}, 429, retry_after="300")

    async def searched(pauses: Pauses) -> None:
        async with WebClient(open_web_source("openverse"), WebCache(tmp_path), pauses) as client:
            await client.ask(f"{web.url}/v1/images/")

    file = tmp_path / "pauses.json"
    with pytest.raises(SourceFailed, match="asks to be left alone for 300 seconds"):
        asyncio.run(searched(Pauses(file)))
    with pytest.raises(SourceFailed, match=r"is left alone for (300|29\d) more seconds"):
        asyncio.run(searched(Pauses(file)))
    assert len(web.asked) == 1
    file.write_text("[1", "utf-8")
    with pytest.raises(SourceFailed, match="asks to be left alone"):
        asyncio.run(searched(Pauses(file)))
    file.write_text('{"far": 1e300}', "utf-8")
    assert Pauses(file).left("far") == 86400


def test_a_server_of_pictures_that_asks_for_a_pause_gets_it_and_the_source_is_asked(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.faults["/pictures/"] = lambda _: as_json({}, 429, retry_after="300")
    pauses = Pauses()
    monkeypatch.setattr(safe_fetch, "is_public", lambda address: True)

    async def fetched(name: str) -> None:
        async with WebClient(Openverse(), WebCache(tmp_path), pauses) as client:
            await client.picture(f"{web.url}/pictures/{name}.png", 10**6)

    with pytest.raises(SourceFailed, match="asks to be left alone for 300 seconds"):
        asyncio.run(fetched("red-0"))
    with pytest.raises(SourceFailed, match=r"'127\.0\.0\.1' is left alone for (300|29\d) more seconds"):
        asyncio.run(fetched("red-1"))
    assert len(web.asked) == 1
    assert pauses.left("openverse") == 0


@pytest.mark.parametrize(
    ("tag", "is_given"),
    [("noai, noimageai", False), ("imagerag: noai", False), ("otherbot: noai", True), ("noindex, nofollow", True)],
)
def test_a_picture_that_is_not_to_be_used_for_ai_is_not(tag: str, is_given: bool, web: Web, tmp_path: Path) -> None:
    web.faults["/pictures/"] = lambda _: (200, {"content-type": "image/png", "x-robots-tag": tag}, b"a picture")

    async def fetched() -> bytes:
        async with WebClient(open_web_source("openverse"), WebCache(tmp_path), Pauses()) as client:
            return await client.picture(f"{web.url}/pictures/red-0.png", 10**6)

    if is_given:
        assert asyncio.run(fetched()) == b"a picture"
    else:
        with pytest.raises(SourceFailed, match="asks not to use it for AI"):
            asyncio.run(fetched())


def test_a_wikis_robots_txt_counts_for_its_api_only_where_it_names_us(web: Web, tmp_path: Path) -> None:
    web.robots = "User-agent: *\nDisallow: /w/\n"
    assert ask(open_web_source("commons"), tmp_path, WebQuery("red square", 5))
    web.robots = "User-agent: imagerag\nDisallow: /w/\n"
    with pytest.raises(SourceFailed, match=r"robots\.txt"):
        ask(open_web_source("commons"), tmp_path / "other", WebQuery("red square", 5))


@pytest.mark.parametrize(
    ("more", "robots", "is_asked"),
    [
        ('key_variable = "ANY_KEY"', "*", True),
        ('headers = {X-Subscription-Token = "key-canary"}', "*", True),
        ('key_variable = "ANY_KEY"', "imagerag", False),
        ("", "*", False),
    ],
)
def test_a_search_that_gives_out_keys_is_no_matter_of_what_it_tells_crawlers(
    more: str, robots: str, is_asked: bool, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = '{full = "img_src", licence = "license"}'
    table = f'kind = "json"\naddress = "{web.url}/plain"\nquery = {{q = "{{caption}}"}}\nresults = "results"\n'
    (tmp_path / "sources.toml").write_text(f"[any]\n{table}fields = {fields}\n{more}\n", encoding="utf-8")
    monkeypatch.setenv("IMAGERAG_WEB_SOURCES", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("ANY_KEY", "key-canary")
    web.robots = f"User-agent: {robots}\nDisallow: /plain\n"
    if is_asked:
        assert len(ask(open_web_source("any"), tmp_path / "cache", WebQuery("red square", 5))) == 4
    else:
        with pytest.raises(SourceFailed, match=r"its robots\.txt asks programs not to ask"):
            ask(open_web_source("any"), tmp_path / "cache", WebQuery("red square", 5))


def test_where_robots_txt_cannot_be_told_nothing_is_asked(web: Web, tmp_path: Path) -> None:
    web.faults["/robots.txt"] = lambda _: (500, {}, b"")
    with pytest.raises(SourceFailed, match=r"robots\.txt' answers with status 500"):
        ask(open_web_source("openverse"), tmp_path, WebQuery("red square", 5))
    assert web.asked == []


def test_a_server_of_ones_own_may_be_asked_all_the_same(web: Web, tmp_path: Path) -> None:
    web.robots = "User-agent: *\nDisallow: /\n"
    source = KnnService("knn", web.url)
    with pytest.raises(SourceFailed, match=r"if it is yours, its table takes robots = false"):
        ask(source, tmp_path, WebQuery("red square", 5))
    assert ask(KnnService("knn", web.url, robots="none"), tmp_path, WebQuery("red square", 5))
