from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ppolab.algorithms.aggregation import sequence_mean, sequence_sum_normalized, token_mean

# Lengths 2, 1, 3. Sums 3, 3, 3.
LOSSES = torch.tensor([[1.0, 2.0, 9.0], [3.0, 9.0, 9.0], [1.0, 1.0, 1.0]], dtype=torch.float64)
MASK = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]], dtype=torch.float64)


def test_each_mode_by_hand() -> None:
    assert float(token_mean(LOSSES, MASK, 6)) == pytest.approx(9 / 6)
    # (3/2 + 3/1 + 3/3) / 3 = 5.5 / 3
    assert float(sequence_mean(LOSSES, MASK, 3)) == pytest.approx(5.5 / 3)
    assert float(sequence_sum_normalized(LOSSES, MASK, 3, 3)) == pytest.approx(1.0)


MODES: list[Callable[[Tensor, Tensor], Tensor]] = [
    lambda losses, mask: token_mean(losses, mask, 6),
    lambda losses, mask: sequence_mean(losses, mask, 3),
    lambda losses, mask: sequence_sum_normalized(losses, mask, 3, 3),
]


@pytest.mark.parametrize("mode", MODES)
@given(cut=st.integers(1, 2))
def test_the_sum_over_micro_batches_does_not_depend_on_the_cut(
    mode: Callable[[Tensor, Tensor], Tensor], cut: int
) -> None:
    shares = mode(LOSSES[:cut], MASK[:cut]) + mode(LOSSES[cut:], MASK[cut:])
    assert float(shares) == pytest.approx(float(mode(LOSSES, MASK)), abs=1e-12)


@given(
    st.integers(0, 2**31), st.integers(1, 9), st.integers(1, 6),
    st.lists(st.integers(1, 8), max_size=4),
)  # fmt: skip
def test_neither_the_cuts_nor_the_order_of_sequences_change_a_gradient(
    seed: int, sequences: int, time: int, cuts: list[int]
) -> None:
    generator = torch.Generator().manual_seed(seed)
    losses = torch.randn(sequences, time, generator=generator, dtype=torch.float64)
    mask = (torch.rand(sequences, time, generator=generator) < 0.7).double()
    tokens = max(float(mask.sum()), 1.0)
    modes: list[Callable[[Tensor, Tensor], Tensor]] = [
        lambda x, m: token_mean(x, m, tokens),
        lambda x, m: sequence_mean(x, m, sequences),
        lambda x, m: sequence_sum_normalized(x, m, sequences, time),
    ]
    order = torch.randperm(sequences, generator=generator)
    borders = [0, *sorted({cut for cut in cuts if cut < sequences}), sequences]
    for mode in modes:
        whole = losses.clone().requires_grad_()
        mode(whole, mask).backward()
        pieces = losses.clone().requires_grad_()
        for start, end in itertools.pairwise(borders):
            chosen = order[start:end]
            mode(pieces[chosen], mask[chosen]).backward()
        assert whole.grad is not None
        assert pieces.grad is not None
        torch.testing.assert_close(pieces.grad, whole.grad, rtol=0, atol=1e-12)
        assert not whole.grad[mask == 0].any()


def test_a_response_without_tokens_adds_nothing_and_stays_finite() -> None:
    mask = MASK.clone()
    mask[1] = 0
    assert float(sequence_mean(LOSSES, mask, 3)) == pytest.approx(2.5 / 3)
