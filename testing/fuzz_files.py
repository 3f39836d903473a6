"""Fuzz targets: files that people have, mutated, read as the product reads them from a folder."""

import io
import json
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from langchain_core.messages import HumanMessage
from PIL import Image

from imagerag.chat_models.pricing import read_prices
from imagerag.chat_models.recording import Request
from imagerag.chat_models.replay import RecordedFailure, RecordingPlayer
from imagerag.errors import BudgetExceeded, Cancelled, UserError
from imagerag.generators.diffusion.presets import load_presets
from imagerag.generators.remote.comfyui_workflows import read_workflow, reference_holes
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.checkpoint_format import KIND, PlainData
from imagerag.graphs.checkpointer import open_checkpointer
from imagerag.index.user.sources.decoding import decode
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.sources.registry import open_sources
from imagerag.profiles.loading import load_profiles
from imagerag.settings import Settings, load_settings
from imagerag.store.manifest import KEYWORD, Manifest, read_manifest
from imagerag.store.picture_decoding import read_picture
from imagerag.store.png import NotPng, encode_png, read_text, with_text
from testing.fuzz_inputs import json_values, mutated_texts, mutations, texts_of
from testing.fuzzing import Target
from testing.odd_files import corpus, picture, saved
from testing.scripted import ScriptedCritic, Squares

THREAD: Any = {"configurable": {"thread_id": "t"}}


@cache
def _with_manifest() -> bytes:
    manifest = Manifest.new(prompt="an owl", seed=7, generator="squares", generator_revision="1")
    return with_text(encode_png(picture()), KEYWORD, manifest.text())


@cache
def _pictures() -> list[bytes]:
    small = [odd.data for odd in corpus() if len(odd.data) < 60_000]
    return [*small, saved(picture("I;16"), "PNG"), saved(picture("F"), "TIFF"), saved(picture(), "PPM")]


def _in_folder(name: str, data: bytes, read: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(data)
        read(file)


def _read_png(data: bytes) -> None:
    with suppress(NotPng):
        read_text(io.BytesIO(data), KEYWORD)
    with suppress(NotPng):
        with_text(data, KEYWORD, "text")
    _in_folder("a.png", data, read_manifest)


def _manifests() -> Any:
    keys = ["schema_version", "prompt", "seed", "generator", "references", "facts", "verdict", "versions", "sha256"]
    texts = json_values(keys).map(json.dumps) | st.sampled_from(["[" * 200_000, "1" * 5000])
    within = texts.map(lambda text: with_text(encode_png(picture()), KEYWORD, text))
    return within | mutations([_with_manifest()])


COLUMNS = [
    "image", "file_name", "path", "url", "caption", "text", "title", "licence", "license", "source", "tags", "bytes",
    "key", "author",
]  # fmt: skip
CELLS = [
    "a.png", "b.jpg", "../../etc/passwd", "/etc/passwd", "http://127.0.0.1:9/a.png", "data:image/png;base64,AAAA", "\0",
    "x" * 5000, "file:///a.png", "[1, 2", "{'bytes': 1}", "~nobody/a.png", "CC0", "\\u0000",
]  # fmt: skip


def _read_source(kind: str, file: Path, *, allow: bool = False) -> None:
    source = f"{kind}:{file}" if kind else str(file)
    for one in open_sources([source], ReadOptions(folder=file.parent / "fetched", allow_outside=allow)):
        one.count()
        for item in one.items(lambda item: True):
            decoded = decode(item, lambda sha256: False, lambda image: image.size)
            one.owns(item.key)
            assert "\n" not in decoded.problem, decoded.problem


def _read_folder(given: tuple[bytes, bytes, bytes, str]) -> None:
    file, described, table, name = given
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "pictures"
        folder.mkdir()
        (folder / "a.png").write_bytes(file)
        (folder / "b.jpg").write_bytes(_pictures()[0])
        (folder / "a.json").write_bytes(described)
        (folder / "b.txt").write_bytes(described)
        (folder / name).write_bytes(table)
        _read_source("", folder)


def _csv_of(rows: list[dict[str, Any]]) -> bytes:
    import csv

    out = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


def _jsonl_of(rows: list[Any]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


ROWS = st.lists(
    st.dictionaries(st.sampled_from(COLUMNS), json_values(COLUMNS, CELLS), min_size=1, max_size=4),
    min_size=1,
    max_size=5,
)
ANY_ROWS = st.lists(json_values(COLUMNS, CELLS), max_size=5)
CSV = [
    b"image,caption\na.png,an owl\n",
    b"file_name;text\n'b.jpg';\"two\nlines\"\n",
    b"\xef\xbb\xbfimage\ta\na.png\t\n",
]
JSONL = [
    b'{"image": "a.png", "caption": "an owl"}\n',
    b'[{"file_name": "b.jpg", "text": "x"}]\n',
    b"[" * 5000,
    b'{"a":',
]


@cache
def _tars() -> list[bytes]:
    files = []
    for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
            for name, data in (
                ("0/x.png", saved(picture(), "PNG")),
                ("0/x.json", b'{"caption": "an owl"}'),
                ("1/" + "y" * 80 + ".jpg", saved(picture(), "JPEG")),
                ("1/" + "y" * 80 + ".txt", "an ówl".encode()),
            ):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        files.append(out.getvalue())
    return files


@cache
def _tables() -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = saved(Image.new("RGB", (8, 8)), "PNG")
    tables = [
        {"image": [{"bytes": file, "path": "a.png"}] * 3, "text": ["an owl", None, "x"]},
        {"image": [file, b"", None], "caption": ["a", "b", "c"], "width": [1, 2, 3]},
        {"image_path": ["a.png", "/etc/passwd", ""], "tags": [["a"], [], None], "licence": ["CC0"] * 3},
    ]
    files = []
    for table in tables:
        out = io.BytesIO()
        pq.write_table(pa.table(table), out, row_group_size=2)
        files.append(out.getvalue())
    return files


TOML = [
    "seed = 7\n", "generator = 'openai:m@http://h'\n", 'home = "/tmp/x"\n', "library = ['bundled', 1]\n", "[a]\n",
    "a = ",
    "like = 'sdxl'\n", "like = 'local'\n", "max_steps = 3\n", "max_seconds = inf\n", "max_money = nan\n", "\0", ".",
    "[",
    "[[a.choices]]\n", "]", "{", "}", "=", "'", '"', "\\", "\n", "#", "1979-05-27T07:32:00Z", "0x", "1" * 5000,
    "['openai:x']\n", "input = 1\n", "output = 1\n", "model = 'm'\n", "family = 'edit'\n", "[a.adapter]\n",
    "vlm_weights = 1\n", "[[a.ranking]]\n", "[[a.vlms]]\n", "size = '8x8'\n", "aspect = '1:1'\n", "memory = ['4bit']\n",
]  # fmt: skip


def _read_toml(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.toml"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        asked: list[Callable[[], object]] = [
            lambda: load_settings(environ={}, file=file),
            lambda: load_profiles({"IMAGERAG_PROFILES": str(file)}),
            lambda: load_presets({"IMAGERAG_PRESETS": str(file)}),
            lambda: read_prices(str(file)),
        ]
        for ask in asked:
            with suppress(UserError):
                ask()


@cache
def _threads() -> tuple[bytes, bytes]:
    """Return the file of a small thread's checkpoints, and its newest checkpoint."""
    with tempfile.TemporaryDirectory() as home:
        with open_checkpointer(Path(home)) as saver:
            graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares(), checkpointer=saver)
            graph.invoke({"prompt": "an owl"}, THREAD, context=Settings(home=home))
        file = Path(home) / "threads.sqlite"
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            query = "SELECT checkpoint FROM checkpoints ORDER BY checkpoint_id DESC LIMIT 1"
            (newest,) = connection.execute(query).fetchone()
        return file.read_bytes(), newest


def _read_thread(file: bytes) -> None:
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "threads.sqlite").write_bytes(file)
        with open_checkpointer(Path(home)) as saver:
            graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares(), checkpointer=saver)
            graph.get_state(THREAD)


def _read_checkpoint(blob: bytes) -> None:
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "threads.sqlite"
        file.write_bytes(_threads()[0])
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE checkpoints SET checkpoint = ?", (blob,))
        with open_checkpointer(Path(home)) as saver:
            graph = build_graph(critic=ScriptedCritic([0.9]), generator=Squares(), checkpointer=saver)
            graph.get_state(THREAD)


def _changed_checkpoints() -> SearchStrategy[bytes]:
    """Return checkpoints that can be unpacked, with something else or nothing in some of their places."""
    whole: dict[str, Any] = PlainData().loads_typed((KIND, _threads()[1]))
    places: list[tuple[str, ...]] = [(key,) for key in whole]
    for key in (key for key in whole if isinstance(whole[key], dict)):
        places += [(key, inner) for inner in whole[key]]
    odd = json_values(["v", "id", "ts"], ["2", "__start__"])
    lacking = st.tuples(st.sampled_from(places), st.just(True), st.none())
    changes = lacking | st.tuples(st.sampled_from(places), st.just(False), odd)
    return st.lists(changes, min_size=1, max_size=3).map(lambda chosen: _changed(whole, chosen))


def _changed(whole: dict[str, Any], changes: list[tuple[tuple[str, ...], bool, Any]]) -> bytes:
    changed = {key: dict(value) if isinstance(value, dict) else value for key, value in whole.items()}
    for (*outer, last), gone, value in changes:
        table: Any = changed.get(outer[0], {}) if outer else changed
        if not isinstance(table, dict):
            continue
        if gone:
            table.pop(last, None)
        else:
            table[last] = value
    try:
        return PlainData().dumps_typed(changed)[1]
    except (TypeError, ValueError):  # a number that MessagePack has no room for
        return b""


REQUEST = Request.of([HumanMessage("an owl")], "")


def _recordings() -> Any:
    run = {"run": 1, "version": 1, "turn": 1, "seed": 1}
    told = {"digest": REQUEST.digest, "messages": REQUEST.messages, "shapes": REQUEST.shapes}
    exchange = {"run": 1, "exchange": 1, "role": "driver", "model": "m", "request": told}
    keys = ["run", "exchange", "role", "model", "request", "digest", "messages", "answer", "failure", "ended",
            "content",            "tool_calls", "usage_metadata", "why", "lasting", "status"]  # fmt: skip
    values = json_values(keys, ["driver", "cancelled", REQUEST.digest, "seconds"])
    changed = st.dictionaries(st.sampled_from(keys), values, max_size=3)
    outcome = (
        st.sampled_from(
            [{"answer": {"content": "x"}}, {"ended": "cancelled"}, {"ended": ["seconds", 1, 2]}, {"ended": 7}]
        )
        | st.fixed_dictionaries({"answer": values})
        | st.fixed_dictionaries({"failure": values})
    )
    lines = st.tuples(changed, changed, outcome).map(lambda one: [{**run, **one[0]}, {**exchange, **one[2], **one[1]}])
    return lines.map(_jsonl_of) | mutated_texts([_jsonl_of([run, {**exchange, "answer": {"content": "x"}}])])


def _play(data: bytes) -> None:
    def read(file: Path) -> None:
        player = RecordingPlayer(str(file))
        player.has("driver"), player.model_of("driver")
        player.begin("r", 1)
        from imagerag.chat_models.replay import ReplayModel

        ReplayModel(file=str(file)).play("r", "driver", REQUEST)([])

    _in_folder("run.jsonl", data, read)


def _workflow(data: bytes) -> None:
    _in_folder("w.json", data, lambda file: reference_holes(read_workflow(file)))


FILES = (
    Target("manifests", st.deferred(_manifests), _read_png),
    Target("pictures", st.deferred(lambda: mutations(_pictures())), read_picture),
    Target(
        "folders",
        st.tuples(
            st.deferred(lambda: mutations(_pictures())),
            json_values(COLUMNS, CELLS).map(lambda value: json.dumps(value).encode()) | mutated_texts(JSONL),
            ROWS.map(_csv_of) | ANY_ROWS.map(_jsonl_of) | mutated_texts(CSV + JSONL),
            st.sampled_from(["metadata.csv", "metadata.jsonl", "captions.json", "a.PNG.json", "b.caption"]),
        ),
        _read_folder,
        allowed=(),
    ),
    Target(
        "csv",
        ROWS.map(_csv_of) | mutated_texts(CSV),
        lambda data: _in_folder("t.csv", data, lambda f: _read_source("csv", f)),
    ),
    Target(
        "jsonl",
        ROWS.map(_jsonl_of) | ANY_ROWS.map(_jsonl_of) | mutated_texts(JSONL),
        lambda data: _in_folder("t.jsonl", data, lambda f: _read_source("jsonl", f)),
    ),
    Target(
        "tar",
        st.deferred(lambda: mutations(_tars())),
        lambda data: _in_folder("t.tar", data, lambda f: _read_source("webdataset", f)),
    ),
    Target(
        "parquet",
        st.deferred(lambda: mutations(_tables())),
        lambda data: _in_folder("t.parquet", data, lambda f: _read_source("hf-parquet", f)),
    ),
    Target("toml", texts_of(TOML, 20_000), _read_toml, allowed=()),
    Target(
        "workflows",
        json_values(["class_type", "inputs"], ["{{prompt}}", "{{seed}}", "{{x}}"]).map(lambda v: json.dumps(v).encode())
        | mutated_texts([b'{"1": {"class_type": "X", "a": "{{prompt}}"}}', b"[", b'{"a":']),
        _workflow,
    ),
    Target("threads", st.deferred(lambda: mutations([_threads()[0]])), _read_thread),
    Target(
        "checkpoints",
        st.deferred(lambda: _changed_checkpoints() | mutations([_threads()[1]]) | st.binary(max_size=99)),
        _read_checkpoint,
    ),
    Target("recordings", _recordings(), _play, allowed=(UserError, RecordedFailure, Cancelled, BudgetExceeded)),
)
"""All of them."""
