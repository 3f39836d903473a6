"""``imagerag gc``: tells first, removes with ``--yes``."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from imagerag.cli.gc import size
from imagerag.cli.main import run
from imagerag.server.cleaning import Garbage
from imagerag.store.images import ImageStore


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    """An old image that nothing refers to."""
    path = ImageStore(tmp_path).put_user_image(Image.new("RGB", (16, 16), "white")).path
    os.utime(path, (1.0, 1.0))
    return path


def test_it_tells_and_changes_nothing_until_asked(
    tmp_path: Path, loose: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["gc", "--home", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "would remove 1 images and 0 leftovers" in told
    assert "imagerag gc --yes" in told
    assert loose.exists()
    assert run(["gc", "--yes", "--json", "--home", str(tmp_path)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["removed"], document["images"]) == (True, [str(loose)])
    assert not loose.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--older-than", "-1"], "older_than -1 is below 0"),
        (["--older-than", "nan"], "older_than nan"),
        (["--home", "/no/such/folder"], "'/no/such/folder' does not exist"),
        (["all"], "all"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["gc", "--home", str(tmp_path), *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert says in line


@pytest.mark.parametrize(
    ("count", "read"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 kB"), (2_340_000, "2.3 MB"), (5e15, "5000.0 TB")],
)
def test_sizes_are_read_by_people(count: int, read: str) -> None:
    assert size(count) == read


def test_how_long_conversations_stay_is_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("keep_days = 7\n")
    asked: list[float | None] = []

    def find(home: Path, days: float | None) -> Garbage:
        asked.append(days)
        return Garbage()

    monkeypatch.setattr("imagerag.server.cleaning.find_garbage", find)
    home = ["gc", "--home", str(tmp_path)]
    for more in ([], ["--config", str(file)], ["--config", str(file), "--keep-days", "8"], ["--older-than", "9"]):
        assert run([*home, *more]) == 0
    monkeypatch.setenv("IMAGERAG_KEEP_DAYS", "10")
    assert run(home) == 0
    assert asked == [None, 7, 8, 9, 10]
    assert run([*home, "--keep-days", "0"]) == 2
    assert "keep_days" in capsys.readouterr().err
