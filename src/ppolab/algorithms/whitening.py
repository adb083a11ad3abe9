"""Bringing numbers of a batch to a common scale, counting only those that are real."""

from __future__ import annotations

import torch
from torch import Tensor


def whiten(values: Tensor, mask: Tensor, shift_mean: bool = True, epsilon: float = 1e-8) -> Tensor:
    r"""Give the counted values standard deviation 1, and mean 0 if wanted.

    $$\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}\;(+\,\mu), \qquad
      \sigma^2 = \tfrac1n \sum (x - \mu)^2$$

    Rewards keep their mean, for a critic could not tell good from bad without it; advantages lose
    it. The variance is the biased one, as in the original.

    Args:
        values: any shape.
        mask: the same shape, 1 or True for values that count.
        shift_mean: whether the mean becomes 0.
        epsilon: keeps the root above 0.

    Returns:
        The same shape, 0 where the mask is 0.

    Source: Ziegler et al. (2019), their code's `whiten`; Huang et al. (2024), detail 18.
    """
    weights = mask.to(values.dtype)
    count = weights.sum().clamp(min=1)
    mean = (values * weights).sum() / count
    variance = ((values - mean).square() * weights).sum() / count
    whitened = (values - mean) * torch.rsqrt(variance + epsilon)
    if not shift_mean:
        whitened = whitened + mean
    return whitened * weights
