"""Numbers that tell whether an update is healthy. None of them carries a gradient."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ppolab.algorithms.kl import kl_k3


@torch.no_grad()
def approximate_kl(log_ratio: Tensor) -> Tensor:
    r"""Estimate KL(π_old ‖ π_θ) from samples of π_old by the low-variance estimator k3.

    $$k_3 = \mathbb{E}_t\left[(r_t - 1) - \log r_t\right], \qquad r_t = e^{\texttt{log\_ratio}_t}$$

    Unbiased like −log r, yet never negative.

    Args:
        log_ratio: [batch], log π_θ(a|s) − log π_old(a|s), nats.

    Returns:
        [], nats.

    Source: Schulman (2020), "Approximating KL divergence".
    """
    return kl_k3(log_ratio).mean()


@torch.no_grad()
def explained_variance(predictions: Tensor, targets: Tensor) -> float:
    r"""The share of the targets' variance that the predictions account for.

    $$1 - \frac{\mathrm{Var}[R - V]}{\mathrm{Var}[R]}$$

    1 is perfect, 0 is no better than a constant, below 0 is worse than a constant. NaN when the
    targets do not vary, for then there is nothing to explain.

    Args:
        predictions: any shape, reward units.
        targets: the same shape, reward units.

    Returns:
        A number in (−∞, 1], or NaN.
    """
    variance = targets.var(unbiased=False)
    if variance == 0:
        return math.nan
    return float(1.0 - (targets - predictions).var(unbiased=False) / variance)


@torch.no_grad()
def correlation(first: Tensor, second: Tensor) -> float:
    r"""How far two measured things go together in a straight line (Pearson's r).

    $$r = \frac{\mathrm{Cov}[x, y]}{\sqrt{\mathrm{Var}[x]\,\mathrm{Var}[y]}}$$

    Args:
        first: [batch], x.
        second: [batch], y.

    Returns:
        A number in [−1, 1]; NaN where either does not vary.
    """
    x, y = (values.double() - values.double().mean() for values in (first, second))
    scale = float(x.square().sum() * y.square().sum())
    return float((x * y).sum()) / math.sqrt(scale) if scale > 0 else math.nan


@torch.no_grad()
def ratio_histogram(ratio: Tensor, low: float, high: float, bins: int) -> Tensor:
    """Count importance ratios in equal bins; the end bins also hold what lies beyond them.

    NaN belongs in no bin and is left out, so that a diverged update can still be reported.

    Args:
        ratio: [batch], π_θ/π_old.
        low: left edge of the first bin.
        high: right edge of the last bin.
        bins: number of bins.

    Returns:
        [bins], counts (int64) that add up to the number of ratios that are not NaN.
    """
    ratio = ratio[~ratio.isnan()]
    index = ((ratio - low) * (bins / (high - low))).floor().clamp_(0, bins - 1).long()
    return torch.bincount(index, minlength=bins)


@torch.no_grad()
def effective_sample_size(ratio: Tensor) -> float:
    r"""How many samples of the new policy the importance-weighted batch is worth, as a share.

    $$\frac{1}{N}\,\frac{(\sum_t r_t)^2}{\sum_t r_t^2}$$

    1 when all ratios are equal; 1/N when one sample outweighs all others.

    Args:
        ratio: [batch], π_θ/π_old, not negative.

    Returns:
        A number in (0, 1].

    Source: Kong (1992), "A note on importance sampling using standardized weights".
    """
    return float(ratio.sum().square() / (ratio.square().sum() * ratio.numel()))
