from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ppolab.algorithms.diagnostics import (
    approximate_kl,
    correlation,
    explained_variance,
    ratio_histogram,
)


def test_kl_estimate_matches_a_value_by_hand() -> None:
    # r = 2: (2 − 1) − ln 2 = 0.306853;  r = 1/2: (−1/2) + ln 2 = 0.193147;  mean = 0.25
    log_ratio = torch.tensor([2.0, 0.5], dtype=torch.float64).log()
    assert float(approximate_kl(log_ratio)) == pytest.approx(0.25, abs=1e-12)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=20))
def test_kl_estimate_is_never_negative(log_ratios: list[float]) -> None:
    assert float(approximate_kl(torch.tensor(log_ratios, dtype=torch.float64))) >= 0.0


def test_kl_estimate_is_unbiased() -> None:
    # Exact expectation over the old policy's two actions instead of samples:
    # KL(π_old ‖ π) = 0.25·ln(0.25/0.4) + 0.75·ln(0.75/0.6) = 0.0498566
    double = torch.float64
    old, new = torch.tensor([0.25, 0.75], dtype=double), torch.tensor([0.4, 0.6], dtype=double)
    counts = torch.tensor([1, 3])  # actions in the proportion of π_old
    samples = torch.repeat_interleave((new / old).log(), counts)
    expected = 0.25 * math.log(0.25 / 0.4) + 0.75 * math.log(0.75 / 0.6)
    assert float(approximate_kl(samples)) == pytest.approx(expected, abs=1e-12)


def test_kl_estimate_of_tiny_moves_keeps_its_digits() -> None:
    # k3 ≈ x²/2; exp(x) − 1 in single precision would lose all of it at x = 1e−4
    assert float(approximate_kl(torch.tensor([1e-4]))) == pytest.approx(5e-9, rel=0.01)


def test_explained_variance_of_a_perfect_and_of_a_constant_prediction() -> None:
    targets = torch.tensor([1.0, 2.0, 4.0])
    assert explained_variance(targets.clone(), targets) == 1.0
    assert explained_variance(targets + 7.0, targets) == pytest.approx(1.0)  # a shift costs nothing
    assert explained_variance(torch.full((3,), 9.0), targets) == pytest.approx(0.0, abs=1e-6)


def test_explained_variance_by_hand() -> None:
    # targets 0, 2, 4: variance 8/3; errors 1, 0, −1 after predictions −1, 2, 5: variance 2/3
    value = explained_variance(torch.tensor([-1.0, 2.0, 5.0]), torch.tensor([0.0, 2.0, 4.0]))
    assert value == pytest.approx(0.75)
    # predictions turned round: errors −4, 0, 4, variance 32/3: 1 − 4 = −3
    value = explained_variance(torch.tensor([4.0, 2.0, 0.0]), torch.tensor([0.0, 2.0, 4.0]))
    assert value == pytest.approx(-3.0)


def test_explained_variance_of_equal_targets_is_not_a_number() -> None:
    assert math.isnan(explained_variance(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 3.0])))


def test_histogram_by_hand() -> None:
    # Bins of [0.5, 1.5] in four: edges 0.5, 0.75, 1.0, 1.25, 1.5; an edge belongs to its right.
    ratio = torch.tensor([0.1, 0.5, 0.74, 0.75, 1.0, 1.2, 1.25, 1.5, 9.0])
    assert ratio_histogram(ratio, 0.5, 1.5, 4).tolist() == [3, 1, 2, 3]


@given(st.lists(st.floats(0, 100, width=32), max_size=50), st.integers(1, 60))
def test_histogram_counts_every_ratio_once(ratios: list[float], bins: int) -> None:
    counts = ratio_histogram(torch.tensor(ratios), 0.5, 1.5, bins)
    assert counts.shape == (bins,)
    assert int(counts.sum()) == len(ratios)


def test_histogram_puts_infinity_last_and_leaves_nan_out() -> None:
    counts = ratio_histogram(torch.tensor([math.inf, math.nan, 1.0]), 0.5, 1.5, 2)
    assert counts.tolist() == [0, 2]


def test_correlation_by_hand_and_of_what_does_not_vary() -> None:
    # Deviations −1, 0, 1 and −1, 1, 0: covariance 1 of √(2·2).
    lengths, scores = torch.tensor([4, 5, 6]), torch.tensor([1.0, 3.0, 2.0])
    assert correlation(scores, lengths) == pytest.approx(0.5)
    assert correlation(-2.0 * scores, lengths) == pytest.approx(-0.5)
    assert math.isnan(correlation(scores, torch.tensor([5, 5, 5])))
