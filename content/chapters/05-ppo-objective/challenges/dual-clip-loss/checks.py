"""Checks of the challenge "clipped and dual-clip loss".

The expected values use another form of the same function: the ratio is bounded by 1 + ε where A ≥ 0,
and by 1 − ε from below and c from above where A < 0. Slopes are in closed form.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ppolab.assessment.checking import (
    Ask,
    CheckFailed,
    close,
    require_gradient,
    require_tensor,
    require_untouched,
)

# Where a ratio lies, from the lower end to the upper one of each region. Gaps keep every token away
# from a kink, where rounding would decide.
INSIDE = ("inside", -0.85, 0.85)  # in units of ε from 1
ABOVE = ("above", 0.15, 0.85)  # from 1 + ε to c
BELOW = ("below", -2.5, -1.15)  # in units of ε from 1
FAR = ("far", 1.1, 8.0)  # in units of c
Region = tuple[str, float, float]


class Batch(NamedTuple):
    """Arguments of the function."""

    log_probs: Tensor
    old_log_probs: Tensor
    advantages: Tensor
    mask: Tensor
    clip_range: float
    dual_clip: float


def draw(
    rng: np.random.Generator,
    regions: list[Region],
    signs: list[int],
    clip_range: float | None = None,
    dual_clip: float | None = None,
    dtype: torch.dtype = torch.float32,
) -> Batch:
    """Draw one answer with a token per region and sign."""
    epsilon = round(float(rng.uniform(0.1, 0.3)), 3) if clip_range is None else clip_range
    c = round(float(rng.uniform(2.0, 4.0)), 3) if dual_clip is None else dual_clip
    ratios = []
    for name, low, high in regions:
        place = rng.uniform(low, high)
        if name == "far":
            ratios.append(c * place)
        elif name == "above":
            ratios.append(1 + epsilon + (c - 1 - epsilon) * place)
        else:
            # Away from 1 itself, where a first-order slip would not show.
            ratios.append(1 + epsilon * (0.5 if abs(place) < 0.3 else place))
    advantages = np.array(signs) * rng.uniform(0.5, 2.0, size=len(signs))
    old = rng.uniform(-5.0, -2.5, size=len(signs))
    rows = (old + np.log(ratios), old, advantages)
    tensors = [torch.tensor(row, dtype=dtype)[None] for row in rows]
    return Batch(*tensors, torch.ones(1, len(signs), dtype=torch.bool), epsilon, c)


def stacked(batches: list[Batch], noise: float = 0.0) -> Batch:
    """Put answers of different lengths under one another; the padding holds `noise` and −`noise`."""
    width = max(batch.mask.shape[1] for batch in batches)

    def pad(rows: list[Tensor], filling: float) -> Tensor:
        full = [
            torch.cat([row, torch.full((1, width - row.shape[1]), filling, dtype=row.dtype)], 1)
            for row in rows
        ]
        return torch.cat(full)

    return Batch(
        pad([batch.log_probs for batch in batches], noise),
        pad([batch.old_log_probs for batch in batches], -noise),
        pad([batch.advantages for batch in batches], 5.0),
        pad([batch.mask.float() for batch in batches], 0.0).bool(),
        batches[0].clip_range,
        batches[0].dual_clip,
    )


def expected(batch: Batch) -> tuple[Tensor, Tensor]:
    """The loss and its slope for every log-probability."""
    log_ratio = (batch.log_probs.double() - batch.old_log_probs.double()).where(batch.mask, 0.0)
    ratio, advantages = log_ratio.exp(), batch.advantages.double()
    low, high, c = 1 - batch.clip_range, 1 + batch.clip_range, batch.dual_clip
    bounded = torch.where(advantages >= 0, ratio.clamp(max=high), ratio.clamp(low, c))
    moves = torch.where(advantages >= 0, ratio < high, (ratio > low) & (ratio < c)) & batch.mask
    count = batch.mask.sum()
    loss = -(bounded * advantages).where(batch.mask, 0.0).sum() / count
    slope = -(ratio * advantages).where(moves, 0.0) / count
    dtype = batch.log_probs.dtype
    return loss.to(dtype), slope.to(dtype)


def check_loss(ask: Ask, batch: Batch, hint: str) -> None:
    actual = require_tensor(ask(*batch), (), batch.log_probs.dtype, "the loss")
    loss, _ = expected(batch)
    if not close(actual, loss):
        if close(-actual, loss) and float(loss) != 0:
            hint += " Yours is right apart from its sign: return minus the objective."
        raise CheckFailed(hint)


def check_slope(ask: Ask, batch: Batch, hint: str) -> None:
    answer = ask(*batch, gradient_of=(0,))
    require_tensor(answer, (), batch.log_probs.dtype, "the loss")
    _, slope = expected(batch)
    if not close(require_gradient(answer, 0, slope, "log_probs"), slope):
        raise CheckFailed(hint)


def inside_range(ask: Ask, rng: np.random.Generator) -> None:
    for sign in (1, -1):
        check_loss(
            ask, draw(rng, [INSIDE], [sign]), "Near 1 nothing is clipped: the loss is −r·A."
        )


def positive_advantage(ask: Ask, rng: np.random.Generator) -> None:
    for region in (ABOVE, FAR):
        check_loss(
            ask,
            draw(rng, [region], [1]),
            "A good action that is likely enough: the objective stays at (1 + ε)·A, however large "
            "the ratio. The floor is for negative advantages only.",
        )
    check_loss(
        ask,
        draw(rng, [BELOW], [1]),
        "A good action that became less likely: the minimum takes r·A, so that it comes back.",
    )


def negative_advantage(ask: Ask, rng: np.random.Generator) -> None:
    check_loss(
        ask,
        draw(rng, [BELOW], [-1]),
        "A bad action that is unlikely enough: the objective stays at (1 − ε)·A.",
    )
    check_loss(
        ask,
        draw(rng, [ABOVE], [-1]),
        "A bad action that became more likely, but not c times: the objective is r·A, unclipped.",
    )


def floor(ask: Ask, rng: np.random.Generator) -> None:
    for _ in range(3):
        check_loss(
            ask,
            draw(rng, [FAR], [-1]),
            "A bad action that became more than c times as likely: the objective stays at c·A.",
        )


def settings(ask: Ask, rng: np.random.Generator) -> None:
    for epsilon, c in ((0.07, 1.6), (0.4, 6.5)):
        for region, sign in ((ABOVE, 1), (BELOW, -1), (FAR, -1), (ABOVE, -1)):
            check_loss(
                ask,
                draw(rng, [region], [sign], clip_range=epsilon, dual_clip=c),
                "With another clip_range and another dual_clip the same ratios are bounded at other "
                "places: at 1 − ε, at 1 + ε and at c itself.",
            )


EVERY = [INSIDE, ABOVE, BELOW, FAR] * 2
SIGNS = [1, 1, 1, 1, -1, -1, -1, -1]


def gradient(ask: Ask, rng: np.random.Generator) -> None:
    for _ in range(2):
        check_slope(
            ask,
            draw(rng, EVERY, SIGNS),
            "The gradient for log_probs is wrong. A token sends −r·A divided by the number of "
            "tokens, and nothing where its objective is flat: above 1 + ε for a good action, below "
            "1 − ε and above c for a bad one.",
        )


def mean_over_tokens(ask: Ask, rng: np.random.Generator) -> None:
    settled = {"clip_range": 0.2, "dual_clip": 3.0}
    for lengths in ((1, 5), (2, 3, 7)):
        batch = stacked(
            [draw(rng, EVERY[:length], SIGNS[:length], **settled) for length in lengths]
        )
        check_loss(
            ask,
            batch,
            "With answers of different lengths the loss is wrong. Add up over all real tokens of "
            "the batch and divide by their number: no mean over padding, no mean of means, no sum.",
        )


def padding(ask: Ask, rng: np.random.Generator) -> None:
    settled = {"clip_range": 0.2, "dual_clip": 3.0}
    hint = (
        "With log-probabilities in the padding that differ by 100 and more {}. Padding must not "
        "reach the exponential: e^100 is infinite, and 0 times infinity is not a number."
    )
    for noise in (60.0, -60.0):
        batch = stacked([draw(rng, EVERY[:k], SIGNS[:k], **settled) for k in (8, 3)], noise)
        check_loss(ask, batch, hint.format("the loss is wrong"))
        check_slope(ask, batch, hint.format("the gradient is wrong"))


def zero_advantages(ask: Ask, rng: np.random.Generator) -> None:
    settled = {"clip_range": 0.2, "dual_clip": 3.0}
    plain, equal = (draw(rng, EVERY, SIGNS, **settled) for _ in range(2))
    equal = equal._replace(advantages=torch.zeros_like(equal.advantages))
    hint = (
        "Tokens with an advantage of 0 add nothing to the sum and count in the mean. Use the "
        "advantages as they are given: no normalising, no division by their spread."
    )
    check_loss(ask, equal, hint)
    check_loss(ask, stacked([plain, equal]), hint)
    check_slope(ask, stacked([plain, equal]), hint)


def shapes_and_dtypes(ask: Ask, rng: np.random.Generator) -> None:
    check_loss(ask, draw(rng, [INSIDE], [-1]), "The loss of a single token is wrong.")
    hint = "In float64 it is wrong. If the other checks pass, something in between is float32."
    for _ in range(3):  # a single number may be right by luck
        batch = draw(rng, EVERY, SIGNS, dtype=torch.float64)
        check_loss(ask, batch, hint)
        check_slope(ask, batch, hint)


def inputs_untouched(ask: Ask, rng: np.random.Generator) -> None:
    settled = {"clip_range": 0.2, "dual_clip": 3.0}
    batch = stacked([draw(rng, EVERY[:k], SIGNS[:k], **settled) for k in (8, 3)], 60.0)
    answer = ask(*batch, report_args=True)
    require_tensor(answer, (), torch.float32, "the loss")
    require_untouched(answer, batch, ("log_probs", "old_log_probs", "advantages", "mask"))
