"""Means, paired differences and the number of prompts, against scipy and against what is known of simulated data."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from imagerag.evaluation.statistics import (
    DRAWS,
    LEVEL,
    SEED,
    mean_of,
    numbered,
    paired_difference,
    prompts_needed,
    resampling,
    smallest_visible,
)


class TestMean:
    @pytest.mark.parametrize("values", [np.random.default_rng(1).gamma(2, size=80), np.array([0.0] + [1.0] * 49)])
    def test_interval_is_that_of_scipy_where_each_prompt_has_one_value(self, values: NDArray[np.float64]) -> None:
        found = mean_of(values, range(len(values)))
        wanted = stats.bootstrap((values,), np.mean, method="BCa", n_resamples=DRAWS, rng=SEED).confidence_interval
        assert found.mean == pytest.approx(values.mean())
        assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
        assert (found.count, found.prompts) == (len(values), len(values))

    def test_seeds_that_say_the_same_make_the_interval_no_narrower(self) -> None:
        values = np.random.default_rng(1).random(40)
        once = mean_of(values, range(40))
        often = mean_of(np.repeat(values, 5), np.repeat(np.arange(40), 5).tolist())
        apart = mean_of(np.repeat(values, 5), range(200))
        assert often.low == pytest.approx(once.low)
        assert often.high == pytest.approx(once.high)
        assert apart.high - apart.low < 0.6 * (often.high - often.low)

    def test_interval_holds_the_truth_about_as_often_as_it_says(self) -> None:
        random = np.random.default_rng(3)
        held = 0
        for _ in range(200):
            of_prompt = random.random(60)[:, None] < 0.3
            values = np.where(of_prompt, random.random((60, 3)) < 0.9, random.random((60, 3)) < 0.1)
            prompts = np.repeat(np.arange(60), 3).tolist()
            found = mean_of(values.ravel().astype(float), prompts, draws=1000)
            held += found.low <= 0.3 * 0.9 + 0.7 * 0.1 <= found.high
        assert 180 <= held <= 199

    def test_prompts_that_all_say_the_same_leave_room_for_those_not_seen(self) -> None:
        found = mean_of(np.ones(50), range(50), bounds=(0, 1))
        assert found.high == 1
        assert found.low == pytest.approx(stats.binomtest(50, 50).proportion_ci(LEVEL, "exact").low)
        assert mean_of([0.5], ["p"], bounds=(0, 1)).low == pytest.approx(0.5 - 0.975 * 0.5)

    @pytest.mark.parametrize(("values", "prompts"), [([3.0, 4.0], "pp"), ([3.5, 3.5, 3.5], "pqr")])
    def test_no_interval_where_nothing_is_known_of_what_was_not_seen(self, values: list[float], prompts: str) -> None:
        found = mean_of(values, prompts)
        assert found.mean == 3.5
        assert math.isnan(found.low)
        assert math.isnan(found.high)

    def test_same_numbers_each_time(self) -> None:
        values = np.random.default_rng(1).random(30)
        assert mean_of(values, range(30)) == mean_of(values, range(30))
        assert mean_of(values, range(30)) != mean_of(values, range(30), seed=1)

    @pytest.mark.parametrize(
        ("values", "prompts", "said"),
        [([], [], "no values"), ([1.0, math.nan], [1, 2], "not finite"), ([1.0], [1, 2], "1 values")],
    )
    def test_refused(self, values: list[float], prompts: list[int], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            mean_of(values, prompts)


class TestPairedDifference:
    def test_counts_and_sign(self) -> None:
        found = paired_difference([0, 1, 0.5, 0], [1, 0, 0.5, 1], "abcd")
        assert found.mean == 0.25
        assert (found.wins, found.losses, found.ties) == (2, 1, 1)
        assert not found.settled

    def test_no_change_in_n_prompts_is_no_proof_of_none(self) -> None:
        known = np.array([0.0, 1.0] * 400)
        found = paired_difference(known, known, [at // 2 for at in range(800)])
        assert found.mean == 0
        assert found.low == pytest.approx(-(1 - 0.025 ** (1 / 400)))
        assert found.high == -found.low
        assert found.needed is None
        assert math.isnan(found.visible)

    def test_bounds_of_the_metric_where_the_values_seen_are_all_the_same(self) -> None:
        found = paired_difference([1, 1, 1], [1, 1, 1], "abc", bounds=(0, 1))
        assert found.low == -found.high == pytest.approx(-(1 - 0.025 ** (1 / 3)))
        assert math.isnan(paired_difference([1, 1, 1], [1, 1, 1], "abc").low)

    def test_pairing_takes_off_what_prompts_have_in_common(self) -> None:
        random = np.random.default_rng(5)
        hard = random.random(100)
        one, other = hard, hard + 0.02 + 0.01 * random.standard_normal(100)
        found = paired_difference(one, other, range(100))
        assert found.settled
        assert found.low == pytest.approx(0.02, abs=0.005)
        assert mean_of(one, range(100)).high > mean_of(other, range(100)).low

    def test_refused(self) -> None:
        with pytest.raises(ValueError, match="2 values can't be paired with 1"):
            paired_difference([1, 2], [1], [1, 2])


class TestPower:
    @pytest.mark.parametrize(("difference", "spread"), [(0.1, 0.5), (0.05, 0.3), (0.5, 0.6), (-0.2, 0.4)])
    def test_power_of_the_t_test_with_so_many_prompts(self, difference: float, spread: float) -> None:
        def power(n: int) -> float:
            shift = abs(difference) / spread * math.sqrt(n)
            least = stats.t.ppf(0.975, n - 1)
            return float(stats.nct.sf(least, n - 1, shift) + stats.nct.cdf(-least, n - 1, shift))

        n = prompts_needed(difference, spread)
        assert n is not None
        assert power(n + 1) >= 0.8
        assert power(n - 2) < 0.8

    def test_smallest_visible_is_the_same_the_other_way_round(self) -> None:
        assert prompts_needed(smallest_visible(120, 0.4), 0.4) in (120, 121)
        assert prompts_needed(smallest_visible(120, 0.4, power=0.9), 0.4, power=0.9) in (120, 121)
        assert math.isnan(smallest_visible(1, 0.4))

    def test_nothing_can_be_said(self) -> None:
        assert prompts_needed(0.0, 0.4) is None
        assert prompts_needed(0.1, 0.0) is None
        assert prompts_needed(0.1, math.nan) is None


def test_each_resampling_draws_as_many_clusters_as_there_are() -> None:
    times = resampling(7, 100)
    assert times.shape == (100, 7)
    assert (times.sum(axis=1) == 7).all()
    assert times.mean() == 1
    assert resampling(7, 100) is times


def test_numbers_in_the_order_of_the_first() -> None:
    assert numbered(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]
