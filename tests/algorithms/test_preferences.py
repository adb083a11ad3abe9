import math
from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ppolab.algorithms.preferences import (
    all_pairs_loss,
    bradley_terry_loss,
    contrastive_loss,
    davidson_loss,
    dpo_loss,
    plackett_luce_loss,
    preference_probability,
)


def t(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_probability_and_loss_of_three_pairs_by_hand() -> None:
    chosen, rejected = t(1.0, 0.0, -1.0), t(0.0, 0.0, 1.0)
    expected = [sigmoid(1), 0.5, sigmoid(-2)]
    assert preference_probability(chosen, rejected).tolist() == pytest.approx(expected)
    losses = bradley_terry_loss(chosen, rejected)
    assert losses.tolist() == pytest.approx([-math.log(p) for p in expected])
    assert losses.tolist() == pytest.approx([0.313262, 0.693147, 2.126928], abs=1e-6)


def test_the_gradient_is_how_wrong_the_model_was_and_symmetric() -> None:
    chosen, rejected = t(1.0, -3.0).requires_grad_(), t(0.5, 2.0).requires_grad_()
    bradley_terry_loss(chosen, rejected).sum().backward()
    wrong = [1 - sigmoid(0.5), 1 - sigmoid(-5.0)]
    assert chosen.grad is not None
    assert rejected.grad is not None
    assert chosen.grad.tolist() == pytest.approx([-w for w in wrong])
    assert rejected.grad.tolist() == pytest.approx(wrong)


def test_differences_of_a_thousand_stay_finite_with_right_gradients() -> None:
    chosen = t(1000.0, -1000.0).requires_grad_()
    losses = bradley_terry_loss(chosen, t(0.0, 0.0))
    losses.sum().backward()
    assert losses.tolist() == pytest.approx([0.0, 1000.0])
    assert chosen.grad is not None
    assert chosen.grad.tolist() == pytest.approx([0.0, -1.0])


def test_a_margin_asks_for_more() -> None:
    losses = bradley_terry_loss(t(2.0, 2.0), t(0.0, 0.0), margin=t(0.0, 2.0))
    assert losses.tolist() == pytest.approx([-math.log(sigmoid(2)), math.log(2)])


def test_smoothing_mixes_both_answers_and_bounds_the_best_difference() -> None:
    loss = bradley_terry_loss(t(1.0), t(0.0), label_smoothing=0.1)
    expected = -0.9 * math.log(sigmoid(1)) - 0.1 * math.log(sigmoid(-1))
    assert float(loss) == pytest.approx(expected)
    # The best difference is the log-odds of a right label, log(0.9 / 0.1).
    difference = t(math.log(9)).requires_grad_()
    bradley_terry_loss(difference, t(0.0), label_smoothing=0.1).sum().backward()
    assert difference.grad is not None
    assert float(difference.grad) == pytest.approx(0.0, abs=1e-12)


@given(st.floats(-50, 50), st.floats(-5, 5), st.floats(-5, 5))
def test_shifting_all_worths_changes_nothing(shift: float, a: float, b: float) -> None:
    ranked = t(a, b, 0.3).unsqueeze(0)
    for loss in (all_pairs_loss, plackett_luce_loss):
        torch.testing.assert_close(loss(ranked + shift), loss(ranked), rtol=1e-6, atol=1e-9)
    tie = davidson_loss(t(a), t(b), torch.tensor([2]), t(0.5)[0])
    shifted = davidson_loss(t(a + shift), t(b + shift), torch.tensor([2]), t(0.5)[0])
    torch.testing.assert_close(tie, shifted, rtol=1e-6, atol=1e-9)


def test_ties_by_hand() -> None:
    # r_a = ln 4, r_b = 0, ν = 0.5: Z = 4 + 1 + 0.5·2 = 6
    losses = davidson_loss(
        t(math.log(4)).expand(3), t(0.0).expand(3), torch.tensor([0, 1, 2]), t(math.log(0.5))[0]
    )
    assert losses.exp().reciprocal().tolist() == pytest.approx([4 / 6, 1 / 6, 1 / 6])


def test_without_ties_davidson_is_bradley_terry() -> None:
    first, second = t(0.7, -1.0), t(0.2, 0.4)
    losses = davidson_loss(first, second, torch.tensor([0, 0]), t(-60.0)[0])
    torch.testing.assert_close(losses, bradley_terry_loss(first, second))


def test_all_pairs_of_a_ranking_are_averaged() -> None:
    ranking = [1.5, 0.2, -0.4, 0.9]
    pairs = [-math.log(sigmoid(a - b)) for a, b in combinations(ranking, 2)]
    loss = all_pairs_loss(t(*ranking).unsqueeze(0))
    assert loss.tolist() == pytest.approx([sum(pairs) / 6])


def test_plackett_luce_multiplies_choices_among_the_rest() -> None:
    a, b, c = 2.0, 0.5, -1.0
    p = math.exp(a) / (math.exp(a) + math.exp(b) + math.exp(c))
    q = math.exp(b) / (math.exp(b) + math.exp(c))
    loss = plackett_luce_loss(t(a, b, c).unsqueeze(0))
    assert loss.tolist() == pytest.approx([-math.log(p * q)])


def test_plackett_luce_of_all_orders_is_a_distribution() -> None:
    worths = [0.3, -1.0, 2.0]
    orders = [
        (i, j, k) for i in range(3) for j in range(3) for k in range(3) if len({i, j, k}) == 3
    ]
    ranked = torch.stack([t(*(worths[i] for i in order)) for order in orders])
    assert float((-plackett_luce_loss(ranked)).exp().sum()) == pytest.approx(1.0)


def test_two_answers_make_rankings_into_pairs() -> None:
    ranked = torch.stack([t(0.3, 0.9), t(2.0, -1.0)])
    expected = bradley_terry_loss(ranked[:, 0], ranked[:, 1])
    torch.testing.assert_close(plackett_luce_loss(ranked), expected)
    torch.testing.assert_close(all_pairs_loss(ranked), expected)


def test_contrast_by_hand() -> None:
    first = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    second = torch.tensor([[3.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    # cosines: (1, √½), (0, √½); τ = 0.5
    h = math.sqrt(0.5)
    expected = [
        -math.log(math.exp(2) / (math.exp(2) + math.exp(2 * h))),
        -math.log(math.exp(2 * h) / (1 + math.exp(2 * h))),
    ]
    assert contrastive_loss(first, second, 0.5).tolist() == pytest.approx(expected)


def test_dpo_by_hand() -> None:
    # β = 0.5: implied rewards 0.5·(−1 + 3) = 1 and 0.5·(−4 + 2) = −1
    loss = dpo_loss(t(-1.0), t(-4.0), t(-3.0), t(-2.0), beta=0.5)
    assert float(loss) == pytest.approx(-math.log(sigmoid(2.0)))


def test_dpo_starts_at_ln_2_where_policy_and_reference_agree() -> None:
    loss = dpo_loss(t(-1.0, -7.0), t(-4.0, -2.0), t(-1.0, -7.0), t(-4.0, -2.0), beta=0.1)
    assert loss.tolist() == pytest.approx([math.log(2)] * 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bradley_terry_loss(t(1.0), t(1.0, 2.0)), r"shapes \(1,\) and \(2,\)"),
        (lambda: bradley_terry_loss(t(1.0), t(1.0), label_smoothing=0.5), "label_smoothing 0.5"),
        (lambda: all_pairs_loss(t(1.0, 2.0)), "K of at least 2"),
        (lambda: plackett_luce_loss(t(1.0).unsqueeze(0)), "K of at least 2"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=words):
        call()
