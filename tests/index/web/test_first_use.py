"""Which sources were ever asked."""

from pathlib import Path

import pytest

from imagerag.index.web.first_use import USED, first_used


def test_only_the_first_use_is_one(tmp_path: Path) -> None:
    assert first_used(tmp_path, ["commons", "met"]) == ["commons", "met"]
    assert first_used(tmp_path, ["met", "wikipedia"]) == ["wikipedia"]


@pytest.mark.parametrize("damaged", [b"", b"7", b"\xff", b"null"])
def test_of_a_damaged_record_all_are_new(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / USED).write_bytes(damaged)
    assert first_used(tmp_path, ["met"]) == ["met"]
    assert first_used(tmp_path, ["met"]) == []
