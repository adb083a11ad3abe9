"""How a rollout is cut into minibatches, and those into pieces that fit into memory."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from ppolab.control.config import PPOConfig
from ppolab.control.memory import Piece, replay
from ppolab.control.rollout import Rollout


def minibatches(
    rollout: Rollout, config: PPOConfig, generator: torch.Generator
) -> Iterator[list[Piece]]:
    """Go through a rollout once; yield each minibatch as a list of pieces.

    The order is random unless the settings say otherwise (detail 6).

    Usually one piece; smaller ones add up to the same gradient in less memory. Where an agent had
    left, a row holds nothing to learn from: it is in no minibatch.

    A policy with a memory is shown whole environments in random order (detail 35): what it made of
    a step depends on those before.
    """
    largest = config.micro_batch_size or config.minibatch_size
    if rollout.states is not None:
        yield from _whole_environments(rollout, config, largest, generator)
        return
    acted = None if rollout.present is None else rollout.present.flatten().nonzero().squeeze(1)
    count = rollout.rewards.numel() if acted is None else len(acted)
    order = _order(count, config, generator)
    if acted is not None:
        order = acted[order]
    # Where the size does not divide the samples, equal pieces rather than a small last one.
    for batch in order.tensor_split(math.ceil(count / config.minibatch_size)):
        yield [Piece(samples, []) for samples in torch.split(batch, largest)]


def _whole_environments(
    rollout: Rollout, config: PPOConfig, largest: int, generator: torch.Generator
) -> Iterator[list[Piece]]:
    assert rollout.states is not None
    steps, environments = rollout.rewards.shape
    order = _order(environments, config, generator)
    if rollout.present is not None:
        order = order[rollout.present.any(0)[order]]
    for batch in torch.split(order, config.minibatch_size // steps):
        yield [
            replay(rollout.dones, rollout.states, chosen, rollout.present)
            for chosen in torch.split(batch, largest // steps)
        ]


def _order(count: int, config: PPOConfig, generator: torch.Generator) -> torch.Tensor:
    if config.shuffle_minibatches:
        return torch.randperm(count, generator=generator)
    return torch.arange(count)
