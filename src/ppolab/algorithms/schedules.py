"""How a setting changes over training, as functions of the share of training that is left."""

from __future__ import annotations

import math


def constant(initial: float, remaining: float) -> float:
    """Keep the initial value. `remaining` is the share of training left, from 1 to 0."""
    return initial


def linear(initial: float, remaining: float) -> float:
    """Fall in a straight line from the initial value to 0.

    Source: Huang et al. (2022), detail 4 (learning-rate annealing).
    """
    return initial * remaining


def cosine(initial: float, remaining: float) -> float:
    """Fall from the initial value to 0 along half a cosine: slowly, quickly, slowly.

    Source: Loshchilov & Hutter (2017), "SGDR", eq. 5, without restarts.
    """
    return initial * 0.5 * (1.0 + math.cos(math.pi * (1.0 - remaining)))
