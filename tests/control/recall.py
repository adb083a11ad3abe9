"""Tasks that need a memory: a bit is shown at the first step and asked for at the last.

Between them nothing is shown that tells the bit, so whoever remembers nothing gets 0.5 on average.
Episodes last two to five steps, so that copies of an environment do not end together.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete

SIDE = 36  # the smallest image that the network takes


class Recall(gymnasium.Env[Any, Any]):
    """Shows [±1, 0], then [0, 0], at last [0, 1]; pays 1 for answering the bit then."""

    observation_space: gymnasium.Space[Any] = Box(-1.0, 1.0, (2,), np.float32)
    action_space: gymnasium.Space[Any] = Discrete(2)

    def __init__(self, render_mode: str | None = None) -> None:
        self.bit, self.taken, self.length = 0, 0, 2

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.bit, self.taken = int(self.np_random.integers(2)), 0
        self.length = int(self.np_random.integers(2, 6))
        return self.show(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action), action
        self.taken += 1
        over = self.taken == self.length
        return self.show(), self.pay(action) if over else 0.0, over, False, {}

    def show(self) -> Any:
        shown = 2.0 * self.bit - 1.0 if self.taken == 0 else 0.0
        return np.array([shown, self.taken == self.length - 1], np.float32)

    def pay(self, action: Any) -> float:
        return float(action == self.bit)


class RecallImage(Recall):
    """The bit is the brightness of the left half, the question that of the right half."""

    observation_space = Box(0, 255, (SIDE, SIDE, 1), np.uint8)

    def show(self) -> Any:
        bit, question = super().show()
        image = np.zeros((SIDE, SIDE, 1), np.uint8)
        image[:, : SIDE // 2] = round(127 + 127 * bit)
        image[:, SIDE // 2 :] = round(255 * question)
        return image


class RecallNumbers(Recall):
    """Answered by two numbers, of which the first should be 1 or −1."""

    action_space = Box(-1.0, 1.0, (2,), np.float32)

    def pay(self, action: Any) -> float:
        return float(action[0] > 0) == self.bit


class RecallSeveral(Recall):
    """Answered by two choices at once."""

    action_space = MultiDiscrete([2, 3])

    def pay(self, action: Any) -> float:
        return float(action[0] == self.bit)


class RecallMasked(Recall):
    """Four actions, of which two are forbidden, others at every other step."""

    action_space = Discrete(4)

    def action_masks(self) -> np.ndarray:
        return np.array(
            [True, True, False, False] if self.taken % 2 else [False, True, False, True]
        )

    def pay(self, action: Any) -> float:
        return float(action % 2 == self.bit)


class RecallCutOff(Recall):
    """Never ends of itself; its time limit cuts it off after three steps."""

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.taken += 1
        return self.show(), 0.0, False, self.taken == 3, {}


ALL = (Recall, RecallImage, RecallNumbers, RecallSeveral, RecallMasked, RecallCutOff)


def register() -> None:
    """Make them known to Gymnasium as <Name>-v0."""
    for task in ALL:
        gymnasium.register(f"{task.__name__}-v0", task)
