"""CartPole-v1, all copies in one compiled call."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppolab.control.compiled.copies import (
    CompiledEnvironment,
    Copies,
    count_step,
    new_copies,
    uniform,
)
from ppolab.machine_code.jit import compiled

Int64 = NDArray[np.int64]

GRAVITY = 9.8  # m/s²
POLE_MASS = 0.1  # kg
TOTAL_MASS = 1.1  # kg, cart and pole
HALF_LENGTH = 0.5  # m, of the pole
FORCE = 10.0  # N
STEP = 0.02  # s
LARGEST_ANGLE = 12 * 2 * math.pi / 360  # rad
LARGEST_POSITION = 2.4  # m
START_SPREAD = 0.05  # every number of the first state lies in ± this


class CartPoleRules(NamedTuple):
    """What a kernel needs to know beside the copies."""

    limit: int  # steps after which an episode is cut off


class CartPole(CompiledEnvironment):
    """A pole on a cart that is pushed left (0) or right (1); reward 1 for each step it stands.

    The same motion as Gymnasium's CartPole-v1 in the same double precision, so that one may stand
    for the other. Only the random numbers of the first states differ.

    Observation [4]: position (m), speed (m/s), angle (rad), angular speed (rad/s).

    Example:
        >>> environment = CartPole(count=8, seed=1)
        >>> environment.step(np.zeros(8, np.int64))
    """

    environment_id = "CartPole-v1"
    observation_size = 4
    action_count = 2

    def __init__(self, count: int, seed: int, limit: int = 500) -> None:
        super().__init__(new_copies(count, 4, np.zeros((count, 4)), seed))
        self.rules = CartPoleRules(limit)
        begin_all(self.copies)

    def _advance(self, actions: Int64) -> None:
        advance(self.copies, self.rules, actions)


@compiled()
def begin_all(copies: Copies) -> None:
    """Begin an episode in every copy."""
    for i in range(copies.rewards.size):
        _begin(copies, i)


@compiled()
def advance(copies: Copies, rules: CartPoleRules, actions: Int64) -> None:
    """Take one step in every copy, and begin anew where an episode ends.

    Source: Barto, Sutton & Anderson (1983), "Neuronlike adaptive elements that can solve difficult
    learning control problems", with Florian's (2007) correction; Euler's method, positions before
    speeds.
    """
    for i in range(actions.size):
        position, speed = copies.states[i, 0], copies.states[i, 1]
        angle, turning = copies.states[i, 2], copies.states[i, 3]
        force = FORCE if actions[i] == 1 else -FORCE
        cosine, sine = np.cos(angle), np.sin(angle)

        pull = (force + POLE_MASS * HALF_LENGTH * turning * turning * sine) / TOTAL_MASS
        angular_acceleration = (GRAVITY * sine - cosine * pull) / (
            HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * cosine * cosine / TOTAL_MASS)
        )
        acceleration = pull - POLE_MASS * HALF_LENGTH * angular_acceleration * cosine / TOTAL_MASS
        position += STEP * speed
        speed += STEP * acceleration
        angle += STEP * turning
        turning += STEP * angular_acceleration
        _write(copies, i, position, speed, angle, turning)

        fallen = abs(position) > LARGEST_POSITION or abs(angle) > LARGEST_ANGLE
        if count_step(copies, i, 1.0, fallen, rules.limit):
            _begin(copies, i)


@compiled()
def _begin(copies: Copies, i: int) -> None:
    position = START_SPREAD * (2.0 * uniform(copies.chance, i) - 1.0)
    speed = START_SPREAD * (2.0 * uniform(copies.chance, i) - 1.0)
    angle = START_SPREAD * (2.0 * uniform(copies.chance, i) - 1.0)
    turning = START_SPREAD * (2.0 * uniform(copies.chance, i) - 1.0)
    _write(copies, i, position, speed, angle, turning)


@compiled()
def _write(
    copies: Copies, i: int, position: float, speed: float, angle: float, turning: float
) -> None:
    copies.states[i, 0], copies.states[i, 1] = position, speed
    copies.states[i, 2], copies.states[i, 3] = angle, turning
    for j in range(4):
        copies.observations[i, j] = copies.states[i, j]
