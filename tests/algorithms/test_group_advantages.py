from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ppolab.algorithms.group_advantages import (
    centred_group_advantages,
    group_relative_advantages,
    leave_one_out_advantages,
    reinforce_plus_plus_advantages,
)

# Two prompts, four responses each. Group means 0.5 and 2; deviations ±0.5, and −2, −1, 1, 2.
REWARDS = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 3.0, 4.0]], dtype=torch.float64)


def test_centred_advantages_by_hand() -> None:
    expected = [[0.5, -0.5, 0.5, -0.5], [-2.0, -1.0, 1.0, 2.0]]
    assert centred_group_advantages(REWARDS).tolist() == expected


def test_group_relative_advantages_by_hand() -> None:
    # std with n − 1: first group sqrt(4·0.25/3) = 0.57735, second sqrt((4+1+1+4)/3) = 1.825742
    result = group_relative_advantages(REWARDS, epsilon=0.0)
    assert result[0].tolist() == pytest.approx([0.866025, -0.866025, 0.866025, -0.866025], abs=1e-6)
    assert result[1].tolist() == pytest.approx([-1.095445, -0.547723, 0.547723, 1.095445], abs=1e-6)


def test_leave_one_out_by_hand() -> None:
    # 4 − (0 + 1 + 3)/3 = 2.666…; 0 − (1 + 3 + 4)/3 = −2.666…
    result = leave_one_out_advantages(REWARDS)
    assert result[1].tolist() == pytest.approx([-8 / 3, -4 / 3, 4 / 3, 8 / 3])


def test_leave_one_out_is_the_centred_advantage_times_g_over_g_minus_1() -> None:
    expected = centred_group_advantages(REWARDS) * 4 / 3
    assert torch.allclose(leave_one_out_advantages(REWARDS), expected)


def test_a_group_without_differences_teaches_nothing_and_stays_finite() -> None:
    equal = torch.ones(1, 4, dtype=torch.float64)
    assert group_relative_advantages(equal).tolist() == [[0.0] * 4]
    assert leave_one_out_advantages(equal).tolist() == [[0.0] * 4]


def test_division_by_the_spread_blows_up_a_nearly_solved_group() -> None:
    nearly = torch.tensor([[1.0] * 15 + [0.0]], dtype=torch.float64)
    half = torch.tensor([[1.0, 0.0] * 8], dtype=torch.float64)
    assert group_relative_advantages(nearly).abs().max() > 3.5
    assert group_relative_advantages(half).abs().max() < 1.0


@given(st.integers(0, 2**31), st.floats(-100, 100), st.floats(0.1, 10))
def test_a_shift_of_a_prompt_s_rewards_changes_nothing_and_a_factor_what_it_should(
    seed: int, shift: float, factor: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    rewards = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    other = factor * rewards + shift * torch.tensor([[1.0], [-2.0], [0.0]], dtype=torch.float64)
    for function in (centred_group_advantages, leave_one_out_advantages):
        torch.testing.assert_close(function(other), factor * function(rewards), rtol=0, atol=1e-9)
    in_spreads = group_relative_advantages(other, epsilon=0.0)
    expected = group_relative_advantages(rewards, epsilon=0.0)
    torch.testing.assert_close(in_spreads, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "function",
    [group_relative_advantages, centred_group_advantages, leave_one_out_advantages],
)
def test_one_response_cannot_be_compared(function) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"\(3, 1\)"):
        function(torch.ones(3, 1))


def test_reinforce_plus_plus_by_hand() -> None:
    # β = 0.5. First: reward 2, KL (1, 1) → to go (1.0, 0.5) → (1.0, 1.5).
    # Second: reward 0, KL (2), one token → (−1.0).
    # Mean 0.5, std sqrt((0.25 + 1 + 2.25) / 2) = 1.322876.
    result = reinforce_plus_plus_advantages(
        rewards=torch.tensor([2.0, 0.0], dtype=torch.float64),
        kl=torch.tensor([[1.0, 1.0], [2.0, 9.0]], dtype=torch.float64),
        mask=torch.tensor([[1.0, 1.0], [1.0, 0.0]], dtype=torch.float64),
        kl_coef=0.5,
    )
    assert result[0].tolist() == pytest.approx([0.377964, 0.755929], abs=1e-6)
    assert result[1].tolist() == pytest.approx([-1.133893, 0.0], abs=1e-6)
