"""Best of n: let a model answer n times, and keep the answer that a reward likes best.

No gradient is taken; all that is bought is more writing. It is the yardstick of everything that
trains against a reward.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def best_of_n_kl(n: int) -> float:
    r"""How far best-of-n leaves the policy that writes, at most.

    $$\mathrm{KL}(\pi_n \,\|\, \pi) \le \log n - \frac{n - 1}{n}$$

    It is exact where no two answers have the same score and no answer comes twice, and an upper
    bound otherwise.

    Args:
        n: answers to choose among, at least 1.

    Returns:
        Nats per answer.

    Raises:
        ValueError: n below 1.

    Source: Stiennon et al. (2020), appendix G.3; as a bound: Beirami et al. (2024), "Theoretical
    guarantees on the best-of-n alignment policy", theorem 1.
    """
    if n < 1:
        raise ValueError(f"n is {n}: at least 1 is needed")
    return math.log(n) - (n - 1) / n


def best_of_n_value(scores: Tensor, judged: Tensor, n: int) -> Tensor:
    r"""Mean worth of the best of n, estimated without bias from N ≥ n answers to each prompt.

    $$\binom{N}{n}^{-1} \sum_{i=n}^{N} \binom{i-1}{n-1}\, g_{(i)}$$

    with the answers in rising order of score: the i-th is the best of those subsets that take the
    other n − 1 from the i − 1 below it. All subsets count, so that one large sample serves every n.
    Answers of equal score share their places' weight.

    Args:
        scores: [prompts, N], what answers are chosen by, reward units.
        judged: [prompts, N], g, what they are worth to the judge; may be `scores` itself.
        n: answers to choose among, 1 to N.

    Returns:
        [prompts], units of `judged`.

    Raises:
        ValueError: shapes that differ, or n outside 1 to N.

    Source: Nakano et al. (2021), "WebGPT", appendix I.
    """
    if scores.ndim != 2 or scores.shape != judged.shape:
        raise ValueError(
            f"scores and judged have shapes {tuple(scores.shape)} and {tuple(judged.shape)}: both "
            "must be [prompts, N]"
        )
    count = scores.shape[1]
    if not 1 <= n <= count:
        raise ValueError(f"n is {n}: it must lie in 1 to {count}, the answers that there are")
    by_place = _place_weights(count, n).to(scores.device)
    ordered, order = scores.sort(dim=1, stable=True)
    # The place of the first and the last answer of the same score: means over the tie by sums.
    total = torch.cat([by_place.new_zeros(1), by_place.cumsum(0)])
    first = torch.searchsorted(ordered, ordered, right=False)
    last = torch.searchsorted(ordered, ordered, right=True)
    weights = (total[last] - total[first]) / (last - first)
    return (weights * judged.gather(1, order).double()).sum(1).to(judged.dtype)


def _place_weights(count: int, n: int) -> Tensor:
    """Probability [count] that the answer at each place, lowest first, is the best of n drawn."""
    place = torch.arange(1, count + 1, dtype=torch.float64)
    inside = place >= n
    i = torch.where(inside, place, float(n))
    log_subsets = torch.lgamma(i) - math.lgamma(n) - torch.lgamma(i - n + 1)
    log_all = math.lgamma(count + 1) - math.lgamma(n + 1) - math.lgamma(count - n + 1)
    return torch.where(inside, (log_subsets - log_all).exp(), 0.0)
