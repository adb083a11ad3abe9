"""Choosing actions, judging states, and advantages: what a rollout needs of the networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ppolab.control.compiled.learning import Sizes, both_in, log_std_in
from ppolab.control.compiled.network import TILE, Padded, Tile, forward, new_tile
from ppolab.control.compiled.policies import Actions, Masks, draw
from ppolab.machine_code.jit import compiled
from ppolab.machine_code.matrices import padded_rows

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]


@compiled()
def act(
    sizes: Sizes, weights: Float32, observations: Float32, masks: Masks, chance: Float32,
    actions: Actions, log_probs: Float32, values: Float32,
) -> None:  # fmt: skip
    """Draw an action for every observation.

    Args:
        sizes: of the networks.
        weights: both networks, padded.
        observations: [batch, inputs].
        masks: [batch, logits], False for forbidden choices; None: all are allowed.
        chance: [batch, choices] uniform in [0, 1), or [batch, numbers] standard normal.
        actions: [batch, choices] or [batch, numbers], written.
        log_probs: [batch], nats, written.
        values: [batch], reward units, written.
    """
    actor, critic = both_in(sizes, weights)
    tile = new_tile(sizes.inputs, sizes.hidden, sizes.outputs)
    act_as(
        sizes, actor, critic, log_std_in(sizes, weights), tile, observations, masks, chance,
        actions, log_probs, values,
    )  # fmt: skip


@compiled()
def act_as(
    sizes: Sizes, actor: Padded, critic: Padded, log_std: Float32, tile: Tile,
    observations: Float32, masks: Masks, chance: Float32, actions: Actions, log_probs: Float32,
    values: Float32,
) -> None:  # fmt: skip
    """As `act`, with networks and a tile made before, for those who act again and again."""
    for start in range(0, observations.shape[0], TILE):
        rows = _fetch(observations[start : start + TILE], tile)
        end = min(start + TILE, observations.shape[0])
        forward(actor, tile, rows, sizes.outputs)
        draw(
            sizes.options, log_std, tile.output, part_of(masks, start, end), chance[start:end],
            actions[start:end], log_probs[start:end],
        )  # fmt: skip
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
) -> float:  # fmt: skip
    r"""Generalized advantage estimation, backwards in time.

    $$\delta_t = r_t + \gamma (1 - d_t) V_{t+1} - V_t, \qquad
      A_t = \delta_t + \gamma\lambda (1 - d_t) A_{t+1}$$

    All arrays are [time, environments] but for `last_values` [environments]; `advantages` and
    `returns` = advantages + values are written.

    Returns:
        The share of the returns' variance that the values explain; NaN where there is none.

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
    return explained_variance(values.reshape(-1), returns.reshape(-1))


@compiled()
def explained_variance(values: Float32, returns: Float32) -> float:
    """As `ppolab.algorithms.diagnostics.explained_variance`, of two flat arrays."""
    start, gap = float(returns[0]), float(returns[0] - values[0])
    total, square, error, square_error = 0.0, 0.0, 0.0, 0.0
    for i in range(returns.size):  # less the first of all, for equal numbers to vary by exactly 0
        far, wrong = returns[i] - start, returns[i] - values[i] - gap
        total, square = total + far, square + far * far
        error, square_error = error + wrong, square_error + wrong * wrong
    varied = square - total * total / returns.size
    unexplained = square_error - error * error / returns.size
    return 1.0 - unexplained / varied if varied != 0.0 else np.nan


@compiled()
def _fetch(observations: Float32, tile: Tile) -> int:
    """Copy up to a tile of observations; return how many rows of blocks they fill."""
    count, inputs = observations.shape
    for i in range(count):
        for j in range(inputs):
            tile.inputs[i, j] = observations[i, j]
    return padded_rows(count)


@compiled()
def part_of(masks: Masks, start: int, end: int) -> Masks:
    """Some rows of the masks, where there are any."""
    if masks is None:
        return None
    return masks[start:end]
