from __future__ import annotations

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


def test_a_response_without_tokens_adds_nothing_and_stays_finite() -> None:
    mask = MASK.clone()
    mask[1] = 0
    assert float(sequence_mean(LOSSES, mask, 3)) == pytest.approx(2.5 / 3)
