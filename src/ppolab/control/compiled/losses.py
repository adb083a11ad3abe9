"""The losses of actor and critic: what is the same for every kind of action."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppolab.control.compiled.network import Tile
from ppolab.machine_code.jit import compiled

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# Where each sum over samples stands in a row of `sums`.
POLICY_LOSS, VALUE_LOSS, ENTROPY, OUTSIDE = 0, 1, 2, 3
SUMS = 4


class LossSettings(NamedTuple):
    """The numbers that shape the loss, all float32."""

    clip_range: np.float32
    value_clip_range: np.float32  # 0: the value loss is not clipped
    value_coef: np.float32
    entropy_coef: np.float32


class Samples(NamedTuple):
    """A rollout laid out flat, [samples] each but where said."""

    observations: Float32  # [samples, observation]
    actions: NDArray[Any]  # int64 [samples, choices], or float32 [samples, numbers]
    masks: NDArray[np.bool_] | None  # [samples, logits], False for forbidden choices
    log_probs: Float32  # nats, of the policy that acted
    values: Float32  # of the critic that acted
    advantages: Float32
    returns: Float32


class Ratios(NamedTuple):
    """What became of each sample of the epoch, in the order it was visited."""

    log_ratios: Float32  # [samples], log π/π_old, nats
    good: NDArray[np.bool_]  # [samples], whether its advantage was positive


@compiled()
def clipped_pull(
    i: int, sample: int, log_prob: float | np.float32, samples: Samples, shift: np.float32,
    scale: np.float32, weight: np.float32, settings: LossSettings, ratios: Ratios, sums: Float64,
) -> np.float32:  # fmt: skip
    r"""The slope of one sample's clipped objective along the log-probability of its action.

    With r = p / p_old, and c = 1 where the clip lets a slope through, else 0:

    $$\frac{\partial}{\partial \log p}\left[-\min(rA, \mathrm{clip}(r)A)\right] = -c\,rA$$

    Args:
        i: where `ratios` wants what becomes of it.
        sample: its index in `samples`.
        log_prob: of its action under the policy of now, nats.
        samples: the whole rollout.
        shift: taken from each advantage first, reward units.
        scale: multiplied to it then, 1 / reward units.
        weight: 1 / samples in the minibatch.
        settings: of the loss.
        ratios: entry `i` is written.
        sums: [SUMS], added to.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    low, high = one - settings.clip_range, one + settings.clip_range
    advantage = (samples.advantages[sample] - shift) * scale
    log_ratio = log_prob - samples.log_probs[sample]
    ratio = np.exp(log_ratio)
    unclipped, clipped = ratio * advantage, min(max(ratio, low), high) * advantage
    ratios.log_ratios[i], ratios.good[i] = log_ratio, advantage > zero
    sums[POLICY_LOSS] -= clipped if clipped < unclipped else unclipped
    sums[OUTSIDE] += one if abs(ratio - one) > settings.clip_range else zero
    # The minimum hands its slope to the smaller one, and the clipped one has none.
    return -weight * unclipped if unclipped <= clipped else zero


@compiled()
def value_slopes(
    tile: Tile, chosen: Int64, samples: Samples, weight: np.float32, settings: LossSettings,
    sums: Float64,
) -> None:  # fmt: skip
    r"""Replace the values in `tile.output` by the slope of the value loss.

    $$\frac{\partial}{\partial V}\,\tfrac12 (V - R)^2 = V - R$$

    Clipped, the larger of two squares counts: the one above, or that of the clipped value, which
    has the slope of its own error while V is inside the range and none outside.

    Args:
        tile: its output holds the values of `chosen`; rows beyond get slope 0.
        chosen: [at most TILE], indices into `samples`.
        samples: the whole rollout.
        weight: 1 / samples in the minibatch.
        settings: of the loss.
        sums: [SUMS], added to.
    """
    limit = settings.value_clip_range
    for i in range(chosen.size):
        sample = chosen[i]
        value, target = tile.output[i, 0], samples.returns[sample]
        error = value - target
        slope, square = error, error * error
        if limit > 0:
            old = samples.values[sample]
            moved = value - old
            clipped_error = old + min(max(moved, -limit), limit) - target
            if clipped_error * clipped_error > square:
                square = clipped_error * clipped_error
                slope = clipped_error if abs(moved) <= limit else np.float32(0.0)
        tile.output[i, 0] = settings.value_coef * weight * slope
        sums[VALUE_LOSS] += np.float32(0.5) * square
    tile.output[chosen.size :] = np.float32(0.0)
