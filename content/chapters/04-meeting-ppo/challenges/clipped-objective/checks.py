"""Checks of the challenge "clipped objective".

Each function is one check. The expected values come from the loss that the engine itself trains
with; they stay in this process.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ppolab.algorithms.policy_losses import clipped_policy_loss
from ppolab.assessment.checking import (
    Ask,
    CheckFailed,
    close,
    require_gradient,
    require_tensor,
    require_untouched,
)

# Where a ratio may lie, in units of ε on either side of 1. The gaps keep every sample away from
# the ends of the range, where the function has a kink and rounding would decide.
INSIDE = (-0.85, 0.85)
ABOVE = (1.15, 2.5)
BELOW = (-2.5, -1.15)


class Batch(NamedTuple):
    """Inputs of the function, and the ratio they were made from."""

    log_probs: Tensor
    old_log_probs: Tensor
    advantages: Tensor
    clip_range: float
    ratio: Tensor


def draw(
    rng: np.random.Generator,
    regions: list[tuple[float, float]],
    signs: list[int],
    clip_range: float | None = None,
    dtype: torch.dtype = torch.float32,
    old_range: tuple[float, float] = (-3.0, -0.2),
) -> Batch:
    """Draw one sample per region and sign of the advantage, with ratios well inside the region."""
    epsilon = round(float(rng.uniform(0.1, 0.3)), 3) if clip_range is None else clip_range
    ratio = np.array([1 + epsilon * rng.uniform(*region) for region in regions])
    # Away from 1 itself, where a first-order slip would not show.
    ratio = np.where(np.abs(ratio - 1) < 0.3 * epsilon, 1 + 0.6 * epsilon, ratio)
    advantages = np.array(signs) * rng.uniform(0.5, 2.0, size=len(signs))
    old = rng.uniform(*old_range, size=len(signs))
    tensors = [torch.tensor(x, dtype=dtype) for x in (old + np.log(ratio), old, advantages)]
    return Batch(*tensors, epsilon, (tensors[0] - tensors[1]).exp())


def expected_loss(batch: Batch) -> Tensor:
    return clipped_policy_loss(*batch[:4]).loss


def expected_gradient(batch: Batch) -> Tensor:
    """∂loss/∂log_probs, by autograd on the engine's own loss."""
    log_probs = batch.log_probs.clone().requires_grad_()
    loss = clipped_policy_loss(log_probs, *batch[1:4]).loss
    return torch.autograd.grad(loss, log_probs)[0]


def submitted_loss(ask: Ask, batch: Batch) -> Tensor:
    return require_tensor(ask(*batch[:4]), (), batch.log_probs.dtype, "the loss")


def submitted_gradient(ask: Ask, batch: Batch) -> Tensor:
    answer = ask(*batch[:4], gradient_of=(0,))
    require_tensor(answer, (), batch.log_probs.dtype, "the loss")
    return require_gradient(answer, 0, batch.log_probs, "log_probs")


def check_one_sample(ask: Ask, batch: Batch, reason: str) -> None:
    """Compare the loss of a single sample."""
    actual, expected = submitted_loss(ask, batch), expected_loss(batch)
    if close(actual, expected):
        return
    message = f"The loss of a single sample is wrong. {reason}"
    if close(-actual, expected):
        message += (
            " Yours is right apart from its sign: an optimiser makes the loss small, so return "
            "minus the objective."
        )
    raise CheckFailed(message)


def inside_range(ask: Ask, rng: np.random.Generator) -> None:
    reason = "Inside the range both terms of the minimum are the same: the loss is −r·A."
    for sign in (1, -1, 1, -1):
        check_one_sample(ask, draw(rng, [INSIDE], [sign]), reason)


def positive_advantage(ask: Ask, rng: np.random.Generator) -> None:
    stops = "The action was good and is already likely enough: the objective stops at (1 + ε)·A."
    pulls = (
        "The action was good but has become less likely. The minimum takes r·A here, unclipped, "
        "so that the policy is pulled back."
    )
    for _ in range(2):
        check_one_sample(ask, draw(rng, [ABOVE], [1]), stops)
        check_one_sample(ask, draw(rng, [BELOW], [1]), pulls)


def negative_advantage(ask: Ask, rng: np.random.Generator) -> None:
    stops = "The action was bad and is already unlikely enough: the objective stops at (1 − ε)·A."
    pulls = (
        "The action was bad and has become more likely. The minimum takes r·A here, unclipped, "
        "however large r is, so that the policy is pulled back."
    )
    for _ in range(2):
        check_one_sample(ask, draw(rng, [BELOW], [-1]), stops)
        check_one_sample(ask, draw(rng, [ABOVE], [-1]), pulls)


def clip_range(ask: Ask, rng: np.random.Generator) -> None:
    reason = "The same sample is clipped at other places when clip_range is another number."
    for low, high in ((0.05, 0.09), (0.35, 0.6)):
        epsilon = round(float(rng.uniform(low, high)), 3)
        check_one_sample(ask, draw(rng, [(1.15, 1.6)], [1], epsilon), reason)
        check_one_sample(ask, draw(rng, [(-1.6, -1.15)], [-1], epsilon), reason)


EVERY_REGION = [INSIDE, ABOVE, BELOW, INSIDE, ABOVE, BELOW]
EVERY_SIGN = [1, 1, 1, -1, -1, -1]


def mean_over_samples(ask: Ask, rng: np.random.Generator) -> None:
    for repeats in (1, 3):
        batch = draw(rng, EVERY_REGION * repeats, EVERY_SIGN * repeats)
        actual, expected = submitted_loss(ask, batch), expected_loss(batch)
        if close(actual, expected):
            continue
        if torch.allclose(actual, expected * len(batch.log_probs), rtol=1e-4):
            raise CheckFailed(
                "For several samples yours is too large by their number: take the mean, not the "
                "sum."
            )
        raise CheckFailed(
            "For several samples, some in every region, the loss is wrong. Take the smaller of the "
            "two terms for each sample on its own, and only then the mean; and use the advantages "
            "as they are given."
        )


def check_gradient(ask: Ask, batch: Batch, reason: str) -> None:
    """Compare the gradient for each sample with autograd on the engine's loss."""
    actual, expected = submitted_gradient(ask, batch), expected_gradient(batch)
    if not close(actual, expected):
        raise CheckFailed(
            f"In a batch of {len(expected)} samples the gradient of the loss for log_probs is "
            f"wrong. {reason}"
        )


def gradient(ask: Ask, rng: np.random.Generator) -> None:
    reason = "Inside the range each sample sends −r·A divided by the number of samples."
    for _ in range(2):
        check_gradient(ask, draw(rng, [INSIDE] * 4, [1, -1, 1, -1]), reason)


def gradient_stops(ask: Ask, rng: np.random.Generator) -> None:
    reason = (
        "This sample has gone as far as it is paid for: the clipped term is the smaller one, and "
        "it does not depend on the ratio."
    )
    for _ in range(2):
        # One sample inside: a loss that depends on no sample at all may have no gradient at all.
        check_gradient(ask, draw(rng, [ABOVE, BELOW, INSIDE] * 2, [1, -1, 1] * 2), reason)


def gradient_pulls_back(ask: Ask, rng: np.random.Generator) -> None:
    reason = (
        "The ratio is outside the range, but it went against the advantage: the unclipped term is "
        "the smaller one, and its gradient brings the sample back."
    )
    for _ in range(2):
        check_gradient(ask, draw(rng, [BELOW, ABOVE] * 2, [1, -1] * 2), reason)


def shapes_and_dtypes(ask: Ask, rng: np.random.Generator) -> None:
    flat = draw(rng, EVERY_REGION, EVERY_SIGN)
    # Several: a single number may be right by luck.
    doubles = [draw(rng, EVERY_REGION, EVERY_SIGN, dtype=torch.float64) for _ in range(3)]
    table = Batch(*(tensor.reshape(2, 3) for tensor in flat[:3]), flat.clip_range, flat.ratio)
    one = draw(rng, [INSIDE], [1])
    for batch in (one, table, *doubles):
        actual, expected = submitted_loss(ask, batch), expected_loss(batch)
        if not close(actual, expected):
            shape = list(batch.log_probs.shape)
            raise CheckFailed(
                f"For inputs of shape {shape} in {str(expected.dtype).removeprefix('torch.')} the "
                "loss is wrong. Average over all samples, whatever the shape, and compute in the "
                "precision of the inputs."
            )


def very_small_probabilities(ask: Ask, rng: np.random.Generator) -> None:
    # e^(−120) is 0 in float32. Sums of log-probabilities over many action dimensions, or over the
    # tokens of a text, are easily that small.
    for _ in range(2):
        batch = draw(rng, EVERY_REGION, EVERY_SIGN, old_range=(-160.0, -120.0))
        # Rounding of log-probabilities of this size moves the ratio by about 1e-5.
        actual, expected = submitted_loss(ask, batch), expected_loss(batch)
        if not torch.allclose(actual, expected, rtol=1e-4, atol=1e-4):
            raise CheckFailed(
                "With log-probabilities around −140 the loss is wrong. Each probability alone is 0 "
                "in float32; subtract the log-probabilities before taking exp."
            )


def inputs_untouched(ask: Ask, rng: np.random.Generator) -> None:
    batch = draw(rng, EVERY_REGION, EVERY_SIGN)
    answer = ask(*batch[:4], report_args=True)
    require_tensor(answer, (), batch.log_probs.dtype, "the loss")
    require_untouched(answer, batch[:4], ("log_probs", "old_log_probs", "advantages"))
