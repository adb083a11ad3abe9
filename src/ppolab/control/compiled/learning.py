"""A whole epoch in one call: its minibatches, the loss, the gradient, and Adam."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ppolab.control.compiled.losses import (
    LossSettings,
    Ratios,
    Samples,
    value_slopes,
)
from ppolab.control.compiled.network import (
    TILE,
    Padded,
    add_unpadded,
    backward,
    forward,
    network_in,
    network_size,
    new_tile,
    pad,
    padded_in,
    padded_size,
)
from ppolab.control.compiled.policies import policy_slopes
from ppolab.machine_code.jit import compiled
from ppolab.machine_code.matrices import dot

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# Adam's own, as torch has them by default.
BETA_MEAN, BETA_SQUARE = 0.9, 0.999


class Sizes(NamedTuple):
    """Of the networks. The critic's is always 1, yet a constant would be a type of its own to
    Numba, and every kernel compiled twice.
    """

    inputs: int
    hidden: int
    outputs: int  # of the actor
    options: Int64 | None  # [choices], logits of each choice; None: outputs are means
    log_stds: int = 0  # weights before the actor's, one for each mean
    values: int = 1  # outputs of the critic


class Learner(NamedTuple):
    """What an update changes: the engine's own memory, all vectors in one order."""

    parameters: Float32
    gradient: Float32
    mean: Float32  # Adam's running mean of the gradient
    square: Float32  # Adam's running mean of its square


class StepSettings(NamedTuple):
    """How gradients become steps."""

    learning_rate: float
    epsilon: float
    max_gradient_norm: np.float32
    normalize_advantages: bool


class Report(NamedTuple):
    """Filled by the epochs of an update, one after the other."""

    sums: Float64  # [2, SUMS], over all samples taken, by each half of the minibatches
    norms: Float64  # [2], sum of all gradient norms, and how many gradients were shortened
    divergences: Float64  # [epochs], k3, nats
    counts: Int64  # [2, epochs, bins], ratios of good actions and of the others
    extremes: Float32  # [2], smallest and largest ratio of the last epoch


@compiled()
def take_epoch(
    sizes: Sizes, learner: Learner, samples: Samples, order: Int64, epoch: int, minibatch: int,
    steps_before: int, loss: LossSettings, step: StepSettings, low: float, high: float,
    report: Report, two_threads: bool | None,
) -> int:  # fmt: skip
    """Go through a rollout once, with a gradient step after each minibatch.

    Args:
        sizes: of the networks.
        learner: changed in place.
        samples: the rollout.
        order: [samples], a permutation.
        epoch: which one of this update, from 0.
        minibatch: samples per step.
        steps_before: gradient steps that Adam has taken in its life.
        loss: settings of the loss.
        step: settings of the step.
        low: left edge of the ratio histogram.
        high: its right edge.
        report: filled.
        two_threads: True or None. Numba compiles a function for each type it is called with and
            leaves out the branch that None rules out, so one thread never loads a second.

    Returns:
        How many gradient steps Adam has taken in its life now.
    """
    count = order.size
    ratios = Ratios(np.empty(count, np.float32), np.empty(count, np.bool_))
    halves = 1 if two_threads is None else 2
    weights = np.zeros(whole_size(sizes), np.float32)
    gradients = np.empty((halves, weights.size), np.float32)
    steps = steps_before
    for start in range(0, count, minibatch):
        end = min(start + minibatch, count)
        batch = order[start:end]
        batch_ratios = Ratios(ratios.log_ratios[start:end], ratios.good[start:end])
        pad_both(sizes, learner.parameters, weights)
        shift, scale = advantage_scale(samples.advantages, batch, step.normalize_advantages)
        if two_threads is None:
            add_gradient(
                sizes, weights, samples, batch, len(batch), shift, scale, loss, batch_ratios,
                gradients[0], report.sums[0],
            )  # fmt: skip
        else:
            add_gradient_in_halves(
                sizes, weights, samples, batch, shift, scale, loss, batch_ratios, gradients,
                report.sums,
            )  # fmt: skip
        learner.gradient[:] = np.float32(0.0)
        for half in range(halves):
            unpad_both(sizes, gradients[half], learner.gradient)
        steps += 1
        norm = shorten(learner.gradient, step.max_gradient_norm)
        report.norms[0] += norm
        report.norms[1] += norm > step.max_gradient_norm
        adam(learner, steps, step.learning_rate, step.epsilon)
    report.divergences[epoch] = look_back(ratios, report, epoch, low, high)
    return steps


@compiled()
def add_gradient(
    sizes: Sizes, weights: Float32, samples: Samples, batch: Int64, minibatch: int,
    shift: np.float32, scale: np.float32, loss: LossSettings, ratios: Ratios,
    gradient: Float32, sums: Float64,
) -> None:  # fmt: skip
    """Set `gradient`, padded, to that of the loss over `batch`, a part of a minibatch.

    The samples pass in tiles: forward, loss and backward before the next tile is fetched.
    """
    weight = np.float32(1.0) / np.float32(minibatch)
    actor, critic = both_in(sizes, weights)
    actor_gradient, critic_gradient = both_in(sizes, gradient)
    log_std, log_std_slope = log_std_in(sizes, weights), log_std_in(sizes, gradient)
    actor_tile = new_tile(sizes.inputs, sizes.hidden, sizes.outputs)
    critic_tile = new_tile(sizes.inputs, sizes.hidden, sizes.values)
    rows = actor_tile.inputs.shape[0]
    gradient[:] = np.float32(0.0)
    for start in range(0, batch.size, TILE):
        chosen = batch[start : start + TILE]
        for i in range(chosen.size):
            for j in range(sizes.inputs):
                number = samples.observations[chosen[i], j]
                actor_tile.inputs[i, j], critic_tile.inputs[i, j] = number, number

        end = start + chosen.size
        tile_ratios = Ratios(ratios.log_ratios[start:end], ratios.good[start:end])
        forward(actor, actor_tile, rows, sizes.outputs)
        policy_slopes(
            sizes.options, log_std, log_std_slope, actor_tile.output, samples.masks,
            samples.actions, chosen, samples, shift, scale, weight, loss, tile_ratios, sums,
        )  # fmt: skip
        backward(actor, actor_tile, actor_gradient)

        forward(critic, critic_tile, rows, sizes.values)
        value_slopes(critic_tile, chosen, samples, weight, loss, sums)
        backward(critic, critic_tile, critic_gradient)


@compiled(parallel=True)
def add_gradient_in_halves(
    sizes: Sizes, weights: Float32, samples: Samples, batch: Int64, shift: np.float32,
    scale: np.float32, loss: LossSettings, ratios: Ratios, gradients: Float32, sums: Float64,
) -> None:  # fmt: skip
    """Let two threads take half of the minibatch each, with a gradient of its own for each.

    Always the same halves, added in the same order afterwards: the bits do not depend on which
    thread is done first.
    """
    middle = batch.size // 2
    for half in prange(2):
        start = half * middle
        end = batch.size if half == 1 else middle
        part = Ratios(ratios.log_ratios[start:end], ratios.good[start:end])
        add_gradient(
            sizes, weights, samples, batch[start:end], batch.size, shift, scale, loss, part,
            gradients[half], sums[half],
        )  # fmt: skip


@compiled()
def whole_size(sizes: Sizes) -> int:
    """Numbers in a padded actor, a padded critic and the log σ after them."""
    return (
        padded_size(sizes.inputs, sizes.hidden, sizes.outputs)
        + padded_size(sizes.inputs, sizes.hidden, sizes.values)
        + sizes.log_stds
    )


@compiled()
def both_in(sizes: Sizes, vector: Float32) -> tuple[Padded, Padded]:
    """See a vector of `whole_size` numbers as the padded actor and the padded critic."""
    middle = padded_size(sizes.inputs, sizes.hidden, sizes.outputs)
    end = vector.size - sizes.log_stds
    return (
        padded_in(vector[:middle], sizes.inputs, sizes.hidden, sizes.outputs),
        padded_in(vector[middle:end], sizes.inputs, sizes.hidden, sizes.values),
    )


@compiled()
def log_std_in(sizes: Sizes, vector: Float32) -> Float32:
    """See the log σ, [log_stds], in a vector of `whole_size` numbers."""
    return vector[vector.size - sizes.log_stds :]


@compiled()
def pad_both(sizes: Sizes, parameters: Float32, padded: Float32) -> None:
    """Copy actor and critic into their padded shapes, and the log σ to behind them.

    In torch's order the log σ come first, for they belong to no network.
    """
    actor, critic = both_in(sizes, padded)
    first = sizes.log_stds
    middle = first + network_size(sizes.inputs, sizes.hidden, sizes.outputs)
    pad(network_in(parameters[first:middle], sizes.inputs, sizes.hidden, sizes.outputs), actor)
    pad(network_in(parameters[middle:], sizes.inputs, sizes.hidden, sizes.values), critic)
    log_std = log_std_in(sizes, padded)
    for k in range(first):
        log_std[k] = parameters[k]


@compiled()
def unpad_both(sizes: Sizes, padded: Float32, gradient: Float32) -> None:
    """Add a padded gradient of actor and critic, and of the log σ, to one in torch's shapes."""
    actor, critic = both_in(sizes, padded)
    first = sizes.log_stds
    middle = first + network_size(sizes.inputs, sizes.hidden, sizes.outputs)
    unpadded = network_in(gradient[first:middle], sizes.inputs, sizes.hidden, sizes.outputs)
    add_unpadded(actor, unpadded)
    add_unpadded(critic, network_in(gradient[middle:], sizes.inputs, sizes.hidden, sizes.values))
    log_std_slope = log_std_in(sizes, padded)
    for k in range(first):
        gradient[k] += log_std_slope[k]


@compiled()
def advantage_scale(
    advantages: Float32, batch: Int64, normalize: bool
) -> tuple[np.float32, np.float32]:
    """What to subtract from the minibatch's advantages, and what to multiply them by then."""
    if not normalize:
        return np.float32(0.0), np.float32(1.0)
    mean = 0.0
    for i in range(batch.size):
        mean += advantages[batch[i]]
    mean /= batch.size
    if batch.size < 2:
        return np.float32(mean), np.float32(1.0)
    square = 0.0
    for i in range(batch.size):
        square += (advantages[batch[i]] - mean) ** 2
    return np.float32(mean), np.float32(1.0 / (np.sqrt(square / (batch.size - 1)) + 1e-8))


@compiled()
def shorten(gradient: Float32, max_norm: np.float32) -> np.float32:
    """Scale the gradient to at most `max_norm`; return its norm before."""
    norm: np.float32 = np.sqrt(dot(gradient, gradient))
    scale = max_norm / (norm + np.float32(1e-6))
    if not scale >= np.float32(1.0):  # also when it is NaN
        for i in range(gradient.size):
            gradient[i] *= scale
    return norm


@compiled()
def adam(learner: Learner, steps: int, learning_rate: float, epsilon: float) -> None:
    r"""One step of Adam, the `steps`-th of its life.

    $$m \gets \beta_1 m + (1 - \beta_1) g, \quad v \gets \beta_2 v + (1 - \beta_2) g^2, \quad
      \theta \gets \theta - \frac{\eta}{1 - \beta_1^t}
      \frac{m}{\sqrt{v} / \sqrt{1 - \beta_2^t} + \epsilon}$$

    Source: Kingma & Ba (2015), "Adam", algorithm 1, with torch's placement of ε.
    """
    keep_mean, keep_square = np.float32(BETA_MEAN), np.float32(BETA_SQUARE)
    new_mean, new_square = np.float32(1.0 - BETA_MEAN), np.float32(1.0 - BETA_SQUARE)
    rate = np.float32(learning_rate / (1.0 - BETA_MEAN**steps))
    correction = np.float32(1.0 / np.sqrt(1.0 - BETA_SQUARE**steps))
    small = np.float32(epsilon)
    for i in range(learner.parameters.size):
        slope = learner.gradient[i]
        mean = keep_mean * learner.mean[i] + new_mean * slope
        square = keep_square * learner.square[i] + new_square * slope * slope
        learner.mean[i], learner.square[i] = mean, square
        learner.parameters[i] -= rate * mean / (np.sqrt(square) * correction + small)


@compiled()
def look_back(ratios: Ratios, report: Report, epoch: int, low: float, high: float) -> float:
    """Count the epoch's ratios, note their extremes, and return the KL (k3, nats)."""
    bins = report.counts.shape[2]
    divergence = 0.0
    smallest, largest = np.float32(np.inf), np.float32(-np.inf)
    for i in range(ratios.log_ratios.size):
        log_ratio = ratios.log_ratios[i]
        ratio = np.exp(log_ratio)
        divergence += (ratio - np.float32(1.0)) - log_ratio
        smallest, largest = min(smallest, ratio), max(largest, ratio)
        if not np.isnan(ratio):
            place = np.floor((ratio - np.float32(low)) * np.float32(bins / (high - low)))
            bin_index = int(min(max(place, np.float32(0.0)), np.float32(bins - 1)))
            report.counts[0 if ratios.good[i] else 1, epoch, bin_index] += 1
    report.extremes[0], report.extremes[1] = smallest, largest
    return divergence / ratios.log_ratios.size
