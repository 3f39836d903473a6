"""The lines of standard input where nobody sits at a terminal."""

import io
from pathlib import Path

import pytest

from imagerag.cli.typed_lines import typed_lines


def test_lines_come_to_the_end_and_no_history_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("an owl\n\n/quit\n"))
    assert list(typed_lines(False, tmp_path)) == ["an owl", "", "/quit"]
    assert list(tmp_path.iterdir()) == []
