"""Collections are read within their own root: links, ``../`` and absolute paths lead out of none unless allowed."""

import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from imagerag.cli.main import run
from imagerag.embedders.registry import embedded_clip
from imagerag.index.user.ingest import IngestResult
from imagerag.index.user.sources.confinement import Confined
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.store import UserPictures

TOKEN = "hunter2"
"""A secret of one word, in every text outside."""


def picture(file: Path, colour: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), colour).save(file, "PNG")
    return file


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that no collection should read: a picture, and texts that hold the token in each shape."""
    folder = tmp_path / "outside"
    file = picture(folder / "private.png", "red")
    (folder / "token").write_text(TOKEN)
    (folder / "token.json").write_text(json.dumps({"caption": TOKEN}))
    (folder / "cat.png.json").write_text(json.dumps({"cat.png": {"caption": TOKEN}}))
    (folder / "table.jsonl").write_text(json.dumps({"file_name": "cat.png", "caption": TOKEN}))
    (folder / "table.csv").write_text(f"file_name,caption\ncat.png,{TOKEN}\n")
    pq.write_table(pa.table({"file_name": ["cat.png"], "caption": [TOKEN]}), folder / "table.parquet")
    pq.write_table(pa.table({"image": [file.read_bytes()], "caption": [TOKEN]}), folder / "pictures.parquet")
    with tarfile.open(folder / "shard.tar", "w") as archive:
        archive.add(file, "private.png")
        archive.add(folder / "token", "private.txt")
    return folder


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A collection with one picture of its own."""
    (tmp_path / "d" / "sub").mkdir(parents=True)
    return picture(tmp_path / "d" / "cat.png", "green").parent


Collection = Callable[[Path, Path], str]


def linked(link: str, target: str, source: str = "{}") -> Collection:
    """Return what puts a link into the collection, and says how it is added."""

    def build(inside: Path, outside: Path) -> str:
        (inside / link).parent.mkdir(parents=True, exist_ok=True)
        (inside / link).symlink_to(outside / target)
        return source.format(inside)

    return build


def named(source: str, path: str) -> Collection:
    """Return what writes a table that names a path."""

    def build(inside: Path, outside: Path) -> str:
        meant = path.format(outside=outside)
        match source.partition(":")[0]:
            case "csv":
                (inside / "t").write_text(f"path,caption\n{meant},private\n")
            case "jsonl":
                (inside / "t").write_text(json.dumps({"path": meant, "caption": "private"}))
            case _:
                pq.write_table(pa.table({"image": [meant], "caption": ["private"]}), inside / "t.parquet")
        return source.format(inside)

    return build


def through(build: Collection, link: str) -> Collection:
    """Return what does the same with a link to a picture or a folder outside in the collection."""

    def also(inside: Path, outside: Path) -> str:
        (inside / link).symlink_to(outside if link == "way" else outside / "private.png")
        return build(inside, outside)

    return also


def beside_a_table(inside: Path, outside: Path) -> str:
    (inside / "cat.txt").symlink_to(outside / "token")
    (inside / "t").write_text("path\ncat.png\n")
    return f"csv:{inside}/t"


TABLES = ("csv:{}/t", "jsonl:{}/t", "hf-parquet:{}/t.parquet")
PATHS = {
    "up": "../outside/private.png",
    "up and down": "sub/../../outside/private.png",
    "absolute": "{outside}/private.png",
    "a file address": "file://{outside}/private.png",
    "without its ending": "../outside/private",
    "backslashes": "..\\outside\\private.png",
    "home": "~/private.png",
}
CASES: dict[str, Collection] = {
    "a picture": linked("a.png", "private.png"),
    "a picture of a folder within": linked("sub/a.png", "private.png"),
    **{f"a text .{ending}": linked(f"cat.{ending}", "token") for ending in ("txt", "caption", "text", "png.txt")},
    "JSON beside": linked("cat.json", "token.json"),
    **{f"metadata.{ending}": linked(f"metadata.{ending}", f"table.{ending}") for ending in ("csv", "jsonl", "parquet")},
    "metadata of a single file": linked("metadata.csv", "table.csv", "{}/cat.png"),
    "text of a single file": linked("cat.txt", "token", "{}/cat.png"),
    "Kohya's JSON": linked("meta_cap.json", "cat.png.json"),
    "text beside what a table names": beside_a_table,
    "tar shards": linked("a.tar", "shard.tar", "webdataset:{}/*.tar"),
    "tar shards in a linked folder": linked("way", ".", "webdataset:{}/*/shard.tar"),
    "Parquet shards": linked("a.parquet", "pictures.parquet", "hf-parquet:{}/*.parquet"),
    "img2dataset's tar": linked("a.tar", "shard.tar", "img2dataset:{}"),
    "img2dataset's Parquet": linked("a.parquet", "pictures.parquet", "img2dataset:{}"),
    "img2dataset's folder": linked("00000", ".", "img2dataset:{}"),
    "img2dataset's picture": linked("00000/a.png", "private.png", "img2dataset:{}"),
    **{f"{source}, {how}": named(source, path) for source in TABLES for how, path in PATHS.items()},
    **{f"{source}, a link": through(named(source, "link.png"), "link.png") for source in TABLES},
    **{f"{source}, a linked folder": through(named(source, "way/private.png"), "way") for source in TABLES},
}


def add(tmp_path: Path, source: str, *, allow: bool) -> tuple[UserPictures, IngestResult]:
    own = UserPictures(tmp_path / f"home-{allow}", embedded_clip())
    return own, own.add([source], reading=ReadOptions(allow_outside=allow))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_nothing_outside_is_read_unless_allowed(
    case: str, inside: Path, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(outside))
    source = CASES[case](inside, outside)
    own, outcome = add(tmp_path, source, allow=False)
    known = own.snapshot().table.to_pylist()
    assert TOKEN not in str([row | {"embedding": None} for row in known])
    assert not [row for row in known if os.path.realpath(row["file"]).startswith(f"{outside}/")]
    told = [*(entry["reason"] for entry in outcome.skipped), *(entry["note"] for entry in outcome.notes)]
    assert [one for one in told if "--allow-outside" in one], told
    assert not [one for one in told if TOKEN in one]

    allowed, outcome = add(tmp_path, source, allow=True)
    rows = str([row | {"embedding": None} for row in allowed.snapshot().table.to_pylist()])
    assert TOKEN in rows or "private" in rows or outcome.added > len(known)
    assert "--allow-outside" not in str([outcome.skipped, outcome.notes])


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    ["csv:{}/lists/t.csv", "hf-parquet:{}/lists/t.parquet"],
)
def test_a_table_beside_its_pictures_says_the_flag(source: str, inside: Path, tmp_path: Path) -> None:
    (inside / "lists").mkdir()
    (inside / "lists" / "t.csv").write_text("path,caption\n../cat.png,mine\n")
    pq.write_table(pa.table({"image": ["../cat.png"], "caption": ["mine"]}), inside / "lists" / "t.parquet")
    (skipped,) = add(tmp_path, source.format(inside), allow=False)[1].skipped
    assert "--allow-outside" in skipped["reason"]
    assert add(tmp_path, source.format(inside), allow=True)[1].added == 1


def test_what_stays_within_is_read_as_before(inside: Path, tmp_path: Path) -> None:
    picture(inside / "sub" / "dog.png", "blue")
    (inside / "link.png").symlink_to("sub/dog.png")
    (inside / "cat.txt").symlink_to("words")
    (inside / "words").write_text("my cat")
    (tmp_path / "way").symlink_to(inside)  # what a person names may be a link
    own, outcome = add(tmp_path, str(tmp_path / "way"), allow=False)
    assert outcome.added == 3
    assert "my cat" in own.snapshot().table.column("caption").to_pylist()
    (inside / "t.csv").write_text(f"path\nsub/../cat.png\n{inside}/sub/dog.png\n{tmp_path}/way/sub/dog.png\n")
    assert add(tmp_path, f"csv:{tmp_path}/way/t.csv", allow=False)[1].added == 3


def test_a_file_that_a_person_names_may_be_a_link(inside: Path, outside: Path, tmp_path: Path) -> None:
    (inside / "a.png").symlink_to(outside / "private.png")
    assert add(tmp_path, str(inside / "a.png"), allow=False)[1].added == 1


@pytest.mark.slow
def test_the_commands_flag(inside: Path, outside: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (inside / "cat.txt").symlink_to(outside / "token")
    home = ["--home", str(tmp_path / "home")]
    assert run(["index", "add", str(inside), *home]) == 0
    assert "--allow-outside" in capsys.readouterr().out
    assert run(["index", "add", str(inside), "--allow-outside", *home]) == 0
    assert run(["search", TOKEN, "-k", "1", *home, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])[0]["caption"] == TOKEN


def test_a_name_that_only_begins_alike_is_outside(tmp_path: Path) -> None:
    confined = Confined(tmp_path / "d")
    assert confined.refusal(str(tmp_path / "d" / "a.png")) == ""
    assert "--allow-outside" in confined.refusal(str(tmp_path / "d2" / "a.png"))
    assert Confined(tmp_path / "d", allow_outside=True).refusal("/etc/passwd") == ""
    assert Confined(Path("/")).refusal("/etc/passwd") == ""
