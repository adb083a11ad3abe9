"""Environments so small that what must be learned from them is known exactly.

Each isolates one thing that a broken trainer gets wrong. All have one number as observation.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import gymnasium
import numpy as np
import spaces
from gymnasium.spaces import Box, Discrete

Step = tuple[np.ndarray, float, bool, bool, dict[str, Any]]


class Probe(gymnasium.Env[np.ndarray, int]):
    """What the probes share; episodes count their steps in `taken`."""

    actions: ClassVar[int] = 1

    def __init__(self, render_mode: str | None = None) -> None:
        self.observation_space = Box(-10.0, 10.0, (1,), np.float32)
        self.action_space = Discrete(self.actions)
        self.taken = 0
        self.shown = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.taken = 0
        self.shown = self.first()
        return self.observation(), {}

    def step(self, action: int) -> Step:
        self.taken += 1
        reward, terminated, truncated = self.answer(action)
        return self.observation(), reward, terminated, truncated, {}

    def observation(self) -> np.ndarray:
        return np.array([self.shown], np.float32)

    def first(self) -> float:
        return 0.0

    def answer(self, action: int) -> tuple[float, bool, bool]:
        raise NotImplementedError


class ValueOnly(Probe):
    """One step, reward 1: V = 1."""

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return 1.0, True, False


class ValueOfObservation(Probe):
    """One step, the reward is the observation: V(±1) = ±1."""

    def first(self) -> float:
        return float(self.np_random.choice([-1.0, 1.0]))

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return self.shown, True, False


class Discount(Probe):
    """Two steps, reward 1 after the second: V(second) = 1, V(first) = γ."""

    def answer(self, action: int) -> tuple[float, bool, bool]:
        self.shown = 1.0
        over = self.taken == 2
        return float(over), over, False


class ActionReward(Probe):
    """One step, action 1 pays 1, action 0 costs 1."""

    actions = 2

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return 2.0 * action - 1.0, True, False


class ActionForObservation(ValueOfObservation):
    """One step; +1 for action 1 when shown +1 and for action 0 when shown −1, else −1."""

    actions = 2

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return self.shown * (2.0 * action - 1.0), True, False


class TwoStepCredit(Probe):
    """The first action decides the reward that is paid after the second, which decides nothing."""

    actions = 2

    def first(self) -> float:
        self.chosen = 0
        return 0.0

    def answer(self, action: int) -> tuple[float, bool, bool]:
        if self.taken == 1:
            self.chosen, self.shown = action, 1.0
            return 0.0, False, False
        return float(self.chosen), True, False


class Endless(Probe):
    """Reward 1 for ever: V = 1 / (1 − γ), whoever cuts the episodes off and however often."""

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return 1.0, False, False


class EndsAtItsLimit(Probe):
    """Its end comes with its third step, which its time limit of three steps allows just so."""

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return 1.0, self.taken == 3, False


class CutsItselfOff(Probe):
    """As `Endless`, but the environment itself says "truncated" after four steps."""

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return 1.0, False, self.taken == 4


class ReusedBuffer(Probe):
    """Shows the number of steps taken, always in the same array; cut off after three steps."""

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.buffer = np.zeros(1, np.float32)

    def observation(self) -> np.ndarray:
        self.buffer[0] = self.taken
        return self.buffer

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return 0.0, False, False


class NotANumber(Probe):
    """The seventieth step and all after it pay NaN."""

    def answer(self, action: int) -> tuple[float, bool, bool]:
        return (math.nan if self.taken >= 70 else 1.0), False, False


class Varied(Probe):
    """Keeps its state in every kind of plain data, under names that other environments draw by."""

    actions = 2

    def first(self) -> float:
        self.clock = 0
        self.window = (1, 2.5, "three")
        self.surf = {"counts": [1, 2], "none": None}
        self.float32 = np.float32(0.1)
        self.grid = np.arange(6, dtype=np.int16).reshape(2, 3)
        return float(self.np_random.normal())

    def answer(self, action: int) -> tuple[float, bool, bool]:
        self.clock += 1
        self.float32 = np.float32(self.float32 * np.float32(1.1))
        self.grid = self.grid + np.int16(action)
        self.surf["counts"].append(self.clock)
        self.shown = float(self.np_random.normal()) + float(self.float32) + float(self.grid.sum())
        return self.shown, self.clock == 9, False


class Secretive(Probe):
    """Keeps part of its state where nobody can read it."""

    def first(self) -> float:
        self.engine = iter(range(1000))
        return 0.0

    def answer(self, action: int) -> tuple[float, bool, bool]:
        self.shown = float(next(self.engine) % 3)
        return 1.0, self.taken == 5, False


TIME_LIMITS = {Endless: 4, EndsAtItsLimit: 3, ReusedBuffer: 3}


def register() -> None:
    """Make every probe known to Gymnasium as Probe<Name>-v0."""
    from gymnasium.wrappers import RecordEpisodeStatistics

    for probe in (
        ValueOnly, ValueOfObservation, Discount, ActionReward, ActionForObservation, TwoStepCredit,
        Endless, EndsAtItsLimit, CutsItselfOff, ReusedBuffer, NotANumber, Varied, Secretive,
        *spaces.ALL,
    ):  # fmt: skip
        name = f"Probe{probe.__name__}-v0"
        gymnasium.register(name, probe, max_episode_steps=TIME_LIMITS.get(probe))
    gymnasium.register(
        "ProbeWrapped-v0", Varied, additional_wrappers=(RecordEpisodeStatistics.wrapper_spec(),)
    )
