"""One score out of several models' scores that does not trust what they disagree about.

A policy looks for texts that score well, and so for texts that a reward model is wrong about. Those
are often texts about which models that were trained alike disagree.
"""

from __future__ import annotations

from torch import Tensor


def mean_score(scores: Tensor) -> Tensor:
    r"""The members' mean, $\bar r = \tfrac1K \sum_k r_k$: an ensemble, but no caution.

    Args:
        scores: [members, texts], reward units.

    Returns:
        [texts].
    """
    return scores.mean(0)


def worst_case(scores: Tensor) -> Tensor:
    r"""What the most sceptical member says, $\min_k r_k$.

    Args:
        scores: [members, texts], reward units, on a common scale.

    Returns:
        [texts].

    Source: Coste et al. (2024), "Reward model ensembles help mitigate overoptimization",
    worst-case optimisation.
    """
    return scores.amin(0)


def mean_minus_deviation(scores: Tensor, coefficient: float) -> Tensor:
    r"""The mean less k standard deviations, a lower confidence bound: $\bar r - k\,s$.

    Args:
        scores: [members, texts], reward units, on a common scale.
        coefficient: k ≥ 0, without unit.

    Returns:
        [texts].

    Raises:
        ValueError: a coefficient below 0, which would reward disagreement.

    Source: the square root of the penalty of `mean_minus_variance`, so that it scales as rewards
    do; Gal and Ghahramani (2016), "Dropout as a Bayesian approximation", for members that are one
    network with different units dropped.
    """
    _require_caution(coefficient)
    return scores.mean(0) - coefficient * scores.std(0, correction=0)


def mean_minus_variance(scores: Tensor, coefficient: float) -> Tensor:
    r"""The mean less λ times the variance: $\bar r - \lambda \tfrac1K \sum_k (r_k - \bar r)^2$.

    Args:
        scores: [members, texts], reward units, on a common scale.
        coefficient: λ ≥ 0, 1/reward.

    Returns:
        [texts].

    Raises:
        ValueError: a coefficient below 0, which would reward disagreement.

    Source: Coste et al. (2024), uncertainty-weighted optimisation.
    """
    _require_caution(coefficient)
    return scores.mean(0) - coefficient * scores.var(0, correction=0)


def _require_caution(coefficient: float) -> None:
    if not coefficient >= 0:
        raise ValueError(f"coefficient {coefficient} must be 0 or more")
