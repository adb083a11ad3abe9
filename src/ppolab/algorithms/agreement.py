"""How far raters agree, beyond what chance alone would bring about."""

from __future__ import annotations

import torch
from torch import Tensor


def cohen_kappa(first: Tensor, second: Tensor) -> float:
    r"""Agreement of two raters about categories, corrected for chance.

    $$\kappa = \frac{p_o - p_e}{1 - p_e}, \qquad p_e = \sum_c p_{1c}\, p_{2c}$$

    Args:
        first: [subjects] int64, categories that the first rater gave.
        second: [subjects] int64, those of the second.

    Returns:
        At most 1; 0 is what chance brings. NaN where both always say the same one thing, for then
        chance explains everything.

    Raises:
        ValueError: shapes that differ, or no subject.

    Source: Cohen (1960), "A coefficient of agreement for nominal scales", eq. 1.
    """
    if first.shape != second.shape or first.ndim != 1 or len(first) == 0:
        raise ValueError(
            f"ratings have shapes {tuple(first.shape)} and {tuple(second.shape)}: two equal "
            "[subjects] with at least one subject are needed"
        )
    categories = torch.unique(torch.cat([first, second]))
    given_1 = (first.unsqueeze(1) == categories).double().mean(0)
    given_2 = (second.unsqueeze(1) == categories).double().mean(0)
    observed = (first == second).double().mean()
    expected = (given_1 * given_2).sum()
    return float((observed - expected) / (1.0 - expected))


def fleiss_kappa(counts: Tensor) -> float:
    r"""Agreement of several raters about categories, corrected for chance.

    $$\kappa = \frac{\bar P - \bar P_e}{1 - \bar P_e}, \quad
      P_i = \frac{\sum_c n_{ic}(n_{ic} - 1)}{n(n - 1)}, \quad
      \bar P_e = \sum_c \Bigl(\tfrac{1}{Nn}\sum_i n_{ic}\Bigr)^2$$

    The raters need not be the same for every subject, only as many.

    Args:
        counts: [subjects, categories], how many raters put the subject into the category.

    Returns:
        At most 1; 0 is what chance brings. NaN where only one category is ever used.

    Raises:
        ValueError: subjects with different numbers of ratings, or with fewer than two.

    Source: Fleiss (1971), "Measuring nominal scale agreement among many raters".
    """
    n = counts.double()
    raters = n.sum(1)
    if len(n) == 0 or bool((raters != raters[0]).any()) or float(raters[0]) < 2:
        raise ValueError(
            f"subjects have {sorted(set(raters.tolist()))} ratings: each must have equally many, "
            "at least two"
        )
    pairs = (n * (n - 1)).sum(1) / (raters * (raters - 1))
    observed = pairs.mean()
    expected = (n.sum(0) / n.sum()).square().sum()
    return float((observed - expected) / (1.0 - expected))


def krippendorff_alpha_nominal(ratings: Tensor) -> float:
    r"""Krippendorff's α where categories are only equal or different: δ² = 1 if they differ.

    Args:
        ratings: [raters, units], NaN where a rater did not rate a unit.

    Returns:
        As `krippendorff_alpha_interval`.

    Raises:
        ValueError: no unit was rated twice.

    Source: Krippendorff (2011), "Computing Krippendorff's alpha-reliability", section C.
    """
    values, coincidences = _coincidences(ratings)
    return _alpha(coincidences, (values.unsqueeze(0) != values.unsqueeze(1)).double())


def krippendorff_alpha_ordinal(ratings: Tensor) -> float:
    r"""Krippendorff's α where only the order of the ratings means something.

    $$\delta^2_{ck} = \Bigl(\sum_{g=c}^{k} n_g - \frac{n_c + n_k}{2}\Bigr)^2$$

    Two ratings differ by how many of all ratings lie between them.

    Args:
        ratings: [raters, units], NaN where a rater did not rate a unit.

    Returns:
        As `krippendorff_alpha_interval`.

    Raises:
        ValueError: no unit was rated twice.

    Source: Krippendorff (2011), section D.
    """
    _, coincidences = _coincidences(ratings)
    totals = coincidences.sum(1)
    middles = totals.cumsum(0) - 0.5 * totals  # of each value's ratings among all, in order
    return _alpha(coincidences, (middles.unsqueeze(0) - middles.unsqueeze(1)).square())


def krippendorff_alpha_interval(ratings: Tensor) -> float:
    r"""Krippendorff's α where differences of ratings mean something: δ² = (c − k)².

    $$\alpha = 1 - \frac{D_o}{D_e}, \quad D_o = \frac1n \sum_{c,k} o_{ck}\,\delta^2_{ck}, \quad
      D_e = \frac{1}{n(n-1)} \sum_{c,k} n_c n_k\,\delta^2_{ck}$$

    Any number of raters, any of whose ratings may be missing. Units rated once say nothing of
    agreement and are left out.

    Args:
        ratings: [raters, units], NaN where a rater did not rate a unit.

    Returns:
        At most 1; 0 is what chance brings, below 0 is disagreement by system. NaN where every
        rating is the same.

    Raises:
        ValueError: no unit was rated twice.

    Source: Krippendorff (2011), sections C and D.
    """
    values, coincidences = _coincidences(ratings)
    return _alpha(coincidences, (values.unsqueeze(0) - values.unsqueeze(1)).square())


def _coincidences(ratings: Tensor) -> tuple[Tensor, Tensor]:
    """The values that occur [values], and how often each two meet in a unit [values, values]."""
    given = ~ratings.isnan()
    pairable = given.sum(0) >= 2
    if ratings.ndim != 2 or not bool(pairable.any()):
        raise ValueError(
            f"ratings of shape {tuple(ratings.shape)} hold no unit that two raters rated: "
            "[raters, units] with such units are needed"
        )
    ratings, given = ratings[:, pairable].double(), given[:, pairable]
    values = torch.unique(ratings[given])
    counts = (ratings.unsqueeze(2) == values).double().sum(0)  # [units, values]
    per_unit = given.sum(0).double().unsqueeze(1)
    # A rating meets every other of its unit, not itself; a unit counts as often as it was rated.
    weighted = counts / (per_unit - 1)
    return values, counts.t() @ weighted - torch.diag(weighted.sum(0))


def _alpha(coincidences: Tensor, distances: Tensor) -> float:
    totals = coincidences.sum(1)
    n = totals.sum()
    observed = (coincidences * distances).sum() / n
    expected = (torch.outer(totals, totals) * distances).sum() / (n * (n - 1))
    return float(1.0 - observed / expected)
