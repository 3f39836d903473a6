"""What was fetched is kept by its content, for as long as its server says."""

from pathlib import Path

import pytest

from imagerag.index.web.cache import WebCache


def test_a_file_is_there_once_whatever_its_addresses_and_fresh_for_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = WebCache(tmp_path)
    assert cache.get("a") is None
    cache.put("a", "https://u:password@x.org/a?key=secret", b"data", {"etag": '"1"'}, 100)
    cache.put("b", "https://x.org/b", b"data", {"cache-control": "public, max-age=5"}, 100)
    assert len(list((tmp_path / "files").rglob("*"))) == 2, "a folder and a file in it"
    assert b"secret" not in b"".join(file.read_bytes() for file in tmp_path.rglob("*.json"))
    found = cache.get("a")
    assert found is not None
    assert (found.data, found.fresh, found.conditions) == (b"data", True, {"if-none-match": '"1"'})
    monkeypatch.setattr("imagerag.index.web.cache.time.time", lambda: 10.0**10)
    later = cache.get("a")
    assert later is not None
    assert not later.fresh
    cache.still_holds("a", 100)
    assert cache.get("a").fresh  # type: ignore[union-attr]


@pytest.mark.parametrize(("control", "kept", "fresh"), [("no-store", False, False), ("no-cache", True, False)])
def test_what_a_server_wants_is_done(tmp_path: Path, control: str, kept: bool, fresh: bool) -> None:
    cache = WebCache(tmp_path)
    cache.put("a", "https://x.org/a", b"data", {"cache-control": control}, 100)
    found = cache.get("a")
    assert (found is not None) == kept
    assert (found is not None and found.fresh) == fresh


def test_the_oldest_go_first_and_what_was_damaged_is_not_taken(tmp_path: Path) -> None:
    import os

    cache = WebCache(tmp_path)
    for number in range(4):
        cache.put(f"{number}", f"https://x.org/{number}", bytes([number]) * 100, {}, 100)
    for number, file in enumerate(sorted((tmp_path / "files").glob("*/*"))):
        os.utime(file, (number, number))
    cache.prune(250)
    assert len(list((tmp_path / "files").glob("*/*"))) == 2
    (tmp_path / "files").joinpath(next((tmp_path / "files").glob("*/*"))).write_bytes(b"changed")
    assert sum(cache.get(f"{number}") is not None for number in range(4)) == 1


def test_records_go_with_their_files(tmp_path: Path) -> None:
    cache = WebCache(tmp_path)
    for number in range(20):
        cache.put(f"{number}", f"https://x.org/{number}", bytes([number]) * 100, {}, 100)
    next((tmp_path / "records").glob("*/*.json")).write_text("damaged")
    cache.prune(500)
    files, records = ([*(tmp_path / name).glob("*/*")] for name in ("files", "records"))
    assert len(files) == 5
    assert len(records) in (4, 5), "the damaged one may have been of a file that stays"
    assert sum(cache.get(f"{number}") is not None for number in range(20)) == len(records)


def test_a_server_that_runs_for_long_prunes_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.index.web.cache.PRUNED_EACH", 1000)
    monkeypatch.setattr(WebCache.prune, "__defaults__", (500,))
    cache = WebCache(tmp_path)
    for number in range(200):
        cache.put(f"{number}", f"https://x.org/{number}", bytes([number]) * 100, {}, 100)
    assert sum(file.stat().st_size for file in (tmp_path / "files").glob("*/*")) <= 1500
    assert len([*(tmp_path / "records").glob("*/*")]) <= 15
