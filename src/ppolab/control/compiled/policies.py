"""What an actor's outputs mean: drawing actions from them, and the slopes that lead back to them.

There are two kinds of actor. One puts out logits, cut into one or several choices (`options` says
how many logits each has); the other a mean for each number of an action, whose logarithms of
standard deviations are weights beside the networks (`options` is None). Numba compiles a kernel for
each kind and leaves the branch out that is not taken, so neither pays for the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppolab.control.compiled.losses import ENTROPY, LossSettings, Ratios, Samples, clipped_pull
from ppolab.control.distributions import LOG_2PI
from ppolab.control.networks import MASKED
from ppolab.machine_code.jit import compiled

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Masks = NDArray[np.bool_] | None
Actions = NDArray[Any]  # int64 [rows, choices], or float32 [rows, numbers]


@compiled()
def draw(
    options: Int64 | None, log_std: Float32, outputs: Float32, masks: Masks, chance: Float32,
    actions: Actions, log_probs: Float32,
) -> None:  # fmt: skip
    """Draw an action for each row of the actor's outputs.

    Args:
        options: [choices], logits of each; None: actions are numbers.
        log_std: [numbers], empty for choices.
        outputs: [rows or more, outputs or more], of the actor; logits that are forbidden are
            overwritten.
        masks: [rows, logits], False for forbidden choices; None: all are allowed.
        chance: [rows, choices] uniform in [0, 1), or [rows, numbers] standard normal.
        actions: [rows, choices] or [rows, numbers], written.
        log_probs: [rows], nats, written.
    """
    if options is None:
        draw_numbers(log_std, outputs, chance, actions, log_probs)
    else:
        if masks is not None:
            for i in range(log_probs.size):
                forbid(masks[i], outputs[i])
        draw_choices(options, outputs, chance, actions, log_probs)


@compiled()
def policy_slopes(
    options: Int64 | None, log_std: Float32, log_std_slope: Float32, outputs: Float32,
    masks: Masks, actions: Actions, chosen: Int64, samples: Samples, shift: np.float32,
    scale: np.float32, weight: np.float32, settings: LossSettings, ratios: Ratios, sums: Float64,
) -> None:  # fmt: skip
    """Replace a tile of the actor's outputs by the slope of policy loss and entropy bonus.

    Args:
        options: [choices], logits of each; None: actions are numbers.
        log_std: [numbers], empty for choices.
        log_std_slope: [numbers], added to.
        outputs: [TILE, outputs or more]: of `chosen`, row by row; rows beyond get slope 0.
        masks: [samples, logits], False for forbidden choices; None: all are allowed.
        actions: [samples, choices] or [samples, numbers].
        chosen: [at most TILE], indices into the samples.
        samples: the whole rollout.
        shift: taken from each advantage first, reward units.
        scale: multiplied to it then, 1 / reward units.
        weight: 1 / samples in the minibatch.
        settings: of the loss.
        ratios: of the samples chosen, written.
        sums: [SUMS], added to.
    """
    if options is None:
        normal_slopes(
            log_std, log_std_slope, outputs, actions, chosen, samples, shift, scale, weight,
            settings, ratios, sums,
        )  # fmt: skip
    else:
        if masks is not None:
            for i in range(chosen.size):
                forbid(masks[chosen[i]], outputs[i])
        choice_slopes(
            options, outputs, actions, chosen, samples, shift, scale, weight, settings, ratios,
            sums,
        )  # fmt: skip
    for i in range(chosen.size, outputs.shape[0]):
        for k in range(outputs.shape[1]):
            outputs[i, k] = np.float32(0.0)


@compiled()
def forbid(mask: NDArray[np.bool_], logits: Float32) -> None:
    """Give forbidden choices a logit whose exponential is 0, and so is every slope along it."""
    for k in range(mask.size):
        if not mask[k]:
            logits[k] = np.float32(MASKED)


@compiled()
def draw_choices(
    options: Int64, logits: Float32, uniforms: Float32, actions: Int64, log_probs: Float32
) -> None:
    """Take the first action whose cumulative probability passes the uniform; as in `draw`."""
    exponentials = np.empty(logits.shape[1], np.float32)
    for i in range(log_probs.size):
        log_prob = np.float32(0.0)
        first = 0
        for choice in range(options.size):
            end = first + options[choice]
            largest = logits[i, first]
            for k in range(first + 1, end):
                largest = max(largest, logits[i, k])
            total = np.float32(0.0)
            for k in range(first, end):
                exponentials[k] = np.exp(logits[i, k] - largest)
                total += exponentials[k]
            threshold, passed, action = uniforms[i, choice] * total, np.float32(0.0), first
            while action < end - 1:
                passed += exponentials[action]
                if passed > threshold:
                    break
                action += 1
            actions[i, choice] = action - first
            log_prob += logits[i, action] - largest - np.log(total)
            first = end
        log_probs[i] = log_prob


@compiled()
def draw_numbers(
    log_std: Float32, means: Float32, noise: Float32, actions: Float32, log_probs: Float32
) -> None:
    """Mean + standard deviation · noise; arguments as in `draw`."""
    for i in range(log_probs.size):
        log_density = 0.0
        for k in range(log_std.size):
            actions[i, k] = means[i, k] + np.exp(log_std[k]) * noise[i, k]
            log_density -= 0.5 * (np.float64(noise[i, k]) ** 2 + LOG_2PI) + log_std[k]
        log_probs[i] = log_density


@compiled()
def choice_slopes(
    options: Int64, logits: Float32, actions: Int64, chosen: Int64, samples: Samples,
    shift: np.float32, scale: np.float32, weight: np.float32, settings: LossSettings,
    ratios: Ratios, sums: Float64,
) -> None:  # fmt: skip
    r"""As `policy_slopes`, for logits.

    With p = softmax(z), and g the slope along the log-probability of the action:

    $$\frac{\partial}{\partial z_k} = g\,(\mathbb 1[k = a] - p_k), \qquad
      \frac{\partial(-H)}{\partial z_k} = p_k(\log p_k + H)$$

    Several choices are independent: log-probabilities and entropies add up, and each choice has
    these slopes of its own.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    probabilities = np.empty(logits.shape[1], np.float32)
    log_totals, entropies = np.empty(options.size, np.float32), np.empty(options.size, np.float32)
    for i in range(chosen.size):
        sample = chosen[i]
        log_prob = zero
        first = 0
        for choice in range(options.size):
            end = first + options[choice]
            largest = logits[i, first]
            for k in range(first + 1, end):
                largest = max(largest, logits[i, k])
            total = zero
            for k in range(first, end):
                probabilities[k] = np.exp(logits[i, k] - largest)
                total += probabilities[k]
            log_total = largest + np.log(total)
            entropy = zero
            for k in range(first, end):
                probabilities[k] /= total
                entropy -= probabilities[k] * (logits[i, k] - log_total)
            log_prob += logits[i, first + actions[sample, choice]] - log_total
            log_totals[choice], entropies[choice] = log_total, entropy
            sums[ENTROPY] += entropy
            first = end

        pull = clipped_pull(
            i, sample, log_prob, samples, shift, scale, weight, settings, ratios, sums
        )
        first = 0
        for choice in range(options.size):
            end, taken_one = first + options[choice], first + actions[sample, choice]
            for k in range(first, end):
                taken = one if k == taken_one else zero
                spread = probabilities[k] * (logits[i, k] - log_totals[choice] + entropies[choice])
                logits[i, k] = (
                    pull * (taken - probabilities[k]) + settings.entropy_coef * weight * spread
                )
            first = end


@compiled()
def normal_slopes(
    log_std: Float32, log_std_slope: Float32, means: Float32, actions: Float32, chosen: Int64,
    samples: Samples, shift: np.float32, scale: np.float32, weight: np.float32,
    settings: LossSettings, ratios: Ratios, sums: Float64,
) -> None:  # fmt: skip
    r"""As `policy_slopes`, for means.

    With z = (a − μ) / σ, and g the slope along the log-density of the action:

    $$\frac{\partial}{\partial \mu_k} = g\,\frac{z_k}{\sigma_k}, \qquad
      \frac{\partial}{\partial \log\sigma_k} = g\,(z_k^2 - 1), \qquad
      \frac{\partial(-H)}{\partial \log\sigma_k} = -1$$

    A density of many numbers is a long sum, and its error becomes one of the ratio: it is taken in
    double precision, which costs nothing beside the networks.
    """
    count = log_std.size
    z, inverse, slopes = np.empty(count), np.empty(count), np.zeros(count)
    entropy = 0.0
    for k in range(count):
        inverse[k] = np.exp(-np.float64(log_std[k]))
        entropy += log_std[k] + 0.5 * (1.0 + LOG_2PI)
    for i in range(chosen.size):
        log_density = 0.0
        for k in range(count):
            z[k] = (actions[chosen[i], k] - np.float64(means[i, k])) * inverse[k]
            log_density -= 0.5 * (z[k] ** 2 + LOG_2PI) + log_std[k]
        pull = clipped_pull(
            i, chosen[i], log_density, samples, shift, scale, weight, settings, ratios, sums
        )
        for k in range(count):
            means[i, k] = pull * z[k] * inverse[k]
            slopes[k] += pull * (z[k] ** 2 - 1.0) - settings.entropy_coef * weight
        sums[ENTROPY] += entropy
    for k in range(count):
        log_std_slope[k] += slopes[k]
