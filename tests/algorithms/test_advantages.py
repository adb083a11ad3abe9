from __future__ import annotations

import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ppolab.algorithms.advantages import discounted_returns, generalized_advantages, normalize


def column(*numbers: float) -> Tensor:
    """One environment's series, [time, 1], in double precision."""
    return torch.tensor(numbers, dtype=torch.float64).unsqueeze(1)


@st.composite
def trajectories(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Rewards, values, dones [time, environments] and last values [environments]."""
    time, environments = draw(st.integers(1, 7)), draw(st.integers(1, 3))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = torch.Generator().manual_seed(seed)
    shape = (time, environments)
    rewards = torch.randn(shape, generator=generator, dtype=torch.float64)
    values = torch.randn(shape, generator=generator, dtype=torch.float64)
    dones = (torch.rand(shape, generator=generator) < 0.3).double()
    last_values = torch.randn(environments, generator=generator, dtype=torch.float64)
    return rewards, values, dones, last_values


discounts = st.floats(0.0, 1.0)


def mixture_of_n_step_advantages(
    rewards: list[float],
    values: list[float],
    dones: list[float],
    last_value: float,
    gamma: float,
    gae_lambda: float,
) -> list[float]:
    """The definition GAE sums up: (1 − λ) Σ λⁿ⁻¹ (n-step advantage), the last with the rest.

    Written from Schulman et al. (2016), eqs. 11-16, without the recursion the engine uses.
    """
    result = []
    for t in range(len(rewards)):
        n_step = []
        total, discount = 0.0, 1.0
        for k in range(t, len(rewards)):
            total += discount * rewards[k]
            discount *= gamma
            if dones[k]:
                n_step.append(total - values[t])
                break
            following = values[k + 1] if k + 1 < len(rewards) else last_value
            n_step.append(total + discount * following - values[t])
        weights = [(1 - gae_lambda) * gae_lambda**n for n in range(len(n_step) - 1)]
        weights.append(gae_lambda ** (len(n_step) - 1))
        result.append(sum(w * a for w, a in zip(weights, n_step, strict=True)))
    return result


def test_discounted_returns_match_a_sum_by_hand() -> None:
    # G2 = 3 + 0.5·8 = 7, G1 = 2 (episode over), G0 = 1 + 0.5·2 = 2
    returns = discounted_returns(
        column(1, 2, 3), column(0, 1, 0), torch.tensor([8.0], dtype=torch.float64), 0.5
    )
    assert returns.flatten().tolist() == [2.0, 2.0, 7.0]


def test_advantages_match_a_recursion_by_hand() -> None:
    # γ = 0.5, λ = 0.5, V = 4, 2, 6, last value 8, episode over after step 1.
    # δ2 = 3 + 0.5·8 − 6 = 1;  δ1 = 2 − 2 = 0;  δ0 = 1 + 0.5·2 − 4 = −2
    # A2 = 1;  A1 = 0 (done: no trace of A2);  A0 = −2 + 0.25·0 = −2
    advantages = generalized_advantages(
        column(1, 2, 3), column(4, 2, 6), column(0, 1, 0),
        torch.tensor([8.0], dtype=torch.float64), 0.5, 0.5,
    )  # fmt: skip
    assert advantages.flatten().tolist() == [-2.0, 0.0, 1.0]


def test_advantages_of_an_unbroken_episode_match_a_recursion_by_hand() -> None:
    # γ = 0.5, λ = 0.5, no episode ends.
    # δ2 = 3 + 4 − 6 = 1;  δ1 = 2 + 3 − 2 = 3;  δ0 = 1 + 1 − 4 = −2
    # A2 = 1;  A1 = 3 + 0.25·1 = 3.25;  A0 = −2 + 0.25·3.25 = −1.1875
    advantages = generalized_advantages(
        column(1, 2, 3), column(4, 2, 6), column(0, 0, 0),
        torch.tensor([8.0], dtype=torch.float64), 0.5, 0.5,
    )  # fmt: skip
    assert advantages.flatten().tolist() == [-1.1875, 3.25, 1.0]


@given(trajectories(), discounts, discounts)
def test_advantages_are_the_lambda_mixture_of_n_step_advantages(
    trajectory: tuple[Tensor, Tensor, Tensor, Tensor], gamma: float, gae_lambda: float
) -> None:
    rewards, values, dones, last_values = trajectory
    advantages = generalized_advantages(rewards, values, dones, last_values, gamma, gae_lambda)
    for e in range(rewards.shape[1]):
        expected = mixture_of_n_step_advantages(
            rewards[:, e].tolist(), values[:, e].tolist(), dones[:, e].tolist(),
            float(last_values[e]), gamma, gae_lambda,
        )  # fmt: skip
        assert advantages[:, e].tolist() == pytest.approx(expected, abs=1e-10)


@given(trajectories())
def test_lambda_one_is_the_monte_carlo_return_minus_the_value(
    trajectory: tuple[Tensor, Tensor, Tensor, Tensor],
) -> None:
    rewards, values, dones, last_values = trajectory
    advantages = generalized_advantages(rewards, values, dones, last_values, 1.0, 1.0)
    for e in range(rewards.shape[1]):
        for t in range(rewards.shape[0]):
            ends = [k for k in range(t, rewards.shape[0]) if dones[k, e]]
            stop = ends[0] + 1 if ends else rewards.shape[0]
            total = float(rewards[t:stop, e].sum()) + (0.0 if ends else float(last_values[e]))
            assert float(advantages[t, e]) == pytest.approx(total - float(values[t, e]), abs=1e-10)


@given(trajectories(), discounts)
def test_lambda_zero_is_the_one_step_error(
    trajectory: tuple[Tensor, Tensor, Tensor, Tensor], gamma: float
) -> None:
    rewards, values, dones, last_values = trajectory
    following = torch.cat([values[1:], last_values.unsqueeze(0)])
    expected = rewards + gamma * (1 - dones) * following - values
    advantages = generalized_advantages(rewards, values, dones, last_values, gamma, 0.0)
    torch.testing.assert_close(advantages, expected, rtol=0, atol=1e-12)


@given(trajectories(), discounts, discounts)
def test_nothing_after_the_end_of_an_episode_reaches_back_before_it(
    trajectory: tuple[Tensor, Tensor, Tensor, Tensor], gamma: float, gae_lambda: float
) -> None:
    rewards, values, dones, last_values = trajectory
    end = rewards.shape[0] // 2
    dones[end] = 1.0
    before = generalized_advantages(rewards, values, dones, last_values, gamma, gae_lambda)
    rewards[end + 1 :] += 1000.0
    values[end + 1 :] -= 1000.0
    after = generalized_advantages(rewards, values, dones, last_values + 1000.0, gamma, gae_lambda)
    assert torch.equal(before[: end + 1], after[: end + 1])


@given(trajectories(), discounts, discounts)
def test_environments_do_not_touch_each_other(
    trajectory: tuple[Tensor, Tensor, Tensor, Tensor], gamma: float, gae_lambda: float
) -> None:
    rewards, values, dones, last_values = trajectory
    together = generalized_advantages(rewards, values, dones, last_values, gamma, gae_lambda)
    alone = generalized_advantages(
        rewards[:, :1], values[:, :1], dones[:, :1], last_values[:1], gamma, gae_lambda
    )
    assert torch.equal(together[:, :1], alone)


@given(trajectories(), discounts, discounts, st.floats(-50, 50))
def test_advantages_scale_with_rewards_and_values(
    trajectory: tuple[Tensor, Tensor, Tensor, Tensor],
    gamma: float,
    gae_lambda: float,
    factor: float,
) -> None:
    rewards, values, dones, last_values = trajectory
    plain = generalized_advantages(rewards, values, dones, last_values, gamma, gae_lambda)
    scaled = generalized_advantages(
        factor * rewards, factor * values, dones, factor * last_values, gamma, gae_lambda
    )
    torch.testing.assert_close(scaled, factor * plain, rtol=1e-9, atol=1e-9)


@given(trajectories(), discounts, discounts)
def test_a_potential_added_to_rewards_and_taken_from_values_changes_no_advantage(
    trajectory: tuple[Tensor, Tensor, Tensor, Tensor], gamma: float, gae_lambda: float
) -> None:
    # Ng et al. (1999): r + γΦ(s′) − Φ(s), where a state after the end has no potential.
    rewards, values, dones, last_values = trajectory
    generator = torch.Generator().manual_seed(rewards.numel())
    potentials = torch.randn(values.shape, generator=generator, dtype=torch.float64)
    last_potentials = torch.randn(last_values.shape, generator=generator, dtype=torch.float64)
    following = torch.cat([potentials[1:], last_potentials.unsqueeze(0)])
    plain = generalized_advantages(rewards, values, dones, last_values, gamma, gae_lambda)
    shaped = generalized_advantages(
        rewards + gamma * (1 - dones) * following - potentials, values - potentials, dones,
        last_values - last_potentials, gamma, gae_lambda,
    )  # fmt: skip
    torch.testing.assert_close(shaped, plain, rtol=0, atol=1e-10)


@given(trajectories(), st.floats(0.0, 0.99), discounts, st.floats(-50, 50))
def test_the_same_bonus_for_every_step_changes_no_advantage_once_the_critic_knows_it(
    trajectory: tuple[Tensor, Tensor, Tensor, Tensor],
    gamma: float,
    gae_lambda: float,
    bonus: float,
) -> None:
    # Without an end every state is worth bonus / (1 − γ) more.
    rewards, values, dones, last_values = trajectory
    dones = torch.zeros_like(dones)
    worth = bonus / (1 - gamma)
    plain = generalized_advantages(rewards, values, dones, last_values, gamma, gae_lambda)
    shifted = generalized_advantages(
        rewards + bonus, values + worth, dones, last_values + worth, gamma, gae_lambda
    )
    torch.testing.assert_close(shifted, plain, rtol=0, atol=1e-8)


def test_rows_that_do_not_match_are_named() -> None:
    with pytest.raises(ValueError, match=r"values has shape \(3, 1\), rewards \(2, 1\)"):
        generalized_advantages(
            column(1, 2), column(1, 2, 3), column(0, 0), torch.zeros(1), 0.9, 0.9
        )
    with pytest.raises(ValueError, match=r"dones has shape \(1, 1\)"):
        discounted_returns(column(1, 2), column(0), torch.zeros(1), 0.9)


def test_normalized_advantages_match_values_by_hand() -> None:
    # mean 4, deviations −2, 0, 2; sample variance (4 + 0 + 4) / 2 = 4, so divided by 2
    assert normalize(torch.tensor([2.0, 4.0, 6.0]), epsilon=0.0).tolist() == [-1.0, 0.0, 1.0]


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=20).filter(lambda x: max(x) - min(x) > 1),
    st.floats(-1e3, 1e3),
    st.floats(0.1, 10),
)
def test_normalizing_forgets_the_rewards_shift_and_scale(
    numbers: list[float], shift: float, scale: float
) -> None:
    plain = torch.tensor(numbers, dtype=torch.float64)
    torch.testing.assert_close(
        normalize(scale * plain + shift), normalize(plain), rtol=1e-6, atol=1e-6
    )


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50).filter(lambda x: max(x) - min(x) > 1)
)
def test_normalized_advantages_have_mean_0_and_standard_deviation_1(numbers: list[float]) -> None:
    normalized = normalize(torch.tensor(numbers, dtype=torch.float64)).tolist()
    assert statistics.mean(normalized) == pytest.approx(0, abs=1e-9)
    assert statistics.stdev(normalized) == pytest.approx(1, abs=1e-6)


def test_one_or_equal_advantages_become_zero() -> None:
    assert normalize(torch.tensor([5.0])).tolist() == [0.0]
    assert normalize(torch.tensor([5.0, 5.0, 5.0])).tolist() == [0.0, 0.0, 0.0]
