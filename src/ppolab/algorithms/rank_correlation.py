"""Whether two scores put the same things in the same order, whatever their scales."""

from __future__ import annotations

import torch
from torch import Tensor


def ranks(values: Tensor) -> Tensor:
    """Rank of each value from 1, the smallest, upwards; equal values share their mean rank.

    Args:
        values: [n].

    Returns:
        [n] float64.
    """
    _, group, sizes = torch.unique(values, return_inverse=True, return_counts=True)
    last = sizes.cumsum(0).double()
    shared: Tensor = last - 0.5 * (sizes - 1)
    return shared[group]


def spearman(first: Tensor, second: Tensor) -> float:
    r"""Correlation of the ranks.

    $$\rho = \frac{\sum_i (R_i - \bar R)(S_i - \bar S)}
      {\sqrt{\sum_i (R_i - \bar R)^2 \sum_i (S_i - \bar S)^2}}$$

    Args:
        first: [n], scores.
        second: [n], other scores of the same things.

    Returns:
        In [−1, 1]; 1 is the same order. NaN where one side is the same throughout.

    Raises:
        ValueError: shapes that differ, or fewer than two things.

    Source: Spearman (1904), "The proof and measurement of association between two things".
    """
    _require_two(first, second)
    r, s = ranks(first), ranks(second)
    r, s = r - r.mean(), s - s.mean()
    return float((r @ s) / (r.square().sum() * s.square().sum()).sqrt())


def kendall_tau_b(first: Tensor, second: Tensor) -> float:
    r"""How many more pairs are in the same order than in the other, of those not tied.

    $$\tau_b = \frac{C - D}{\sqrt{(n_0 - n_1)(n_0 - n_2)}}, \qquad n_0 = \binom{n}{2}$$

    with C pairs in the same order, D in the other, n₁ and n₂ tied on one side. Every pair is
    looked at, so memory grows with n²: some thousands of things are fine.

    Args:
        first: [n], scores.
        second: [n], other scores of the same things.

    Returns:
        In [−1, 1]; 1 is the same order. NaN where one side is the same throughout.

    Raises:
        ValueError: shapes that differ, or fewer than two things.

    Source: Kendall (1945), "The treatment of ties in ranking problems".
    """
    _require_two(first, second)
    a = (first.unsqueeze(0) - first.unsqueeze(1)).sign()
    b = (second.unsqueeze(0) - second.unsqueeze(1)).sign()
    # Each pair is counted twice, above and below the line.
    more = (a * b).double().sum()
    return float(more / (a.abs().double().sum() * b.abs().double().sum()).sqrt())


def _require_two(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise ValueError(
            f"scores have shapes {tuple(first.shape)} and {tuple(second.shape)}: two equal [n] "
            "with n of at least 2 are needed"
        )
