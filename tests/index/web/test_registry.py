"""Which web sources there are, and those of a file of the person's own."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.index.web.candidates import WebSource
from imagerag.index.web.commons import Commons
from imagerag.index.web.inaturalist import INaturalist
from imagerag.index.web.met import Met
from imagerag.index.web.names import BUILT_IN, FILE, web_source_names
from imagerag.index.web.registry import BUILT_IN as FACTORIES
from imagerag.index.web.registry import open_web_source

OWN = """
[searx]
kind = "json"
address = "http://127.0.0.1:8888/search"
query = {q = "{caption}"}
fields = {full = "img_src"}

[laion]
kind = "knn"
address = "http://127.0.0.1:1234/knn-service"

[birds]
kind = "hf"
dataset = "somebody/birds"
licence = "CC BY 4.0"
"""


def write(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file = folder / "sources.toml"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setenv(FILE, str(file))


def test_those_built_in_can_be_set_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tuple(FACTORIES) == BUILT_IN
    kinds = {name: type(open_web_source(name)) for name in ("commons", "inaturalist", "met")}
    assert kinds == {"commons": Commons, "inaturalist": INaturalist, "met": Met}
    for name in BUILT_IN:
        source = open_web_source(name)
        assert isinstance(source, WebSource)
        assert source.address.startswith("https://")
        assert not source.address_is_set
        monkeypatch.setenv(FACTORIES[name][0], "http://127.0.0.1:9/mirror/")
        source = open_web_source(name)
        assert source.address.startswith("http://127.0.0.1:9/mirror")
        assert source.address_is_set
    monkeypatch.setenv("IMAGERAG_OPENVERSE_URL", "openverse.org")
    with pytest.raises(UserError, match=r"IMAGERAG_OPENVERSE_URL: 'openverse.org' is no http or https address"):
        open_web_source("openverse")


def test_a_file_adds_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, monkeypatch, OWN)
    assert web_source_names() == [*BUILT_IN, "searx", "laion", "birds"]
    for name in ("searx", "laion", "birds"):
        source = open_web_source(name)
        assert source.name == name
        assert source.address_is_set == (name != "birds")
    with pytest.raises(UserError, match="web source 'x' is not known; known are: openverse, "):
        open_web_source("x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[searx", "can't be read"),
        ("[openverse]\nkind = 'knn'\naddress = 'http://x'", "'openverse' in .* has a name that is taken"),
        ("[s]\nkind = 'other'\naddress = 'http://x'", "web source 's'"),
        ("[s]\nkind = 'knn'\naddress = 'x'", "s: 'x' is no http or https address"),
        ("[s]\nkind = 'knn'\naddress = 'http://x'\nkey = 1", "web source 's' in .*: knn.key: Extra inputs"),
        ("[s]\nkind = 'json'\naddress = 'http://x'\nquery = {}\nfields = {small = 'a'}", "fields has no full"),
        (
            "[s]\nkind = 'json'\naddress = 'http://x'\nquery = {q = '{words}'}\nfields = {full = 'a'}",
            r"'\{words\}' is filled in with nothing; of \{caption\}",
        ),
        ("[s]\nkind = 'hf'\ndataset = 'a/b'\nlicence = 'free'", "licence 'free' is none that is known"),
        ("s = 1", "web source 's'"),
    ],
)
def test_what_is_wrong_in_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str) -> None:
    write(tmp_path, monkeypatch, text)
    with pytest.raises(UserError, match=says):
        open_web_source("s")


def test_a_file_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FILE, str(tmp_path / "none.toml"))
    with pytest.raises(UserError, match=f"can't be read .* mend it or unset {FILE}"):
        web_source_names()
