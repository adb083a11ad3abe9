from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ppolab.algorithms.policy_losses import clipped_policy_loss, policy_gradient_loss

GOLDEN = Path(__file__).parents[1] / "golden" / "clip.json"

log_ratios = st.floats(-1.5, 1.5)
nonzero = st.floats(0.1, 10) | st.floats(-10, -0.1)
clip_ranges = st.floats(0.05, 0.9)


def clipped_gradient(log_ratio: float, advantage: float, clip_range: float) -> float:
    """Slope of the clipped loss of one sample in its log-probability."""
    log_prob = torch.tensor([log_ratio], dtype=torch.float64, requires_grad=True)
    old = torch.zeros(1, dtype=torch.float64)
    advantages = torch.tensor([advantage], dtype=torch.float64)
    clipped_policy_loss(log_prob, old, advantages, clip_range).loss.backward()
    assert log_prob.grad is not None
    return float(log_prob.grad)


def test_clipped_loss_matches_six_samples_by_hand() -> None:
    # ε = 0.2.          A = +2                       A = −2
    # r = 0.5   min(1.0, 1.6) =  1.0       min(−1.0, −1.6) = −1.6  (clipped)
    # r = 1.0   min(2.0, 2.0) =  2.0       min(−2.0, −2.0) = −2.0
    # r = 1.5   min(3.0, 2.4) =  2.4 (cl.) min(−3.0, −2.4) = −3.0
    # mean = (1.0 + 2.0 + 2.4 − 1.6 − 2.0 − 3.0) / 6 = −1.2 / 6 = −0.2, so the loss is +0.2
    ratios = torch.tensor([0.5, 1.0, 1.5, 0.5, 1.0, 1.5], dtype=torch.float64)
    advantages = torch.tensor([2.0, 2.0, 2.0, -2.0, -2.0, -2.0], dtype=torch.float64)
    loss, ratio, clip_fraction, losses = clipped_policy_loss(
        ratios.log(), torch.zeros(6, dtype=torch.float64), advantages, 0.2
    )
    assert losses is not None
    assert losses.tolist() == pytest.approx([-1.0, -2.0, -2.4, 1.6, 2.0, 3.0], abs=1e-12)
    assert float(loss) == pytest.approx(0.2, abs=1e-12)
    assert ratio.tolist() == pytest.approx([0.5, 1.0, 1.5, 0.5, 1.0, 1.5])
    assert float(clip_fraction) == pytest.approx(4 / 6)  # all but the two with r = 1


def test_ratio_is_new_over_old() -> None:
    # π = 0.6, π_old = 0.5: r = 1.2, not 0.833
    ratio = clipped_policy_loss(
        torch.tensor([math.log(0.6)]), torch.tensor([math.log(0.5)]), torch.ones(1), 0.5
    ).ratio
    assert float(ratio) == pytest.approx(1.2, abs=1e-6)


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text("utf-8")))
def test_golden_cases_of_the_page_hold_here(case: dict[str, float]) -> None:
    ratio = torch.tensor([case["ratio"]], dtype=torch.float64, requires_grad=True)
    advantages = torch.tensor([case["advantage"]], dtype=torch.float64)
    old = torch.zeros(1, dtype=torch.float64)
    loss = clipped_policy_loss(ratio.log(), old, advantages, case["clip_range"]).loss
    loss.backward()
    assert ratio.grad is not None
    assert -float(loss.detach()) == pytest.approx(case["objective"], abs=1e-9)
    assert -float(ratio.grad) == pytest.approx(case["gradient"], abs=1e-9)


@given(log_ratios, nonzero, clip_ranges)
def test_gradient_vanishes_in_exactly_two_quadrants(
    log_ratio: float, advantage: float, clip_range: float
) -> None:
    ratio = math.exp(log_ratio)
    if min(abs(ratio - 1 - clip_range), abs(ratio - 1 + clip_range)) < 1e-6:
        return  # at the kink the slope is not defined
    gone_far_enough = (advantage > 0 and ratio > 1 + clip_range) or (
        advantage < 0 and ratio < 1 - clip_range
    )
    # Elsewhere d(−r·A)/d(log π) = −r·A.
    expected = 0.0 if gone_far_enough else -ratio * advantage
    assert clipped_gradient(log_ratio, advantage, clip_range) == pytest.approx(expected, abs=1e-9)


@given(log_ratios, nonzero, clip_ranges)
def test_gradient_agrees_with_a_finite_difference(
    log_ratio: float, advantage: float, clip_range: float
) -> None:
    ratio, h = math.exp(log_ratio), 1e-6
    if min(abs(ratio - 1 - clip_range), abs(ratio - 1 + clip_range)) < 1e-4:
        return

    def objective(x: float) -> float:
        r = math.exp(x)
        return min(r * advantage, max(1 - clip_range, min(1 + clip_range, r)) * advantage)

    slope = -(objective(log_ratio + h) - objective(log_ratio - h)) / (2 * h)
    assert clipped_gradient(log_ratio, advantage, clip_range) == pytest.approx(slope, abs=1e-6)


@given(st.lists(st.tuples(log_ratios, nonzero), min_size=1, max_size=8), clip_ranges)
def test_clipping_only_ever_makes_the_objective_smaller(
    samples: list[tuple[float, float]], clip_range: float
) -> None:
    log_probs = torch.tensor([s[0] for s in samples], dtype=torch.float64)
    advantages = torch.tensor([s[1] for s in samples], dtype=torch.float64)
    old = torch.zeros_like(log_probs)
    clipped = clipped_policy_loss(log_probs, old, advantages, clip_range)
    plain = policy_gradient_loss(log_probs, old, advantages, clip_range)
    assert float(clipped.loss) >= float(plain.loss) - 1e-12
    assert float(clipped.clip_fraction) == float(plain.clip_fraction)


def test_at_ratio_one_the_gradient_is_the_policy_gradient() -> None:
    # The policy gradient −E[A ∇log π] from its own formula, through a softmax over three actions.
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(16, 3, generator=generator, dtype=torch.float64)
    actions = torch.randint(3, (16,), generator=generator)
    advantages = torch.randn(16, generator=generator, dtype=torch.float64)
    probabilities = logits.softmax(1)
    one_hot = torch.nn.functional.one_hot(actions, 3).double()
    expected = -(advantages.unsqueeze(1) * (one_hot - probabilities)) / 16

    for loss_function in (clipped_policy_loss, policy_gradient_loss):
        leaf = logits.clone().requires_grad_()
        log_probs = leaf.log_softmax(1).gather(1, actions.unsqueeze(1)).squeeze(1)
        loss_function(log_probs, log_probs.detach(), advantages, 0.2).loss.backward()
        assert leaf.grad is not None
        torch.testing.assert_close(leaf.grad, expected, rtol=0, atol=1e-12)


def test_policy_gradient_loss_keeps_paying_beyond_the_clip() -> None:
    # −(1.5·2 + 0.5·(−1)) / 2 = −1.25; both samples lie outside 1 ± 0.2
    log_probs = torch.tensor([1.5, 0.5], dtype=torch.float64).log()
    old, advantages = torch.zeros(2, dtype=torch.float64), torch.tensor([2.0, -1.0])
    result = policy_gradient_loss(log_probs, old, advantages.double(), 0.2)
    assert float(result.loss) == pytest.approx(-1.25, abs=1e-12)
    assert float(result.clip_fraction) == 1.0


@pytest.mark.parametrize("loss_function", [clipped_policy_loss, policy_gradient_loss])
def test_reported_ratios_and_fractions_carry_no_gradient(loss_function: object) -> None:
    log_probs = torch.zeros(2, requires_grad=True)
    result = loss_function(log_probs, torch.zeros(2), torch.ones(2), 0.2)  # type: ignore[operator]
    ratio: Tensor = result.ratio
    assert result.loss.requires_grad
    assert not ratio.requires_grad
    assert not result.clip_fraction.requires_grad
