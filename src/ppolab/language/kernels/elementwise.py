"""GELU and layer norm, each a single pass over memory forwards and another backwards.

Arrays are flat and either float32 or bfloat16 seen as int16; sums are float32 in both. Rows are
a multiple of `LANES` long. Each kernel is cut into parts, one for each thread.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppolab.machine_code.jit import compiled
from ppolab.machine_code.lanes import (
    LANES,
    add,
    divide,
    exponential,
    load,
    multiply,
    multiply_add,
    spread,
    store,
    subtract,
    total,
)
from ppolab.machine_code.threads import in_parts

Array = NDArray[Any]
Float32 = NDArray[np.float32]
Parts = int | None  # None: one, where PyTorch's threads cannot be shared

# GELU by its tanh form is x·σ(2u), u = √(2/π)·(x + 0.044715·x³), for ½·(1 + tanh u) = σ(2u).
_SLOPE = 2 * 0.7978845608028654
_CUBIC = _SLOPE * 0.044715


@compiled()
def _gelu(part: int, parts: int, x: Array, out: Array) -> None:
    first, last = x.size // LANES * part // parts, x.size // LANES * (part + 1) // parts
    one = spread(np.float32(1.0))
    slope, cubic = spread(np.float32(-_SLOPE)), spread(np.float32(-_CUBIC))
    for i in range(first * LANES, last * LANES, LANES):
        value = load(x, i)
        steepness = multiply_add(cubic, multiply(value, value), slope)
        store(out, i, divide(value, add(one, exponential(multiply(value, steepness)))))


@compiled()
def gelu(parts: Parts, x: Array, out: Array) -> None:
    """Write GELU of each number of `x`, by its tanh form."""
    in_parts(_gelu, parts, (x, out))


@compiled()
def _gelu_backward(
    part: int, parts: int, x: Array, gradient: Array, width: int, sums: Float32
) -> None:
    rows = x.size // width
    one, slope = spread(np.float32(1.0)), spread(np.float32(_SLOPE))
    cubic, steep = spread(np.float32(_CUBIC)), spread(np.float32(3 * _CUBIC))
    minus = spread(np.float32(-1.0))
    mine = sums[part]
    mine[:] = np.float32(0.0)
    for row in range(rows * part // parts, rows * (part + 1) // parts):
        start = row * width
        for j in range(0, width, LANES):
            value = load(x, start + j)
            square = multiply(value, value)
            twice_u = multiply(value, multiply_add(cubic, square, slope))
            s = divide(one, add(one, exponential(multiply(minus, twice_u))))
            change = multiply(value, multiply_add(steep, square, slope))
            derivative = multiply_add(multiply(s, subtract(one, s)), change, s)
            result = multiply(load(gradient, start + j), derivative)
            store(gradient, start + j, result)
            store(mine, j, add(load(mine, j), result))


@compiled()
def gelu_backward(parts: Parts, x: Array, gradient: Array, width: int, sums: Float32) -> None:
    r"""Turn the gradient of GELU's output into that of its input, in place.

    With s = σ(2u): d/dx (x·s) = s + x·s·(1 − s)·2u'.

    Args:
        parts: that the rows are cut into, a thread for each.
        x: [rows · width], GELU's input.
        gradient: [rows · width], overwritten.
        width: numbers in a row.
        sums: [parts, width], becomes the sum of the new gradient over the rows of each part.
    """
    in_parts(_gelu_backward, parts, (x, gradient, width, sums))


@compiled()
def _norm(
    part: int,
    parts: int,
    x: Array,
    more: Array,
    gain: Array,
    bias: Array,
    epsilon: float,
    summed: Array,
    normed: Array,
    stats: Float32,
) -> None:
    width = gain.size
    rows = x.size // width
    scale = np.float32(1.0) / np.float32(width)
    values = np.empty(width, np.float32)
    for row in range(rows * part // parts, rows * (part + 1) // parts):
        start = row * width
        sums = spread(np.float32(0.0))
        for j in range(0, width, LANES):
            value = load(x, start + j)
            if more.size:
                store(summed, start + j, add(value, load(more, start + j)))
                value = load(summed, start + j)  # as rounded as the next layer will see it
            store(values, j, value)
            sums = add(sums, value)
        mean = total(sums) * scale
        shift, squares = spread(-mean), spread(np.float32(0.0))
        for j in range(0, width, LANES):
            centred = add(load(values, j), shift)
            store(values, j, centred)
            squares = multiply_add(centred, centred, squares)
        inverse = np.float32(1.0) / np.sqrt(total(squares) * scale + np.float32(epsilon))
        factor = spread(inverse)
        for j in range(0, width, LANES):
            scaled = multiply(load(values, j), factor)
            store(normed, start + j, multiply_add(scaled, load(gain, j), load(bias, j)))
        stats[2 * row], stats[2 * row + 1] = mean, inverse


@compiled()
def norm(
    parts: Parts,
    x: Array,
    more: Array,
    gain: Array,
    bias: Array,
    epsilon: float,
    summed: Array,
    normed: Array,
    stats: Float32,
) -> None:
    """Layer norm of x, or of x + more.

    Args:
        parts: that the rows are cut into, a thread for each.
        x: [rows · width].
        more: [rows · width], added to it first; empty where there is nothing to add.
        gain: [width].
        bias: [width].
        epsilon: added to the variance.
        summed: [rows · width], becomes x + more; unused where there is nothing to add.
        normed: [rows · width], becomes the norm.
        stats: [rows · 2], becomes each row's mean and 1 / standard deviation.
    """
    in_parts(_norm, parts, (x, more, gain, bias, epsilon, summed, normed, stats))


@compiled()
def _norm_backward(
    part: int,
    parts: int,
    x: Array,
    stats: Float32,
    gain: Array,
    gradient: Array,
    beside: Array,
    sums: Float32,
) -> None:
    width = gain.size
    rows = x.size // width
    scale = np.float32(1.0) / np.float32(width)
    centred, slopes = np.empty(width, np.float32), np.empty(width, np.float32)
    mine = sums[part]
    mine[:] = np.float32(0.0)
    for row in range(rows * part // parts, rows * (part + 1) // parts):
        start = row * width
        inverse = spread(stats[2 * row + 1])
        mean = spread(stats[2 * row])
        sum_g, sum_gx = spread(np.float32(0.0)), spread(np.float32(0.0))
        for j in range(0, width, LANES):
            hat = multiply(subtract(load(x, start + j), mean), inverse)
            given = load(gradient, start + j)
            slope = multiply(given, load(gain, j))
            store(centred, j, hat)
            store(slopes, j, slope)
            store(mine, j, multiply_add(given, hat, load(mine, j)))
            store(mine, width + j, add(given, load(mine, width + j)))
            sum_g = add(sum_g, slope)
            sum_gx = multiply_add(slope, hat, sum_gx)
        mean_g, mean_gx = spread(-total(sum_g) * scale), spread(-total(sum_gx) * scale)
        for j in range(0, width, LANES):
            rest = multiply_add(load(centred, j), mean_gx, add(load(slopes, j), mean_g))
            result = multiply_add(rest, inverse, load(beside, start + j))
            store(beside, start + j, result)
            store(mine, 2 * width + j, add(result, load(mine, 2 * width + j)))


@compiled()
def norm_backward(
    parts: Parts,
    x: Array,
    stats: Float32,
    gain: Array,
    gradient: Array,
    beside: Array,
    sums: Float32,
) -> None:
    r"""Add the gradient of layer norm's input to that which flows past it.

    With x̂ the norm before gain and bias, and g the gradient times the gain:

    $$\frac{\partial L}{\partial x} = \frac{1}{\sigma}\left(g - \bar g - \hat x\,\overline{g \hat x}\right)$$

    Args:
        parts: that the rows are cut into, a thread for each.
        x: [rows · width], what was normed.
        stats: [rows · 2], as `norm` left them.
        gain: [width].
        gradient: [rows · width], of the norm.
        beside: [rows · width], of x by the way around the norm; becomes the sum of both.
        sums: [parts, 3 · width], becomes the gradients of gain and bias and the sum of
            `beside` over the rows of each part.
    """  # noqa: E501 – one formula
    in_parts(_norm_backward, parts, (x, stats, gain, gradient, beside, sums))
