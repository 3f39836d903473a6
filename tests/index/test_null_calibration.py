"""The committed null: everyday names against bundled pictures, where there is no library."""

import numpy as np
import pytest

from imagerag.embedders.registry import embedded_clip
from imagerag.index.null_calibration import null_calibration


def test_absent_names_score_low_and_nothing_is_called_a_probability() -> None:
    record = null_calibration(embedded_clip())
    assert not record.calibrated
    assert record.presence.temperature == pytest.approx(30, abs=0.001)
    absent = np.array(record.presence.absent)
    assert len(absent) == 101
    assert (np.diff(absent) >= 0).all()
    assert record.presence.probabilities(([absent[95]], [0.0], [0.0], [0.0]))[0] >= 0.94
    assert record.floor is not None
    assert 0 < record.floor.value < 1
