"""Advantages without a critic: several responses to one prompt are compared with each other.

In all functions `rewards` is [prompts, responses], one number per response, and the result has the
same shape: every token of a response shares its advantage.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ppolab.algorithms.advantages import normalize


def group_relative_advantages(rewards: Tensor, epsilon: float = 1e-4) -> Tensor:
    r"""GRPO: each reward against its group's mean, in units of its group's spread.

    $$\hat A_{i} = \frac{r_i - \mathrm{mean}(r)}{\mathrm{std}(r) + \epsilon}$$

    The division is not harmless: it blows up groups that are nearly all right or nearly all wrong.
    A group whose rewards are all equal teaches nothing and gets 0.

    Args:
        rewards: [prompts, responses], at least two responses.
        epsilon: keeps the division finite.

    Returns:
        [prompts, responses], without unit.

    Raises:
        ValueError: fewer than two responses a prompt.

    Source: Shao et al. (2024), "DeepSeekMath", §4.1.
    """
    _require_group(rewards)
    centred = rewards - rewards.mean(1, keepdim=True)
    return centred / (rewards.std(1, keepdim=True) + epsilon)


def centred_group_advantages(rewards: Tensor) -> Tensor:
    r"""Dr. GRPO: each reward against its group's mean, with no division.

    $$\hat A_i = r_i - \mathrm{mean}(r)$$

    Args:
        rewards: [prompts, responses], at least two responses.

    Returns:
        [prompts, responses], reward units.

    Raises:
        ValueError: fewer than two responses a prompt.

    Source: Liu et al. (2025), "Understanding R1-Zero-like training".
    """
    _require_group(rewards)
    return rewards - rewards.mean(1, keepdim=True)


def leave_one_out_advantages(rewards: Tensor) -> Tensor:
    r"""RLOO: each reward against the mean of the *others* in its group.

    $$\hat A_i = r_i - \frac{1}{G-1}\sum_{j \ne i} r_j$$

    The baseline does not depend on the response it is subtracted from, so the gradient stays
    unbiased.

    Args:
        rewards: [prompts, responses], at least two responses.

    Returns:
        [prompts, responses], reward units.

    Raises:
        ValueError: fewer than two responses a prompt.

    Source: Kool et al. (2019), "Buy 4 REINFORCE samples, get a baseline for free!"; Ahmadian et al.
    (2024), "Back to basics".
    """
    _require_group(rewards)
    count = rewards.shape[1]
    others = (rewards.sum(1, keepdim=True) - rewards) / (count - 1)
    return rewards - others


def reinforce_plus_plus_advantages(
    rewards: Tensor, kl: Tensor, mask: Tensor, kl_coef: float
) -> Tensor:
    r"""REINFORCE++: reward to go with a KL penalty at each token, normalised over the whole batch.

    $$\hat A_{i,t} = r_i - \beta \sum_{s \ge t} \mathrm{KL}_{i,s}, \qquad
      \text{then normalised to mean 0 and standard deviation 1 over all tokens}$$

    Unlike the others this takes responses of any prompts, [sequences], and gives one advantage
    per token.

    Args:
        rewards: [sequences], reward units.
        kl: [sequences, time], penalty per token, nats.
        mask: [sequences, time], 1 for tokens that count.
        kl_coef: β ≥ 0, reward units per nat.

    Returns:
        [sequences, time], without unit, 0 where the mask is 0.

    Source: Hu (2025), "REINFORCE++".
    """
    penalty = kl_coef * (kl * mask)
    to_go = penalty.flip(1).cumsum(1).flip(1)
    advantages = rewards.unsqueeze(1) - to_go
    counted = mask.bool()
    result = torch.zeros_like(advantages)
    result[counted] = normalize(advantages[counted])
    return result


def _require_group(rewards: Tensor) -> None:
    if rewards.ndim != 2 or rewards.shape[1] < 2:
        raise ValueError(
            f"rewards has shape {tuple(rewards.shape)}: [prompts, responses] with at least two "
            "responses a prompt are needed to compare"
        )
