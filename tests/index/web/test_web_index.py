"""Looking up on the web: by what pictures show, under licences that are allowed, whatever the servers do."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import InvalidArgument
from imagerag.index.base import SearchOptions
from imagerag.index.web.candidates import Ask, Candidate, WebQuery
from imagerag.index.web.registry import open_web_source
from imagerag.index.web.web_index import WebIndex
from imagerag.licences import LicencePolicy
from testing.colour_library import HUES, ColourEmbedder
from testing.web_server import Web, Work, as_json, patterned
from tests.index.web.conftest import FLOOR

Make = Callable[..., WebIndex]


def keys(hits: list) -> list[str]:  # type: ignore[type-arg]
    return sorted(hit.link.rpartition("/")[2] for hit in hits)


def test_what_is_found_by_words_is_ranked_by_what_it_shows(web: Web, index: Make) -> None:
    told: list[str] = []
    made = index("openverse")
    (hits,) = made.search(["a red square"], 2, SearchOptions(tell=told.append))
    assert len(hits) == 2
    assert all(hit.link.startswith("https://photos.example.org/red-") for hit in hits)
    best = hits[0]
    assert (best.licence, best.creator, best.source) == ("CC-BY-4.0", "Jane Roe", "openverse (flickr)")
    assert best.licence_link == "https://creativecommons.org/licenses/by/4.0/"
    assert best.similarity > 0.8
    assert best.path.is_file()
    assert made.image(best.sha256).size == (400, 400)
    large = [one.path for one in web.asked if one.path.startswith("/pictures/")]
    assert len(large) == 2, "only what was chosen is fetched large"
    assert told[0] == 'asking openverse on the web for "a red square"; these captions are all that is sent'
    assert told[1].startswith("first use of openverse: their servers see these captions")
    with pytest.raises(InvalidArgument):
        made.image("0" * 64)


def test_of_records_of_one_picture_under_one_licence_that_is_kept_which_tells_whom_to_thank(
    web: Web, tmp_path: Path
) -> None:
    class Bare:
        name, address, address_is_set = "bare", web.url, True

        async def search(self, ask: Ask, query: WebQuery) -> list[Candidate]:
            small = f"{web.url}/v1/images/red-0/thumb/"
            return [Candidate("bare", small, f"{web.url}/pictures/red-0.png", "", "CC-BY-4.0")]

    web.works = web.works[:1]
    made = WebIndex([Bare(), open_web_source("openverse")], tmp_path, ColourEmbedder(), lambda: FLOOR)
    ((hit,),) = made.search(["red square"], 3)
    assert (hit.creator, hit.title) == ("Jane Roe", "red square 0")


def test_a_source_that_is_left_alone_is_not_said_to_be_asked(web: Web, index: Make) -> None:
    web.faults["/v1/images/"] = lambda _: as_json({}, 429, retry_after="120")
    index("openverse").search(["red square"], 1)
    before, told = len(web.asked), list[str]()
    index("openverse", "commons").search(["red square"], 1, SearchOptions(tell=told.append))
    assert told[0].startswith("asking commons on the web for")
    assert any("'openverse': is left alone for 1" in line for line in told)
    assert [one.path for one in web.asked[before:] if one.path == "/v1/images/"] == []


def test_the_first_use_is_told_once_in_a_data_directory(web: Web, index: Make) -> None:
    told: list[str] = []
    for _ in range(2):
        index("openverse").search(["red square"], 1, SearchOptions(tell=told.append))
    assert sum("first use" in line for line in told) == 1


@pytest.mark.parametrize("name", ["openverse", "commons", "inaturalist"])
def test_each_source_has_its_licences_and_no_other_is_used(web: Web, index: Make, name: str) -> None:
    for number, licence in enumerate(("by", "by-nc", "by-nd", "by-sa", "", "cc0")):
        picture = patterned(HUES["red"], 20 + number)
        web.works.append(Work(f"w{number}", "red thing", picture, licence))
    found = index(name).search(["red thing"], 9)[0]
    assert keys(found) == sorted(_page(name, key) for key in ("w0", "w3", "w5"))
    free = index(name, policy=LicencePolicy(("cc0",))).search(["red thing"], 9)[0]
    assert [hit.licence for hit in free] == ["CC0-1.0"]
    every = index(name, policy=LicencePolicy(("any",))).search(["red thing"], 9)[0]
    assert len(every) == 6


def _page(name: str, key: str) -> str:
    return f"File:{key}.png" if name == "commons" else key


def test_what_is_left_out_for_its_licence_is_told(web: Web, index: Make) -> None:
    web.works = [
        Work("nc", "red thing", patterned(HUES["red"], 1), "by-nc"),
        Work("x", "red thing", patterned(HUES["red"], 2), ""),
    ]
    told: list[str] = []
    assert index("commons").search(["red thing"], 3, SearchOptions(tell=told.append)) == [[]]
    assert told[-1] == (
        "commons: 2 of 2 pictures found are not used for their licence (CC-BY-NC-4.0, unknown); "
        "--licences takes others than those that allow changes and commercial use"
    )
    assert not [one for one in web.asked if one.path.startswith("/pictures/")], "not even fetched"


def test_the_met_gives_what_is_in_the_public_domain(web: Web, index: Make) -> None:
    web.works = [
        Work("old", "red vase", patterned(HUES["red"], 1), "cc0"),
        Work("new", "red vase", patterned(HUES["red"], 2), ""),
    ]
    (hits,) = index("met").search(["a red vase"], 3)
    assert [(hit.licence, hit.link) for hit in hits] == [
        ("CC0-1.0", "https://www.metmuseum.org/art/collection/search/old")
    ]


def test_one_picture_under_five_addresses_in_three_sizes_is_one_reference(web: Web, index: Make) -> None:
    picture = patterned(HUES["red"], 7, 900)
    sizes = (900, 640, 330, 900, 640)
    web.works = [
        Work(
            f"copy-{number}",
            f"red bird {number}",
            picture.resize((side, side)),
            ("cc0", "by", "by-sa", "by", "cc0")[number],
        )
        for number, side in enumerate(sizes)
    ]
    hits, more = index("openverse", "commons", "inaturalist").search(["red bird", "a red bird"], 5)
    assert {hit.sha256 for hit in (*hits, *more)} == {hits[0].sha256}
    assert len(hits) == len(more) == 1
    assert hits[0].licence == "CC-BY-SA-4.0", "whoever keeps to the one that asks for most keeps to all"


def test_a_page_that_is_under_two_licences_one_of_them_not_allowed_is_not_used(web: Web, index: Make) -> None:
    def contradictory(_: object) -> object:
        row = {
            "title": "red bird", "url": f"{web.url}/pictures/red-0.png", "license": "by", "license_version": "2.0",
            "license_url": "https://creativecommons.org/licenses/by/2.0/", "foreign_landing_url": "https://x.org/1",
        }  # fmt: skip
        other = {**row, "url": f"{web.url}/pictures/red-1.png", "license": "by-nc", "license_url": ""}
        return as_json({"results": [row, other]})

    web.faults["/v1/images/"] = lambda request: contradictory(request) if request.path == "/v1/images/" else None  # type: ignore[return-value]
    assert index("openverse").search(["red bird"], 3) == [[]]


def test_what_does_not_look_like_it_is_not_found_and_a_model_of_pictograms_goes_by_words(web: Web, index: Make) -> None:
    assert "liar" in keys(index("openverse").search(["red square"], 9, SearchOptions(floor=-1.0))[0])
    assert "liar" not in keys(index("openverse").search(["red square"], 9)[0])
    assert "liar" in keys(index("openverse", fit=None).search(["red square"], 9)[0])
    web.works = [Work("odd", "IMG 2034", patterned(HUES["red"], 3), tags=("red", "kite"))]
    assert keys(index("openverse", fit=None).search(["a red kite"], 9)[0]) == ["odd"]


def test_a_source_that_hangs_costs_its_share_and_the_others_answer(
    web: Web, index: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagerag.index.web.web_index.SECONDS", 4.0)
    let_go = threading.Event()

    def hang(request: object) -> None:
        let_go.wait(60)

    web.faults["/w/api.php"] = hang
    told: list[str] = []
    made = index("commons", "openverse")
    (hits,) = made.search(["red square"], 2, SearchOptions(tell=told.append))
    assert len(hits) == 2, "while the other one hangs still"
    assert any("'commons' did not answer in" in line for line in told)
    before = len(web.searches())
    made.search(["red square 1"], 2)
    assert {one.path for one in web.searches()[before:]} == {"/v1/images/"}, "left alone for a while"
    let_go.set()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda _: as_json({}, 429, retry_after="120"), "asks to be left alone for 120 seconds (status 429)"),
        (lambda _: as_json({}, 429), "asks to be left alone for 60 seconds"),
        (lambda _: as_json({"detail": "no"}, 401), "status 401 (no); its key may be wrong or missing"),
        (lambda _: (403, {}, b"<html>robots</html>"), "status 403"),
        (lambda _: (200, {}, b"<html>an error page</html>"), "answers with something that is no JSON"),
        (lambda _: (200, {}, b"[" * 100_000), "answers with something that is no JSON"),
        (lambda _: as_json({"error": "gone"}), "no list at 'results'"),
        (lambda _: (500, {}, b""), "status 500"),
        (lambda _: (200, {}, b"x" * (5 * 2**20)), "more than 4194304 bytes"),
        (lambda _: (302, {"location": "http://127.0.0.1:1/"}, b""), "is not a public address"),
        (lambda _: (302, {"location": "http://169.254.169.254/latest/meta-data/"}, b""), "is not a public address"),
    ],
    ids=["429", "429-plain", "401", "403", "html", "nested", "other-json", "500", "endless", "redirect", "metadata"],
)
def test_what_goes_wrong_at_a_source_is_told_and_the_others_answer(web: Web, index: Make, fault, says: str) -> None:  # type: ignore[no-untyped-def]
    web.faults["/v1/images/"] = lambda request: fault(request) if request.path == "/v1/images/" else None
    told: list[str] = []
    made = index("openverse", "commons")
    assert made.search(["red square"], 1, SearchOptions(tell=told.append))[0]
    assert any(says in line for line in told), told
    before = sum(one.path == "/v1/images/" for one in web.asked)
    made.search(["red square 2"], 1)
    assert sum(one.path == "/v1/images/" for one in web.asked) == before, "not asked again at once"


@pytest.mark.parametrize(
    ("name", "path", "reply"),
    [
        ("commons", "/w/api.php", as_json({"error": {"code": "maxlag", "info": "Waiting for db1: 7 seconds lagged"}})),
        ("openverse", "/v1/images/", (200, {"content-type": "text/html"}, b"<html>maintenance</html>")),
    ],
)
def test_an_answer_that_says_what_is_wrong_is_not_kept(
    web: Web, tmp_path: Path, name: str, path: str, reply: tuple[int, dict[str, str], bytes]
) -> None:
    """With status 200 it would be taken for an hour in place of what the server answers once it is well again."""
    web.faults[path] = lambda request: reply if request.path == path else None

    def hits() -> list[object]:
        return [
            *WebIndex([open_web_source(name)], tmp_path, ColourEmbedder(), lambda: FLOOR).search(["red square"], 1)[0]
        ]

    assert hits() == []
    del web.faults[path]
    assert len(hits()) == 1


def test_of_a_picture_found_again_the_licence_that_asks_for_most_or_was_said_last_is_told(
    web: Web, index: Make
) -> None:
    web.works = [Work("bird", "red bird", patterned(HUES["red"], 7, 800), "cc0")]
    made = index("openverse")
    ((first,),) = made.search(["red bird"], 1)
    web.works.append(Work("copy", "red bird two", patterned(HUES["red"], 7, 500), "by-sa"))
    ((again,),) = made.search(["red bird two"], 1)
    assert (first.licence, again.licence) == ("CC0-1.0", "CC-BY-SA-4.0")
    assert again.sha256 == first.sha256, "the picture stays the one that is there"
    assert again.link.endswith("copy")
    ((third,),) = made.search(["a red bird"], 1)
    assert third.licence == "CC-BY-SA-4.0", "whoever keeps to the one that asks for most keeps to all"
    web.works = [Work("copy", "red bird", patterned(HUES["red"], 7, 500), "by")]
    ((fourth,),) = made.search(["red birds"], 1)
    assert fourth.licence == "CC-BY-4.0", "of one page what it says by now"


def test_pictures_that_cannot_be_had_are_left_out_and_others_taken(web: Web, index: Make) -> None:
    bomb = _bomb()
    web.faults["/pictures/red-0.png"] = lambda _: (403, {}, b"no hotlinks")
    web.faults["/v1/images/red-1/thumb/"] = lambda _: (200, {}, bomb)
    (hits,) = index("openverse").search(["red square"], 3)
    assert keys(hits) == ["red-2"]


def test_a_large_picture_that_shows_something_else_is_not_taken(web: Web, index: Make) -> None:
    stop = Work("stop", "stop", patterned(HUES["red"], 99))
    web.works.append(stop)
    data = web.picture("stop", 0)
    web.faults["/pictures/red-0.png"] = lambda _: (200, {}, data)
    assert keys(index("openverse").search(["red square"], 3)[0]) == ["red-1", "red-2"]


def test_addresses_of_this_network_in_an_answer_are_not_fetched(web: Web, index: Make) -> None:
    with_other_port: list[str] = []

    def row(address: str) -> dict[str, object]:
        return {"title": "red bird", "url": address, "thumbnail": address, "license": "cc0", "license_version": "1.0"}

    places = ["http://127.0.0.1:9/a.png", "http://10.0.0.1/a.png", "http://[::1]/a.png", "file:///etc/passwd", "//a"]
    places.append(web.url.replace("127.0.0.1", "localhost") + "/pictures/red-0.png")
    web.faults["/v1/images/"] = lambda request: (
        as_json({"results": [row(place) for place in places]}) if request.path == "/v1/images/" else None
    )
    assert index("openverse").search(["red bird"], 9) == [[]]
    assert [one for one in web.asked if one.path.startswith("/pictures/")] == with_other_port


def test_what_was_fetched_is_not_fetched_again_and_asked_by_its_tag_later(
    web: Web, index: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    index("openverse").search(["red square"], 3)
    before = len(web.asked)
    index("openverse").search(["red square"], 3)
    assert len(web.asked) == before
    later = time.time() + 40 * 86400
    monkeypatch.setattr("imagerag.index.web.cache.time.time", lambda: later)
    assert len(index("openverse").search(["red square"], 3)[0]) == 3
    conditional = [one for one in web.asked[before:] if "if-none-match" in one.headers]
    assert conditional, "large pictures have a tag"


def test_what_is_excluded_does_not_come_back_also_not_under_another_address(web: Web, index: Make) -> None:
    web.works = [
        Work("a", "red bird", patterned(HUES["red"], 7, 800)),
        Work("b", "red bird", patterned(HUES["red"], 7, 500)),
    ]
    made = index("openverse")
    (hits,) = made.search(["red bird"], 3)
    assert made.search(["red bird"], 3, SearchOptions(exclude=[hits[0].sha256])) == [[]]


def test_by_what_somebody_is_reached_is_not_sent_and_what_it_stands_beside_is_found(web: Web, index: Make) -> None:
    told: list[str] = []
    captions = ["a red square at canary@example.org", "a canary@example.org", "a red square"]
    with_mail, alone, plain = index("openverse").search(captions, 2, SearchOptions(tell=told.append))
    assert [hit.sha256 for hit in with_mail] == [hit.sha256 for hit in plain]
    assert (len(plain), alone) == (2, [])
    assert "canary" not in "".join(one.sent for one in web.asked)
    assert told[0].startswith("'a canary@example.org' is not asked for on the web")
    assert told[1] == 'asking openverse on the web for "a red square"; these captions are all that is sent'


def test_what_a_concept_may_not_tell_is_in_no_other_caption_of_it(web: Web, index: Make) -> None:
    told: list[str] = []
    options = SearchOptions(concepts=("canary@example.org",) * 2, tell=told.append)
    captions = ["a drawing of canary@example.org", "a photo that shows canary@example.org and nothing else"]
    assert index("openverse").search(captions, 2, options) == [[], []]
    assert web.asked == []
    assert set(told) == {"'canary@example.org' is not asked for on the web: it is somebody's address, number or key"}


def test_what_is_to_be_written_in_the_picture_is_not_asked_for(web: Web, index: Make) -> None:
    told: list[str] = []
    options = SearchOptions(
        concepts=("red square", "blue square"), written=frozenset({"blue square"}), tell=told.append
    )
    red, blue = index("openverse").search(["a red square", "a blue square"], 2, options)
    assert (len(red), blue) == (2, [])
    assert [one.query["q"] for one in web.searches()] == ["a red square"]
    assert told[0] == "'blue square' is not asked for on the web: it is to be written in the picture"


def test_a_tool_that_asks_for_nothing_sends_nothing(web: Web, index: Make, tmp_path: Path) -> None:
    assert index("openverse").search([], 3) == []
    with pytest.raises(InvalidArgument, match="k 0 is below 1"):
        index("openverse").search(["red"], 0)
    assert web.asked == []
    assert not (tmp_path / "web").exists()


def _bomb() -> bytes:
    """A PNG of a few kilobytes and a hundred million pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 10_000, 10_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1251 * 10_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_few_small_pictures_are_decoded_at_a_time(web: Web, index: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source may give hundreds of nearly four megapixels each."""
    monkeypatch.setattr("imagerag.index.web.web_index.AT_ONCE", 2)
    made = index("openverse")
    batches: list[int] = []
    embed = made.embedder.embed_images

    def counted(images: Any) -> Any:
        batches.append(len(images))
        return embed(images)

    monkeypatch.setattr(made.embedder, "embed_images", counted)
    assert len(made.search(["a red square"], 2)[0]) == 2
    assert batches[:2] == [2, 2]
    assert max(batches) == 2
