"""Databases whose errors name them: what they raise is in test_file_errors.py."""

from pathlib import Path

from imagerag.store.sqlite import open_database


def test_rows_and_transactions_are_as_usual(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    with open_database(file, damaged="") as database:
        database.executescript("CREATE TABLE t (a); CREATE TABLE u (a);")
        database.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    assert database.execute("SELECT a FROM t ORDER BY a").fetchone() == (1,)
    assert list(open_database(file, damaged="").execute("SELECT a FROM t ORDER BY a")) == [(1,), (2,)]
    assert open_database(None, damaged="").execute("SELECT 1").fetchall() == [(1,)]
    assert file.stat().st_mode & 0o077 == 0, "for its owner alone"
