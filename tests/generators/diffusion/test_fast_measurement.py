"""What is measured of drawing fast, and where it is kept."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from imagerag.generators.base import DrawControl
from imagerag.generators.diffusion import fast_measurement
from imagerag.generators.diffusion.fast_measurement import Measurement, Record, StepTimes, key_of, measured

KNOWN = Measurement(1.8, 2.5, 1024, 1024, 28, "a card", "2026-11-29")


def test_the_gain_is_that_in_steps_and_the_difference_that_of_pixels() -> None:
    black, grey = Image.new("RGB", (8, 6)), Image.new("RGB", (8, 6), (3, 3, 3))
    found = measured([black], [grey], (6.0, 2.0), 28, "a card")
    assert found is not None
    assert (found.gain, found.difference, found.width, found.height, found.steps) == (3.0, 3.0, 8, 6, 28)
    assert measured([black], [grey], (0.0, 2.0), 1, "a card") is None
    assert measured([], [grey], (6.0, 2.0), 28, "a card") is None


def test_it_says_on_what_and_when() -> None:
    assert "1.80 times" in KNOWN.in_words()
    assert "2.5 of 255" in KNOWN.in_words()
    assert "2026-11-29" in KNOWN.in_words()
    assert "a card" in KNOWN.in_words()
    assert "with one picture of 1024 x 1024 in 28 steps" in KNOWN.in_words()
    assert "with 4 pictures at once of 1024 x 1024" in replace(KNOWN, pictures=4).in_words()
    assert "leave it out" not in KNOWN.in_words()
    assert "leave it out" in Measurement(0.9, 0.0, 8, 8, 28, "cpu", "2026-11-29").in_words()


def test_times_are_between_steps_and_steps_are_reported() -> None:
    seen: list[tuple[int, int]] = []
    times = StepTimes(torch.device("cpu"))
    control = times.watching(DrawControl(on_step=lambda done, total: seen.append((done, total))))
    control.step(1, 2)
    assert times.seconds == 0
    control.step(2, 2)
    assert times.seconds > 0
    assert seen == [(1, 2), (2, 2)]
    assert not control.wants_previews


def test_a_measurement_is_kept_by_what_it_depends_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_measurement, "MOST_KEPT", 3)
    record = Record(tmp_path / "home" / "fast.json")
    assert record.get("a") is None
    record.put("a", KNOWN)
    assert Record(tmp_path / "home" / "fast.json").get("a") == KNOWN
    for number in range(3):
        record.put(f"{number}", KNOWN)
    assert record.get("a") is None
    assert key_of("revision", "full", "a card") != key_of("revision", "full", "another card")


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": {"gain": 1}}', "[" * 100000, "\ud800"])
def test_a_file_that_makes_no_sense_is_measured_again(content: str, tmp_path: Path) -> None:
    file = tmp_path / "fast.json"
    file.write_bytes(content.encode("utf-8", "surrogatepass"))
    assert Record(file).get("a") is None
    Record(file).put("a", KNOWN)
    assert Record(file).get("a") == KNOWN
