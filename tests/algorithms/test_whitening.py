import pytest
import torch

from ppolab.algorithms.whitening import whiten

# Values and their mean 2, biased variance (1 + 0 + 1) / 3 = 2/3; the fourth does not count.
VALUES = torch.tensor([[1.0, 2.0], [3.0, 100.0]], dtype=torch.float64)
MASK = torch.tensor([[True, True], [True, False]])


def test_counted_values_get_mean_zero_and_spread_one_and_the_rest_zero() -> None:
    whitened = whiten(VALUES, MASK)
    root = (3 / 2) ** 0.5
    assert whitened.flatten().tolist() == pytest.approx([-root, 0.0, root, 0.0], abs=1e-7)


def test_the_mean_can_be_kept() -> None:
    kept = whiten(VALUES, MASK, shift_mean=False)
    root = (3 / 2) ** 0.5
    assert kept.flatten().tolist() == pytest.approx([2 - root, 2.0, 2 + root, 0.0], abs=1e-7)


def test_equal_values_stay_finite() -> None:
    assert whiten(torch.ones(3), torch.ones(3)).tolist() == [0.0, 0.0, 0.0]
    assert whiten(torch.ones(3), torch.zeros(3)).tolist() == [0.0, 0.0, 0.0]


def test_shift_and_scale_do_not_matter() -> None:
    x = torch.randn(40, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    mask = torch.ones(40)
    torch.testing.assert_close(whiten(3 * x + 7, mask), whiten(x, mask), rtol=1e-6, atol=1e-6)
