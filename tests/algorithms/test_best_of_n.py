from __future__ import annotations

import math
from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ppolab.algorithms.best_of_n import best_of_n_kl, best_of_n_value


@pytest.mark.parametrize(
    ("n", "nats"), [(1, 0.0), (2, 0.193147), (4, 0.636294), (16, 1.835089), (1000, 5.908755)]
)
def test_the_distance_of_best_of_n_is_that_of_the_formula_worked_by_hand(
    n: int, nats: float
) -> None:
    assert best_of_n_kl(n) == pytest.approx(nats, abs=1e-6)


def test_the_distance_is_exact_where_all_answers_differ_and_a_bound_where_they_do_not() -> None:
    """Best of n among K equally likely answers, worked out from its probabilities."""

    def exact(n: int, answers: int) -> float:
        p = [((i + 1) / answers) ** n - (i / answers) ** n for i in range(answers)]
        return sum(q * math.log(q * answers) for q in p)

    assert exact(4, 20_000) == pytest.approx(best_of_n_kl(4), abs=1e-3)
    assert exact(4, 3) < best_of_n_kl(4) - 0.05


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(-9, 9)), min_size=1, max_size=7),
    st.integers(1, 7),
)
def test_the_estimate_is_the_mean_over_all_subsets_ties_drawn_by_lot(
    answers: list[tuple[int, int]], n: int
) -> None:
    n = min(n, len(answers))
    values = []
    for subset in combinations(answers, n):
        best = max(score for score, _ in subset)
        tied = [gold for score, gold in subset if score == best]
        values.append(sum(tied) / len(tied))
    scores, judged = (
        torch.tensor([side], dtype=torch.float64) for side in zip(*answers, strict=True)
    )
    found = best_of_n_value(scores, judged, n)
    assert float(found[0]) == pytest.approx(sum(values) / len(values), abs=1e-9)


def test_three_answers_by_hand() -> None:
    scores, gold = torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([[-1.0, 5.0, 2.0]])
    assert [round(float(best_of_n_value(scores, gold, n)), 6) for n in (1, 2, 3)] == [
        2.0,
        0.0,
        -1.0,
    ]


def test_large_samples_do_not_overflow() -> None:
    scores = torch.arange(4096.0).unsqueeze(0)
    ones = torch.ones_like(scores)
    assert float(best_of_n_value(scores, ones, 2048)) == pytest.approx(1.0, abs=1e-6)


def test_arguments_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="must lie in 1 to 2"):
        best_of_n_value(torch.zeros(1, 2), torch.zeros(1, 2), 3)
    with pytest.raises(ValueError, match="both must be"):
        best_of_n_value(torch.zeros(1, 2), torch.zeros(2, 2), 1)
    with pytest.raises(ValueError, match="n is 0"):
        best_of_n_kl(0)
