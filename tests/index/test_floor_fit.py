"""The look-up floor: the best matches of queries whose pictures are left out."""

import numpy as np
import pytest

from imagerag.embedders.calibration import FALSE_POSITIVES
from imagerag.index.floor_fit import BestMatches, best_matches, fit_floor

NONE = np.empty(0, np.int64)


def test_what_is_related_is_left_out_and_parts_make_no_difference() -> None:
    random = np.random.default_rng(0)
    pictures = random.normal(size=(40, 8)).astype(np.float32)
    queries = random.normal(size=(3, 8)).astype(np.float32)
    related = [np.array([0, 30]), NONE, np.arange(40)]
    carrying = [np.array([30]), NONE, np.array([5])]
    rows = np.arange(40)
    whole = best_matches(queries, [(rows, pictures)], related, carrying, 40)
    halves = best_matches(queries, [(rows[:20], pictures[:20]), (rows[20:], pictures[20:])], related, carrying, 40)
    cosines = queries @ pictures.T
    assert whole.lacking[0] == pytest.approx(np.delete(cosines[0], [0, 30]).max(), rel=1e-5)
    assert whole.having[0] == pytest.approx(cosines[0, 30], rel=1e-5)
    assert np.isnan(whole.having[1])
    assert np.isnan(whole.lacking[2])
    np.testing.assert_allclose(whole.lacking, halves.lacking, rtol=1e-5)
    np.testing.assert_allclose(whole.centre, pictures.mean(0), atol=1e-5)


def test_five_in_a_hundred_queries_for_what_is_not_there_exceed_the_floor() -> None:
    lacking = np.linspace(0, 1, 1001)
    floor = fit_floor(np.eye(1001, 4, dtype=np.float32), BestMatches(lacking, lacking + 0.5, np.zeros(4)))
    assert floor is not None
    assert floor.above(lacking, np.zeros(4, np.float32)).mean() == pytest.approx(0.05, abs=0.002)
    assert floor.kept == pytest.approx((lacking + 0.5 >= floor.value).mean(), abs=0.001)


def test_where_the_words_decide_how_high_cosines_are_the_query_s_mean_is_taken_off() -> None:
    random = np.random.default_rng(0)
    usual = random.normal(0, 1, 500)
    queries = np.c_[usual, np.zeros(500)].astype(np.float32)
    lacking = usual + random.normal(0, 0.01, 500)
    floor = fit_floor(queries, BestMatches(lacking, lacking + 0.2, np.array([1.0, 0.0])))
    assert floor is not None
    assert floor.statistic == "centred"
    assert floor.kept > 0.99


def test_without_any_match_there_is_no_floor() -> None:
    nothing = np.full(3, np.nan)
    assert fit_floor(np.ones((3, 2), np.float32), BestMatches(nothing, nothing, np.zeros(2))) is None


@pytest.mark.parametrize("count", [19, 20, 100, 233, 400])
def test_a_further_query_exceeds_the_floor_no_more_often_however_few_there_were(count: int) -> None:
    uniform = np.arange(1, count + 1) / (count + 1)  # where the order statistics of uniform scores lie on average
    floor = fit_floor(np.zeros((count, 2), np.float32), BestMatches(uniform, uniform, np.zeros(2)))
    assert floor is not None
    assert 1 - floor.value <= FALSE_POSITIVES + 1e-4
