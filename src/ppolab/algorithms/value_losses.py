"""Losses of the critic: how far its value estimates lie from the returns."""

from __future__ import annotations

import torch
from torch import Tensor


def squared_value_loss(values: Tensor, returns: Tensor) -> Tensor:
    r"""Half the mean squared error between values and returns.

    $$L = \tfrac12\,\mathbb{E}_t\left[(V_\phi(s_t) - R_t)^2\right]$$

    Args:
        values: [batch], the critic's estimates with gradient, reward units.
        returns: [batch], targets, reward units.

    Returns:
        [], reward units squared.

    Source: Schulman et al. (2017), eq. 9.
    """
    return 0.5 * (values - returns).square().mean()


def clipped_value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, clip_range: float
) -> Tensor:
    r"""Squared error that stops paying once a value moved more than ε from its old estimate.

    $$L = \tfrac12\,\mathbb{E}_t\left[\max\left((V_\phi - R)^2,\;
      (V_\text{old} + \mathrm{clip}(V_\phi - V_\text{old}, -\epsilon, \epsilon) - R)^2
      \right)\right]$$

    ε is in reward units, so unlike the policy's clip it depends on the reward's scale.

    Args:
        values: [batch], the critic's estimates with gradient, reward units.
        old_values: [batch], its estimates when the data was collected, reward units.
        returns: [batch], targets, reward units.
        clip_range: ε > 0, reward units.

    Returns:
        [], reward units squared.

    Source: openai/baselines ppo2; Huang et al. (2022), detail 9.
    """
    clipped = old_values + torch.clamp(values - old_values, -clip_range, clip_range)
    return 0.5 * torch.maximum((values - returns).square(), (clipped - returns).square()).mean()


def huber_value_loss(values: Tensor, returns: Tensor, delta: float = 1.0) -> Tensor:
    r"""Squared for small errors, straight for large ones, so that outliers pull with a bound.

    $$L = \mathbb{E}_t\begin{cases} \tfrac12 e_t^2 & |e_t| \le \delta \\
      \delta\,(|e_t| - \tfrac12\delta) & \text{otherwise} \end{cases},
      \qquad e_t = V_\phi(s_t) - R_t$$

    Args:
        values: [batch], the critic's estimates with gradient, reward units.
        returns: [batch], targets, reward units.
        delta: δ > 0, where the straight part begins, reward units.

    Returns:
        [], reward units squared.

    Source: Huber (1964), "Robust estimation of a location parameter".
    """
    return torch.nn.functional.huber_loss(values, returns, delta=delta)
