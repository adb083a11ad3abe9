"""From responses to advantages: scoring, the KL penalty, and who is to thank for what.

Everything here is [rows, time], one column per token of a response, 0 outside the mask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ppolab.algorithms import group_advantages
from ppolab.algorithms.advantages import generalized_advantages
from ppolab.algorithms.kl import kl_k1, kl_k2, kl_k3
from ppolab.algorithms.whitening import whiten
from ppolab.language.config import RLHFConfig
from ppolab.language.generation import Samples

# scores [rows], KL [rows, time], lengths [rows], β → rewards [rows, time]
RewardPlacement = Callable[[Tensor, Tensor, Tensor, float], Tensor]
KL_ESTIMATORS = {"k1": kl_k1, "k2": kl_k2, "k3": kl_k3}


@dataclass(frozen=True)
class Experience:
    """A batch of responses with everything that the update needs to know of them."""

    samples: Samples
    reference_log_probs: Tensor  # [rows, time] nats
    scores: Tensor  # [rows], reward units, as the update sees them: cut and with penalties
    rewards: Tensor  # [rows, time], reward units, per token
    kl: Tensor  # [rows], to the reference, summed over each response, nats
    values: Tensor | None  # [rows, time], reward units
    advantages: Tensor  # [rows, time]
    returns: Tensor | None  # [rows, time], what the critic should have said, reward units

    @property
    def misplaced_reward(self) -> float:
        """Mean reward per response, sign aside, on places that hold no token; 0 in sound code."""
        outside = torch.where(self.samples.mask, 0.0, self.rewards)
        return float(outside.abs().sum(1).mean())


def make_experience(
    config: RLHFConfig,
    samples: Samples,
    reference_log_probs: Tensor,
    raw_scores: Tensor,
    values: Tensor | None,
    kl_coef: float,
    place_rewards: RewardPlacement | None = None,
) -> Experience:
    """Turn scores of whole responses into an advantage for each token.

    Args:
        config: which algorithm, and its constants.
        samples: the responses, rows of the same prompt side by side.
        reference_log_probs: [rows, time] nats.
        raw_scores: [rows], what the reward function said.
        values: [rows, time], the critic's, if there is one.
        kl_coef: β, reward units per nat.
        place_rewards: what pays whom when; `per_token_rewards` by default.
    """
    mask = samples.mask
    scores = final_scores(config, samples, raw_scores)
    log_ratio = torch.where(mask, reference_log_probs - samples.log_probs, 0.0)
    penalty = KL_ESTIMATORS[config.kl_estimator](log_ratio) * mask
    in_reward = kl_coef if config.kl_placement == "reward" else 0.0
    place = place_rewards or per_token_rewards
    rewards = place(scores, penalty, samples.response_lengths, in_reward)
    if config.whiten_rewards:
        rewards = whiten(rewards, mask, shift_mean=False)

    returns = None
    if config.algorithm == "ppo":
        assert values is not None
        advantages = response_advantages(rewards, values, samples, config.gamma, config.gae_lambda)
        returns = advantages + values
    elif config.algorithm == "reinforce++":
        advantages = group_advantages.reinforce_plus_plus_advantages(
            scores, penalty, mask, in_reward
        )
    else:
        grouped = rewards.sum(1).view(-1, config.responses_per_prompt)
        per_response = (
            group_advantages.leave_one_out_advantages(grouped)
            if config.algorithm == "rloo"
            else group_advantages.group_relative_advantages(grouped)
        )
        advantages = per_response.view(-1, 1) * mask
    # GRPO's advantages are normalised within their group, REINFORCE++'s over the batch already.
    if config.whiten_advantages and config.algorithm in ("ppo", "rloo"):
        advantages = whiten(advantages, mask)
    return Experience(
        samples,
        reference_log_probs,
        scores,
        rewards,
        -log_ratio.sum(1),
        values,
        advantages,
        returns,
    )


def final_scores(config: RLHFConfig, samples: Samples, raw_scores: Tensor) -> Tensor:
    """What counts of the scores: cut to the range, less a penalty where a response did not end.

    A response that was cut off has not said what it had to say; scored as if it had, endless
    rambling pays (Huang et al. 2024, the EOS trick).

    Args:
        config: the range and the penalty.
        samples: the responses.
        raw_scores: [rows], reward units.

    Returns:
        [rows], reward units.
    """
    scores = raw_scores.float()
    if config.reward_clip is not None:
        scores = scores.clamp(-config.reward_clip, config.reward_clip)
    return scores - config.missing_end_penalty * (~samples.ended).float()


def per_token_rewards(scores: Tensor, kl: Tensor, lengths: Tensor, kl_coef: float) -> Tensor:
    r"""The penalty at each token, and the score at the last.

    $$r_t = -\beta\,\mathrm{KL}_t + \mathbb{1}[t = T]\,s$$

    Args:
        scores: [rows], s, reward units.
        kl: [rows, time], each token's KL to the reference, 0 outside the responses, nats.
        lengths: [rows], T, tokens of each response.
        kl_coef: β, reward units per nat.

    Returns:
        [rows, time], reward units.

    Source: Ziegler et al. (2019), "Fine-tuning language models from human preferences", eq. 2.
    """
    rewards = -kl_coef * kl
    return rewards.scatter_add(1, (lengths - 1).unsqueeze(1), scores.unsqueeze(1))


def response_advantages(
    rewards: Tensor, values: Tensor, samples: Samples, gamma: float, gae_lambda: float
) -> Tensor:
    """Generalized advantages along each response, which ends at its last token.

    Args:
        rewards: [rows, time]; 0 outside the responses, as `values` are.
        values: [rows, time].
        samples: the responses.
        gamma: discount per token.
        gae_lambda: λ.

    Returns:
        [rows, time], 0 outside the responses.
    """
    ends = torch.zeros_like(rewards).scatter_(1, (samples.response_lengths - 1).unsqueeze(1), 1.0)
    by_time = generalized_advantages(
        rewards.t(), values.t(), ends.t(), rewards.new_zeros(len(rewards)), gamma, gae_lambda
    )
    return by_time.t().contiguous()
