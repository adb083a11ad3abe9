"""The PPO update: several epochs of minibatch gradient steps on one rollout."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from ppolab.algorithms.advantages import generalized_advantages, normalize
from ppolab.algorithms.diagnostics import (
    approximate_kl,
    explained_variance,
    ratio_histogram,
)
from ppolab.control.config import PPOConfig
from ppolab.control.losses import (
    PolicyLossFunction,
    ValueLossFunction,
    policy_loss_for,
    value_loss,
)
from ppolab.control.minibatches import minibatches
from ppolab.control.networks import ActorCritic
from ppolab.control.optimizer import Adam
from ppolab.control.parameters import FlatParameters
from ppolab.control.rollout import Rollout

# The ratio histogram's bins, wide enough to show what leaks past 1 ± ε.
RATIO_LOW, RATIO_HIGH, RATIO_BINS = 0.5, 1.5, 50

AdvantageFunction = Callable[[Tensor, Tensor, Tensor, Tensor, float, float], Tensor]


@dataclass(frozen=True)
class Parts:
    """The pieces of mathematics the update is made of; any of them may be exchanged."""

    advantages: AdvantageFunction = generalized_advantages
    policy_loss: PolicyLossFunction | None = None  # None: the one that the settings name
    value_loss: ValueLossFunction = value_loss


@dataclass(frozen=True)
class UpdateReport:
    """What happened in one update. Scalars are means over all minibatches taken."""

    policy_loss: float
    value_loss: float
    entropy: float  # nats
    approx_kl: float  # nats, to the policy that collected the rollout
    clip_fraction: float  # share of samples outside 1 ± ε
    explained_variance: float  # share of the returns' that the critic had foreseen
    gradient_norm: float  # before it was shortened
    shortened: float  # share of minibatches whose gradient was shortened
    ratio_min: float  # of the last epoch taken
    ratio_max: float  # of the last epoch taken
    epochs: int  # taken before a KL stop
    ratio_counts: Tensor  # [2, epochs, bins], ratios met in each epoch: of A > 0, and of the rest


def update(
    model: ActorCritic,
    parameters: FlatParameters,
    optimizer: Adam,
    rollout: Rollout,
    config: PPOConfig,
    parts: Parts,
    generator: torch.Generator,
) -> tuple[UpdateReport, Tensor]:
    """Improve actor and critic on one rollout.

    Returns:
        The report and the returns [time, environments] the critic was trained towards.
    """
    advantages = parts.advantages(
        rollout.rewards, rollout.values, rollout.dones, rollout.last_values,
        config.gamma, config.gae_lambda,
    )  # fmt: skip
    returns = advantages + rollout.values

    observations = rollout.observations.flatten(0, 1)  # [samples, row]
    actions, old_log_probs = rollout.actions.flatten(0, 1), rollout.log_probs.flatten()
    masks = None if rollout.masks is None else rollout.masks.flatten(0, 1)
    old_values = rollout.values.flatten()
    flat_advantages, flat_returns = advantages.flatten(), returns.flatten()

    policy_loss = parts.policy_loss or policy_loss_for(config)
    autocast = (
        torch.autocast("cpu", torch.bfloat16) if config.precision == "bfloat16" else nullcontext()
    )
    scalars: list[Tensor] = []
    shares: list[float] = []  # of each row of scalars in its minibatch
    norms: list[Tensor] = []
    divergences: list[Tensor] = []
    ratio_counts: list[Tensor] = []
    for _ in range(config.epochs):
        ratios: list[Tensor] = []
        good: list[Tensor] = []
        for pieces in minibatches(rollout, config, generator):
            counts = [len(piece.samples) for piece in pieces]
            batch = torch.cat([piece.samples for piece in pieces])
            batch_advantages = flat_advantages[batch]
            if config.normalize_advantages:
                batch_advantages = normalize(batch_advantages)

            parameters.gradient.zero_()
            for piece, piece_advantages in zip(
                pieces, torch.split(batch_advantages, counts), strict=True
            ):
                chosen = piece.samples
                with autocast:
                    log_probs, entropy, values = model.evaluate(
                        observations.index_select(0, chosen), actions[chosen],
                        None if masks is None else masks[chosen], piece.stretches,
                    )  # fmt: skip
                policy = policy_loss(
                    log_probs, old_log_probs[chosen], piece_advantages, config.clip_range
                )
                value_error = parts.value_loss(
                    values, old_values[chosen], flat_returns[chosen], config.value_clip_range
                )
                mean_entropy = entropy.mean()
                loss = policy.loss + config.value_coef * value_error
                if config.entropy_coef > 0:  # a bonus of nothing would still cost a backward pass
                    loss = loss - config.entropy_coef * mean_entropy
                share = len(chosen) / len(batch)
                torch.autograd.backward(loss if share == 1 else loss * share)

                ratios.append(policy.ratio)
                scalars.append(torch.stack([
                    policy.loss.detach(), value_error.detach(), mean_entropy.detach(),
                    policy.clip_fraction,
                ]))  # fmt: skip
                shares.append(share)
            norms.append(parameters.shorten_gradient(config.max_gradient_norm))
            optimizer.step()
            good.append(batch_advantages > 0)
        epoch_ratios = torch.cat(ratios)
        divergences.append(approximate_kl(epoch_ratios.log()))
        ratio_counts.append(_counts_by_sign(epoch_ratios, torch.cat(good)))
        if config.target_kl is not None and divergences[-1] > config.target_kl:
            break

    weights = torch.tensor(shares).unsqueeze(1) / len(norms)
    means = (torch.stack(scalars) * weights).sum(0).tolist()
    policy_mean, value_mean, entropy_mean, clip_fraction = means
    report = UpdateReport(
        policy_loss=policy_mean,
        value_loss=value_mean,
        entropy=entropy_mean,
        approx_kl=float(torch.stack(divergences).mean()),
        clip_fraction=clip_fraction,
        explained_variance=explained_variance(
            rollout.samples(rollout.values), rollout.samples(returns)
        ),
        gradient_norm=float(torch.stack(norms).mean()),
        shortened=_share_above(torch.stack(norms), config.max_gradient_norm),
        ratio_min=float(epoch_ratios.min()),
        ratio_max=float(epoch_ratios.max()),
        epochs=len(ratio_counts),
        ratio_counts=torch.stack(ratio_counts, dim=1),
    )
    return report, returns


def _share_above(norms: Tensor, limit: float | None) -> float:
    return 0.0 if limit is None else float((norms > limit).float().mean())


def _counts_by_sign(ratios: Tensor, good: Tensor) -> Tensor:
    """Histograms [2, bins] of the ratios of good actions (A > 0) and of all others."""
    return torch.stack(
        [
            ratio_histogram(ratios[chosen], RATIO_LOW, RATIO_HIGH, RATIO_BINS)
            for chosen in (good, ~good)
        ]
    )
