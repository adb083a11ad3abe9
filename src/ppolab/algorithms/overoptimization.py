r"""The law of over-optimisation: what a true judge gets while a proxy of it is pushed.

With d = √KL, the distance from where the policy began, gold scores first rise and then fall: past
some distance, what still raises the proxy is no longer what raters meant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Method = Literal["best-of-n", "rl"]


@dataclass(frozen=True)
class OveroptimizationLaw:
    r"""Gold gained at a distance d = √KL.

    $$R_\text{bon}(d) = d\,(\alpha - \beta d), \qquad R_\text{RL}(d) = d\,(\alpha - \beta \log d)$$

    Source: Gao et al. (2022), "Scaling laws for reward model overoptimization", eq. 1.
    """

    method: Method
    alpha: float  # gold per √nat: what the first steps bring
    beta: float  # how fast that is lost; per nat for best-of-n, per √nat for RL
    r_squared: float = math.nan  # share of the points' spread around 0 that the law explains
    residual: float = math.nan  # root mean square of what it leaves unexplained, gold
    alpha_error: float = math.nan  # standard errors, where the points came in groups …
    beta_error: float = math.nan
    groups: int = 0  # … so many

    def gain(self, kl: float) -> float:
        """Gold gained at a KL of that many nats."""
        d = math.sqrt(kl)
        if d == 0:
            return 0.0
        return d * (self.alpha - self.beta * (d if self.method == "best-of-n" else math.log(d)))

    @property
    def best_kl(self) -> float:
        """The KL, nats, at which gold is highest; infinite where it never falls (β ≤ 0)."""
        if self.beta <= 0:
            return math.inf
        if self.method == "best-of-n":
            return max(self.alpha / (2 * self.beta), 0.0) ** 2
        return math.exp(2 * (self.alpha / self.beta - 1))


def fit_overoptimization(
    kl: Tensor, gold_gain: Tensor, method: Method, groups: Tensor | None = None
) -> OveroptimizationLaw:
    r"""Find α and β by least squares, and how sure they are.

    Both laws are linear in them: the columns are d and −d², or d and −d·log d. Points of one run,
    or of one prompt, err together, so that the usual errors of a regression would be too small:
    these are of the jackknife, which leaves out one group at a time (Efron and Tibshirani 1993,
    "An introduction to the bootstrap", eq. 11.5). With G groups and α without the g-th,

    $$\mathrm{se}(\alpha)^2 = \frac{G - 1}{G} \sum_g (\alpha_{-g} - \bar\alpha)^2$$

    Args:
        kl: [points], nats, none negative; two different ones above 0 at least.
        gold_gain: [points], gold score less that of the policy at KL 0. The same law is fitted to
            a proxy's.
        method: which of the two laws.
        groups: [points], the number of the run or prompt that each point belongs to. Errors are
            NaN without, or where what is left after a group is too little to fit.

    Raises:
        ValueError: shapes that differ, a negative KL, or too few points.
    """
    if groups is not None and groups.shape != kl.shape:
        raise ValueError(f"groups has shape {tuple(groups.shape)}, kl {tuple(kl.shape)}")
    if kl.ndim != 1 or kl.shape != gold_gain.shape:
        raise ValueError(
            f"kl and gold_gain have shapes {tuple(kl.shape)} and {tuple(gold_gain.shape)}: both "
            "must be [points]"
        )
    if bool((kl < 0).any()):
        raise ValueError(f"kl holds {float(kl.min())}: no KL is negative")
    if len(set(kl[kl > 0].tolist())) < 2:
        raise ValueError("kl holds fewer than two different values above 0: α and β need two")
    d, y = kl.double().sqrt(), gold_gain.double()
    columns = _columns(d, method)
    solution = _least_squares(columns, y)
    alpha, beta = solution.tolist()
    left, whole = (columns @ solution - y).square(), float(y.square().sum())
    alpha_error, beta_error = _jackknife(columns, y, groups)
    return OveroptimizationLaw(
        method, alpha, beta,
        r_squared=1 - float(left.sum()) / whole if whole > 0 else math.nan,
        residual=math.sqrt(float(left.mean())),
        alpha_error=alpha_error,
        beta_error=beta_error,
        groups=0 if groups is None else len(set(groups.tolist())),
    )  # fmt: skip


def _columns(d: Tensor, method: Method) -> Tensor:
    """What α and β are multiplied by [points, 2]."""
    return torch.stack([d, -(d.square() if method == "best-of-n" else torch.xlogy(d, d))], 1)


def _least_squares(columns: Tensor, y: Tensor) -> Tensor:
    """α and β [2], by the normal equations: the same points give the same bits, as QR does not."""
    (aa, ab), (_, bb) = (columns.T @ columns).unbind()
    ay, by = columns.T @ y
    solution: Tensor = torch.stack([bb * ay - ab * by, aa * by - ab * ay]) / (aa * bb - ab * ab)
    return solution


def _jackknife(columns: Tensor, y: Tensor, groups: Tensor | None) -> tuple[float, float]:
    """Standard errors of α and β."""
    if groups is None:
        return math.nan, math.nan
    fits = []
    for group in sorted(set(groups.tolist())):
        kept = groups != group
        if len(set(columns[kept][:, 0].tolist()) - {0.0}) < 2:
            return math.nan, math.nan
        fits.append(_least_squares(columns[kept], y[kept]))
    if len(fits) < 2:
        return math.nan, math.nan
    without = torch.stack(fits)
    alpha, beta = ((len(fits) - 1) * without.var(0, correction=0)).sqrt().tolist()
    return alpha, beta
