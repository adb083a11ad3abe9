from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ppolab.algorithms.value_losses import clipped_value_loss, squared_value_loss

numbers = st.floats(-5, 5)


def test_squared_loss_matches_values_by_hand() -> None:
    # errors 1 and −3: ½ · (1 + 9) / 2 = 2.5
    assert float(squared_value_loss(torch.tensor([2.0, 1.0]), torch.tensor([1.0, 4.0]))) == 2.5


def test_squared_loss_pulls_by_the_error_over_the_batch_size() -> None:
    values = torch.tensor([2.0, 1.0], requires_grad=True)
    squared_value_loss(values, torch.tensor([1.0, 4.0])).backward()
    assert values.grad is not None
    assert values.grad.tolist() == [0.5, -1.5]  # (V − R) / 2


@pytest.mark.parametrize(
    ("value", "old", "target", "expected"),
    [
        # ε = 1. Moved 0.5, inside: ½·(1.5 − 3)² = 1.125
        (1.5, 1.0, 3.0, 1.125),
        # Moved 2 towards the target; as if it had moved 1: ½·max((3 − 3)², (2 − 3)²) = 0.5
        (3.0, 1.0, 3.0, 0.5),
        # Moved 2 away from the target: ½·max((−1 − 3)², (0 − 3)²) = 8
        (-1.0, 1.0, 3.0, 8.0),
        # Moved −2 past the target: old 4, clipped to 3, target 1.5: ½·max(0.25, 2.25) = 1.125
        (2.0, 4.0, 1.5, 1.125),
    ],
)
def test_clipped_loss_matches_values_by_hand(
    value: float, old: float, target: float, expected: float
) -> None:
    loss = clipped_value_loss(
        torch.tensor([value]), torch.tensor([old]), torch.tensor([target]), 1.0
    )
    assert float(loss) == expected


def test_clipped_loss_stops_paying_for_moving_on() -> None:
    values = torch.tensor([3.5], requires_grad=True)  # moved 2.5 of the 3 that are left, ε = 1
    clipped_value_loss(values, torch.tensor([1.0]), torch.tensor([4.0]), 1.0).backward()
    assert values.grad is not None
    assert values.grad.tolist() == [0.0]


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=6), st.floats(0.1, 3))
def test_clipped_loss_is_never_below_the_squared_one(
    samples: list[tuple[float, float, float]], clip_range: float
) -> None:
    values, old, returns = torch.tensor(samples, dtype=torch.float64).unbind(1)
    clipped = float(clipped_value_loss(values, old, returns, clip_range))
    assert clipped >= float(squared_value_loss(values, returns)) - 1e-12


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6))
def test_clipped_loss_with_room_enough_is_the_squared_one(
    samples: list[tuple[float, float]],
) -> None:
    values, returns = torch.tensor(samples, dtype=torch.float64).unbind(1)
    wide = clipped_value_loss(values, torch.zeros_like(values), returns, 100.0)
    assert float(wide) == pytest.approx(float(squared_value_loss(values, returns)), abs=1e-12)
