"""What adding left out, as it is remembered."""

import json
from pathlib import Path

from imagerag.index.user.skipped import SKIPPED, read_skipped


def test_it_is_read_by_source(tmp_path: Path) -> None:
    told = {"/pictures": [{"path": "/pictures/a.txt", "reason": "no picture"}]}
    (tmp_path / SKIPPED).write_text(json.dumps(told), encoding="utf-8")
    assert read_skipped(tmp_path) == told


def test_a_file_that_is_missing_or_damaged_tells_of_nothing(tmp_path: Path) -> None:
    assert read_skipped(tmp_path) == {}
    (tmp_path / SKIPPED).write_text("{", encoding="utf-8")
    assert read_skipped(tmp_path) == {}
