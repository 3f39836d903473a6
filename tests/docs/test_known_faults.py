"""What is known of faults in the locked versions, and whether anything is."""

import sys
from pathlib import Path
from typing import Any

import pytest

from docs import known_faults
from docs.known_faults import FAULTY, NOT_AUDITED, main, verdict

SOUND = {"name": "a", "version": "1", "vulns": []}
FAULT = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3", "4"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "says", "status"),
    [
        ([SOUND], "audited: 1 packages; none of them has a known fault", 0),
        ([SOUND, FAULT], "b 2: PYSEC-1, mended in 3, 4", FAULTY),
        ([FAULT, SKIPPED], "b 2: PYSEC-1", FAULTY),
        ([SKIPPED, SKIPPED], "not audited: 2 of 2 packages (c: not found on PyPI)", NOT_AUDITED),
        ([SOUND, SKIPPED], "not audited: 1 of 2 packages", NOT_AUDITED),
        ([], "not audited", NOT_AUDITED),
    ],
)
def test_what_was_not_audited_does_not_pass_for_sound(packages: list[Any], says: str, status: int) -> None:
    told, ended = verdict(packages)
    assert says in told
    assert ended == status


def test_without_its_program_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(known_faults, "MODULE", "no_such_module")
    assert main([str(tmp_path / "constraints.txt")]) == NOT_AUDITED
    assert "pip install pip-audit" in capsys.readouterr().out


def test_where_it_fails_its_last_line_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "failing_audit.py").write_text("raise SystemExit('no connection to the database')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(known_faults, "MODULE", "failing_audit")
    assert main([sys.executable]) == NOT_AUDITED
    assert "not audited: pip-audit failed: no connection to the database" in capsys.readouterr().out
