"""Causal attention that reads queries, keys and values where their product has left them.

PyTorch's own way copies each into an order that batched products like, and pads sequences of
different lengths. Here one sequence and head after the other is brought into a few tens of KB that
stay in the processor's cache, in float32 whatever the arrays hold, and the weights of attention
never leave it: backward computes them again (Dao et al. 2022, "FlashAttention", section 3.1).

Arrays are flat and either float32 or bfloat16 seen as int16. Tokens' rows in `qkv` are 3 · width
long: queries of all heads, keys, values. A head's size is a multiple of `LANES`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppolab.machine_code.jit import compiled
from ppolab.machine_code.lanes import (
    LANES,
    add,
    exponential,
    larger,
    largest,
    load,
    multiply,
    multiply_add,
    spread,
    store,
    subtract,
    total,
)
from ppolab.machine_code.matrices import (
    BLOCK_COLUMNS,
    BLOCK_ROWS,
    add_product,
    padded_columns,
    padded_rows,
)
from ppolab.machine_code.threads import in_parts

Array = NDArray[Any]
Float32 = NDArray[np.float32]
Parts = int | None  # None: one, where PyTorch's threads cannot be shared
Int64 = NDArray[np.int64]

_NEVER = np.float32(-1e30)


class Bench(NamedTuple):
    """Memory to work on one sequence and head, padded to whole blocks."""

    plain: Float32  # [time, head], what is to be transposed
    turned: Float32  # [head, time]
    left: Float32  # [time, head]
    right: Float32  # [time, head]
    weights: Float32  # [time, time]


@compiled()
def _bench(longest: int, size: int) -> Bench:
    rows, wide, columns = padded_rows(longest), padded_columns(size), padded_columns(longest)
    return Bench(
        np.zeros((rows, wide), np.float32), np.zeros((size, columns), np.float32),
        np.zeros((rows, wide), np.float32), np.zeros((rows, wide), np.float32),
        np.zeros((rows, columns), np.float32),
    )  # fmt: skip


@compiled()
def _fetch(array: Array, start: int, stride: int, time: int, size: int, out: Float32) -> None:
    """Copy [time, size] out of rows `stride` apart; zeros in rows that fill up the last block."""
    flat, wide = out.reshape(-1), out.shape[1]
    for t in range(time):
        for c in range(0, size, LANES):
            store(flat, t * wide + c, load(array, start + t * stride + c))
    out[time : padded_rows(time)] = np.float32(0.0)


@compiled()
def _turn(plain: Float32, time: int, size: int, out: Float32) -> None:
    """Transpose [time, size]; zeros in columns that fill up the last block."""
    for c in range(size):
        for t in range(time):
            out[c, t] = plain[t, c]
        out[c, time : padded_columns(time)] = np.float32(0.0)


@compiled()
def _keep(out: Float32, time: int, size: int, array: Array, start: int, stride: int) -> None:
    """Copy [time, size] into rows `stride` apart."""
    flat, wide = out.reshape(-1), out.shape[1]
    for t in range(time):
        for c in range(0, size, LANES):
            store(array, start + t * stride + c, load(flat, t * wide + c))


@compiled()
def _score(left: Float32, turned: Float32, time: int, size: int, out: Float32) -> None:
    """Left · turned for all pairs of times."""
    rows = padded_rows(time)
    out[:rows] = np.float32(0.0)
    add_product(left[:rows, :size], turned, out[:rows])


@compiled()
def _mix_past(weights: Float32, time: int, values: Float32, out: Float32) -> None:
    """Weights · values; later times have weight 0 and are not computed."""
    for i in range(0, time, BLOCK_ROWS):
        _mix_four(weights, i, 0, i + BLOCK_ROWS, values, out)


@compiled()
def _mix_future(weights: Float32, time: int, values: Float32, out: Float32) -> None:
    """Weightsᵀ · values; earlier times have weight 0 and are not computed."""
    turned, rows = weights.T, padded_rows(time)
    for i in range(0, time, BLOCK_ROWS):
        _mix_four(turned, i, i, rows, values, out)


@compiled()
def _mix_four(
    weights: Float32, i: int, first: int, last: int, values: Float32, out: Float32
) -> None:
    """Four rows, from i on, of weights · values, summed over the times from first to last.

    The inner loops of `add_product` for sums that are short: they begin at 0 in registers.
    """
    wide = values.shape[1]
    flat_values, flat_out = values.reshape(-1), out.reshape(-1)
    nothing = spread(np.float32(0.0))
    for j in range(0, wide, BLOCK_COLUMNS):
        sum00, sum01, sum10, sum11 = nothing, nothing, nothing, nothing
        sum20, sum21, sum30, sum31 = nothing, nothing, nothing, nothing
        for k in range(first, last):
            left = load(flat_values, k * wide + j)
            right = load(flat_values, k * wide + j + LANES)
            w0, w1 = spread(weights[i, k]), spread(weights[i + 1, k])
            w2, w3 = spread(weights[i + 2, k]), spread(weights[i + 3, k])
            sum00, sum01 = multiply_add(w0, left, sum00), multiply_add(w0, right, sum01)
            sum10, sum11 = multiply_add(w1, left, sum10), multiply_add(w1, right, sum11)
            sum20, sum21 = multiply_add(w2, left, sum20), multiply_add(w2, right, sum21)
            sum30, sum31 = multiply_add(w3, left, sum30), multiply_add(w3, right, sum31)
        start = i * wide + j
        store(flat_out, start, sum00)
        store(flat_out, start + LANES, sum01)
        store(flat_out, start + wide, sum10)
        store(flat_out, start + wide + LANES, sum11)
        store(flat_out, start + 2 * wide, sum20)
        store(flat_out, start + 2 * wide + LANES, sum21)
        store(flat_out, start + 3 * wide, sum30)
        store(flat_out, start + 3 * wide + LANES, sum31)


@compiled()
def _attend(
    part: int,
    parts: int,
    qkv: Array,
    starts: Int64,
    heads: int,
    width: int,
    longest: int,
    mixed: Array,
    log_sums: Float32,
) -> None:
    size, jobs = width // heads, (starts.size - 1) * heads
    bench = _bench(longest, size)
    flat, columns = bench.weights.reshape(-1), bench.weights.shape[1]
    for job in range(jobs * part // parts, jobs * (part + 1) // parts):
        first, head = starts[job // heads], job % heads
        time = starts[job // heads + 1] - first
        begin = first * 3 * width + head * size
        _fetch(qkv, begin, 3 * width, time, size, bench.left)
        _fetch(qkv, begin + width, 3 * width, time, size, bench.plain)
        _turn(bench.plain, time, size, bench.turned)
        _score(bench.left, bench.turned, time, size, bench.weights)
        for t in range(time):
            log_sums[(first + t) * heads + head] = _softmax(flat, t * columns, t + 1, size)
        _fetch(qkv, begin + 2 * width, 3 * width, time, size, bench.right)
        _mix_past(bench.weights, time, bench.right, bench.left)
        _keep(bench.left, time, size, mixed, first * width + head * size, width)


@compiled()
def attend(
    parts: Parts,
    qkv: Array,
    starts: Int64,
    heads: int,
    width: int,
    longest: int,
    mixed: Array,
    log_sums: Float32,
) -> None:
    """Each token's mixture of the values of itself and of all before it in its sequence.

    Args:
        parts: that the sequences' heads are cut into, a thread for each.
        qkv: [tokens · 3 · width].
        starts: [sequences + 1], the first token of each, and the end.
        heads: of attention.
        width: of all heads together.
        longest: tokens of the longest sequence.
        mixed: [tokens · width], written.
        log_sums: [tokens · heads], becomes the log of the sum of e^score, for `attend_backward`.
    """
    in_parts(_attend, parts, (qkv, starts, heads, width, longest, mixed, log_sums))


@compiled()
def _softmax(flat: Float32, start: int, count: int, size: int) -> np.float32:
    """Softmax of `count` scores / √size in place, 0 up to the end of their last register.

    Returns:
        The log of the sum of e^(score / √size).
    """
    end = start + (count + LANES - 1) // LANES * LANES
    flat[start + count : end] = _NEVER
    scale = spread(np.float32(1.0) / np.sqrt(np.float32(size)))
    highest = spread(_NEVER)
    for j in range(start, end, LANES):
        scaled = multiply(load(flat, j), scale)
        store(flat, j, scaled)
        highest = larger(scaled, highest)
    top = largest(highest)
    shift = spread(-top)
    for j in range(start, end, LANES):
        store(flat, j, exponential(add(load(flat, j), shift)))
    flat[start + count : end] = np.float32(0.0)
    sums = spread(np.float32(0.0))
    for j in range(start, end, LANES):
        sums = add(sums, load(flat, j))
    whole = total(sums)
    factor = spread(np.float32(1.0) / whole)
    for j in range(start, end, LANES):
        store(flat, j, multiply(load(flat, j), factor))
    log_sum: np.float32 = top + np.log(whole)
    return log_sum


@compiled()
def _attend_backward(
    part: int,
    parts: int,
    qkv: Array,
    starts: Int64,
    heads: int,
    width: int,
    longest: int,
    mixed: Array,
    log_sums: Float32,
    gradient: Array,
    by_qkv: Array,
) -> None:
    size, jobs = width // heads, (starts.size - 1) * heads
    bench, by_weights = _bench(longest, size), _bench(longest, size).weights
    out, means = np.zeros_like(bench.left), np.empty(longest, np.float32)
    scale = np.float32(1.0) / np.sqrt(np.float32(size))
    for job in range(jobs * part // parts, jobs * (part + 1) // parts):
        first, head = starts[job // heads], job % heads
        time = starts[job // heads + 1] - first
        begin, own = first * 3 * width + head * size, first * width + head * size
        _fetch(qkv, begin, 3 * width, time, size, bench.left)
        _fetch(qkv, begin + width, 3 * width, time, size, bench.plain)
        _turn(bench.plain, time, size, bench.turned)
        _score(bench.left, bench.turned, time, size, bench.weights)
        _fetch(gradient, own, width, time, size, bench.right)
        for t in range(time):
            sums = spread(np.float32(0.0))
            for c in range(0, size, LANES):
                place = own + t * width + c
                sums = multiply_add(load(mixed, place), load(gradient, place), sums)
            means[t] = total(sums)
        _weigh_again(bench.weights, log_sums, first * heads + head, heads, time, scale)
        _mix_future(bench.weights, time, bench.right, out)
        _keep(out, time, size, by_qkv, begin + 2 * width, 3 * width)

        _fetch(qkv, begin + 2 * width, 3 * width, time, size, out)
        _turn(out, time, size, bench.turned)
        _score(bench.right, bench.turned, time, size, by_weights)
        _by_scores(bench.weights, by_weights, means, time, scale)
        _mix_past(bench.weights, time, bench.plain, out)
        _keep(out, time, size, by_qkv, begin, 3 * width)
        _mix_future(bench.weights, time, bench.left, out)
        _keep(out, time, size, by_qkv, begin + width, 3 * width)


@compiled()
def attend_backward(
    parts: Parts,
    qkv: Array,
    starts: Int64,
    heads: int,
    width: int,
    longest: int,
    mixed: Array,
    log_sums: Float32,
    gradient: Array,
    by_qkv: Array,
) -> None:
    r"""The gradient of queries, keys and values from that of the mixtures.

    With P the weights, S the scores, O the mixtures, and dO the gradient:

    $$dV = P^\top dO,\quad dP = dO\,V^\top,\quad dS = P \circ (dP - \textstyle\sum dO \circ O),\quad
    dQ = dS\,K / \sqrt{d},\quad dK = dS^\top Q / \sqrt{d}$$

    Args:
        parts: that the sequences' heads are cut into, a thread for each.
        qkv: as for `attend`; so are `starts`, `heads`, `width` and `longest`.
        starts: see there.
        heads: see there.
        width: see there.
        longest: see there.
        mixed: [tokens · width], as `attend` left it; so are `log_sums`.
        log_sums: [tokens · heads].
        gradient: [tokens · width], of `mixed`.
        by_qkv: [tokens · 3 · width], written.
    """
    in_parts(
        _attend_backward,
        parts,
        (qkv, starts, heads, width, longest, mixed, log_sums, gradient, by_qkv),
    )


@compiled()
def _weigh_again(
    weights: Float32, log_sums: Float32, first: int, heads: int, time: int, scale: np.float32
) -> None:
    """Turn scores into the weights that `attend` had, 0 for later times."""
    flat, columns = weights.reshape(-1), weights.shape[1]
    factor = spread(scale)
    for t in range(time):
        start = t * columns
        end = start + (t + LANES) // LANES * LANES
        shift = spread(-log_sums[first + t * heads])
        for j in range(start, end, LANES):
            store(flat, j, exponential(multiply_add(load(flat, j), factor, shift)))
        flat[start + t + 1 : start + columns] = np.float32(0.0)
    weights[time : padded_rows(time)] = np.float32(0.0)


@compiled()
def _by_scores(
    weights: Float32, by_weights: Float32, means: Float32, time: int, scale: np.float32
) -> None:
    """Replace weights [time, time] by the gradient of queries times keys."""
    flat, other, columns = weights.reshape(-1), by_weights.reshape(-1), weights.shape[1]
    factor = spread(scale)
    for t in range(time):
        start = t * columns
        mean = spread(means[t])
        for j in range(start, start + (t + LANES) // LANES * LANES, LANES):
            centred = multiply(subtract(load(other, j), mean), factor)
            store(flat, j, multiply(load(flat, j), centred))


@compiled()
def _attend_next(
    part: int,
    parts: int,
    qkv: Array,
    keys: Array,
    values: Array,
    places: Int64,
    heads: int,
    width: int,
    length: int,
    mixed: Array,
) -> None:
    size, jobs = width // heads, places.size * heads
    scores = np.empty(length + LANES, np.float32)
    for job in range(jobs * part // parts, jobs * (part + 1) // parts):
        row, head = job // heads, job % heads
        begin, cells = row * 3 * width + head * size, job * length * size
        place = places[row]
        for c in range(0, size, LANES):
            store(keys, cells + place * size + c, load(qkv, begin + width + c))
            store(values, cells + place * size + c, load(qkv, begin + 2 * width + c))
        for t in range(place + 1):
            sums = spread(np.float32(0.0))
            for c in range(0, size, LANES):
                product = load(keys, cells + t * size + c)
                sums = multiply_add(load(qkv, begin + c), product, sums)
            scores[t] = total(sums)
        _softmax(scores, 0, place + 1, size)
        for c in range(0, size, LANES):
            sums = spread(np.float32(0.0))
            for t in range(place + 1):
                sums = multiply_add(spread(scores[t]), load(values, cells + t * size + c), sums)
            store(mixed, row * width + head * size + c, sums)


@compiled()
def attend_next(
    parts: Parts,
    qkv: Array,
    keys: Array,
    values: Array,
    places: Int64,
    heads: int,
    width: int,
    length: int,
    mixed: Array,
) -> None:
    """Attention of one more token in each row, whose key and value join the others.

    Args:
        parts: that the rows' heads are cut into, a thread for each.
        qkv: [rows · 3 · width], of the new tokens.
        keys: [rows · heads · length · head], of what was read before.
        values: the same.
        places: [rows], position of each new token.
        heads: of attention.
        width: of all heads together.
        length: places that there is memory for.
        mixed: [rows · width], written.
    """
    in_parts(_attend_next, parts, (qkv, keys, values, places, heads, width, length, mixed))
