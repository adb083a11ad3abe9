"""Numbers with a derivative: what lines are evaluated in.

A `Value` holds a quantity on many random cases at once and, beside it, its derivative along one
random direction of the parameters θ (forward-mode differentiation). So `grad` needs no formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppolab.assessment.derivations.language import LineError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Value:
    """A quantity [cases, …] and its derivative; None where that is itself a derivative."""

    number: Array
    slope: Array | None

    def __add__(self, other: Value) -> Value:
        return Value(self.number + other.number, _both(self, other, lambda a, b: a + b))

    def __sub__(self, other: Value) -> Value:
        return Value(self.number - other.number, _both(self, other, lambda a, b: a - b))

    def __mul__(self, other: Value) -> Value:
        return Value(
            self.number * other.number,
            _both(self, other, lambda a, b: a * other.number + self.number * b),
        )

    def __truediv__(self, other: Value) -> Value:
        quotient = self.number / other.number
        return Value(quotient, _both(self, other, lambda a, b: (a - quotient * b) / other.number))

    def __pow__(self, other: Value) -> Value:
        power = np.power(self.number, other.number)

        def slope(a: Array, b: Array) -> Array:
            of_base = a * other.number * np.power(self.number, other.number - 1)
            of_exponent = b * power * np.log(self.number) if np.any(b) else np.zeros(1)
            return (of_base if np.any(a) else np.zeros(1)) + of_exponent

        return Value(power, _both(self, other, slope))

    def __neg__(self) -> Value:
        return Value(-self.number, None if self.slope is None else -self.slope)

    def map(self, number: Array, factor: Array) -> Value:
        """A function's value, with the factor by which it multiplies the derivative."""
        return Value(number, None if self.slope is None else factor * self.slope)


def _both(left: Value, right: Value, slope: Callable[[Array, Array], Array]) -> Array | None:
    if left.slope is None or right.slope is None:
        return None
    return slope(left.slope, right.slope)


def constant(number: Array | float) -> Value:
    """A quantity that does not depend on the parameters."""
    array = np.asarray(number, dtype=np.float64)
    return Value(array, np.zeros(1))


def gradient(value: Value) -> Value:
    """The derivative as a quantity of its own."""
    if value.slope is None:
        raise LineError("A gradient within a gradient is more than these lines can hold.")
    return Value(np.broadcast_to(value.slope, value.number.shape).astype(np.float64), None)


def exp(x: Value) -> Value:
    """e to the x."""
    number = np.exp(x.number)
    return x.map(number, number)


def log(x: Value) -> Value:
    """The natural logarithm."""
    return x.map(np.log(x.number), 1 / x.number)


def sigmoid(x: Value) -> Value:
    """1 / (1 + e^−x)."""
    number = 1 / (1 + np.exp(-x.number))
    return x.map(number, number * (1 - number))


def absolute(x: Value) -> Value:
    """|x|."""
    return x.map(np.abs(x.number), np.sign(x.number))


def minimum(x: Value, y: Value) -> Value:
    """The smaller of two."""
    return _chosen(x.number <= y.number, x, y)


def maximum(x: Value, y: Value) -> Value:
    """The larger of two."""
    return _chosen(x.number >= y.number, x, y)


def clip(x: Value, low: Value, high: Value) -> Value:
    """x, or the end of the range that it passed."""
    return minimum(maximum(x, low), high)


def _chosen(first: NDArray[np.bool_], x: Value, y: Value) -> Value:
    return Value(
        np.where(first, x.number, y.number), _both(x, y, lambda a, b: np.where(first, a, b))
    )


FUNCTIONS: dict[str, tuple[int, Callable[..., Value]]] = {
    "exp": (1, exp),
    "log": (1, log),
    "sigmoid": (1, sigmoid),
    "abs": (1, absolute),
    "min": (2, minimum),
    "max": (2, maximum),
    "clip": (3, clip),
    "grad": (1, gradient),
}
