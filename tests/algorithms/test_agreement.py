import math

import pytest
import torch
from torch import Tensor

from ppolab.algorithms.agreement import (
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha_interval,
    krippendorff_alpha_nominal,
    krippendorff_alpha_ordinal,
)

NO = math.nan
# Krippendorff (2011), section C: four observers, twelve units, some ratings missing.
KRIPPENDORFF = torch.tensor(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NO, NO, NO],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NO, 3],
        [NO, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NO],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NO],
    ]
)


def two_raters(table: list[list[int]]) -> tuple[Tensor, Tensor]:
    pairs = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    first, second = torch.tensor(pairs).t()
    return first, second


def test_kappa_of_two_physiotherapists_as_published() -> None:
    # Sim and Wright (2005), table 1: 39 patients, κ = .67
    assert cohen_kappa(*two_raters([[22, 2], [4, 11]])) == pytest.approx(0.67, abs=0.005)


def test_kappa_by_hand() -> None:
    # p_o = 35/50, p_e = (25·30 + 25·20)/50² = 1/2
    assert cohen_kappa(*two_raters([[20, 5], [10, 15]])) == pytest.approx(0.4)


def test_kappa_of_fourteen_raters_by_hand() -> None:
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    # The example in the literature on Fleiss' κ: P̄ = .378, P̄e = .213
    assert fleiss_kappa(torch.tensor(counts)) == pytest.approx(0.210, abs=5e-4)


def test_alphas_of_the_published_example() -> None:
    assert krippendorff_alpha_nominal(KRIPPENDORFF) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha_ordinal(KRIPPENDORFF) == pytest.approx(0.815, abs=5e-4)
    assert krippendorff_alpha_interval(KRIPPENDORFF) == pytest.approx(0.849, abs=5e-4)


def test_order_alone_matters_to_the_ordinal_alpha() -> None:
    stretched = KRIPPENDORFF.exp()
    ordinal = krippendorff_alpha_ordinal(KRIPPENDORFF)
    assert krippendorff_alpha_ordinal(stretched) == pytest.approx(ordinal)
    interval = krippendorff_alpha_interval(KRIPPENDORFF)
    assert abs(krippendorff_alpha_interval(stretched) - interval) > 0.01


def test_raters_who_always_agree_score_one_and_those_who_never_do_score_below_zero() -> None:
    same = torch.tensor([[0.0, 1.0, 2.0]] * 3)
    opposed = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    for alpha in (krippendorff_alpha_nominal, krippendorff_alpha_ordinal,
                  krippendorff_alpha_interval):  # fmt: skip
        assert alpha(same) == pytest.approx(1.0)
        assert alpha(opposed) == pytest.approx(-0.5)  # D_o = 1, D_e = 8/12
    assert cohen_kappa(torch.tensor([0, 1]), torch.tensor([1, 0])) == pytest.approx(-1.0)
    assert fleiss_kappa(torch.tensor([[3, 0], [0, 3]])) == pytest.approx(1.0)


def test_one_single_category_leaves_nothing_to_agree_about() -> None:
    assert math.isnan(cohen_kappa(torch.tensor([1, 1]), torch.tensor([1, 1])))
    assert math.isnan(fleiss_kappa(torch.tensor([[2, 0], [2, 0]])))
    assert math.isnan(krippendorff_alpha_interval(torch.ones(2, 3)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cohen_kappa(torch.tensor([1]), torch.tensor([1, 2])), "two equal"),
        (lambda: fleiss_kappa(torch.tensor([[2, 0], [1, 0]])), r"\[1.0, 2.0\] ratings"),
        (lambda: krippendorff_alpha_nominal(torch.tensor([[1.0, NO], [NO, 1.0]])), "no unit"),
    ],
)
def test_ratings_that_cannot_be_compared_are_refused(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=words):
        call()
