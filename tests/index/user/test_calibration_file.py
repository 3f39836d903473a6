"""Where a fit lies, and how it is told."""

from dataclasses import replace
from pathlib import Path

from imagerag.embedders.calibration import Calibration, LookupFloor, Presence, Reliability
from imagerag.index.user.calibration_file import (
    CalibrationFile,
    calibration_summary,
    in_words,
    stored_calibrations,
)

RECORD = Calibration(
    "tiny@1",
    "captions",
    240,
    900,
    Presence(100.0, 0.9, (0.0, 1.0, 2.0)),
    LookupFloor("centred", 0.25, (0.1, 0.2), 0.98),
    Reliability(0.031, 200, 80),
)


def test_a_record_is_read_again_only_by_its_own_model(tmp_path: Path) -> None:
    mine, other = CalibrationFile(tmp_path, "tiny@1"), CalibrationFile(tmp_path, "tiny@2")
    assert mine.read() is None
    mine.write(RECORD)
    assert mine.read() == RECORD
    assert other.read() is None
    other.write(replace(RECORD, model="tiny@2"))
    assert [record.model for record in stored_calibrations(tmp_path)] == ["tiny@1", "tiny@2"]
    mine.write(replace(RECORD, pictures=1))
    assert mine.read() == replace(RECORD, pictures=1)


def test_a_damaged_record_counts_as_none(tmp_path: Path) -> None:
    mine = CalibrationFile(tmp_path, "tiny@1")
    mine.write(RECORD)
    next(tmp_path.glob("calibration-*.json")).write_text("{", encoding="utf-8")
    assert mine.read() is None
    assert stored_calibrations(tmp_path) == []


def test_it_is_told_in_words_and_as_json() -> None:
    text = in_words(RECORD)
    assert "tiny@1 is calibrated on 240 captioned photographs" in text
    assert "0.031 on 200 others" in text
    assert "centred 0.250 or more: 5% false positives, 98.0% of what is there found" in text
    bare = replace(RECORD, captioned=0, floor=None, reliability=None)
    assert "is uncalibrated" in in_words(bare)
    assert calibration_summary(bare)["floor"] is None
    assert calibration_summary(RECORD)["reliability"] == {"error": 0.031, "pairs": 200, "pictures": 80}
