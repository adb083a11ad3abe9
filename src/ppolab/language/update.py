"""The RLHF update: several epochs of minibatch gradient steps on one batch of responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ppolab.algorithms import aggregation
from ppolab.algorithms.diagnostics import approximate_kl
from ppolab.algorithms.policy_losses import PolicyLoss, clipped_policy_loss
from ppolab.algorithms.value_losses import clipped_value_loss, squared_value_loss
from ppolab.language.config import RLHFConfig
from ppolab.language.experience import KL_ESTIMATORS, Experience
from ppolab.language.generation import Samples
from ppolab.language.models import LanguageModel
from ppolab.language.optimizer import Optimizer
from ppolab.language.ranks import Ranks

PolicyLossFunction = Callable[[Tensor, Tensor, Tensor, float], PolicyLoss]


@dataclass(frozen=True)
class Learner:
    """What is trained: a policy and, for PPO, a critic.

    The critic's head reads the policy's own hidden states where they share a trunk, and else those
    of a model of its own.
    """

    policy: LanguageModel
    optimizer: Optimizer
    value_head: nn.Module | None = None  # [n, width] → [n, 1]
    critic: LanguageModel | None = None  # the head's own trunk; None where it is shared

    def values(self, hidden: Tensor) -> Tensor:
        """Values [n] float32 of hidden states [n, width]."""
        assert self.value_head is not None
        values: Tensor = self.value_head(hidden).squeeze(1)
        return values.float()


@dataclass(frozen=True)
class UpdateReport:
    """What happened in one update. Scalars are means over all minibatches taken."""

    policy_loss: float
    value_loss: float  # NaN without a critic
    approx_kl: float  # nats per token, to the policy that wrote the responses
    first_kl: float  # the same in the first minibatch: 0 but for rounding
    clip_fraction: float
    gradient_norm: float
    ratio_max: float
    epochs: int


def update(
    learner: Learner,
    experience: Experience,
    config: RLHFConfig,
    learning_rate: float,
    kl_coef: float,
    generator: torch.Generator,
    policy_loss: PolicyLossFunction = clipped_policy_loss,
    ranks: Ranks | None = None,
) -> UpdateReport:
    """Improve the policy, and the critic, on one batch of responses.

    Every rank holds the whole batch and learns from its share of each minibatch, by the whole
    minibatch's denominators: the gradients of all ranks add up to that of one.
    """
    ranks = ranks or Ranks()
    totals: list[Tensor] = []  # per minibatch: policy loss, value loss, KL, clip fraction, norm
    ratio_max, epochs = 0.0, 0
    while epochs < config.epochs:
        epochs += 1
        kl_of_epoch: list[Tensor] = []
        order = torch.randperm(len(experience.samples), generator=generator)
        for start in range(0, len(order), config.minibatch_size):
            batch = order[start : start + config.minibatch_size]
            tokens = float(experience.samples.response_lengths[batch].sum())
            total = torch.zeros(4)
            own = batch[ranks.share(len(batch))]
            for piece in torch.split(own, config.micro_batch_size or len(own)):
                measured, highest = _learn_from(
                    learner, experience, piece, config, kl_coef, len(batch), tokens, policy_loss
                )
                total += measured
                ratio_max = max(ratio_max, highest)
            total = ranks.sum(total)
            norm = learner.optimizer.step(learning_rate)
            totals.append(torch.cat([total, norm.detach().cpu().view(1)]))
            kl_of_epoch.append(total[2])
        if config.target_kl is not None and torch.stack(kl_of_epoch).mean() > config.target_kl:
            break
    means = torch.stack(totals).mean(0).tolist()
    return UpdateReport(
        policy_loss=means[0],
        value_loss=means[1] if config.has_critic else float("nan"),
        approx_kl=means[2],
        first_kl=float(totals[0][2]),
        clip_fraction=means[3],
        gradient_norm=means[4],
        ratio_max=ranks.largest(ratio_max),
        epochs=epochs,
    )


def _learn_from(
    learner: Learner,
    experience: Experience,
    rows: Tensor,
    config: RLHFConfig,
    kl_coef: float,
    batch_rows: int,
    batch_tokens: float,
    policy_loss: PolicyLossFunction,
) -> tuple[Tensor, float]:
    """Add a piece's share of the minibatch's gradient; return its share of what is reported."""
    samples = experience.samples.rows(rows)
    time = samples.responses.shape[1]
    mask = samples.mask
    advantages = experience.advantages[rows, :time][mask]
    hidden = learner.policy.at(samples.context, samples.predictors)
    log_probs = learner.policy.log_probs(hidden, samples.targets, config.temperature)
    policy = policy_loss(log_probs, samples.log_probs[mask], advantages, config.clip_range)
    assert policy.losses is not None, "the policy loss must return the loss of each token"
    losses = policy.losses
    if config.kl_placement == "loss" and kl_coef > 0:
        reference = experience.reference_log_probs[rows, :time][mask]
        losses = losses + kl_coef * KL_ESTIMATORS[config.kl_estimator](reference - log_probs)
    loss = _aggregate(losses, samples, config, batch_rows, batch_tokens)
    share = len(log_probs) / batch_tokens
    value_loss = torch.zeros((), device=loss.device)
    if config.has_critic:
        assert experience.values is not None
        assert experience.returns is not None
        states = hidden
        if learner.critic is not None:
            states = learner.critic.at(samples.context, samples.predictors)
        values = learner.values(states)
        returns = experience.returns[rows, :time][mask]
        if config.value_clip_range is None:
            value_loss = squared_value_loss(values, returns) * share
        else:
            old = experience.values[rows, :time][mask]
            value_loss = clipped_value_loss(values, old, returns, config.value_clip_range) * share
        loss = loss + config.value_coef * value_loss
    torch.autograd.backward(loss)
    with torch.no_grad():
        kl = approximate_kl(log_probs - samples.log_probs[mask]) * share
        measured = torch.stack(
            [loss - config.value_coef * value_loss, value_loss, kl, policy.clip_fraction * share]
        )
    return measured.cpu(), float(policy.ratio.max())


def _aggregate(
    losses: Tensor, samples: Samples, config: RLHFConfig, batch_rows: int, batch_tokens: float
) -> Tensor:
    """The piece's share of the minibatch's loss, by the whole minibatch's denominators."""
    if config.aggregation == "token_mean":
        return losses.sum() / batch_tokens
    padded, mask = samples.pad(losses), samples.mask
    if config.aggregation == "sequence_mean":
        return aggregation.sequence_mean(padded, mask, batch_rows)
    return aggregation.sequence_sum_normalized(padded, mask, batch_rows, config.longest_response)
