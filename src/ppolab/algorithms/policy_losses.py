"""Losses of the policy: what is minimised so that good actions become more likely."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class PolicyLoss(NamedTuple):
    """The loss and what it was made of."""

    loss: Tensor  # [], to be minimised
    ratio: Tensor  # [batch], π_θ(a|s) / π_old(a|s)
    clip_fraction: Tensor  # [], share of samples outside [1 − ε, 1 + ε]


def clipped_policy_loss(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, clip_range: float
) -> PolicyLoss:
    r"""PPO's clipped surrogate, negated so that minimising it improves the policy.

    $$r_t = \frac{\pi_\theta(a_t \mid s_t)}{\pi_{\theta_\text{old}}(a_t \mid s_t)}, \qquad
      L = -\,\mathbb{E}_t\left[\min\left(r_t \hat A_t,\;
      \mathrm{clip}(r_t, 1 - \epsilon, 1 + \epsilon)\,\hat A_t\right)\right]$$

    The minimum makes the objective pessimistic: it stops paying for a ratio that has already gone
    far in the direction the advantage asks for, and keeps pulling back one that went the wrong
    way. It bounds the incentive, not the ratio: samples do end up outside 1 ± ε.

    Args:
        log_probs: [batch], log π_θ(a|s) with gradient, nats.
        old_log_probs: [batch], log-probabilities recorded when the actions were taken, nats.
        advantages: [batch], treated as constants.
        clip_range: ε > 0; 0.2 in the paper.

    Returns:
        `PolicyLoss(loss, ratio, clip_fraction)`.

    Source: Schulman et al. (2017), "Proximal policy optimization algorithms", eq. 7.
    """
    ratio = torch.exp(log_probs - old_log_probs)
    unclipped = ratio * advantages
    clipped = torch.clamp(ratio, 1.0 - clip_range, 1.0 + clip_range) * advantages
    loss = -torch.minimum(unclipped, clipped).mean()
    with torch.no_grad():
        clip_fraction = ((ratio - 1.0).abs() > clip_range).float().mean()
    return PolicyLoss(loss, ratio.detach(), clip_fraction)


def policy_gradient_loss(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, clip_range: float = 0.0
) -> PolicyLoss:
    r"""The surrogate without a clip: importance-weighted policy gradient.

    $$L = -\,\mathbb{E}_t\left[r_t \hat A_t\right]$$

    Nothing keeps the new policy near the one that collected the data; several epochs on one batch
    can carry it far away. `clip_range` only counts the samples a clip would have touched.

    Args:
        log_probs: [batch], log π_θ(a|s) with gradient, nats.
        old_log_probs: [batch], nats.
        advantages: [batch], treated as constants.
        clip_range: ε used for `clip_fraction` alone.

    Returns:
        `PolicyLoss(loss, ratio, clip_fraction)`.

    Source: Schulman et al. (2017), eq. 6 (conservative policy iteration).
    """
    ratio = torch.exp(log_probs - old_log_probs)
    loss = -(ratio * advantages).mean()
    with torch.no_grad():
        clip_fraction = ((ratio - 1.0).abs() > clip_range).float().mean()
    return PolicyLoss(loss, ratio.detach(), clip_fraction)
