"""Named pipes, sockets, devices and rings of links where files are read."""

import ast
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from imagerag.chat_models.pricing import read_prices
from imagerag.chat_models.replay import RecordingPlayer
from imagerag.cli.batch_journal import Journal as BatchJournal
from imagerag.cli.batch_rows import read_rows
from imagerag.errors import UserError
from imagerag.evaluation.journal import JsonLines
from imagerag.evaluation.labels import LabelFile
from imagerag.evaluation.loaders.json_rows import read_text
from imagerag.evaluation.run_folder import read_run
from imagerag.generators.remote.comfyui_workflows import read_workflow
from imagerag.index.bundled.stamp import read_stamp
from imagerag.index.user.calibration_file import stored_calibrations
from imagerag.index.user.skipped import read_skipped
from imagerag.index.user.sources.items import Origin
from imagerag.index.user.sources.parquet import read_cell
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.sources.records import read_records
from imagerag.index.user.sources.registry import open_sources
from imagerag.profiles.loading import read_profiles
from imagerag.regular_files import open_regular, read_regular, read_regular_text
from imagerag.settings import load_settings
from imagerag.store.files import read_whole
from imagerag.store.inline_pictures import smaller, whole_file
from imagerag.store.manifest import read_manifest
from imagerag.store.picture_decoding import read_file
from imagerag.store.png import is_whole_png
from tests.test_module_coverage import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60
"""Seconds for what takes some milliseconds."""
ROOM = 2**30
"""Bytes more than the process has already: a device gives as many as are asked for."""

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files in folders")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def ring(path: Path) -> None:
    path.symlink_to(path.name)


ODD = [pipe, bound_socket, device, ring]


@posix
@pytest.mark.parametrize("made", ODD)
def test_what_is_no_regular_file_is_not_read(made: Callable[[Path], None], tmp_path: Path) -> None:
    made(tmp_path / "odd")
    with pytest.raises(OSError, match=r"is no regular file|symbolic links"):
        open_regular(tmp_path / "odd")


def test_a_file_is_read_whole_up_to_a_bound(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("é\r\nb\rc".encode())
    assert read_regular(tmp_path / "a", 7) == "é\r\nb\rc".encode()
    assert read_regular_text(tmp_path / "a") == "é\nb\nc"
    with pytest.raises(OSError, match="it has more than"):
        read_regular(tmp_path / "a", 6)
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path)


def _sources(kind: str) -> Callable[[Path], Any]:
    def read(file: Path) -> Any:
        source = kind + str(file.parent if kind in ("folder:", "img2dataset:") else file)
        return [item for one in open_sources([source], ReadOptions()) for item in one.items(lambda item: True)]

    return read


READERS: list[tuple[str, Callable[[Path], Any]]] = [
    ("settings.toml", lambda file: load_settings(file=file)),
    ("profiles.toml", lambda file: read_profiles({"IMAGERAG_PROFILES": str(file)})),
    ("prices.toml", lambda file: read_prices(str(file))),
    ("draw.json", read_workflow),
    ("run.jsonl", lambda file: RecordingPlayer(str(file))),
    ("prompts.txt", lambda file: read_rows(file, {}, None)),
    ("batch.jsonl", lambda file: BatchJournal(file.parent)),
    ("run.json", lambda file: read_run(file.parent)),
    ("drawings.jsonl", JsonLines),
    ("labels.jsonl", lambda file: LabelFile(file.parent)),
    ("suite.jsonl", read_text),
    ("current.json", lambda file: read_stamp(file.parent)),
    ("calibration-x.json", lambda file: stored_calibrations(file.parent)),
    ("skipped.json", lambda file: read_skipped(file.parent)),
    ("a.png", read_whole),
    ("a.png", read_manifest),
    ("a.png", is_whole_png),
    ("a.png", smaller),
    ("a.png", whole_file),
    ("a.png", read_file),
    ("t.csv", lambda file: read_records(file, "csv")),
    ("t.jsonl", lambda file: read_records(file, "jsonl")),
    ("t.parquet", lambda file: read_records(file, "parquet")),
    ("t.parquet", lambda file: read_cell(Origin("parquet", str(file), "image:0"))),
    ("t.tar", _sources("webdataset:")),
    ("t.parquet", _sources("hf-parquet:")),
    ("t.parquet", _sources("img2dataset:")),
    *(
        (name, _sources("folder:"))
        for name in ("a.png", "a.json", "metadata.csv", "metadata.jsonl", "metadata.parquet")
    ),
]


@posix
@pytest.mark.parametrize("made", [pipe, device])
@pytest.mark.parametrize(("name", "reader"), READERS, ids=[f"{at}-{name}" for at, (name, _) in enumerate(READERS)])
def test_nothing_waits_for_a_pipe_or_reads_a_device(
    made: Callable[[Path], None], name: str, reader: Callable[[Path], Any], tmp_path: Path
) -> None:
    made(tmp_path / name)
    import resource  # which Windows lacks

    before = signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(PATIENCE)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + ROOM, limits[1]))
    try:
        with suppress(UserError, OSError):
            reader(tmp_path / name)
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGALRM, before)


def _hangs(number: int, frame: object) -> None:
    raise AssertionError(f"it waits for more than {PATIENCE} s")


OWN_FILES = {
    "agent/arrangement.py", "agent/follow_up/lexicon.py", "agent/follow_up/opening_wording.py",
    "agent/follow_up/phrases.py", "agent/follow_up/pictures.py", "agent/follow_up/talk.py",
    "agent/follow_up/wording.py", "assets/english_words.py", "assets/library.py", "assets/nouns.py",
    "chat_models/images.py", "chat_models/logprobs.py", "cli/mistyped.py", "embedders/calibration.py",
    "embedders/clip.py", "embedders/clip_names.py", "embedders/embedded.py", "evaluation/label_server.py",
    "evaluation/metric_names.py", "evaluation/suites/pictograms.py", "generators/diffusion/file_configs.py",
    "generators/diffusion/lora_recipes.py", "generators/diffusion/presets.py", "generators/diffusion/recipes.py",
    "imagerag/remote_models.py", "index/captions.py", "profiles/loading.py", "prompt_grammar/languages.py",
    "prompt_grammar/finite.py", "prompt_grammar/modifiers.py", "prompt_grammar/participles.py",
    "prompt_grammar/verbs.py", "report/templates.py", "server/web/page_files.py", "store/leftovers.py",
}  # fmt: skip
"""Modules that read files which come with imagerag or the system."""
NAMED = {
    "server/auth.py": "tokens may come from a process, as in --token-file <(pass show tokens)",
}
"""Others that read otherwise, each with the reason."""


def _reading_otherwise(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        modes = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if name in ("read_bytes", "read_text") and isinstance(called, ast.Attribute):
            yield name
        elif name == "open" and any(mode in ("r", "rb", "rt") for mode in modes):
            yield f"open {modes}"


def test_files_that_may_be_anybodys_are_read_in_one_way() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")] + [
        *(ROOT / "imagerag").glob("*.py")
    ]
    reading = {file.relative_to(ROOT).as_posix(): list(_reading_otherwise(file)) for file in files}
    otherwise = {place for place, ways in reading.items() if ways}
    assert otherwise - OWN_FILES - NAMED.keys() == set()
    assert OWN_FILES | NAMED.keys() <= otherwise, "these read as all others do"


@pytest.mark.skipif(os.name != "posix", reason="links need a right there")
def test_a_link_is_followed_only_where_it_may_be_one(tmp_path: Path) -> None:
    (tmp_path / "told").write_text("told")
    (tmp_path / "link").symlink_to("told")
    assert read_regular(tmp_path / "link") == b"told"
    with pytest.raises(OSError, match="it is a link"):
        read_regular(tmp_path / "link", links=False)
    assert read_regular(tmp_path / "told", links=False) == b"told"
