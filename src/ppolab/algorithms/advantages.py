"""How much better an action was than expected: returns and advantages from rewards and values.

Index names: `rewards[t]` and `dones[t]` follow the action taken at time t, `values[t]` is the
critic's estimate before it. All arrays are [time, environments] unless said otherwise.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


def discounted_returns(rewards: Tensor, dones: Tensor, last_values: Tensor, gamma: float) -> Tensor:
    r"""Discounted sums of rewards to the end of each episode, bootstrapped after the last step.

    $$G_t = r_t + \gamma\,(1 - d_t)\,G_{t+1}, \qquad G_T = V(s_T)$$

    Args:
        rewards: [time, environments], reward units.
        dones: [time, environments], 1 where the episode ended after step t.
        last_values: [environments], the critic's value after the last step.
        gamma: discount per step, in [0, 1].

    Returns:
        [time, environments], reward units.

    Source: Sutton & Barto (2018), eq. 3.9.
    """
    require_matching_time(rewards, dones=dones)
    returns = torch.empty_like(rewards)
    following = last_values
    for t in reversed(range(rewards.shape[0])):
        following = rewards[t] + gamma * (1.0 - dones[t]) * following
        returns[t] = following
    return returns


def generalized_advantages(
    rewards: Tensor,
    values: Tensor,
    dones: Tensor,
    last_values: Tensor,
    gamma: float,
    gae_lambda: float,
) -> Tensor:
    r"""Generalized advantage estimation: a λ-weighted sum of temporal-difference errors.

    $$\delta_t = r_t + \gamma\,(1 - d_t)\,V(s_{t+1}) - V(s_t), \qquad
      \hat A_t = \delta_t + \gamma\lambda\,(1 - d_t)\,\hat A_{t+1}$$

    λ = 0 trusts the critic for everything beyond one step (low variance, biased by its errors);
    λ = 1 is the Monte Carlo return minus the value (unbiased, high variance).

    A truncated episode must not be treated as one that ended: add γ·V(final observation) to its
    last reward before calling, and mark it done so that no trace leaks into the next episode.

    Args:
        rewards: [time, environments], reward units.
        values: [time, environments], the critic's value before step t.
        dones: [time, environments], 1 where the episode ended after step t.
        last_values: [environments], the critic's value after the last step.
        gamma: discount per step, in [0, 1].
        gae_lambda: λ, in [0, 1].

    Returns:
        [time, environments], reward units. The critic's target is `advantages + values`.

    Source: Schulman et al. (2016), "High-dimensional continuous control using generalized
    advantage estimation", eqs. 11–16.
    """
    require_matching_time(rewards, values=values, dones=dones)
    alive = 1.0 - dones
    next_values = torch.cat([values[1:], last_values.unsqueeze(0)])
    # Everything but the sum over later steps is done for all steps at once, in the order in which
    # the loop below does it, so that the bits are the same: a fifth of that one's time or less.
    deltas = (rewards - values) + gamma * alive * next_values
    rows, decays = list(deltas.unbind(0)), (gamma * gae_lambda * alive).unbind(0)
    for t in reversed(range(len(rows) - 1)):
        rows[t] = rows[t] + decays[t] * rows[t + 1]
    return torch.stack(rows)


def generalized_advantages_loop(
    rewards: Tensor,
    values: Tensor,
    dones: Tensor,
    last_values: Tensor,
    gamma: float,
    gae_lambda: float,
) -> Tensor:
    """The formula of `generalized_advantages` word for word, one step of time at a time.

    For reading, and for checking the quick ones against: arguments, result and source are the
    same, and so are the bits.
    """
    require_matching_time(rewards, values=values, dones=dones)
    advantages = torch.empty_like(rewards)
    next_value, next_advantage = last_values, torch.zeros_like(last_values)
    for t in reversed(range(rewards.shape[0])):
        alive = 1.0 - dones[t]
        delta = rewards[t] - values[t] + gamma * alive * next_value
        next_advantage = delta + gamma * gae_lambda * alive * next_advantage
        advantages[t] = next_advantage
        next_value = values[t]
    return advantages


def lambda_returns(
    rewards: Tensor,
    values: Tensor,
    dones: Tensor,
    last_values: Tensor,
    gamma: float,
    gae_lambda: float,
) -> Tensor:
    r"""TD(λ) returns: a mix of n-step returns, weighted by powers of λ.

    $$G^\lambda_t = r_t + \gamma\,(1 - d_t)\left[(1 - \lambda)\,V(s_{t+1})
      + \lambda\,G^\lambda_{t+1}\right]$$

    The same numbers as `generalized_advantages(…) + values`, computed from the definition.

    Args:
        rewards: [time, environments], reward units.
        values: [time, environments], the critic's value before step t.
        dones: [time, environments], 1 where the episode ended after step t.
        last_values: [environments], the critic's value after the last step.
        gamma: discount per step, in [0, 1].
        gae_lambda: λ, in [0, 1].

    Returns:
        [time, environments], reward units.

    Source: Sutton & Barto (2018), eq. 12.18 for state values.
    """
    require_matching_time(rewards, values=values, dones=dones)
    returns = torch.empty_like(rewards)
    next_values, following = last_values, last_values
    for t in reversed(range(rewards.shape[0])):
        mixed = (1.0 - gae_lambda) * next_values + gae_lambda * following
        following = rewards[t] + gamma * (1.0 - dones[t]) * mixed
        returns[t], next_values = following, values[t]
    return returns


class VTrace(NamedTuple):
    """Targets for the critic and advantages for the actor, both corrected for stale data."""

    value_targets: Tensor  # [time, environments], reward units
    advantages: Tensor  # [time, environments], reward units


def vtrace(
    log_ratio: Tensor,
    rewards: Tensor,
    values: Tensor,
    dones: Tensor,
    last_values: Tensor,
    gamma: float,
    rho_max: float = 1.0,
    c_max: float = 1.0,
) -> VTrace:
    r"""Off-policy returns with truncated importance weights, for data of an older policy.

    $$v_t = V(s_t) + \delta_t + \gamma\,(1-d_t)\,c_t\,(v_{t+1} - V(s_{t+1})), \qquad
      \delta_t = \rho_t\bigl(r_t + \gamma\,(1-d_t)V(s_{t+1}) - V(s_t)\bigr)$$

    with ρ = min(ρ̄, r), c = min(c̄, r) and r = π_θ/π_old. ρ̄ decides which policy's value is
    learned, c̄ how fast. With r = 1 throughout this is GAE with λ = 1.

    Args:
        log_ratio: [time, environments], log π_θ(a|s) − log π_old(a|s), nats.
        rewards: [time, environments], reward units.
        values: [time, environments], the critic's value before step t.
        dones: [time, environments], 1 where the episode ended after step t.
        last_values: [environments], the critic's value after the last step.
        gamma: discount per step, in [0, 1].
        rho_max: ρ̄ ≥ c̄.
        c_max: c̄ > 0.

    Returns:
        `VTrace(value_targets, advantages)`; the advantages are
        ρ_t (r_t + γ (1 − d_t) v_{t+1} − V(s_t)).

    Source: Espeholt et al. (2018), "IMPALA", eq. 1 and §4.2.
    """
    require_matching_time(rewards, log_ratio=log_ratio, values=values, dones=dones)
    ratio = log_ratio.exp()
    rho, c = ratio.clamp(max=rho_max), ratio.clamp(max=c_max)
    discount = gamma * (1.0 - dones)
    targets, advantages = torch.empty_like(rewards), torch.empty_like(rewards)
    next_values, next_targets = last_values, last_values
    for t in reversed(range(rewards.shape[0])):
        delta = rho[t] * (rewards[t] + discount[t] * next_values - values[t])
        targets[t] = values[t] + delta + discount[t] * c[t] * (next_targets - next_values)
        advantages[t] = rho[t] * (rewards[t] + discount[t] * next_targets - values[t])
        next_values, next_targets = values[t], targets[t]
    return VTrace(targets, advantages)


def normalize(advantages: Tensor, epsilon: float = 1e-8) -> Tensor:
    r"""Shift and scale to mean 0 and standard deviation 1, so that step sizes do not depend on
    the reward's scale.

    $$\tilde A = \frac{A - \mathrm{mean}(A)}{\mathrm{std}(A) + \epsilon}$$

    A single sample has no spread: it becomes 0.

    Args:
        advantages: any shape, reward units.
        epsilon: keeps the division finite when all advantages are equal.

    Returns:
        The same shape, without unit.

    Source: Huang et al. (2022), "The 37 implementation details of PPO", detail 7.
    """
    centred = advantages - advantages.mean()
    if advantages.numel() < 2:
        return centred
    return centred / (advantages.std() + epsilon)


def require_matching_time(rewards: Tensor, **others: Tensor) -> None:
    """Raise a ValueError that names the first of the others whose shape is not the rewards'."""
    for name, tensor in others.items():
        if tensor.shape != rewards.shape:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}, rewards {tuple(rewards.shape)}: "
                "both must be [time, environments]"
            )
