"""The torture script, in short: a kill, a server that is busy, a damaged file."""

from pathlib import Path

import pytest

from benchmarks import torture


@pytest.mark.slow
def test_nothing_is_lost_doubled_hung_or_left_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--short", "--results", str(tmp_path / "results.jsonl")]
    status = torture.main(arguments)
    told = capsys.readouterr().out
    assert status == 0, told
    assert len((tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()) == 3
    assert torture.main(arguments) == 0, "all are done: it only prints its table again"
    assert capsys.readouterr().out == told
