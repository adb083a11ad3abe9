"""Losses of the policy: what is minimised so that good actions become more likely."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ppolab.algorithms.kl import kl_k3


class PolicyLoss(NamedTuple):
    """The loss and what it was made of."""

    loss: Tensor  # [], to be minimised
    ratio: Tensor  # [batch], π_θ(a|s) / π_old(a|s)
    clip_fraction: Tensor  # [], share of samples outside [1 − ε, 1 + ε]
    losses: Tensor | None = None  # [batch], whose mean is the loss, for other ways to add them up


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
        `PolicyLoss(loss, ratio, clip_fraction, losses)`.

    Source: Schulman et al. (2017), "Proximal policy optimization algorithms", eq. 7.
    """
    ratio = torch.exp(log_probs - old_log_probs)
    unclipped = ratio * advantages
    clipped = torch.clamp(ratio, 1.0 - clip_range, 1.0 + clip_range) * advantages
    losses = -torch.minimum(unclipped, clipped)
    with torch.no_grad():
        clip_fraction = ((ratio - 1.0).abs() > clip_range).float().mean()
    return PolicyLoss(losses.mean(), ratio.detach(), clip_fraction, losses)


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
        `PolicyLoss(loss, ratio, clip_fraction, losses)`.

    Source: Schulman et al. (2017), eq. 6 (conservative policy iteration).
    """
    ratio = torch.exp(log_probs - old_log_probs)
    losses = -(ratio * advantages)
    with torch.no_grad():
        clip_fraction = ((ratio - 1.0).abs() > clip_range).float().mean()
    return PolicyLoss(losses.mean(), ratio.detach(), clip_fraction, losses)


def asymmetric_clip_policy_loss(
    log_probs: Tensor,
    old_log_probs: Tensor,
    advantages: Tensor,
    clip_low: float,
    clip_high: float,
) -> PolicyLoss:
    r"""The clipped surrogate with a range that reaches further up than down ("clip-higher").

    $$L = -\,\mathbb{E}_t\left[\min\left(r_t \hat A_t,\;
      \mathrm{clip}(r_t, 1 - \epsilon_\text{low}, 1 + \epsilon_\text{high})\,\hat A_t
      \right)\right]$$

    A rare action at probability 0.01 may only grow to 0.012 under ε = 0.2, a frequent one from 0.5
    to 0.6: a symmetric range holds exploration back. A larger upper end gives rare actions room.

    Args:
        log_probs: [batch], log π_θ(a|s) with gradient, nats.
        old_log_probs: [batch], nats.
        advantages: [batch], treated as constants.
        clip_low: ε_low in (0, 1).
        clip_high: ε_high > 0; 0.28 beside 0.2 in the paper.

    Returns:
        `PolicyLoss(loss, ratio, clip_fraction, losses)`.

    Source: Yu et al. (2025), "DAPO", the clip-higher strategy.
    """
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1.0 - clip_low, 1.0 + clip_high) * advantages
    losses = -torch.minimum(ratio * advantages, clipped)
    with torch.no_grad():
        outside = (ratio < 1.0 - clip_low) | (ratio > 1.0 + clip_high)
    return PolicyLoss(losses.mean(), ratio.detach(), outside.float().mean(), losses)


def dual_clip_policy_loss(
    log_probs: Tensor,
    old_log_probs: Tensor,
    advantages: Tensor,
    clip_range: float,
    dual_clip: float = 3.0,
) -> PolicyLoss:
    r"""The clipped surrogate with a floor for bad actions that became far more likely.

    $$L = -\,\mathbb{E}_t\left[\begin{cases}
      \max\bigl(\min(r_t \hat A_t, \mathrm{clip}(r_t)\hat A_t),\; c\,\hat A_t\bigr)
        & \hat A_t < 0 \\
      \min(r_t \hat A_t, \mathrm{clip}(r_t)\hat A_t) & \text{otherwise}
      \end{cases}\right]$$

    With stale data and a negative advantage, r·A has no lower bound, and one sample can outweigh
    the batch. Beyond r = c the objective is flat.

    Args:
        log_probs: [batch], log π_θ(a|s) with gradient, nats.
        old_log_probs: [batch], nats.
        advantages: [batch], treated as constants.
        clip_range: ε > 0.
        dual_clip: c > 1 + ε; 3 in the paper.

    Returns:
        `PolicyLoss(loss, ratio, clip_fraction, losses)`; samples beyond c lie outside 1 ± ε too.

    Raises:
        ValueError: c does not lie above 1 + ε, where it would undo the first clip.

    Source: Ye et al. (2020), "Mastering complex control in MOBA games with deep reinforcement
    learning", eq. 3.
    """
    if dual_clip <= 1.0 + clip_range:
        raise ValueError(f"dual_clip {dual_clip} must lie above 1 + clip_range {1 + clip_range}")
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1.0 - clip_range, 1.0 + clip_range) * advantages
    objective = torch.minimum(ratio * advantages, clipped)
    floored = torch.maximum(objective, dual_clip * advantages)
    losses = -torch.where(advantages < 0, floored, objective)
    with torch.no_grad():
        clip_fraction = ((ratio - 1.0).abs() > clip_range).float().mean()
    return PolicyLoss(losses.mean(), ratio.detach(), clip_fraction, losses)


def kl_penalty_policy_loss(
    log_probs: Tensor,
    old_log_probs: Tensor,
    advantages: Tensor,
    clip_range: float,
    kl_coef: float,
) -> PolicyLoss:
    r"""PPO's other variant: no clip, but a price on the distance to the old policy.

    $$L = -\,\mathbb{E}_t\left[r_t \hat A_t\right]
      + \beta\, \mathbb{E}_t\left[(r_t - 1) - \log r_t\right]$$

    The KL is estimated from the samples by k3. β is steered by a controller (`kl.DoublingKL`).

    Args:
        log_probs: [batch], log π_θ(a|s) with gradient, nats.
        old_log_probs: [batch], nats.
        advantages: [batch], treated as constants.
        clip_range: ε used for `clip_fraction` alone.
        kl_coef: β ≥ 0, advantage units per nat.

    Returns:
        `PolicyLoss(loss, ratio, clip_fraction, losses)`.

    Source: Schulman et al. (2017), eq. 8.
    """
    log_ratio = log_probs - old_log_probs
    ratio = torch.exp(log_ratio)
    losses = -(ratio * advantages) + kl_coef * kl_k3(log_ratio)
    with torch.no_grad():
        clip_fraction = ((ratio - 1.0).abs() > clip_range).float().mean()
    return PolicyLoss(losses.mean(), ratio.detach(), clip_fraction, losses)
