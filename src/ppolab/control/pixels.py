"""Scaling images down."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Tap = tuple[NDArray[np.int64], NDArray[np.float32]]  # old rows [new] and their weights [new, 1]


class AreaResize:
    """Scales images to `size`×`size` so that each new pixel is the mean of the area it covers.

    First rows, then columns, each by adding up the few old ones that a new one covers. Two products
    of matrices would do the same, but a BLAS spreads them over threads that wait for each other:
    on a busy machine that took 30 ms an image, this takes 0.1.
    """

    def __init__(self, height: int, width: int, size: int) -> None:
        self._rows, self._columns = _taps(_coverage(height, size)), _taps(_coverage(width, size))

    def __call__(self, image: Pixels) -> Pixels:
        """Scale [height, width, channels] to [size, size, channels]."""
        channels = [self._channel(image[..., c]) for c in range(image.shape[2])]
        return np.stack(channels, axis=2)

    def _channel(self, image: Pixels) -> Pixels:
        rows = _added(image.astype(np.float32), self._rows)
        columns = _added(np.ascontiguousarray(rows.T), self._columns)
        return (columns.T + np.float32(0.5)).astype(np.uint8)


def _taps(coverage: NDArray[np.float32]) -> list[Tap]:
    """Old rows that make up the new ones, those of most weight first; 0 pads the shorter."""
    most = int((coverage > 0).sum(1).max())
    which = np.argsort(-coverage, axis=1, kind="stable")[:, :most]
    weights = np.take_along_axis(coverage, which, 1)
    return [(which[:, k], weights[:, k, None]) for k in range(most)]


def _added(image: NDArray[np.float32], taps: list[Tap]) -> NDArray[np.float32]:
    """New rows [new, width] of old ones [old, width]."""
    (which, weights), *others = taps
    new: NDArray[np.float32] = image[which] * weights
    for which, weights in others:
        new += image[which] * weights
    return new


def _coverage(old: int, new: int) -> NDArray[np.float32]:
    """How much of each new pixel, [new, old], each old one makes up; every row sums to 1."""
    ratio = old / new
    shares = np.zeros((new, old), np.float32)
    for i in range(new):
        low, high = i * ratio, (i + 1) * ratio
        for j in range(math.floor(low), min(old, math.ceil(high))):
            shares[i, j] = (min(high, j + 1) - max(low, j)) / ratio
    return shares
