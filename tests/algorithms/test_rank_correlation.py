import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ppolab.algorithms.rank_correlation import kendall_tau_b, ranks, spearman


def test_equal_values_share_their_mean_rank() -> None:
    assert ranks(torch.tensor([3.0, 1.0, 3.0, 0.0, 3.0])).tolist() == [4.0, 2.0, 4.0, 1.0, 4.0]


def test_both_by_hand_with_one_pair_of_neighbours_swapped() -> None:
    first, second = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([10.0, 30.0, 20.0, 40.0])
    assert spearman(first, second) == pytest.approx(1 - 6 * 2 / (4 * 15))  # Σd² = 2
    assert kendall_tau_b(first, second) == pytest.approx((5 - 1) / 6)


def test_ties_by_hand() -> None:
    first, second = torch.tensor([1.0, 1.0, 2.0]), torch.tensor([1.0, 2.0, 3.0])
    # Ranks 1.5, 1.5, 3 and 1, 2, 3: covariance 1.5, squares 1.5 and 2. C = 2 of 3, one tied.
    assert spearman(first, second) == pytest.approx(1.5 / math.sqrt(3))
    assert kendall_tau_b(first, second) == pytest.approx(2 / math.sqrt(2 * 3))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=20))
def test_both_agree_with_scipy_where_there_are_many_ties(pairs: list[tuple[int, int]]) -> None:
    first, second = torch.tensor(pairs).double().t()
    if len(set(first.tolist())) < 2 or len(set(second.tolist())) < 2:
        assert math.isnan(spearman(first, second))
        assert math.isnan(kendall_tau_b(first, second))
        return
    a, b = first.numpy(), second.numpy()
    assert spearman(first, second) == pytest.approx(stats.spearmanr(a, b).statistic)
    assert kendall_tau_b(first, second) == pytest.approx(stats.kendalltau(a, b).statistic)


def test_one_thing_has_no_order() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        spearman(torch.tensor([1.0]), torch.tensor([1.0]))
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\)"):
        kendall_tau_b(torch.zeros(2), torch.zeros(3))
