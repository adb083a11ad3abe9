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


def fit_overoptimization(kl: Tensor, gold_gain: Tensor, method: Method) -> OveroptimizationLaw:
    r"""Find α and β by least squares.

    Both laws are linear in them: the columns are d and −d², or d and −d·log d.

    Args:
        kl: [points], nats, none negative; two different ones above 0 at least.
        gold_gain: [points], gold score less that of the policy at KL 0.
        method: which of the two laws.

    Raises:
        ValueError: shapes that differ, a negative KL, or too few points.
    """
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
    bend = d.square() if method == "best-of-n" else torch.xlogy(d, d)
    columns = torch.stack([d, -bend], 1)
    alpha, beta = torch.linalg.lstsq(columns, y.unsqueeze(1)).solution.squeeze(1).tolist()
    left = float((columns @ torch.tensor([alpha, beta], dtype=torch.float64) - y).square().sum())
    whole = float(y.square().sum())
    return OveroptimizationLaw(method, alpha, beta, 1 - left / whole if whole > 0 else math.nan)
