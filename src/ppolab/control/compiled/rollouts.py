"""A whole rollout in a compiled environment, in one call."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ppolab.control.compiled import cartpole, gridworld
from ppolab.control.compiled.acting import act_as, judge
from ppolab.control.compiled.copies import Copies, some_of
from ppolab.control.compiled.learning import Sizes, both_in, log_std_in
from ppolab.control.compiled.network import new_tile
from ppolab.machine_code.jit import compiled
from ppolab.machine_code.matrices import padded_rows

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

    times: Int64  # [time × environments], step of the rollout
    environments: Int64
    returns: NDArray[np.float64]
    lengths: Int64
    truncated: NDArray[np.bool_]
    final_observations: Float32  # [time × environments, observation]


@compiled()
def rollout(
    sizes: Sizes, weights: Float32, copies: Copies, cart: cartpole.CartPoleRules | None,
    grid: gridworld.GridRules | None, uniforms: Float32, gamma: float, steps: Steps, ended: Ended,
    two_threads: bool | None,
) -> Int64:  # fmt: skip
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
        ended: written, by the second half of the copies from `middle_of(copies)` × time on.
        two_threads: True: each half of the copies has a thread of its own; None: one thread.

    Returns:
        How many episodes ended in each half; without a second thread all are in the first, which
        then holds every copy.
    """
    counts = np.zeros(2, np.int64)
    if two_threads is None:
        counts[0] = rollout_some(
            sizes, weights, copies, 0, cart, grid, uniforms, gamma, steps, ended
        )
    else:
        rollout_halves(sizes, weights, copies, cart, grid, uniforms, gamma, steps, ended, counts)
    return counts


@compiled(parallel=True)
def rollout_halves(
    sizes: Sizes, weights: Float32, copies: Copies, cart: cartpole.CartPoleRules | None,
    grid: gridworld.GridRules | None, uniforms: Float32, gamma: float, steps: Steps, ended: Ended,
    counts: Int64,
) -> None:  # fmt: skip
    """Let two threads take half of the copies each through all steps; as in `rollout`.

    Copies do not depend on each other, so the bits are those of one thread.
    """
    middle, room = middle_of(copies.rewards.size), uniforms.shape[0]
    for half in prange(2):
        first = half * middle
        last = copies.rewards.size if half == 1 else middle
        counts[half] = rollout_some(
            sizes, weights, some_of(copies, first, last), first, cart, grid, uniforms, gamma,
            steps, room_from(ended, first * room),
        )  # fmt: skip


@compiled()
def middle_of(copies: int) -> int:
    """The first copy of the second half: few rows are padded if it is a multiple of the block."""
    return padded_rows(copies // 2)


@compiled()
def room_from(ended: Ended, first: int) -> Ended:
    """See the room from `first` on."""
    return Ended(
        ended.times[first:], ended.environments[first:], ended.returns[first:],
        ended.lengths[first:], ended.truncated[first:], ended.final_observations[first:],
    )  # fmt: skip


@compiled()
def rollout_some(
    sizes: Sizes, weights: Float32, copies: Copies, first: int,
    cart: cartpole.CartPoleRules | None, grid: gridworld.GridRules | None, uniforms: Float32,
    gamma: float, steps: Steps, ended: Ended,
) -> int:  # fmt: skip
    """Take neighbouring copies, of which the rollout counts the first as `first`, through it."""
    count, here = 0, copies.rewards.size
    last = first + here
    value = np.empty(1, np.float32)
    actor, critic = both_in(sizes, weights)
    log_std = log_std_in(sizes, weights)
    tile = new_tile(sizes.inputs, sizes.hidden, sizes.outputs)
    for t in range(uniforms.shape[0]):
        for i in range(here):
            for j in range(sizes.inputs):
                steps.observations[t, first + i, j] = copies.observations[i, j]
        act_as(
            sizes, actor, critic, log_std, tile, steps.observations[t, first:last], None,
            uniforms[t, first:last], steps.actions[t, first:last],
            steps.log_probs[t, first:last], steps.values[t, first:last],
        )  # fmt: skip
        choices = steps.actions[t, first:last].reshape(-1)
        if cart is not None:
            cartpole.advance(copies, cart, choices)
        if grid is not None:
            gridworld.advance(copies, grid, choices)
        for i in range(here):
            steps.rewards[t, first + i] = copies.rewards[i]
            steps.dones[t, first + i] = copies.dones[i]
            if copies.dones[i] > 0:
                final = copies.final_observations[i : i + 1]
                if copies.truncated[i]:
                    judge(sizes, weights, final, value)
                    steps.rewards[t, first + i] += np.float32(gamma) * value[0]
                ended.times[count], ended.environments[count] = t, first + i
                ended.returns[count] = copies.final_returns[i]
                ended.lengths[count] = copies.final_lengths[i]
                ended.truncated[count] = copies.truncated[i]
                for j in range(sizes.inputs):
                    ended.final_observations[count, j] = final[0, j]
                count += 1
    judge(sizes, weights, copies.observations, steps.last_values[first:last])
    return count
