from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ppolab.algorithms.advantages import generalized_advantages, lambda_returns, vtrace
from ppolab.algorithms.diagnostics import effective_sample_size
from ppolab.algorithms.schedules import cosine


def random_rollout(seed: int, time: int = 9, environments: int = 3) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    rewards = torch.randn(time, environments, generator=generator, dtype=torch.float64)
    values = torch.randn(time, environments, generator=generator, dtype=torch.float64)
    dones = (torch.rand(time, environments, generator=generator) < 0.2).double()
    last = torch.randn(environments, generator=generator, dtype=torch.float64)
    return rewards, values, dones, last


@given(st.integers(0, 1000), st.floats(0, 1), st.floats(0, 1))
def test_lambda_returns_are_advantages_plus_values(seed: int, gamma: float, lam: float) -> None:
    rewards, values, dones, last = random_rollout(seed)
    expected = generalized_advantages(rewards, values, dones, last, gamma, lam) + values
    actual = lambda_returns(rewards, values, dones, last, gamma, lam)
    assert torch.allclose(actual, expected, atol=1e-12)


def test_lambda_returns_of_two_steps_by_hand() -> None:
    # γ = 0.5, λ = 0.5, V = (1, 2), last 4, r = (1, 1), no end:
    # G_1 = 1 + 0.5 · 4 = 3;  G_0 = 1 + 0.5 · (0.5 · 2 + 0.5 · 3) = 2.25
    actual = lambda_returns(
        torch.ones(2, 1), torch.tensor([[1.0], [2.0]]), torch.zeros(2, 1), torch.tensor([4.0]),
        0.5, 0.5,
    )  # fmt: skip
    assert actual.flatten().tolist() == pytest.approx([2.25, 3.0])


@given(st.integers(0, 1000), st.floats(0, 1))
def test_vtrace_of_fresh_data_is_gae_with_lambda_1(seed: int, gamma: float) -> None:
    rewards, values, dones, last = random_rollout(seed)
    result = vtrace(torch.zeros_like(rewards), rewards, values, dones, last, gamma)
    expected = generalized_advantages(rewards, values, dones, last, gamma, 1.0)
    assert torch.allclose(result.value_targets, expected + values, atol=1e-12)
    assert torch.allclose(result.advantages, expected, atol=1e-12)


def test_vtrace_of_stale_data_by_hand() -> None:
    # γ = 0.5, V = (1, 2), last 4, r = (1, 1). Ratios 0.5 and 2: ρ = c = (0.5, 1).
    # t=1: δ = 1·(1 + 0.5·4 − 2) = 1, v = 3, A = 1
    # t=0: δ = 0.5·(1 + 0.5·2 − 1) = 0.5, v = 1 + 0.5 + 0.5·0.5·(3 − 2) = 1.75
    #      A = 0.5·(1 + 0.5·3 − 1) = 0.75
    result = vtrace(
        torch.tensor([[0.5], [2.0]]).log(), torch.ones(2, 1), torch.tensor([[1.0], [2.0]]),
        torch.zeros(2, 1), torch.tensor([4.0]), 0.5,
    )  # fmt: skip
    assert result.value_targets.flatten().tolist() == pytest.approx([1.75, 3.0])
    assert result.advantages.flatten().tolist() == pytest.approx([0.75, 1.0])


def test_effective_sample_size_by_hand() -> None:
    # (1 + 3)² / (2 · (1 + 9)) = 0.8
    assert effective_sample_size(torch.tensor([1.0, 3.0])) == pytest.approx(0.8)
    assert effective_sample_size(torch.full((7,), 2.0)) == pytest.approx(1.0)
    assert effective_sample_size(torch.tensor([0.0, 0.0, 5.0])) == pytest.approx(1 / 3)


def test_cosine_schedule_by_hand() -> None:
    assert cosine(2.0, 1.0) == pytest.approx(2.0)
    assert cosine(2.0, 0.5) == pytest.approx(1.0)
    assert cosine(2.0, 0.75) == pytest.approx(1.0 + math.cos(math.pi / 4), abs=1e-12)
    assert cosine(2.0, 0.0) == pytest.approx(0.0, abs=1e-12)
