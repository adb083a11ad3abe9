from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ppolab.algorithms.policy_losses import (
    PolicyLoss,
    asymmetric_clip_policy_loss,
    clipped_policy_loss,
    dual_clip_policy_loss,
    kl_penalty_policy_loss,
    policy_gradient_loss,
)
from ppolab.algorithms.value_losses import huber_value_loss


def one(function, ratio: float, advantage: float, *settings: float) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Loss of one sample and its slope in the log-probability."""
    log_prob = torch.tensor([math.log(ratio)], dtype=torch.float64, requires_grad=True)
    result: PolicyLoss = function(
        log_prob, torch.zeros(1, dtype=torch.float64),
        torch.tensor([advantage], dtype=torch.float64), *settings,
    )  # fmt: skip
    result.loss.backward()
    assert log_prob.grad is not None
    return float(result.loss.detach()), float(log_prob.grad)


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "slope"),
    [
        (1.25, 1.0, -1.25, -1.25),  # inside 1 + 0.28: still paid for
        (1.40, 1.0, -1.28, 0.0),  # beyond it: flat
        (0.75, -1.0, 0.80, 0.0),  # below 1 − 0.2: flat
        (0.75, 1.0, -0.75, -0.75),  # went the wrong way: pulled back
    ],
)
def test_asymmetric_clip_by_hand(ratio: float, advantage: float, loss: float, slope: float) -> None:
    assert one(asymmetric_clip_policy_loss, ratio, advantage, 0.2, 0.28) == pytest.approx(
        (loss, slope)
    )


def test_asymmetric_clip_counts_what_lies_outside_its_own_range() -> None:
    ratio = torch.tensor([0.79, 0.9, 1.25, 1.29]).log()
    result = asymmetric_clip_policy_loss(ratio, torch.zeros(4), torch.ones(4), 0.2, 0.28)
    assert float(result.clip_fraction) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "slope"),
    [
        (2.0, -1.0, 2.0, 2.0),  # between 1 + ε and c: the full pull
        (5.0, -1.0, 3.0, 0.0),  # beyond c = 3: flat
        (5.0, 1.0, -1.2, 0.0),  # for good actions nothing changes
        (0.5, -1.0, 0.8, 0.0),
    ],
)
def test_dual_clip_by_hand(ratio: float, advantage: float, loss: float, slope: float) -> None:
    assert one(dual_clip_policy_loss, ratio, advantage, 0.2, 3.0) == pytest.approx((loss, slope))


def test_dual_clip_below_the_first_clip_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.1.*1\.2"):
        one(dual_clip_policy_loss, 1.0, 1.0, 0.2, 1.1)


@given(st.floats(0.05, 2.9), st.floats(-3, 3), st.floats(0.05, 0.5))
def test_variants_equal_the_clipped_loss_where_they_should(
    ratio: float, advantage: float, clip_range: float
) -> None:
    expected = one(clipped_policy_loss, ratio, advantage, clip_range)
    assert one(dual_clip_policy_loss, ratio, advantage, clip_range, 3.0) == pytest.approx(expected)
    same_ends = (clip_range, clip_range)
    assert one(asymmetric_clip_policy_loss, ratio, advantage, *same_ends) == pytest.approx(expected)


def test_kl_penalty_by_hand() -> None:
    # r = 1.5, A = 2, β = 0.4: −3 + 0.4 · (0.5 − ln 1.5) = −3 + 0.4 · 0.094535 = −2.962186
    # slope in log π: −r·A + β (r − 1) = −3 + 0.2 = −2.8
    loss, slope = one(kl_penalty_policy_loss, 1.5, 2.0, 0.2, 0.4)
    assert loss == pytest.approx(-2.962186, abs=1e-6)
    assert slope == pytest.approx(-2.8)


@given(st.floats(0.2, 3), st.floats(-3, 3))
def test_without_a_price_the_penalty_variant_is_the_plain_surrogate(
    ratio: float, advantage: float
) -> None:
    plain = one(policy_gradient_loss, ratio, advantage, 0.2)
    assert one(kl_penalty_policy_loss, ratio, advantage, 0.2, 0.0) == pytest.approx(plain)


def test_huber_by_hand() -> None:
    # δ = 1: errors 0.5 and −3: (0.125 + (3 − 0.5)) / 2 = 1.3125; slopes 0.5/2 and −1/2
    values = torch.tensor([1.5, 0.0], requires_grad=True)
    loss = huber_value_loss(values, torch.tensor([1.0, 3.0]), delta=1.0)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(1.3125)
    assert values.grad is not None
    assert values.grad.tolist() == pytest.approx([0.25, -0.5])


VARIANTS: list[Callable[[Tensor, Tensor, Tensor], PolicyLoss]] = [
    lambda new, old, advantages: clipped_policy_loss(new, old, advantages, 0.2),
    lambda new, old, advantages: asymmetric_clip_policy_loss(new, old, advantages, 0.2, 0.28),
    lambda new, old, advantages: dual_clip_policy_loss(new, old, advantages, 0.2),
    lambda new, old, advantages: kl_penalty_policy_loss(new, old, advantages, 0.2, kl_coef=3.0),
    lambda new, old, advantages: policy_gradient_loss(new, old, advantages),
]


@pytest.mark.parametrize("variant", VARIANTS)
@given(
    st.lists(st.tuples(st.floats(-5, -0.1), st.floats(-10, 10)), min_size=1, max_size=10)
)  # fmt: skip
def test_at_ratio_one_every_variant_has_the_gradient_of_the_policy(
    variant: Callable[[Tensor, Tensor, Tensor], PolicyLoss], samples: list[tuple[float, float]]
) -> None:
    # −A/N for each log-probability, whatever the log-probabilities are.
    log_probs = torch.tensor([p for p, _ in samples], dtype=torch.float64, requires_grad=True)
    advantages = torch.tensor([a for _, a in samples], dtype=torch.float64)
    variant(log_probs, log_probs.detach().clone(), advantages).loss.backward()
    assert log_probs.grad is not None
    torch.testing.assert_close(log_probs.grad, -advantages / len(samples), rtol=0, atol=1e-12)
