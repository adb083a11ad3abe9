"""Checks of the challenge "the Bradley–Terry loss".

The expected values are computed here from the definition, in float64 and by another route than a
submission would take: −log σ(x) = max(−x, 0) + log1p(e^−|x|), and slopes in closed form.
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


class Pairs(NamedTuple):
    """Arguments of the function."""

    chosen: Tensor
    rejected: Tensor
    margins: Tensor
    ties: Tensor
    label_smoothing: float


def draw(
    rng: np.random.Generator,
    count: int,
    margin: bool = False,
    smoothing: bool = False,
    ties: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Pairs:
    """Draw pairs of order 1, with differences of both signs; the first `ties` are ties."""
    rejected = rng.normal(size=count)
    differences = rng.uniform(0.4, 2.5, size=count) * np.where(np.arange(count) % 2, -1, 1)
    margins = rng.uniform(0.3, 1.5, size=count) * margin
    epsilon = round(float(rng.uniform(0.05, 0.3)), 3) if smoothing else 0.0
    return Pairs(
        torch.tensor(rejected + differences, dtype=dtype),
        torch.tensor(rejected, dtype=dtype),
        torch.tensor(margins, dtype=dtype),
        torch.arange(count) < ties,
        epsilon,
    )


def minus_log_sigmoid(x: Tensor) -> Tensor:
    return (-x).clamp(min=0) + torch.log1p(torch.exp(-x.abs()))


def losses(pairs: Pairs) -> Tensor:
    """The loss of each pair, from the definition."""
    difference = pairs.chosen.double() - pairs.rejected.double()
    asked = difference - pairs.margins.double()
    epsilon = pairs.label_smoothing
    decided = (1 - epsilon) * minus_log_sigmoid(asked) + epsilon * minus_log_sigmoid(-asked)
    tied = (minus_log_sigmoid(difference) + minus_log_sigmoid(-difference)) / 2
    return torch.where(pairs.ties, tied, decided)


def slopes(pairs: Pairs) -> Tensor:
    """∂loss/∂chosen of each pair: σ minus the probability that the label gives."""
    difference = pairs.chosen.double() - pairs.rejected.double()
    asked = difference - pairs.margins.double()
    decided = torch.sigmoid(asked) - (1 - pairs.label_smoothing)
    tied = torch.sigmoid(difference) - 0.5
    return torch.where(pairs.ties, tied, decided) / len(difference)


def check_loss(ask: Ask, pairs: Pairs, hint: str) -> None:
    dtype = pairs.chosen.dtype
    actual = require_tensor(ask(*pairs), (), dtype, "the loss")
    if not close(actual, losses(pairs).mean().to(dtype)):
        raise CheckFailed(hint)


def check_slopes(ask: Ask, pairs: Pairs, hint: str) -> None:
    dtype = pairs.chosen.dtype
    answer = ask(*pairs, gradient_of=(0, 1))
    require_tensor(answer, (), dtype, "the loss")
    expected = slopes(pairs).to(dtype)
    for index, name, sign in ((0, "chosen", 1), (1, "rejected", -1)):
        if not close(require_gradient(answer, index, expected, name), sign * expected):
            raise CheckFailed(f"The gradient for {name} is wrong. {hint}")


def decided_pairs(ask: Ask, rng: np.random.Generator) -> None:
    for count in (1, 2, 5):
        check_loss(
            ask,
            draw(rng, count),
            "Without margins, smoothing and ties the loss of a pair is −log σ of the preferred "
            "answer's score minus the other's. Mind which of the two comes first, and the sign.",
        )


def only_differences(ask: Ask, rng: np.random.Generator) -> None:
    pairs = draw(rng, 4, margin=True, smoothing=True, ties=1)
    shift = float(rng.uniform(5, 20))
    check_loss(
        ask,
        # In float64, where the shift costs no digits.
        pairs._replace(
            chosen=pairs.chosen.double() + shift,
            rejected=pairs.rejected.double() + shift,
            margins=pairs.margins.double(),
        ),
        "A number added to all scores must not change the loss: only the difference of the two "
        "scores of a pair counts.",
    )


def margins(ask: Ask, rng: np.random.Generator) -> None:
    for _ in range(2):
        check_loss(
            ask,
            draw(rng, 4, margin=True),
            "A margin is taken off the difference before σ: a pair whose difference equals its "
            "margin costs log 2.",
        )


def label_smoothing(ask: Ask, rng: np.random.Generator) -> None:
    for margin in (False, True):
        check_loss(
            ask,
            draw(rng, 4, margin=margin, smoothing=True),
            "With label smoothing ε the label as given counts 1 − ε, and the opposite label "
            "counts ε; with a margin, the same difference minus margin stands in both terms.",
        )


def ties(ask: Ask, rng: np.random.Generator) -> None:
    hint = (
        "A tie gives half a choice to each answer, so that it costs least where the two scores are "
        "equal. It knows no margin and no smoothing."
    )
    check_loss(ask, draw(rng, 3, ties=3), hint)
    check_loss(ask, draw(rng, 3, margin=True, smoothing=True, ties=3), hint)


def mean_over_pairs(ask: Ask, rng: np.random.Generator) -> None:
    for count, tied in ((5, 2), (9, 1), (6, 5)):
        check_loss(
            ask,
            draw(rng, count, margin=True, smoothing=True, ties=tied),
            "With decided pairs and ties in one batch the loss is wrong. Take one mean over all "
            "pairs, at the end: neither a sum, nor a mean over the decided ones, nor a mean of two "
            "means.",
        )


def gradients(ask: Ask, rng: np.random.Generator) -> None:
    hint = "Every operation from the scores to the loss has to be one that autograd can follow."
    check_slopes(ask, draw(rng, 4), hint)
    check_slopes(ask, draw(rng, 6, margin=True, smoothing=True, ties=2), hint)


def large_differences(ask: Ask, rng: np.random.Generator) -> None:
    hint = (
        "For differences of 100 and more the loss grows like the difference and its gradient is "
        "nearly 0 or nearly 1. σ itself is exactly 0 or 1 there, so its logarithm must not be "
        "taken, and a difference that is clamped learns nothing."
    )
    size = rng.uniform(100, 300, size=6) * np.array([1, -1, 1, -1, 1, -1])
    for smoothing in (False, True):
        pairs = draw(rng, 6, margin=True, smoothing=smoothing, ties=2)
        pairs = pairs._replace(chosen=pairs.rejected + torch.tensor(size, dtype=torch.float32))
        check_loss(ask, pairs, hint)
        check_slopes(ask, pairs, hint)


def shapes_and_dtypes(ask: Ask, rng: np.random.Generator) -> None:
    check_loss(ask, draw(rng, 1, margin=True), "The loss of a single pair is wrong.")
    hint = "In float64 it is wrong. If the other checks pass, something in between is float32."
    for _ in range(3):  # a single number may be right by luck
        pairs = draw(rng, 5, margin=True, smoothing=True, ties=2, dtype=torch.float64)
        check_loss(ask, pairs, hint)
        check_slopes(ask, pairs, hint)


def inputs_untouched(ask: Ask, rng: np.random.Generator) -> None:
    pairs = draw(rng, 5, margin=True, smoothing=True, ties=2)
    answer = ask(*pairs, report_args=True)
    require_tensor(answer, (), torch.float32, "the loss")
    require_untouched(answer, pairs, ("chosen", "rejected", "margins", "ties"))
