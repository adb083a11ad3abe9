"""One network, forward and backward, for a tile of samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppolab.machine_code.jit import compiled
from ppolab.machine_code.matrices import (
    add_product,
    dot,
    padded_columns,
    padded_rows,
    tanh_in_place,
)

Float32 = NDArray[np.float32]

# Samples that go forward and backward together. Their activations take 5 × 32 × 64 × 4 bytes =
# 40 KB and so never leave the first two caches between the passes, however large the minibatch.
TILE = 32


class Network(NamedTuple):
    """A network's weights as torch keeps them, or their gradient: views of one flat vector."""

    first: Float32  # [hidden, inputs]
    first_bias: Float32  # [hidden]
    second: Float32  # [hidden, hidden]
    second_bias: Float32  # [hidden]
    output: Float32  # [outputs, hidden]
    output_bias: Float32  # [outputs]


class Padded(NamedTuple):
    """The same numbers in the shapes `add_product` wants, with zeros in between.

    A unit that is only padding has weights 0: its activation is tanh(0) = 0, and so is all that
    flows back to it.
    """

    first: Float32  # [inputs, hidden], transposed
    first_bias: Float32  # [hidden]
    second: Float32  # [hidden, hidden]
    second_transposed: Float32  # [hidden, hidden]; left alone in a gradient
    second_bias: Float32  # [hidden]
    output: Float32  # [outputs, hidden]
    output_bias: Float32  # [outputs]


class Tile(NamedTuple):
    """What one network remembers of the samples in hand."""

    inputs: Float32  # [TILE, inputs]
    first: Float32  # [TILE, hidden], activations of the first layer
    second: Float32  # [TILE, hidden]
    output: Float32  # [TILE, outputs]; on the way back ∂L/∂output
    first_slope: Float32  # [TILE, hidden], ∂L/∂(first layer before tanh)
    second_slope: Float32  # [TILE, hidden]


@compiled()
def network_size(inputs: int, hidden: int, outputs: int) -> int:
    """Parameters of one network."""
    return hidden * (inputs + 1) + hidden * (hidden + 1) + outputs * (hidden + 1)


@compiled()
def network_in(vector: Float32, inputs: int, hidden: int, outputs: int) -> Network:
    """See a flat vector as a network, in the order of `MLP.parameters()`."""
    first_bias = hidden * inputs
    second = first_bias + hidden
    second_bias = second + hidden * hidden
    output = second_bias + hidden
    output_bias = output + outputs * hidden
    return Network(
        vector[:first_bias].reshape((hidden, inputs)),
        vector[first_bias:second],
        vector[second:second_bias].reshape((hidden, hidden)),
        vector[second_bias:output],
        vector[output:output_bias].reshape((outputs, hidden)),
        vector[output_bias : output_bias + outputs],
    )


@compiled()
def padded_size(inputs: int, hidden: int, outputs: int) -> int:
    """Numbers in a padded network."""
    deep, wide, last = padded_rows(inputs), padded_columns(hidden), padded_rows(outputs)
    return wide * (deep + 2 + 2 * wide + last) + last


@compiled()
def padded_in(vector: Float32, inputs: int, hidden: int, outputs: int) -> Padded:
    """See a flat vector of `padded_size` numbers as a padded network."""
    deep, wide, last = padded_rows(inputs), padded_columns(hidden), padded_rows(outputs)
    rows = vector[: wide * (deep + 2 + 2 * wide + last)].reshape((-1, wide))
    second = deep + 2
    output = second + 2 * wide
    return Padded(
        rows[:deep],
        rows[deep],
        rows[second : second + wide],
        rows[second + wide : output],
        rows[deep + 1],
        rows[output : output + last],
        vector[vector.size - last :],
    )


@compiled()
def pad(network: Network, padded: Padded) -> None:
    """Copy weights into their padded shapes; once per minibatch, for all its tiles."""
    hidden, inputs = network.first.shape
    outputs = network.output.shape[0]
    for i in range(hidden):
        for j in range(inputs):
            padded.first[j, i] = network.first[i, j]
        for j in range(hidden):
            padded.second_transposed[j, i] = network.second[i, j]
        for j in range(hidden):
            padded.second[i, j] = network.second[i, j]
        padded.first_bias[i] = network.first_bias[i]
        padded.second_bias[i] = network.second_bias[i]
    for k in range(outputs):
        for j in range(hidden):
            padded.output[k, j] = network.output[k, j]
        padded.output_bias[k] = network.output_bias[k]


@compiled()
def add_unpadded(padded: Padded, network: Network) -> None:
    """Add a padded gradient to the gradient in torch's shapes."""
    hidden, inputs = network.first.shape
    outputs = network.output.shape[0]
    for i in range(hidden):
        for j in range(inputs):
            network.first[i, j] += padded.first[j, i]
        for j in range(hidden):
            network.second[i, j] += padded.second[i, j]
        network.first_bias[i] += padded.first_bias[i]
        network.second_bias[i] += padded.second_bias[i]
    for k in range(outputs):
        for j in range(hidden):
            network.output[k, j] += padded.output[k, j]
        network.output_bias[k] += padded.output_bias[k]


@compiled()
def new_tile(inputs: int, hidden: int, outputs: int) -> Tile:
    """Make room for one network's activations; padding columns must be and stay 0."""
    deep, wide, last = padded_rows(inputs), padded_columns(hidden), padded_rows(outputs)
    return Tile(
        np.zeros((TILE, deep), np.float32),
        np.empty((TILE, wide), np.float32),
        np.empty((TILE, wide), np.float32),
        np.zeros((TILE, last), np.float32),
        np.empty((TILE, wide), np.float32),
        np.empty((TILE, wide), np.float32),
    )


@compiled()
def forward(weights: Padded, tile: Tile, rows: int, outputs: int) -> None:
    r"""Fill `tile.first`, `tile.second` and `tile.output` for its first `rows` inputs.

    $$h_1 = \tanh(x W_1^\top + b_1), \quad h_2 = \tanh(h_1 W_2^\top + b_2), \quad
      y = h_2 W_3^\top + b_3$$

    `rows` is a multiple of the block; the caller leaves finite numbers in rows it does not need.
    """
    _dense_tanh(tile.inputs[:rows], weights.first, weights.first_bias, tile.first[:rows])
    _dense_tanh(
        tile.first[:rows], weights.second_transposed, weights.second_bias, tile.second[:rows]
    )
    for i in range(rows):
        for k in range(outputs):
            tile.output[i, k] = weights.output_bias[k] + dot(tile.second[i], weights.output[k])


@compiled()
def backward(weights: Padded, tile: Tile, gradient: Padded) -> None:
    r"""Add the gradient of the loss over one tile to `gradient`; `tile.output` holds ∂L/∂y.

    $$\frac{\partial L}{\partial W_3} = \delta_3^\top h_2, \quad
      \delta_2 = (\delta_3 W_3) \odot (1 - h_2^2), \quad
      \frac{\partial L}{\partial W_2} = \delta_2^\top h_1, \quad
      \delta_1 = (\delta_2 W_2) \odot (1 - h_1^2), \quad
      \frac{\partial L}{\partial W_1} = \delta_1^\top x$$

    and each bias gets the sum of its δ over the samples. Rows without a sample have δ₃ = 0.
    """
    for i in range(TILE):
        for k in range(tile.output.shape[1]):
            gradient.output_bias[k] += tile.output[i, k]
    add_product(tile.output.T, tile.second, gradient.output)

    _through_tanh(tile.output, weights.output, tile.second, tile.second_slope)
    _add_columns(tile.second_slope, gradient.second_bias)
    add_product(tile.second_slope.T, tile.first, gradient.second)

    _through_tanh(tile.second_slope, weights.second, tile.first, tile.first_slope)
    _add_columns(tile.first_slope, gradient.first_bias)
    # Transposed, so that the long side runs along the registers: inputs are few.
    add_product(tile.inputs.T, tile.first_slope, gradient.first)


@compiled()
def _dense_tanh(x: Float32, weights: Float32, bias: Float32, y: Float32) -> None:
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = bias[j]
    add_product(x, weights, y)
    tanh_in_place(y.reshape(-1))


@compiled()
def _through_tanh(slope: Float32, weights: Float32, activation: Float32, below: Float32) -> None:
    """below = (slope · weights) ⊙ (1 − activation²)."""
    below[:] = np.float32(0.0)
    add_product(slope, weights, below)
    flat, flat_activation = below.reshape(-1), activation.reshape(-1)
    for j in range(flat.size):
        flat[j] *= np.float32(1.0) - flat_activation[j] * flat_activation[j]


@compiled()
def _add_columns(x: Float32, total: Float32) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total[j] += x[i, j]
