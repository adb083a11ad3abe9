from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ppolab.algorithms.kl import (
    AdaptiveKL,
    DoublingKL,
    FixedKL,
    ScheduledKL,
    kl_full,
    kl_k1,
    kl_k2,
    kl_k3,
)

# p = (0.5, 0.3, 0.2), q = (0.4, 0.4, 0.2):
# KL(p‖q) = 0.5 ln(0.5/0.4) + 0.3 ln(0.3/0.4) + 0 = 0.111572 − 0.086305 = 0.025267
P = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
Q = torch.tensor([0.4, 0.4, 0.2], dtype=torch.float64)
KL_PQ = 0.5 * math.log(0.5 / 0.4) + 0.3 * math.log(0.3 / 0.4)


def test_estimators_of_one_sample_match_hand_values() -> None:
    # r = 0.8: ln r = −0.223144; k1 = 0.223144, k2 = 0.024897, k3 = 0.8 − 1 + 0.223144 = 0.023144
    log_ratio = torch.tensor([0.8], dtype=torch.float64).log()
    assert float(kl_k1(log_ratio)) == pytest.approx(0.223144, abs=1e-6)
    assert float(kl_k2(log_ratio)) == pytest.approx(0.024897, abs=1e-6)
    assert float(kl_k3(log_ratio)) == pytest.approx(0.023144, abs=1e-6)


def test_full_kl_matches_hand_value_and_is_not_symmetric() -> None:
    assert float(kl_full(P.log(), Q.log())) == pytest.approx(0.025267, abs=1e-6)
    reverse = 0.4 * math.log(0.4 / 0.5) + 0.4 * math.log(0.4 / 0.3)
    assert float(kl_full(Q.log(), P.log())) == pytest.approx(reverse, abs=1e-12)
    assert abs(reverse - KL_PQ) > 1e-4


def test_an_action_that_is_never_taken_adds_nothing() -> None:
    p = torch.tensor([0.0, 1.0]).log()
    q = torch.tensor([0.5, 0.5]).log()
    assert float(kl_full(p, q)) == pytest.approx(math.log(2), abs=1e-6)


def test_k1_and_k3_are_unbiased_and_k2_is_not() -> None:
    log_ratio = Q.log() - P.log()
    assert float((P * kl_k1(log_ratio)).sum()) == pytest.approx(KL_PQ, abs=1e-12)
    assert float((P * kl_k3(log_ratio)).sum()) == pytest.approx(KL_PQ, abs=1e-12)
    assert abs(float((P * kl_k2(log_ratio)).sum()) - KL_PQ) > 1e-4


def test_k3_varies_less_than_k1_between_near_policies() -> None:
    log_ratio = Q.log() - P.log()

    def variance(estimate: torch.Tensor) -> float:
        return float((P * (estimate - KL_PQ).square()).sum())

    assert variance(kl_k3(log_ratio)) < variance(kl_k1(log_ratio)) / 10


def test_gradient_of_mean_k2_is_that_of_the_kl() -> None:
    # Samples of p = π_θ itself: E[∇ k2] = ∇ KL(π_θ ‖ q) while E[∇ k1] = 0.
    logits = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64, requires_grad=True)
    log_p = torch.log_softmax(logits, 0)
    exact = torch.autograd.grad(kl_full(log_p, Q.log()), logits, retain_graph=True)[0]
    weights = log_p.detach().exp()
    by_k2 = torch.autograd.grad((weights * kl_k2(Q.log() - log_p)).sum(), logits)[0]
    assert torch.allclose(exact, by_k2, atol=1e-12)


@given(st.floats(-5, 5))
def test_k2_and_k3_are_never_negative(log_ratio: float) -> None:
    value = torch.tensor(log_ratio, dtype=torch.float64)
    assert float(kl_k2(value)) >= 0
    assert float(kl_k3(value)) >= 0


def test_adaptive_controller_follows_its_formula() -> None:
    # error = clip(9/6 − 1) = 0.2 (clipped from 0.5): β ← 0.2 · (1 + 0.2 · 256/10000) = 0.201024
    controller = AdaptiveKL(0.2, target=6.0, horizon=10_000)
    assert controller.updated(9.0, 256).coefficient == pytest.approx(0.201024)
    # error = 5.4/6 − 1 = −0.1, not clipped: 0.2 · (1 − 0.1 · 0.0256) = 0.199488
    assert controller.updated(5.4, 256).coefficient == pytest.approx(0.199488)
    assert controller.updated(math.nan, 256) == controller


def test_doubling_controller_moves_only_outside_its_band() -> None:
    controller = DoublingKL(1.0, target=0.03)
    assert controller.updated(0.0199).coefficient == 0.5  # below 0.03/1.5 = 0.02
    assert controller.updated(0.0451).coefficient == 2.0  # above 0.03·1.5 = 0.045
    assert controller.updated(0.03).coefficient == 1.0


def test_fixed_and_scheduled_controllers() -> None:
    assert FixedKL(0.1).updated(100.0, 5).coefficient == 0.1
    schedule = ScheduledKL(0.2, 0.1, horizon=100)
    assert schedule.updated(0.0, 25).coefficient == pytest.approx(0.175)
    assert schedule.updated(0.0, 25).updated(0.0, 500).coefficient == pytest.approx(0.1)
