"""A whole rollout in a compiled environment, in one call."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppolab.control.compiled import cartpole, gridworld
from ppolab.control.compiled.acting import act, judge
from ppolab.control.compiled.copies import Copies
from ppolab.control.compiled.jit import compiled
from ppolab.control.compiled.learning import Sizes

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]


class Steps(NamedTuple):
    """The rollout to be filled, [time, environments] each but where said."""

    observations: Float32  # [time, environments, observation]
    actions: NDArray[Any]  # [time, environments, choices], or [time, environments, numbers]
    log_probs: Float32
    rewards: Float32
    dones: Float32
    values: Float32
    last_values: Float32  # [environments]


class Ended(NamedTuple):
    """Room for the episodes that end during the rollout, in order of time."""

    environments: Int64  # [time × environments]
    returns: NDArray[np.float64]
    lengths: Int64
    truncated: NDArray[np.bool_]
    final_observations: Float32  # [time × environments, observation]


@compiled()
def rollout(
    sizes: Sizes, weights: Float32, copies: Copies, cart: cartpole.CartPoleRules | None,
    grid: gridworld.GridRules | None, uniforms: Float32, gamma: float, steps: Steps, ended: Ended,
) -> int:  # fmt: skip
    """Let the actor act in every copy for as many steps as there is room.

    Args:
        sizes: of the networks.
        weights: both networks, padded.
        copies: of the environment, changed in place.
        cart: the rules, where the environment is CartPole. Numba compiles a version for each
            kind of rules and leaves the other environment out.
        grid: the rules, where it is a grid world.
        uniforms: [time, environments, choices], chance for the actions.
        gamma: discount per step.
        steps: written. Where an episode was cut off by its time limit, γ·V(final) is added to the
            last reward.
        ended: written.

    Returns:
        How many episodes ended.
    """
    count = 0
    value = np.empty(1, np.float32)
    for t in range(uniforms.shape[0]):
        for i in range(uniforms.shape[1]):
            for j in range(sizes.inputs):
                steps.observations[t, i, j] = copies.observations[i, j]
        act(
            sizes, weights, steps.observations[t], None, uniforms[t], steps.actions[t],
            steps.log_probs[t], steps.values[t],
        )  # fmt: skip
        choices = steps.actions[t].reshape(-1)
        if cart is not None:
            cartpole.advance(copies, cart, choices)
        if grid is not None:
            gridworld.advance(copies, grid, choices)
        for i in range(uniforms.shape[1]):
            steps.rewards[t, i], steps.dones[t, i] = copies.rewards[i], copies.dones[i]
            if copies.dones[i] > 0:
                final = copies.final_observations[i : i + 1]
                if copies.truncated[i]:
                    judge(sizes, weights, final, value)
                    steps.rewards[t, i] += np.float32(gamma) * value[0]
                ended.environments[count] = i
                ended.returns[count] = copies.final_returns[i]
                ended.lengths[count] = copies.final_lengths[i]
                ended.truncated[count] = copies.truncated[i]
                for j in range(sizes.inputs):
                    ended.final_observations[count, j] = final[0, j]
                count += 1
    judge(sizes, weights, copies.observations, steps.last_values)
    return count
