"""What a handful of runs can say: intervals, robust means and comparisons between two settings.

Reinforcement learning is reported on few seeds, whose returns are skewed and often bounded. Three
answers to that are here: Student's interval for a mean of few values, the interquartile mean with
its bootstrap interval, and the probability that one setting does better than another; the last two
as recommended by Agarwal et al. (2021), "Deep reinforcement learning at the edge of the
statistical precipice".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 5_000  # of a bootstrap
LEVEL = 0.95  # of every interval here


def student_interval(values: Values) -> Interval | None:
    """95 % interval of the mean of `values` [n]: mean ± t · s / √n, t with n − 1 degrees.

    It supposes that means of n values are about normal. For three to ten seeds it covers the truth
    about as often as it says, where a percentile bootstrap is much too narrow. None where n is 1.
    """
    if len(values) < 2:
        return None
    mean = float(values.mean())
    half = t_quantile(len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return mean - half, mean + half


@cache
def t_quantile(degrees: int, level: float = LEVEL) -> float:
    """The t beyond which ±t leaves 1 − level of Student's distribution, by bisection."""
    low, high = 0.0, 1.0
    while _within(high, degrees) < level:
        high *= 2.0
    for _ in range(100):
        middle = (low + high) / 2.0
        low, high = (middle, high) if _within(middle, degrees) < level else (low, middle)
    return high


def _within(t: float, degrees: int) -> float:
    """P(|T| ≤ t) for whole degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(degrees))
    odd = degrees % 2 == 1
    term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
    for k in range(1, degrees // 2 + 1):
        total += term
        term *= (2 * k if odd else 2 * k - 1) / (2 * k + 1 if odd else 2 * k)
        term *= math.cos(angle) ** 2
    area = math.sin(angle) * total
    return 2.0 / math.pi * (angle + area) if odd else area


def paired_difference(values: Values, baseline: Values) -> tuple[float, Interval | None]:
    """Mean of values − baseline over the same seeds, [n] each, and Student's interval of it.

    What a seed makes easy or hard for both cancels, so that fewer seeds tell more.
    """
    differences = values - baseline
    return float(differences.mean()), student_interval(differences)


def interquartile_mean(values: Values) -> float:
    """Mean of the middle half of `values` [n]: ⌊n / 4⌋ are left out at each end.

    It is moved less by one run that failed than the mean, and needs fewer runs than the median
    (Agarwal et al. 2021). For fewer than four values it is the mean.
    """
    cut = len(values) // 4
    return float(np.sort(values)[cut : len(values) - cut].mean())


def probability_of_improvement(values: Values, baseline: Values) -> float:
    """P(a run of `values` [n] beats one of `baseline` [m]), ties counted half.

    This is Mann and Whitney's U divided by n · m (Agarwal et al. 2021). 0.5: none is better. It
    says how often, not by how much.
    """
    above = values[:, None] > baseline[None, :]
    equal = values[:, None] == baseline[None, :]
    return float(above.mean() + 0.5 * equal.mean())


def stratified_bootstrap(
    strata: Sequence[Values], statistic: Callable[..., float], seed: int, resamples: int = RESAMPLES
) -> Interval:
    """95 % percentile bootstrap interval of `statistic(*strata)`.

    Each stratum [n_i] – a task, or one side of a comparison – is drawn anew from its own values, so
    that every sample holds as many of each as there are (Agarwal et al. 2021). With three
    to five values a stratum it is too narrow: values that were not seen cannot be drawn.
    """
    generator = np.random.default_rng([seed, len(strata)])
    found = np.array(
        [
            statistic(*(values[generator.integers(len(values), size=len(values))]
                        for values in strata))
            for _ in range(resamples)
        ]
    )  # fmt: skip
    low, high = np.percentile(found, (50 * (1 - LEVEL), 50 * (1 + LEVEL)))
    return float(low), float(high)
