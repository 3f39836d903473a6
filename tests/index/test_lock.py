"""The lock of those who write an index."""

import os
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.index.lock import writer_lock


def test_lock_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writer_lock(tmp_path / "lock", patience=0):
        raise ZeroDivisionError
    with writer_lock(tmp_path / "lock", patience=0), pytest.raises(UserError, match=f"pid {os.getpid()}"):  # noqa: SIM117
        with writer_lock(tmp_path / "lock", patience=0):
            pass
