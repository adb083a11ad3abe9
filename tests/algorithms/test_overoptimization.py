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


def test_what_is_left_unexplained_by_hand() -> None:
    found = fit_overoptimization(torch.tensor([1.0, 4.0, 9.0]), torch.tensor([1.0, 1.0, 0.0]),
                                 "best-of-n")  # fmt: skip
    # α = 114/76 and β = 38/76 make 1, 1 and 0 of it: exact.
    assert found.residual == pytest.approx(0.0, abs=1e-12)
    flat = fit_overoptimization(torch.tensor([1.0, 4.0, 1.0]), torch.tensor([1.0, 0.0, 3.0]),
                                "best-of-n")  # fmt: skip
    # Through (4, 0) exactly, and midway between 1 and 3 at KL 1: 1 is left of each.
    assert flat.residual == pytest.approx(math.sqrt(2 / 3))
    assert flat.r_squared == pytest.approx(1 - 2 / 10)


def test_errors_of_a_balanced_sample_are_those_of_the_mean_over_its_groups() -> None:
    """Where every group has the same distances, α is the mean of the groups' own, as β is."""
    generator = torch.Generator().manual_seed(0)
    kl = torch.tensor([1.0, 4.0, 9.0, 16.0], dtype=torch.float64)
    gains = torch.rand((6, 4), generator=generator, dtype=torch.float64)
    groups = torch.arange(6).repeat_interleave(4)
    found = fit_overoptimization(kl.repeat(6), gains.flatten(), "rl", groups)
    own = [fit_overoptimization(kl, row, "rl") for row in gains]
    for name in ("alpha", "beta"):
        values = torch.tensor([getattr(law, name) for law in own], dtype=torch.float64)
        assert getattr(found, name) == pytest.approx(float(values.mean()))
        error = float(values.std()) / math.sqrt(6)
        assert getattr(found, f"{name}_error") == pytest.approx(error)
    assert found.groups == 6


def test_the_order_of_points_means_nothing_to_their_groups() -> None:
    kl = torch.tensor([1.0, 4.0, 9.0, 1.5, 5.0, 8.0])
    gain = torch.tensor([0.5, 0.7, 0.6, 0.6, 0.8, 0.5])
    groups, order = torch.tensor([7, 7, 7, 2, 2, 2]), torch.tensor([3, 0, 5, 1, 4, 2])
    found = fit_overoptimization(kl, gain, "rl", groups)
    again = fit_overoptimization(kl[order], gain[order], "rl", groups[order])
    assert again.alpha_error == pytest.approx(found.alpha_error)
    # Of two groups the jackknife's error is half the distance between the two fits.
    one, other = (fit_overoptimization(kl[part], gain[part], "rl").alpha
                  for part in (slice(0, 3), slice(3, 6)))  # fmt: skip
    assert found.alpha_error == pytest.approx(abs(one - other) / 2)


def test_errors_that_cannot_be_known_are_no_numbers() -> None:
    kl, gain = torch.tensor([1.0, 4.0, 9.0]), torch.tensor([1.0, 1.0, 0.0])
    for groups in (None, torch.tensor([0, 0, 0]), torch.tensor([0, 1, 1])):
        found = fit_overoptimization(kl, gain, "rl", groups)
        assert math.isnan(found.alpha_error)
        assert math.isnan(found.beta_error)
    with pytest.raises(ValueError, match="groups has shape"):
        fit_overoptimization(kl, gain, "rl", torch.tensor([0, 1]))
