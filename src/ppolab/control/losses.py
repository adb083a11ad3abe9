"""The losses that a run's settings name, from the functions of `ppolab.algorithms`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor

from ppolab.algorithms.kl import DoublingKL, FixedKL
from ppolab.algorithms.policy_losses import (
    PolicyLoss,
    asymmetric_clip_policy_loss,
    clipped_policy_loss,
    dual_clip_policy_loss,
    kl_penalty_policy_loss,
    policy_gradient_loss,
)
from ppolab.algorithms.value_losses import clipped_value_loss, squared_value_loss
from ppolab.control.config import PPOConfig

# Of log-probabilities now and then, advantages [batch] each, and ε.
PolicyLossFunction = Callable[[Tensor, Tensor, Tensor, float], PolicyLoss]
# Of values now and then, returns [batch] each, and ε or None.
ValueLossFunction = Callable[[Tensor, Tensor, Tensor, float | None], Tensor]


def policy_loss_for(config: PPOConfig) -> PolicyLossFunction:
    """The loss of the policy that the settings name, with its own settings filled in."""
    functions: dict[str, PolicyLossFunction] = {
        "clipped": clipped_policy_loss,
        "unclipped": policy_gradient_loss,
        "asymmetric": partial(asymmetric_clip_policy_loss, clip_high=config.clip_range_high),
        "dual_clip": partial(dual_clip_policy_loss, dual_clip=config.dual_clip),
        "kl_penalty": partial(kl_penalty_policy_loss, kl_coef=config.kl_penalty_coef),
    }
    return functions[config.policy_loss]


def kl_penalty_of(config: PPOConfig) -> FixedKL | DoublingKL:
    """What steers β of the loss with a KL penalty."""
    if config.kl_penalty_target is None:
        return FixedKL(config.kl_penalty_coef)
    return DoublingKL(config.kl_penalty_coef, config.kl_penalty_target)


def value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, clip_range: float | None
) -> Tensor:
    """The critic's squared error; clipped where ε is given."""
    if clip_range is None:
        return squared_value_loss(values, returns)
    return clipped_value_loss(values, old_values, returns, clip_range)
