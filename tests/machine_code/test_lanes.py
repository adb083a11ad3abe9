"""Registers against NumPy and torch, and kernels cut into parts."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ppolab.machine_code.jit import compiled
from ppolab.machine_code.lanes import (
    LANES,
    divide,
    exponential,
    larger,
    largest,
    load,
    multiply,
    store,
    subtract,
    total,
)
from ppolab.machine_code.threads import in_parts, threads

Float32 = NDArray[np.float32]


@numba.njit
def _exponentials(x, out):
    for i in range(0, x.size, LANES):
        store(out, i, exponential(load(x, i)))


@numba.njit
def _copy(x, out):
    for i in range(0, x.size, LANES):
        store(out, i, load(x, i))


@numba.njit
def _arithmetic(a, b, out):
    x, y = load(a, 0), load(b, 0)
    store(out, 0, divide(subtract(x, y), multiply(x, y)))
    store(out, LANES, larger(x, y))
    return largest(x), total(x)


@compiled()
def _count(part, parts, visits):
    for i in range(visits.size * part // parts, visits.size * (part + 1) // parts):
        visits[i] += parts


@compiled()
def count(parts, visits):
    in_parts(_count, parts, (visits,))


def test_the_exponential_is_that_of_numpy_to_the_last_places() -> None:
    x = np.linspace(-86.9, 87.9, 1 << 14, dtype=np.float32)
    out = np.empty_like(x)
    _exponentials(x, out)
    expected = np.exp(x.astype(np.float64))
    assert float(np.abs(out / expected - 1).max()) < 1.5e-7


def test_exponentials_of_what_is_too_small_or_too_large_stay_finite_and_nan_stays_nan() -> None:
    x = np.zeros(LANES, np.float32)
    x[:4] = -np.inf, -200.0, 1000.0, np.nan
    out = np.empty_like(x)
    _exponentials(x, out)
    assert 0 < out[0] == out[1] < 2e-38
    assert out[2] == pytest.approx(np.exp(88.0), rel=1e-6)
    assert np.isnan(out[3])
    assert out[4] == 1.0


def test_bfloat16_is_read_and_rounded_as_torch_does() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(64 * LANES, generator=generator)
    x[:4] = torch.tensor([1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8, float("nan")])  # ties go to even
    halves = torch.empty_like(x, dtype=torch.bfloat16)
    _copy(x.numpy(), halves.view(torch.int16).numpy())
    back = torch.empty_like(x)
    _copy(halves.view(torch.int16).numpy(), back.numpy())
    expected = x.bfloat16()
    torch.testing.assert_close(halves, expected, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(back, expected.float(), rtol=0, atol=0, equal_nan=True)


def test_registers_compute_lane_by_lane() -> None:
    a = np.arange(1, LANES + 1, dtype=np.float32)
    b = a[::-1].copy()
    out = np.empty(2 * LANES, np.float32)
    highest, whole = _arithmetic(a, b, out)
    np.testing.assert_array_equal(out[:LANES], (a - b) / (a * b))
    np.testing.assert_array_equal(out[LANES:], np.maximum(a, b))
    assert (highest, whole) == (LANES, LANES * (LANES + 1) / 2)


@pytest.mark.parametrize("parts", [None, 1, 2, 5])
def test_every_part_is_done_once_however_many_threads_there_are(parts: int | None) -> None:
    if threads() is None and parts is not None:
        pytest.skip("PyTorch's threads cannot be shared here")
    visits = np.zeros(1001, np.int64)
    count(parts, visits)
    assert set(visits.tolist()) == {parts or 1}
