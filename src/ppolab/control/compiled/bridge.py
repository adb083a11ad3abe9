"""Between the engine's objects and the kernels': the same memory and numbers, differently named."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ppolab.control.compiled import rollouts
from ppolab.control.compiled.learning import Report, StepSettings
from ppolab.control.compiled.losses import (
    ENTROPY,
    OUTSIDE,
    POLICY_LOSS,
    SUMS,
    VALUE_LOSS,
    LossSettings,
    Samples,
)
from ppolab.control.config import PPOConfig
from ppolab.control.rollout import Rollout
from ppolab.control.update import RATIO_BINS, UpdateReport


def draw_order(generator: torch.Generator, config: PPOConfig, order: Tensor) -> None:
    """Write the order of the next epoch's samples, [samples]."""
    if config.shuffle_minibatches:
        torch.randperm(len(order), generator=generator, out=order)
    else:
        torch.arange(len(order), out=order)


def flat_samples(rollout: Rollout, advantages: Tensor, returns: Tensor) -> Samples:
    """See a rollout as the learning kernels want it."""
    count, masks = rollout.rewards.numel(), rollout.masks
    return Samples(
        rollout.observations.numpy().reshape(count, -1),
        rollout.actions.numpy().reshape(count, -1),
        None if masks is None else masks.numpy().reshape(count, -1),
        rollout.log_probs.numpy().reshape(-1),
        rollout.values.numpy().reshape(-1),
        advantages.numpy().reshape(-1),
        returns.numpy().reshape(-1),
    )


def steps_of(rollout: Rollout) -> rollouts.Steps:
    """See a rollout as the acting kernels want it."""
    steps, environments = rollout.rewards.shape
    return rollouts.Steps(
        rollout.observations.numpy(),
        rollout.actions.numpy().reshape(steps, environments, -1), rollout.log_probs.numpy(),
        rollout.rewards.numpy(), rollout.dones.numpy(), rollout.values.numpy(),
        rollout.last_values.numpy(),
    )  # fmt: skip


def new_ended(room: int, observation_size: int) -> rollouts.Ended:
    """Make room for `room` episodes."""
    return rollouts.Ended(
        np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room),
        np.empty(room, np.int64), np.empty(room, np.bool_),
        np.empty((room, observation_size), np.float32),
    )  # fmt: skip


def loss_settings(config: PPOConfig) -> LossSettings:
    """The settings of the loss."""
    return LossSettings(
        np.float32(config.clip_range),
        np.float32(config.value_clip_range or 0.0),
        np.float32(config.value_coef),
        np.float32(config.entropy_coef),
    )


def step_settings(config: PPOConfig, learning_rate: float) -> StepSettings:
    """The settings of the steps, with the learning rate of now."""
    return StepSettings(
        float(learning_rate),
        float(config.adam_epsilon),
        np.float32(math.inf if config.max_gradient_norm is None else config.max_gradient_norm),
        config.normalize_advantages,
    )


def new_report(epochs: int) -> Report:
    """An empty report."""
    return Report(
        np.zeros((2, SUMS)), np.zeros(2), np.zeros(epochs),
        np.zeros((2, epochs, RATIO_BINS), np.int64), np.zeros(2, np.float32),
    )  # fmt: skip


def readable_report(
    report: Report, explained: float, epochs: int, samples: int, minibatches: int
) -> UpdateReport:
    """Turn sums into the means that people read."""
    means = ((report.sums[0] + report.sums[1]) / samples).tolist()
    return UpdateReport(
        policy_loss=means[POLICY_LOSS],
        value_loss=means[VALUE_LOSS],
        entropy=means[ENTROPY],
        approx_kl=float(report.divergences[:epochs].mean()),
        clip_fraction=means[OUTSIDE],
        explained_variance=explained,
        gradient_norm=float(report.norms[0] / minibatches),
        shortened=float(report.norms[1] / minibatches),
        ratio_min=float(report.extremes[0]),
        ratio_max=float(report.extremes[1]),
        epochs=epochs,
        ratio_counts=torch.from_numpy(report.counts[:, :epochs].copy()),
    )
