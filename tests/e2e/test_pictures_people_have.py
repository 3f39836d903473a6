"""Collections as people have them, in the layouts that the makers of data sets and trainers write, through ``add``."""

import base64
import io
import json
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.store import UserPictures
from imagerag.store.picture_kinds import heif_installed
from testing.user_pictures import write_tar

Files = dict[str, Any]
"""What a folder holds, by path: bytes, text, or anything else, which is written as JSON."""


def png(shade: int = 0) -> bytes:
    """Return a picture's bytes, others for each shade."""
    out = io.BytesIO()
    Image.new("RGB", (16, 16), (10 * shade, 200 - 10 * shade, 77)).save(out, "PNG")
    return out.getvalue()


def write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(as_bytes(content))


def as_bytes(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()


@pytest.fixture
def own(tmp_path: Path) -> UserPictures:
    return UserPictures(tmp_path / "home", embedded_clip())


def rows(own: UserPictures, *fields: str) -> list[Any]:
    """Return what is known of the pictures, sorted by their keys."""
    table = own.snapshot().table.sort_by("key")
    columns = [table.column(field).to_pylist() for field in fields]
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


IN_BOM = b"\xef\xbb\xbf"
SEVERAL: list[tuple[str, Any, str]] = [
    ("a list", ["a cat", "a feline"], "a cat; a feline"),
    ("a list with nothing in it", ["", None, "a cat"], "a cat"),
    ("a text that is a list", '["a cat", "a feline"]', "a cat; a feline"),
    ("a text that is Python's list", "['a cat', 'a feline']", "a cat; a feline"),
    ("an object", {"text": "a cat"}, "a cat"),
    ("a list of objects", [{"raw": "a cat"}, {"raw": "a feline"}], "a cat; a feline"),
    ("no number", float("nan"), "x"),
    ("no number as text", "nan", "x"),
]
LICENCES: list[tuple[str, Any, str]] = [
    ("an object with a name", {"name": "CC-BY-4.0", "url": "https://example.org/by"}, "CC-BY-4.0"),
    ("an object with an identifier", {"id": 4, "spdx_id": "CC0-1.0"}, "CC0-1.0"),
    ("no number", float("nan"), "unknown"),
    ("a list", ["CC0-1.0"], "CC0-1.0"),
]


def in_folder(folder: Path, record: Files) -> str:
    write(folder, {"x.png": png(), "x.json": record})
    return str(folder)


def in_tar(folder: Path, record: Files) -> str:
    write_tar(folder / "0.tar", {"x.png": png(), "x.json": as_bytes(record)})
    return f"webdataset:{folder}/0.tar"


def in_jsonl(folder: Path, record: Files) -> str:
    write(folder, {"x.png": png(), "list.jsonl": json.dumps({"path": "x.png", **record})})
    return f"jsonl:{folder}/list.jsonl"


def in_parquet(folder: Path, record: Files) -> str:
    folder.mkdir()
    write(folder, {"x.png": png()})
    pq.write_table(
        pa.table({"image": ["x.png"], **{name: [value] for name, value in record.items()}}), folder / "t.parquet"
    )
    return f"hf-parquet:{folder}/t.parquet"


EVERYWHERE = (in_folder, in_tar, in_jsonl, in_parquet)


@pytest.mark.parametrize("where", EVERYWHERE)
@pytest.mark.parametrize(("value", "caption"), [case[1:] for case in SEVERAL], ids=[case[0] for case in SEVERAL])
def test_captions_of_every_shape(
    where: Callable[[Path, Files], str], value: Any, caption: str, own: UserPictures, tmp_path: Path
) -> None:
    outcome = own.add([where(tmp_path / "d", {"caption": value})])
    assert (outcome.added, outcome.skipped) == (1, [])
    assert rows(own, "caption") == [caption]


@pytest.mark.parametrize("where", EVERYWHERE)
@pytest.mark.parametrize(("value", "licence"), [case[1:] for case in LICENCES], ids=[case[0] for case in LICENCES])
def test_licences_of_every_shape(
    where: Callable[[Path, Files], str], value: Any, licence: str, own: UserPictures, tmp_path: Path
) -> None:
    own.add([where(tmp_path / "d", {"license": value})])
    assert rows(own, "licence") == [licence]


ENCODINGS = {
    "utf-8 with a mark": IN_BOM + "Möwe".encode(),
    "utf-16 with a mark": "Möwe".encode("utf-16"),
    "utf-16 with a mark, big": b"\xfe\xff" + "Möwe".encode("utf-16-be"),
    "utf-16 without one": "Möwe".encode("utf-16-le"),
    "utf-16 without one, big": "Möwe".encode("utf-16-be"),
    "utf-32": "Möwe".encode("utf-32"),
    "Windows": "Möwe".encode("cp1252"),
}


@pytest.mark.parametrize("where", ["folder", "tar"])
@pytest.mark.parametrize("ending", ["txt", "json"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_text_in_any_encoding(encoding: str, ending: str, where: str, own: UserPictures, tmp_path: Path) -> None:
    text = ENCODINGS[encoding]
    if ending == "json":
        said = json.dumps({"caption": "Möwe"}, ensure_ascii=False)
        codec = {"utf-16 without one, big": "utf-16-be", "utf-16 without one": "utf-16-le", "utf-32": "utf-32"}
        codec |= {"Windows": "cp1252", "utf-8 with a mark": "utf-8-sig", "utf-16 with a mark": "utf-16"}
        big = encoding == "utf-16 with a mark, big"
        text = b"\xfe\xff" + said.encode("utf-16-be") if big else said.encode(codec[encoding])
    files = {"x.png": png(), f"x.{ending}": text}
    if where == "folder":
        write(tmp_path / "d", files)
    else:
        write_tar(tmp_path / "0.tar", files)
    outcome = own.add([tmp_path / "d" if where == "folder" else f"webdataset:{tmp_path}/0.tar"])
    assert (outcome.added, outcome.skipped) == (1, [])
    assert rows(own, "caption") == ["Möwe"]
    guessed = [entry["note"] for entry in outcome.notes]
    assert [("Windows" in note and "UTF-8" in note) for note in guessed] == [True] * (encoding == "Windows")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_tables_in_unicode(kind: str, codec: str, own: UserPictures, tmp_path: Path) -> None:
    text = "path\tcaption\nx.png\tMöwe\n" if kind == "csv" else json.dumps({"path": "x.png", "caption": "Möwe"})
    write(tmp_path / "d", {"x.png": png(), f"list.{kind}": text.encode(codec)})
    own.add([f"{kind}:{tmp_path}/d/list.{kind}"])
    assert rows(own, "caption") == ["Möwe"]


def test_a_table_in_another_encoding_is_refused_with_the_way_out(own: UserPictures, tmp_path: Path) -> None:
    write(tmp_path, {"x.png": png(), "list.csv": "path,caption\nx.png,Möwe\n".encode("cp1252")})
    with pytest.raises(UserError, match="save it as UTF-8"):
        own.add([f"csv:{tmp_path}/list.csv"])


BESIDE: dict[str, tuple[Files, list[str]]] = {
    ".caption": ({"x.png": png(), "x.caption": "a cat"}, ["a cat"]),
    ".TXT": ({"x.png": png(), "x.TXT": "a cat"}, ["a cat"]),
    ".Json": ({"x.png": png(), "x.Json": {"caption": "a cat"}}, ["a cat"]),
    "x.jpg.txt": ({"x.jpg": png(), "x.jpg.txt": "a cat"}, ["a cat"]),
    "x.jpg.json": ({"x.jpg": png(), "x.jpg.json": {"caption": "a cat"}}, ["a cat"]),
    "one for each of two endings": (
        {"x.jpg": png(), "x.png": png(1), "x.jpg.txt": "a cat", "x.txt": "a dog"},
        ["a cat", "a dog"],
    ),
    "dots in names": ({"22.05.png": png(), "22.05.txt": "a cat", "22.06.png": png(1)}, ["a cat", "22.06"]),
    "Kohya's caption and tags": ({"x.png": png(), "x.caption": "a cat", "x.txt": "fur, ears"}, ["a cat, fur, ears"]),
    "a list in JSON": ({"x.png": png(), "x.json": ["a cat", "a feline"]}, ["a cat; a feline"]),
    "a title alone": ({"x.png": png(), "x.json": {"title": "a cat"}}, ["a cat"]),
    "a title that is the name": ({"my_cat.png": png(), "my_cat.png.json": {"title": "my_cat.png"}}, ["my cat"]),
    "names in any case": ({"x.png": png(), "x.json": {"Caption": "a cat"}}, ["a cat"]),
    "an empty first line": ({"x.png": png(), "x.txt": "\n\na cat\n"}, ["a cat"]),
}


@pytest.mark.parametrize("layout", BESIDE)
def test_texts_beside_pictures(layout: str, own: UserPictures, tmp_path: Path) -> None:
    files, captions = BESIDE[layout]
    write(tmp_path / "d", files)
    outcome = own.add([tmp_path / "d"])
    assert outcome.skipped == []
    assert rows(own, "caption") == captions
    assert own.add([tmp_path / "d"]).unchanged == len(captions)


def imagefolder(name: str, table: str | bytes) -> Files:
    return {"train/a.png": png(), "train/b.png": png(1), f"train/{name}": table}


def parquet_bytes(**columns: list[Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


KOHYA = {"caption": "a cat", "tags": "fur, ears", "train_resolution": [64, 64]}
LAYOUTS: dict[str, tuple[Files, list[str]]] = {
    "imagefolder, JSON lines": (
        imagefolder(
            "metadata.jsonl", '{"file_name": "a.png", "text": "a cat"}\n{"file_name": "b.png", "text": "a dog"}\n'
        ),
        ["a cat", "a dog"],
    ),
    "imagefolder, CSV": (
        imagefolder("metadata.csv", "file_name,text\na.png,a cat\nb.png,a dog\n"),
        ["a cat", "a dog"],
    ),
    "imagefolder, Parquet": (
        imagefolder("metadata.parquet", parquet_bytes(file_name=["a.png", "b.png"], text=["a cat", "a dog"])),
        ["a cat", "a dog"],
    ),
    "imagefolder, above the pictures": (
        {
            "train/a.png": png(),
            "test/b.png": png(1),
            "metadata.csv": "file_name,text\ntrain/a.png,a cat\ntest/b.png,a dog\n",
        },
        ["a dog", "a cat"],
    ),
    "imagefolder, a row for each caption": (
        imagefolder("metadata.csv", "file_name,text\na.png,a cat\nb.png,a dog\na.png,a feline\n"),
        ["a cat; a feline", "a dog"],
    ),
    "imagefolder, pairs": (
        imagefolder(
            "metadata.jsonl", '{"input_file_name": "a.png", "edited_file_name": "b.png", "prompt": "add a hat"}'
        ),
        ["add a hat", "add a hat"],
    ),
    "imagefolder, lists": (
        imagefolder("metadata.jsonl", '{"file_names": ["a.png", "b.png"], "text": "two cats"}'),
        ["two cats", "two cats"],
    ),
    "imagefolder, classes": (
        {"train/cat/1.png": png(), "train/dog/2.png": png(1)},
        ["cat", "dog"],
    ),
    "names that say more than their classes": (
        {"train/cat/maine_coon.png": png(), "train/dog/chihuahua.png": png(1)},
        ["maine coon", "chihuahua"],
    ),
    "Kohya, DreamBooth": (
        {"10_sks dog/1.png": png(), "10_sks dog/2.png": png(1), "10_sks dog/2.caption": "sks dog, sleeping"},
        ["sks dog", "sks dog, sleeping"],
    ),
    "Kohya, metadata by name": ({"img/a.png": png(), "meta_cap.json": {"a": KOHYA}}, ["a cat, fur, ears"]),
    "Kohya, metadata by path": (
        {"img/a.png": png(), "img/b.png": png(1), "meta.json": {"img/a.png": KOHYA, "img/b.png": {"tags": "tail"}}},
        ["a cat, fur, ears", "tail"],
    ),
    "Kohya, metadata of Windows": (
        {"img/a.png": png(), "img/meta_lat.json": {"C:\\train\\img\\a.png": KOHYA}},
        ["a cat, fur, ears"],
    ),
    "captions by name": ({"a.png": png(), "captions.json": {"a.png": "a cat"}}, ["a cat"]),
    "SimpleTuner, captions in names": ({"a_cat_on_a_mat.png": png()}, ["a cat on a mat"]),
    "SimpleTuner, texts": ({"a.png": png(), "a.txt": "a cat"}, ["a cat"]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_folders(layout: str, own: UserPictures, tmp_path: Path) -> None:
    files, captions = LAYOUTS[layout]
    write(tmp_path / "d", files)
    outcome = own.add([tmp_path / "d"])
    assert outcome.skipped == []
    assert rows(own, "caption") == captions
    assert own.add([tmp_path / "d"]).unchanged == len(captions)


def test_single_files_have_the_table_of_their_folder(own: UserPictures, tmp_path: Path) -> None:
    write(
        tmp_path / "d",
        {"a.png": png(), "b.png": png(1), "b.txt": "a dog", "metadata.csv": "file_name,text\na.png,a cat\n"},
    )
    outcome = own.add([*sorted((tmp_path / "d").iterdir())])
    assert outcome.skipped == []
    assert rows(own, "caption") == ["a cat", "a dog"]


TOLD: dict[str, tuple[Files, str]] = {
    "a row of a picture that is not there": (
        {"a.png": png(), "metadata.csv": "file_name,text\na.png,a cat\ngone.png,a dog\n"},
        r"row 2 of '.*metadata.csv' names 'gone.png', which is not there",
    ),
    "a row that is no JSON": ({"a.png": png(), "metadata.jsonl": "{\n"}, r"row 1 of '.*metadata.jsonl': no JSON"),
    "a table that names none": (
        {"a.png": png(), "metadata.csv": "x,y\n1,2\n"},
        r"row 1 of '.*metadata.csv' names no file",
    ),
    "JSON of something else": ({"a.png": png(), "config.json": {"steps": 7}}, r"config.json' describes no picture"),
    "a text of no picture": ({"a.png": png(), "README.txt": "hello"}, r"README.txt' describes no picture"),
    "a table": ({"a.png": png(), "list.csv": "path\na.png\n"}, r"add it by itself, as csv:"),
    "JSON that is none": ({"a.png": png(), "a.json": "{"}, r"a.json' is no JSON"),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_is_not_taken_is_told(case: str, own: UserPictures, tmp_path: Path) -> None:
    files, says = TOLD[case]
    write(tmp_path / "d", files)
    outcome = own.add([tmp_path / "d"])
    (skipped,) = outcome.skipped
    with pytest.raises(UserError, match=says):
        raise UserError(skipped["reason"])


TARS: dict[str, tuple[Files, dict[str, str]]] = {
    "dots in names": (
        {"22.05.png": png(), "22.05.txt": b"a cat", "22.06.png": png(1), "22.06.txt": b"a dog"},
        {"22.05.png": "a cat", "22.06.png": "a dog"},
    ),
    "dots in names, no texts": ({"22.05.png": png()}, {"22.05.png": "22.05"}),
    "a view each": (
        {"x.left.jpg": png(), "x.right.jpg": png(1), "x.txt": b"a cat"},
        {"x.left.jpg": "a cat", "x.right.jpg": "a cat"},
    ),
    "members of a Mac": (
        {"._x.png": b"\0\5\x16\7", "x.png": png(), "._x.txt": b"\0\5\x16\7", "x.txt": b"a cat", ".DS_Store": b"\0"},
        {"x.png": "a cat"},
    ),
    "a folder of a Mac": (
        {"__MACOSX/._x.png": b"\0\5\x16\7", "./x.png": png(), "./x.txt": b"a cat"},
        {"./x.png": "a cat"},
    ),
    "endings in capitals": ({"x.PNG": png(), "x.TXT": b"a cat"}, {"x.PNG": "a cat"}),
    "the whole name": ({"x.png": png(), "x.png.txt": b"a cat"}, {"x.png": "a cat"}),
    "WebDataset's own": ({"__meta__": b"{}", "x.cls": b"3", "x.png": png(), "x.caption": b"a cat"}, {"x.png": "a cat"}),
    "caption and tags": ({"x.png": png(), "x.caption": b"a cat", "x.txt": b"fur"}, {"x.png": "a cat, fur"}),
}


@pytest.mark.parametrize("layout", TARS)
def test_members_of_archives(layout: str, own: UserPictures, tmp_path: Path) -> None:
    members, captions = TARS[layout]
    write_tar(tmp_path / "0.tar", members)
    outcome = own.add([f"webdataset:{tmp_path}/0.tar"])
    assert outcome.skipped == []
    assert (
        dict(zip((key.partition("::")[2] for key in rows(own, "key")), rows(own, "caption"), strict=True)) == captions
    )


TABLES: dict[str, tuple[str, str, list[str]]] = {
    "open_clip's columns": ("csv", "filepath\ttitle\na.png\ta cat\n", ["a cat"]),
    "open_clip's columns with commas": ("csv", "filepath,title\na.png,a cat\n", ["a cat"]),
    "Flickr30k's bars": ("csv", "image_name| comment_number| comment\na.png| 0| a cat\n", ["a cat"]),
    "a row for each caption": (
        "csv",
        "image,caption\na.png,a cat\nb.png,a dog\na.png,a feline\n",
        ["a cat; a feline", "a dog"],
    ),
    "Excel's semicolons": ("csv", "file;caption\na.png;a cat\n", ["a cat"]),
    "capitals and spaces": ("csv", "File Name, Caption\na.png,a cat\n", ["a cat"]),
    "names without ending": ("csv", "filename,caption\na,a cat\n", ["a cat"]),
    "paths of Windows": ("csv", "path,caption\n.\\a.png,a cat\n", ["a cat"]),
    "file address": ("csv", "path,caption\nfile://{folder}/a.png,a cat\n", ["a cat"]),
    "a JSON list": ("jsonl", '[{"image_path": "a.png", "caption": "a cat"}]', ["a cat"]),
    "Kohya's lines": ("jsonl", '{"image_path": "a", "caption": "a cat", "tags": "fur"}', ["a cat, fur"]),
    "several pictures in a row": ("jsonl", '{"images": ["a.png", "b.png"], "text": "cats"}', ["cats", "cats"]),
    "Hugging Face's objects": ("jsonl", '{"image": {"path": "a.png", "bytes": null}, "text": "a cat"}', ["a cat"]),
}


@pytest.mark.parametrize("table", TABLES)
def test_tables_of_any_writer(table: str, own: UserPictures, tmp_path: Path) -> None:
    kind, text, captions = TABLES[table]
    text = text.replace("{folder}", str(tmp_path))
    write(tmp_path, {"a.png": png(), "b.png": png(1), f"list.{kind}": text})
    outcome = own.add([f"{kind}:{tmp_path}/list.{kind}"])
    assert outcome.skipped == []
    assert rows(own, "caption") == captions
    assert own.add([f"{kind}:{tmp_path}/list.{kind}"]).unchanged == len(captions)


IN_TEXT = {
    "plain": base64.b64encode(png()).decode(),
    "for addresses, without padding": base64.urlsafe_b64encode(png()).decode().rstrip("="),
    "in lines": base64.encodebytes(png()).decode(),
    "a data address": "data:image/png;base64," + base64.b64encode(png()).decode(),
}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "hf-parquet"])
@pytest.mark.parametrize("form", IN_TEXT)
def test_pictures_in_text(form: str, kind: str, own: UserPictures, tmp_path: Path) -> None:
    cell = IN_TEXT[form]
    if kind == "hf-parquet":
        write(tmp_path, {"t": parquet_bytes(image=[cell], text=["a cat"])})
    elif kind == "jsonl":
        write(tmp_path, {"t": json.dumps({"image": cell, "text": "a cat"})})
    else:
        write(tmp_path, {"t": f'image,text\n"{cell}",a cat\n'})
    source = f"{kind}:{tmp_path}/t"
    outcome = own.add([source])
    assert (outcome.added, outcome.skipped) == (1, [])
    ((caption, sha256),) = rows(own, "caption", "sha256")
    assert caption == "a cat"
    assert own.image(sha256).size == (16, 16)
    assert own.add([source]).unchanged == 1


@pytest.mark.parametrize("form", ["objects", "bytes", "paths", "base64"])
def test_lists_of_pictures_in_parquet(form: str, own: UserPictures, tmp_path: Path) -> None:
    write(tmp_path, {f"{number}.png": png(number) for number in range(3)})
    whole: list[Any] = [png(number) for number in range(3)]
    if form == "objects":
        whole = [{"bytes": data, "path": None} for data in whole]
    elif form == "paths":
        whole = [f"{number}.png" for number in range(3)]
    elif form == "base64":
        whole = [base64.b64encode(data).decode() for data in whole]
    write(tmp_path, {"t.parquet": parquet_bytes(images=[whole[:2], [], whole[2:]], text=["two", "none", "one"])})
    outcome = own.add([f"hf-parquet:{tmp_path}/t.parquet"])
    assert outcome.added == 3
    assert ["has no picture" in entry["reason"] for entry in outcome.skipped] == [True]
    assert rows(own, "caption") == ["two", "two", "one"]
    for sha256 in rows(own, "sha256"):
        assert own.image(sha256).size == (16, 16)
    assert own.add([f"hf-parquet:{tmp_path}/t.parquet"]).unchanged == 3


@pytest.mark.parametrize("kind", ["csv", "jsonl", "hf-parquet"])
@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("http://example.org/a.png", "only https is fetched"),
        ("s3://bucket/a.png", "'s3' addresses are not fetched"),
        ("https://example.org/a.png", "--allow-urls"),
    ],
)
def test_addresses_in_tables(cell: str, says: str, kind: str, own: UserPictures, tmp_path: Path) -> None:
    if kind == "hf-parquet":
        write(tmp_path, {"t": parquet_bytes(image=[cell])})
    else:
        write(tmp_path, {"t": json.dumps({"image": cell}) if kind == "jsonl" else f"image\n{cell}\n"})
    (skipped,) = own.add([f"{kind}:{tmp_path}/t"], reading=ReadOptions()).skipped
    assert says in skipped["reason"]
    assert cell in skipped["reason"]


LONG = "A" * 50_000


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("csv", f"image\n{LONG}\n"),
        ("csv", ",".join(f"column{number}" for number in range(9000)) + "\n" + ",".join("1" for _ in range(9000))),
        ("jsonl", json.dumps({"image": LONG})),
        ("jsonl", json.dumps({"image": f"http://example.org/{LONG}"})),
        ("jsonl", json.dumps({"image": f"https://example.org/{LONG}"})),
        ("jsonl", json.dumps({LONG: 1})),
        ("jsonl", LONG),
        ("hf-parquet", parquet_bytes(image=[LONG])),
        ("hf-parquet", parquet_bytes(image=[f"http://example.org/{LONG}"])),
        ("hf-parquet", parquet_bytes(**{f"column{number}": [1] for number in range(3000)})),
    ],
    ids=lambda value: str(value)[:12],
)
def test_reports_stay_short_whatever_a_table_holds(
    kind: str, content: str | bytes, own: UserPictures, tmp_path: Path
) -> None:
    write(tmp_path, {"t": content})
    try:
        outcome = own.add([f"{kind}:{tmp_path}/t"])
        told = [part for entry in outcome.skipped for part in entry.values()]
    except UserError as error:
        told = [str(error)]
    assert told
    assert max(map(len, told)) < 2000


def heic() -> bytes:
    """The start of a HEIC file of an iPhone, without its pixels."""
    brands = b"heic" + bytes(4) + b"mif1" + b"MiHB" + b"heic"
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(64)


@pytest.fixture
def without_heif(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine where the package that reads HEIC is not installed."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heif_installed.cache_clear()
    yield
    heif_installed.cache_clear()


NO_PICTURES: dict[str, tuple[str, bytes, str]] = {
    "HEIC": ("x.HEIC", heic(), "pip install pillow-heif"),
    "HEIC that is called JPEG": ("x.jpg", heic(), "HEIC"),
    "JPEG XL": ("x.jxl", b"\xff\x0a" + bytes(9), "JPEG XL"),
    "SVG": ("x.svg", b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    "a page": ("x.jpg", b"<!DOCTYPE html><html>Not Found</html>", "HTML"),
    "a pointer": ("x.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
    "Photoshop": ("x.psd", b"8BPS\0\1" + bytes(20), "Photoshop"),
    "a film": ("x.mp4", b"\0\0\0\x18ftypisom" + bytes(32), "video"),
}


@pytest.mark.parametrize("where", ["folder", "tar"])
@pytest.mark.parametrize("case", NO_PICTURES)
@pytest.mark.usefixtures("without_heif")
def test_the_true_reason_why_a_file_is_not_taken(case: str, where: str, own: UserPictures, tmp_path: Path) -> None:
    name, data, says = NO_PICTURES[case]
    if where == "folder":
        write(tmp_path / "d", {name: data})
        outcome = own.add([tmp_path / "d"])
    else:
        write_tar(tmp_path / "0.tar", {name: data})
        outcome = own.add([f"webdataset:{tmp_path}/0.tar"])
    (skipped,) = outcome.skipped
    assert says in skipped["reason"] or (where == "tar" and name.endswith(("svg", "psd", "mp4")))
    assert "damaged at its start" not in skipped["reason"]


def test_heic_is_read_where_its_package_is_installed(own: UserPictures, tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pip install pillow-heif")
    (tmp_path / "d").mkdir()
    heif.from_pillow(Image.new("RGB", (64, 64), "red")).save(tmp_path / "d" / "x.HEIC")
    write(tmp_path / "d", {"cut.heic": heic()})
    outcome = own.add([tmp_path / "d"])
    assert outcome.added == 1
    assert ["is HEIC, but damaged" in entry["reason"] for entry in outcome.skipped] == [True]


def test_what_is_left_out_of_a_text_is_noted(own: UserPictures, tmp_path: Path) -> None:
    write(
        tmp_path / "d",
        {
            "a.png": png(),
            "a.txt": "one\ntwo\nthree\n",
            "b.png": png(1),
            "b.txt": "b" * 900,
            "c.png": png(2),
            "c.txt": bytes(range(256)),
            "d.png": png(3),
            "d.json": "7",
        },
    )
    outcome = own.add([tmp_path / "d"])
    assert outcome.skipped == []
    notes = {Path(entry["path"]).name: entry["note"] for entry in outcome.notes}
    assert "2 more lines" in notes["a.png"]
    assert "900 characters" in notes["b.png"]
    assert "is no text" in notes["c.png"]
    assert "no object" in notes["d.png"]
    assert rows(own, "caption") == ["one", "b" * 500, "c", "d"]


def img2dataset(form: str, folder: Path) -> None:
    """Write what img2dataset writes: three rows, of which one failed."""
    said = {
        "caption": ["a cat", "a feline"],
        "url": "https://example.org/1",
        "status": "success",
        "LICENSE": float("nan"),
    }
    if form == "files":
        write(folder, {"00000/000000000.jpg": png(), "00000/000000000.txt": "a cat", "00000/000000000.json": said})
    elif form == "webdataset":
        write_tar(folder / "00000.tar", {"000000000.jpg": png(), "000000000.json": as_bytes(said)})
    else:
        failed = {**said, "status": "failed_to_download"}
        table = pa.Table.from_pylist([{**said, "jpg": png()}, {**failed, "jpg": None}])
        pq.write_table(table, folder / "00000.parquet")
        return
    pq.write_table(pa.Table.from_pylist([said]), folder / "00000.parquet")
    write(folder, {"00000_stats.json": {"count": 1}})


@pytest.mark.parametrize("form", ["files", "webdataset", "parquet"])
def test_what_img2dataset_writes(form: str, own: UserPictures, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    img2dataset(form, folder)
    outcome = own.add([f"img2dataset:{folder}"])
    assert outcome.added == 1
    assert len(outcome.skipped) == (form == "parquet")
    ((caption, source, licence),) = rows(own, "caption", "source", "licence")
    assert caption in ("a cat", "a cat; a feline")
    assert (source, licence) == ("https://example.org/1", "unknown")
