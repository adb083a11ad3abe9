from __future__ import annotations

import math

import numpy as np
import pytest

from ppolab.runs.statistics import (
    interquartile_mean,
    paired_difference,
    probability_of_improvement,
    stratified_bootstrap,
    student_interval,
    t_quantile,
)


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    # Printed tables of Student's distribution, two-sided 5 %.
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (10, 2.228),
     (29, 2.045), (30, 2.042), (120, 1.980)],
)  # fmt: skip
def test_quantiles_are_those_of_the_printed_tables(degrees: int, quantile: float) -> None:
    assert t_quantile(degrees) == pytest.approx(quantile, abs=5e-4)


def test_quantiles_of_another_level_are_those_of_the_printed_tables() -> None:
    assert t_quantile(4, 0.99) == pytest.approx(4.604, abs=5e-4)
    assert t_quantile(7, 0.9) == pytest.approx(1.895, abs=5e-4)


def test_the_interval_of_a_mean_is_the_one_computed_by_hand() -> None:
    # Mean 4, squares 4 + 0 + 4 over 2 degrees: s = 2; half = 4.303 · 2 / √3 = 4.968.
    low, high = student_interval(np.array([2.0, 4.0, 6.0])) or (0.0, 0.0)
    assert (low, high) == pytest.approx((4 - 4.968, 4 + 4.968), abs=2e-3)
    assert student_interval(np.array([2.0])) is None
    assert student_interval(np.array([3.0, 3.0])) == (3.0, 3.0)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        low, high = student_interval(generator.normal(7.0, 2.0, 4)) or (0.0, 0.0)
        covered += low <= 7.0 <= high
    assert 0.935 <= covered / 2000 <= 0.965  # 0.95 ± 3 standard errors of 0.005


def test_a_paired_difference_does_not_see_what_seeds_have_in_common() -> None:
    baseline = np.array([10.0, 200.0, 3000.0])
    difference, interval = paired_difference(baseline + np.array([1.0, 2.0, 3.0]), baseline)
    assert difference == 2.0
    # s = 1, half = 4.303 / √3 = 2.484.
    assert interval == pytest.approx((2 - 2.484, 2 + 2.484), abs=1e-3)


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([1.0], 1.0),
        ([0.0, 3.0, 300.0], 101.0),  # a quarter of three is none
        ([900.0, 1.0, 3.0, -900.0], 2.0),
        ([5.0, 1.0, 2.0, 3.0, 100.0], 10.0 / 3),
        ([8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 4.5),
        ([80.0, 7.0, 6.0, 50.0, 4.0, 3.0, 2.0, -1.0], 5.0),  # of 3, 4, 6 and 7
    ],
)
def test_the_interquartile_mean_is_that_of_the_middle_half(
    values: list[float], mean: float
) -> None:
    assert interquartile_mean(np.array(values)) == pytest.approx(mean)


def test_the_probability_of_improvement_counts_pairs_and_halves_ties() -> None:
    # Of six pairs: 3 > 1, 3 > 2, 2 > 1 win; 2 = 2 ties; 0 > 1 and 0 > 2 lose.
    assert probability_of_improvement(np.array([3.0, 2.0, 0.0]), np.array([1.0, 2.0])) == (
        pytest.approx(3.5 / 6)
    )
    assert probability_of_improvement(np.array([1.0]), np.array([1.0])) == 0.5


def test_the_bootstrap_gives_the_interval_of_the_normal_theory_for_a_large_sample() -> None:
    values = np.random.default_rng(1).normal(5.0, 3.0, 400)
    low, high = stratified_bootstrap([values], lambda x: float(x.mean()), seed=2, resamples=4000)
    half = 1.96 * values.std() / math.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)


def test_the_bootstrap_draws_each_stratum_from_its_own_values() -> None:
    seen: list[tuple[float, ...]] = []

    def statistic(first: np.ndarray, second: np.ndarray) -> float:
        assert (len(first), len(second)) == (3, 2)
        assert set(first) <= {1.0, 2.0, 3.0}
        assert set(second) <= {10.0, 20.0}
        seen.append(tuple(first))
        return float(first.mean() + second.mean())

    strata = [np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0])]
    low, high = stratified_bootstrap(strata, statistic, seed=3, resamples=500)
    # All draws lie in [11, 23]; the extreme ones have a chance of 1 in 108 each.
    assert (low, high) == pytest.approx((11.33, 22.67), abs=0.4)
    assert len(set(seen)) == 27, "with replacement, every sample of three turns up"
    assert stratified_bootstrap(strata, statistic, seed=3, resamples=500) == (low, high)
    assert stratified_bootstrap(strata, statistic, seed=4, resamples=500) != (low, high)
