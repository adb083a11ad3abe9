from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ppolab.algorithms.advantages import (
    discounted_returns,
    generalized_advantages,
    generalized_advantages_loop,
    lambda_returns,
    vtrace,
)
from ppolab.algorithms.scans import (
    discounted_returns_scan,
    generalized_advantages_scan,
    lambda_returns_scan,
    linear_recurrence,
    vtrace_scan,
)

Rollouts = tuple[Tensor, Tensor, Tensor, Tensor]


def rollout(seed: int, time: int, environments: int, dtype: torch.dtype) -> Rollouts:
    """Rewards, values, dones [time, environments] and last values [environments]."""
    generator = torch.Generator().manual_seed(seed)
    shape = (time, environments)
    rewards = torch.randn(shape, generator=generator, dtype=dtype)
    values = torch.randn(shape, generator=generator, dtype=dtype)
    dones = (torch.rand(shape, generator=generator) < 0.2).to(dtype)
    return rewards, values, dones, torch.randn(environments, generator=generator, dtype=dtype)


# Lengths on both sides of powers of two, where a doubling scan would drop or repeat a step.
rollouts = st.builds(
    rollout, st.integers(0, 2**31), st.integers(1, 20), st.integers(1, 3), st.just(torch.float64)
)
shares = st.floats(0.0, 1.0)


def close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


def test_a_recurrence_of_five_steps_by_hand() -> None:
    # x4 = 5;  x3 = 4 + 0·5 = 4;  x2 = 3 + 2·4 = 11;  x1 = 2 + 1·11 = 13;  x0 = 1 + 0.5·13 = 7.5
    increments = torch.tensor([[1.0], [2.0], [3.0], [4.0], [5.0]])
    decays = torch.tensor([[0.5], [1.0], [2.0], [0.0], [9.0]])
    assert linear_recurrence(increments, decays).flatten().tolist() == [7.5, 13.0, 11.0, 4.0, 5.0]
    assert increments.flatten().tolist() == [1.0, 2.0, 3.0, 4.0, 5.0], "arguments stay"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(
    seed=st.integers(0, 2**31), time=st.integers(1, 20), environments=st.integers(1, 3),
    gamma=shares, gae_lambda=shares,
)  # fmt: skip
def test_the_loop_for_reading_and_the_quick_one_give_the_same_bits(
    dtype: torch.dtype, seed: int, time: int, environments: int, gamma: float, gae_lambda: float
) -> None:
    arguments = rollout(seed, time, environments, dtype)
    read = generalized_advantages_loop(*arguments, gamma, gae_lambda)
    assert torch.equal(generalized_advantages(*arguments, gamma, gae_lambda), read)


@given(rollouts, shares, shares)
def test_advantages_by_a_scan_are_those_of_the_loop(
    trajectory: Rollouts, gamma: float, gae_lambda: float
) -> None:
    expected = generalized_advantages_loop(*trajectory, gamma, gae_lambda)
    close(generalized_advantages_scan(*trajectory, gamma, gae_lambda), expected)


@given(rollouts, shares, shares)
def test_lambda_returns_by_a_scan_are_those_of_the_loop(
    trajectory: Rollouts, gamma: float, gae_lambda: float
) -> None:
    expected = lambda_returns(*trajectory, gamma, gae_lambda)
    close(lambda_returns_scan(*trajectory, gamma, gae_lambda), expected)


@given(rollouts, shares)
def test_discounted_returns_by_a_scan_are_those_of_the_loop(
    trajectory: Rollouts, gamma: float
) -> None:
    rewards, _, dones, last_values = trajectory
    expected = discounted_returns(rewards, dones, last_values, gamma)
    close(discounted_returns_scan(rewards, dones, last_values, gamma), expected)


@given(rollouts, shares, st.floats(0.5, 2.0), st.floats(0.5, 2.0), st.integers(0, 2**31))
def test_vtrace_by_a_scan_is_that_of_the_loop(
    trajectory: Rollouts, gamma: float, rho_max: float, c_max: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    log_ratio = torch.randn(trajectory[0].shape, generator=generator, dtype=torch.float64)
    expected = vtrace(log_ratio, *trajectory, gamma, rho_max, c_max)
    actual = vtrace_scan(log_ratio, *trajectory, gamma, rho_max, c_max)
    torch.testing.assert_close(actual.value_targets, expected.value_targets, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(actual.advantages, expected.advantages, rtol=1e-9, atol=1e-9)


def test_a_long_rollout_in_single_precision_stays_as_exact_as_the_loop() -> None:
    arguments = rollout(0, 2048, 1, torch.float32)
    exact = generalized_advantages_loop(*(part.double() for part in arguments), 0.99, 0.95)
    scanned = generalized_advantages_scan(*arguments, 0.99, 0.95)
    # Advantages reach about 5, whose float32 neighbours lie 5e-7 apart.
    torch.testing.assert_close(scanned.double(), exact, rtol=0, atol=5e-6)


def test_what_cannot_be_scanned_is_named() -> None:
    rewards, values, dones, last_values = rollout(0, 3, 2, torch.float64)
    with pytest.raises(ValueError, match=r"values has shape \(2, 2\), rewards \(3, 2\)"):
        generalized_advantages_scan(rewards, values[1:], dones, last_values, 0.9, 0.9)
    with pytest.raises(ValueError, match=r"increments has shape \(0, 2\)"):
        linear_recurrence(rewards[:0], rewards[:0])
