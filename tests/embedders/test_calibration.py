"""The calibration record: probabilities, floors, and the error that tells how far they are from the truth."""

from dataclasses import replace

import numpy as np
import pytest

from imagerag.embedders.calibration import (
    Calibration,
    LookupFloor,
    Presence,
    bundled_calibration,
    calibration_error,
)
from imagerag.embedders.clip import embedded_model_id

NAN = float("nan")


def test_the_bundled_record_is_the_embedded_model_s_and_calibrated() -> None:
    record = bundled_calibration()
    assert record.model == embedded_model_id()
    assert record.calibrated
    assert record.floor is not None


def test_a_record_survives_its_file_and_anything_else_is_refused() -> None:
    record = bundled_calibration()
    assert Calibration.from_json(record.to_json()) == record
    for other in (b"{}", b"[1]", b"no json", b'{"presence": 1, "floor": 2, "reliability": 3}'):
        with pytest.raises(ValueError):  # noqa: PT011 (of json, or ours)
            Calibration.from_json(other)


def test_where_no_exemplar_shows_a_concept_its_words_decide() -> None:
    presence = Presence(65.0, 0.75, words=(0.0, 1.0, 0.0), pictures=(0.0, 0.0, 0.0, 1.0, 0.0))
    found = presence.probabilities(([2.0, 2.0], [0.1, 0.1], [NAN, -2.0], [NAN, 0.5]))
    assert found[0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert found[1] == pytest.approx(1 / (1 + np.exp(2)))


def test_without_a_fit_on_captions_the_score_is_one_minus_the_false_positive_rate() -> None:
    presence = Presence(65.0, 0.75, absent=tuple(float(at) for at in range(101)))
    found = presence.probabilities(([-5.0, 25.0, 97.0, 200.0], *[[0.0] * 4] * 3))
    assert found.tolist() == pytest.approx([0, 0.25, 0.97, 1])


def test_of_absent_things_at_most_five_in_a_hundred_are_present_without_captions() -> None:
    absent = np.sort(np.random.default_rng(0).normal(size=101))
    presence = Presence(65.0, 0.75, absent=tuple(absent.tolist()))
    asked = np.random.default_rng(1).normal(size=2000)
    found = presence.probabilities((asked, *[np.zeros(2000)] * 3))
    assert float(np.median(found)) < presence.present_from
    assert (found >= presence.present_from).mean() <= 0.07, "5 %, and how far 101 of them tell it"
    assert presence.probabilities(([9.0], *[[0.0]] * 3))[0] >= presence.present_from, "what is there can be present"


def test_a_fit_on_captions_keeps_its_threshold_and_says_why_another_is_none() -> None:
    record = bundled_calibration()
    assert (record.presence.present_from, record.uncalibrated) == (0.5, None)
    assert replace(record, captioned=0).uncalibrated == "other_pictures"
    names = Calibration("m", "names", 0, 3, Presence(65.0, 0.75, absent=(0.0, 1.0)))
    assert names.uncalibrated == "false_positive_rate"


def test_a_centred_floor_takes_the_query_s_mean_off() -> None:
    floor = LookupFloor("centred", 0.2, (1.0, 0.0))
    assert floor.above([0.75, 0.65], np.array([0.5, 0.5], np.float32)).tolist() == [True, False]
    assert LookupFloor("cosine", 0.7).above([0.75, 0.65], np.array([0.5, 0.5], np.float32)).tolist() == [True, False]


def test_the_calibration_error_is_the_distance_of_what_is_said_from_what_is() -> None:
    random = np.random.default_rng(0)
    p = random.uniform(0, 1, 20_000)
    there = (random.uniform(0, 1, 20_000) < p).astype(float)
    assert calibration_error(p, there) < 0.02
    assert calibration_error(np.full(300, 0.9), np.r_[np.ones(150), np.zeros(150)]) == pytest.approx(0.4)


def test_a_library_that_has_doubled_needs_another_fit() -> None:
    record = Calibration("m", "captions", 160, 500, Presence(100.0, 0.9))
    assert not record.outdated(999)
    assert record.outdated(1000)
