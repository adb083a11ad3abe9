"""Choosing actions, judging states, and advantages: what a rollout needs of the networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ppolab.control.compiled.jit import compiled
from ppolab.control.compiled.learning import Sizes, both_in
from ppolab.control.compiled.matrices import padded_rows
from ppolab.control.compiled.network import TILE, Tile, forward, new_tile

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]


@compiled()
def act(
    sizes: Sizes, weights: Float32, observations: Float32, uniforms: Float32, actions: Int64,
    log_probs: Float32, values: Float32,
) -> None:  # fmt: skip
    """Sample an action for every observation.

    Args:
        sizes: of the networks.
        weights: both networks, padded.
        observations: [batch, inputs].
        uniforms: [batch], in [0, 1).
        actions: [batch], written.
        log_probs: [batch], nats, written.
        values: [batch], reward units, written.
    """
    actor, critic = both_in(sizes, weights)
    tile = new_tile(sizes.inputs, sizes.hidden, sizes.actions)
    exponentials = np.empty(sizes.actions, np.float32)
    for start in range(0, observations.shape[0], TILE):
        rows = _fetch(observations[start : start + TILE], tile)
        end = min(start + TILE, observations.shape[0])
        forward(actor, tile, rows, sizes.actions)
        for i in range(start, end):
            actions[i], log_probs[i] = _sample(
                tile.output[i - start], sizes.actions, uniforms[i], exponentials
            )
        forward(critic, tile, rows, sizes.values)
        for i in range(start, end):
            values[i] = tile.output[i - start, 0]


@compiled()
def judge(sizes: Sizes, weights: Float32, observations: Float32, values: Float32) -> None:
    """Write the critic's value of every observation; arguments as in `act`."""
    _, critic = both_in(sizes, weights)
    tile = new_tile(sizes.inputs, sizes.hidden, sizes.values)
    for start in range(0, observations.shape[0], TILE):
        rows = _fetch(observations[start : start + TILE], tile)
        forward(critic, tile, rows, sizes.values)
        for i in range(start, min(start + TILE, observations.shape[0])):
            values[i] = tile.output[i - start, 0]


@compiled()
def estimate_advantages(
    rewards: Float32, values: Float32, dones: Float32, last_values: Float32, gamma: np.float32,
    gae_lambda: np.float32, advantages: Float32, returns: Float32,
) -> None:  # fmt: skip
    r"""Generalized advantage estimation, backwards in time.

    $$\delta_t = r_t + \gamma (1 - d_t) V_{t+1} - V_t, \qquad
      A_t = \delta_t + \gamma\lambda (1 - d_t) A_{t+1}$$

    All arrays are [time, environments] but for `last_values` [environments]; `advantages` and
    `returns` = advantages + values are written.

    Source: Schulman et al. (2016), "High-dimensional continuous control using GAE", eq. 16.
    """
    steps, environments = rewards.shape
    discount = gamma * gae_lambda
    for i in range(environments):
        next_value, next_advantage = last_values[i], np.float32(0.0)
        for t in range(steps - 1, -1, -1):
            alive = np.float32(1.0) - dones[t, i]
            delta = rewards[t, i] + gamma * alive * next_value - values[t, i]
            next_advantage = delta + discount * alive * next_advantage
            next_value = values[t, i]
            advantages[t, i] = next_advantage
            returns[t, i] = next_advantage + next_value


@compiled()
def _fetch(observations: Float32, tile: Tile) -> int:
    """Copy up to a tile of observations; return how many rows of blocks they fill."""
    count, inputs = observations.shape
    for i in range(count):
        for j in range(inputs):
            tile.inputs[i, j] = observations[i, j]
    return padded_rows(count)


@compiled()
def _sample(
    logits: Float32, action_count: int, uniform: np.float32, exponentials: Float32
) -> tuple[int, np.float32]:
    """The first action whose cumulative probability passes `uniform`, and its log-probability."""
    largest = logits[0]
    for k in range(1, action_count):
        largest = max(largest, logits[k])
    total = np.float32(0.0)
    for k in range(action_count):
        exponentials[k] = np.exp(logits[k] - largest)
        total += exponentials[k]
    threshold, passed, action = uniform * total, np.float32(0.0), 0
    while action < action_count - 1:
        passed += exponentials[action]
        if passed > threshold:
            break
        action += 1
    return action, logits[action] - largest - np.log(total)
