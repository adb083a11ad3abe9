"""From logits to log-probabilities and their gradient, and to words drawn: a row at a time.

A row of logits stays in the processor's cache while it is passed over twice. Arrays are flat and
either float32 or bfloat16 seen as int16; the vocabulary is a multiple of `LANES`.
"""

from __future__ import annotations

from typing import Any

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
from ppolab.machine_code.threads import in_parts

Array = NDArray[Any]
Float32 = NDArray[np.float32]
Parts = int | None  # None: one, where PyTorch's threads cannot be shared
Int64 = NDArray[np.int64]


@compiled()
def _highest(logits: Array, start: int, vocabulary: int) -> np.float32:
    """The largest logit of a row."""
    found = load(logits, start)
    for j in range(start, start + vocabulary, LANES):
        found = larger(load(logits, j), found)
    top: np.float32 = largest(found)
    return top


@compiled()
def _log_sums(
    part: int, parts: int, logits: Array, vocabulary: int, cold: float, found: Float32
) -> None:
    rows, factor = found.size, np.float32(cold)
    scale = spread(factor)
    for row in range(rows * part // parts, rows * (part + 1) // parts):
        start = row * vocabulary
        top = _highest(logits, start, vocabulary) * factor
        shift, sums = spread(-top), spread(np.float32(0.0))
        for j in range(start, start + vocabulary, LANES):
            sums = add(sums, exponential(multiply_add(load(logits, j), scale, shift)))
        found[row] = top + np.log(total(sums))


@compiled()
def log_sums(parts: Parts, logits: Array, vocabulary: int, cold: float, found: Float32) -> None:
    """The log of each row's sum of e^(logit · cold).

    Args:
        parts: that the rows are cut into, a thread for each.
        logits: [rows · vocabulary].
        vocabulary: logits in a row.
        cold: 1 / temperature.
        found: [rows], written.
    """
    in_parts(_log_sums, parts, (logits, vocabulary, cold, found))


@compiled()
def _push_down(
    part: int,
    parts: int,
    logits: Array,
    vocabulary: int,
    cold: float,
    found: Float32,
    weights: Float32,
) -> None:
    rows, scale = found.size, spread(np.float32(cold))
    for row in range(rows * part // parts, rows * (part + 1) // parts):
        start = row * vocabulary
        shift, weight = spread(-found[row]), spread(-weights[row])
        for j in range(start, start + vocabulary, LANES):
            probability = exponential(multiply_add(load(logits, j), scale, shift))
            store(logits, j, multiply(probability, weight))


@compiled()
def push_down(
    parts: Parts,
    logits: Array,
    vocabulary: int,
    cold: float,
    found: Float32,
    weights: Float32,
) -> None:
    """Replace logits by −weight · probability.

    Args:
        parts: that the rows are cut into, a thread for each.
        logits: [rows · vocabulary], overwritten.
        vocabulary: logits in a row.
        cold: 1 / temperature.
        found: [rows], as `log_sums` left it.
        weights: [rows].
    """
    in_parts(_push_down, parts, (logits, vocabulary, cold, found, weights))


@compiled()
def _draw_words(
    part: int,
    parts: int,
    logits: Float32,
    vocabulary: int,
    cold: float,
    uniforms: Float32,
    words: Int64,
    log_probs: Float32,
) -> None:
    rows, factor = words.size, np.float32(cold)
    scale = spread(factor)
    weights = np.empty(vocabulary, np.float32)
    by_block = np.empty(vocabulary // LANES, np.float32)
    # What e^x gives for all that is too small for it: words that cannot be drawn get exactly 0.
    nothing = exponential(spread(np.float32(-100.0)))
    for row in range(rows * part // parts, rows * (part + 1) // parts):
        start = row * vocabulary
        top = _highest(logits, start, vocabulary) * factor
        shift, whole = spread(-top), np.float64(0.0)
        for j in range(0, vocabulary, LANES):
            scaled = multiply_add(load(logits, start + j), scale, shift)
            weight = subtract(exponential(scaled), nothing)
            store(weights, j, weight)
            by_block[j // LANES] = total(weight)
            whole += by_block[j // LANES]
        threshold, passed, block = np.float64(uniforms[row]) * whole, np.float64(0.0), 0
        while block < by_block.size - 1 and passed + by_block[block] <= threshold:
            passed += by_block[block]
            block += 1
        word = last = block * LANES
        for j in range(block * LANES, (block + 1) * LANES):
            passed += weights[j]
            if weights[j] > 0:
                last = j
            if passed > threshold:
                word = j
                break
        else:  # rounding: the block's sum is a little more than that of its words
            word = last
        words[row] = word
        log_probs[row] = logits[start + word] * factor - top - np.float32(np.log(whole))


@compiled()
def draw_words(
    parts: Parts,
    logits: Float32,
    vocabulary: int,
    cold: float,
    uniforms: Float32,
    words: Int64,
    log_probs: Float32,
) -> None:
    """Draw one word from each row, by inverting the cumulative distribution.

    Args:
        parts: that the rows are cut into, a thread for each.
        logits: [rows · vocabulary].
        vocabulary: logits in a row.
        cold: 1 / temperature.
        uniforms: [rows] in [0, 1), the chance that decides.
        words: [rows], written.
        log_probs: [rows] nats, written.
    """
    in_parts(_draw_words, parts, (logits, vocabulary, cold, uniforms, words, log_probs))
