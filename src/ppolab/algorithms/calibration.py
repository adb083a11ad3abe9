"""Whether claimed probabilities come true as often as claimed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class ReliabilityCurve(NamedTuple):
    """Claims against what came true, bin by bin; only bins that hold events."""

    claimed: Tensor  # [bins in use] float64, mean claim
    happened: Tensor  # [bins in use] float64, share that came true
    counts: Tensor  # [bins in use] int64, events


def reliability_curve(probabilities: Tensor, outcomes: Tensor, bins: int = 10) -> ReliabilityCurve:
    r"""What was claimed, and how often it came true: points on the diagonal are honest.

    Claims are folded to their likelier side first, as by `expected_calibration_error`, whose value
    is the mean distance of these points from the diagonal, weighted by events.

    Args:
        probabilities: [events], claimed, in [0, 1].
        outcomes: [events], 1 where the event happened, 0 where not.
        bins: equal bins on [0.5, 1].

    Raises:
        ValueError: there is no event.

    Source: DeGroot and Fienberg (1983), "The comparison and evaluation of forecasters".
    """
    claimed, happened, counts = _binned(probabilities, outcomes, bins)
    used = counts > 0
    counts = counts[used]
    return ReliabilityCurve(claimed[used] / counts, happened[used] / counts, counts)


def expected_calibration_error(probabilities: Tensor, outcomes: Tensor, bins: int = 10) -> float:
    r"""Mean gap between what was claimed and what came true, over bins of claims.

    $$\mathrm{ECE} = \sum_b \frac{n_b}{n} \bigl|\bar p_b - \bar y_b\bigr|$$

    A claim of p that an event happens also claims 1 − p that it does not. Each is folded to its
    likelier side first, so that it does not matter which of two answers is called the first.

    Args:
        probabilities: [events], claimed, in [0, 1].
        outcomes: [events], 1 where the event happened, 0 where not.
        bins: equal bins on [0.5, 1].

    Returns:
        In [0, 1]; 0 is perfect.

    Raises:
        ValueError: there is no event.

    Source: Naeini et al. (2015), "Obtaining well calibrated probabilities using Bayesian binning",
    after folding.
    """
    claimed, happened, _ = _binned(probabilities, outcomes, bins)
    return float((claimed - happened).abs().sum() / len(probabilities))


def brier_score(probabilities: Tensor, outcomes: Tensor) -> float:
    r"""Mean squared distance between claims and outcomes.

    $$\mathrm{BS} = \tfrac1n \sum_i (p_i - y_i)^2$$

    Args:
        probabilities: [events], claimed, in [0, 1].
        outcomes: [events], 1 where the event happened, 0 where not.

    Returns:
        In [0, 1]; always claiming one half scores 0.25.

    Source: Brier (1950), "Verification of forecasts expressed in terms of probability".
    """
    return float((probabilities - outcomes).square().mean())


def _binned(probabilities: Tensor, outcomes: Tensor, bins: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of each bin [bins]: the sum of claims, how many came true, how many events there are."""
    if len(probabilities) == 0:
        raise ValueError("probabilities is empty: at least one event is needed")
    likelier = probabilities >= 0.5
    claims = torch.where(likelier, probabilities, 1 - probabilities).double()
    came_true = torch.where(likelier, outcomes, 1 - outcomes).double()
    index = ((claims - 0.5) * 2 * bins).long().clamp(max=bins - 1)
    claimed = torch.zeros(bins, dtype=torch.float64).index_add_(0, index, claims)
    happened = torch.zeros(bins, dtype=torch.float64).index_add_(0, index, came_true)
    return claimed, happened, torch.bincount(index, minlength=bins)
