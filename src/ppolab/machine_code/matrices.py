"""The matrix product of compiled kernels, and the layout that lets it be simple."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ppolab.machine_code.jit import compiled
from ppolab.machine_code.lanes import LANES, load, multiply_add, spread, store, total

Float32 = NDArray[np.float32]

# A product is computed in blocks of 4 rows × 2 registers: eight running sums, as many as keep a
# processor busy that starts two multiply-adds per cycle and needs four cycles for each. Matrices
# are padded with zeros to whole blocks; then there are no edges to treat.
BLOCK_ROWS = 4
BLOCK_COLUMNS = 2 * LANES


@compiled()
def padded_rows(count: int) -> int:
    """`count` rounded up to whole blocks of rows."""
    return (count + BLOCK_ROWS - 1) // BLOCK_ROWS * BLOCK_ROWS


@compiled()
def padded_columns(count: int) -> int:
    """`count` rounded up to whole blocks of columns."""
    return (count + BLOCK_COLUMNS - 1) // BLOCK_COLUMNS * BLOCK_COLUMNS


@compiled()
def add_product(a: Float32, b: Float32, c: Float32) -> None:
    """C += A·B, with the sums in registers while the inner dimension runs.

    Args:
        a: [rows, inner], rows a multiple of `BLOCK_ROWS`; may be a transposed view.
        b: [inner, columns], contiguous, columns a multiple of `BLOCK_COLUMNS`.
        c: [rows, columns], contiguous.
    """
    rows, inner = a.shape
    columns = b.shape[1]
    flat_b, flat_c = b.reshape(-1), c.reshape(-1)
    for j in range(0, columns, BLOCK_COLUMNS):
        for i in range(0, rows, BLOCK_ROWS):
            row0, row1 = i * columns + j, (i + 1) * columns + j
            row2, row3 = (i + 2) * columns + j, (i + 3) * columns + j
            sum00, sum01 = load(flat_c, row0), load(flat_c, row0 + LANES)
            sum10, sum11 = load(flat_c, row1), load(flat_c, row1 + LANES)
            sum20, sum21 = load(flat_c, row2), load(flat_c, row2 + LANES)
            sum30, sum31 = load(flat_c, row3), load(flat_c, row3 + LANES)
            for k in range(inner):
                b0 = load(flat_b, k * columns + j)
                b1 = load(flat_b, k * columns + j + LANES)
                a0, a1 = spread(a[i, k]), spread(a[i + 1, k])
                a2, a3 = spread(a[i + 2, k]), spread(a[i + 3, k])
                sum00, sum01 = multiply_add(a0, b0, sum00), multiply_add(a0, b1, sum01)
                sum10, sum11 = multiply_add(a1, b0, sum10), multiply_add(a1, b1, sum11)
                sum20, sum21 = multiply_add(a2, b0, sum20), multiply_add(a2, b1, sum21)
                sum30, sum31 = multiply_add(a3, b0, sum30), multiply_add(a3, b1, sum31)
            store(flat_c, row0, sum00)
            store(flat_c, row0 + LANES, sum01)
            store(flat_c, row1, sum10)
            store(flat_c, row1 + LANES, sum11)
            store(flat_c, row2, sum20)
            store(flat_c, row2 + LANES, sum21)
            store(flat_c, row3, sum30)
            store(flat_c, row3 + LANES, sum31)


@compiled()
def dot(a: Float32, b: Float32) -> np.float32:
    """The sum of a·b over two contiguous vectors of one length, a register of terms at a time."""
    sums = spread(np.float32(0.0))
    whole = a.size // LANES * LANES
    for j in range(0, whole, LANES):
        sums = multiply_add(load(a, j), load(b, j), sums)
    result: np.float32 = total(sums)
    for j in range(whole, a.size):
        result += a[j] * b[j]
    return result


@compiled()
def tanh_in_place(x: Float32) -> None:
    """Replace every number of a flat vector by its tanh, to within 3e-7.

    A ratio of two polynomials, odd over even, near the best of its degrees: beyond |x| = 7.9 tanh
    is ±1 to float32. The C library's tanh takes one number at a time and is ten times slower. A
    NaN stays NaN: every comparison with it is false, so it passes the two limits untouched.

    Coefficients: the ones of Eigen's `generic_fast_tanh_float`.
    """
    limit = np.float32(7.9)
    for i in range(x.size):
        y = x[i]
        y = limit if y > limit else y
        y = -limit if y < -limit else y
        square = y * y
        odd = square * np.float32(-2.76076847742355e-16) + np.float32(2.00018790482477e-13)
        odd = square * odd + np.float32(-8.60467152213735e-11)
        odd = square * odd + np.float32(5.12229709037114e-08)
        odd = square * odd + np.float32(1.48572235717979e-05)
        odd = square * odd + np.float32(6.37261928875436e-04)
        odd = square * odd + np.float32(4.89352455891786e-03)
        even = square * np.float32(1.19825839466702e-06) + np.float32(1.18534705686654e-04)
        even = square * even + np.float32(2.26843463243900e-03)
        even = square * even + np.float32(4.89352518554385e-03)
        x[i] = y * odd / even
