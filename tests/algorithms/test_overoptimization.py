from __future__ import annotations

import math

import pytest
import torch

from ppolab.algorithms.overoptimization import (
    Method,
    OveroptimizationLaw,
    fit_overoptimization,
)

KL = torch.tensor([0.0, 0.25, 1.0, 4.0, 9.0, 25.0, 64.0], dtype=torch.float64)


@pytest.mark.parametrize("method", ["best-of-n", "rl"])
def test_what_made_points_is_found_again(method: Method) -> None:
    law = OveroptimizationLaw(method, 0.9, 0.15)
    points = torch.tensor([law.gain(float(kl)) for kl in KL])
    found = fit_overoptimization(KL, points, method)
    assert (found.alpha, found.beta) == pytest.approx((0.9, 0.15), abs=1e-6)
    assert found.r_squared == pytest.approx(1.0, abs=1e-9)


def test_gains_by_hand() -> None:
    bon = OveroptimizationLaw("best-of-n", 1.0, 0.25)
    assert bon.gain(4.0) == pytest.approx(2.0 * (1.0 - 0.5))
    assert bon.best_kl == pytest.approx(4.0)  # α/2β = 2
    rl = OveroptimizationLaw("rl", 1.0, 0.5)
    assert rl.gain(math.e**2) == pytest.approx(math.e * 0.5)  # d = e, log d = 1
    assert rl.best_kl == pytest.approx(math.e**2)  # exp(α/β − 1) = e
    assert rl.gain(0.0) == bon.gain(0.0) == 0.0


@pytest.mark.parametrize("method", ["best-of-n", "rl"])
def test_gold_is_highest_at_the_best_kl(method: Method) -> None:
    law = OveroptimizationLaw(method, 0.7, 0.2)
    top = law.gain(law.best_kl)
    assert top > law.gain(law.best_kl * 1.05)
    assert top > law.gain(law.best_kl * 0.95)


def test_a_law_that_never_bends_has_its_best_at_infinity() -> None:
    assert OveroptimizationLaw("rl", 1.0, -0.1).best_kl == math.inf


def test_three_points_by_the_normal_equations() -> None:
    """d = 1, 2, 3 and y = 1, 1, 0: columns (1, 2, 3) and (−1, −4, −9)."""
    found = fit_overoptimization(torch.tensor([1.0, 4.0, 9.0]), torch.tensor([1.0, 1.0, 0.0]),
                                 "best-of-n")  # fmt: skip
    # Σd² = 14, −Σd³ = −36, Σd⁴ = 98; Σdy = 3, −Σd²y = −5; determinant 14·98 − 36² = 76.
    assert found.alpha == pytest.approx((98 * 3 - 36 * 5) / 76)
    assert found.beta == pytest.approx((36 * 3 - 14 * 5) / 76)


def test_too_few_points_and_impossible_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer than two different"):
        fit_overoptimization(torch.tensor([0.0, 4.0, 4.0]), torch.zeros(3), "rl")
    with pytest.raises(ValueError, match="no KL is negative"):
        fit_overoptimization(torch.tensor([-1.0, 4.0]), torch.zeros(2), "rl")
    with pytest.raises(ValueError, match="both must be"):
        fit_overoptimization(torch.tensor([1.0, 4.0]), torch.zeros(3), "rl")
