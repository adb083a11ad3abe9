r"""Returns and advantages without a loop over time, for long rollouts and for accelerators.

All of them are one linear recurrence that runs back from the end,

$$x_t = b_t + a_t\,x_{t+1},$$

and two steps of it in a row are again one of the same kind:

$$x_t = (b_t + a_t\,b_{t+1}) + (a_t\,a_{t+1})\,x_{t+2}.$$

So the number of steps that are done at once can be doubled until it covers all of time: log₂ T
operations on whole tensors instead of T on rows. The sums are taken in another order than in
`ppolab.algorithms.advantages`, so the results agree with those to rounding and not to the bit.

Index names are the same: `rewards[t]` and `dones[t]` follow the action taken at time t,
`values[t]` is the critic's estimate before it. All arrays are [time, environments].
"""

from __future__ import annotations

import torch
from torch import Tensor

from ppolab.algorithms.advantages import VTrace, require_matching_time


def linear_recurrence(increments: Tensor, decays: Tensor) -> Tensor:
    r"""All x of x_t = b_t + a_t x_{t+1}, with nothing after the last step.

    Args:
        increments: b, [time, environments].
        decays: a, [time, environments]; the last row meets nothing and does not count.

    Returns:
        x, [time, environments].

    Source: Hillis & Steele (1986), "Data parallel algorithms", the scan; Martin & Cundy (2018),
    "Parallelizing linear recurrent neural nets over sequence length", for this recurrence.
    """
    _require_time(increments)
    require_matching_time(increments, decays=decays)
    span = 1  # steps that each row covers so far
    while span < increments.shape[0]:
        early = torch.addcmul(increments[:-span], decays[:-span], increments[span:])
        increments = torch.cat([early, increments[-span:]])
        decays = torch.cat([decays[:-span] * decays[span:], decays[-span:]])
        span *= 2
    return increments


def discounted_returns_scan(
    rewards: Tensor, dones: Tensor, last_values: Tensor, gamma: float
) -> Tensor:
    """`advantages.discounted_returns` by a scan; arguments, result and source as there."""
    require_matching_time(rewards, dones=dones)
    discounts = gamma * (1.0 - dones)
    return linear_recurrence(_with_end(rewards, discounts, last_values), discounts)


def generalized_advantages_scan(
    rewards: Tensor,
    values: Tensor,
    dones: Tensor,
    last_values: Tensor,
    gamma: float,
    gae_lambda: float,
) -> Tensor:
    """`advantages.generalized_advantages` by a scan; arguments, result and source as there."""
    require_matching_time(rewards, values=values, dones=dones)
    discounts = gamma * (1.0 - dones)
    deltas = rewards + discounts * _following(values, last_values) - values
    return linear_recurrence(deltas, gae_lambda * discounts)


def lambda_returns_scan(
    rewards: Tensor,
    values: Tensor,
    dones: Tensor,
    last_values: Tensor,
    gamma: float,
    gae_lambda: float,
) -> Tensor:
    """`advantages.lambda_returns` by a scan; arguments, result and source as there."""
    require_matching_time(rewards, values=values, dones=dones)
    discounts = gamma * (1.0 - dones)
    one_step = rewards + (1.0 - gae_lambda) * discounts * _following(values, last_values)
    decays = gae_lambda * discounts
    return linear_recurrence(_with_end(one_step, decays, last_values), decays)


def vtrace_scan(
    log_ratio: Tensor,
    rewards: Tensor,
    values: Tensor,
    dones: Tensor,
    last_values: Tensor,
    gamma: float,
    rho_max: float = 1.0,
    c_max: float = 1.0,
) -> VTrace:
    """`advantages.vtrace` by a scan over v_t − V(s_t); arguments, result and source as there."""
    require_matching_time(rewards, log_ratio=log_ratio, values=values, dones=dones)
    ratio = log_ratio.exp()
    rho, c = ratio.clamp(max=rho_max), ratio.clamp(max=c_max)
    discounts = gamma * (1.0 - dones)
    deltas = rho * (rewards + discounts * _following(values, last_values) - values)
    targets = values + linear_recurrence(deltas, discounts * c)
    advantages = rho * (rewards + discounts * _following(targets, last_values) - values)
    return VTrace(targets, advantages)


def _following(values: Tensor, last_values: Tensor) -> Tensor:
    """What lies one step later, [time, environments]."""
    return torch.cat([values[1:], last_values.unsqueeze(0)])


def _with_end(increments: Tensor, decays: Tensor, last_values: Tensor) -> Tensor:
    """Let the last step count what follows it, for a recurrence that does not end in nothing."""
    end = increments[-1] + decays[-1] * last_values
    return torch.cat([increments[:-1], end.unsqueeze(0)])


def _require_time(increments: Tensor) -> None:
    if increments.ndim < 1 or increments.shape[0] == 0:
        raise ValueError(
            f"increments has shape {tuple(increments.shape)}: it needs at least one step of time"
        )
