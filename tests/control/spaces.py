"""One-step tasks, one for each kind of action and observation space.

Each shows something drawn by chance and pays most for the one answer that fits it, so that a
policy which does not see, or whose actions do not arrive, cannot do well.
"""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete

SIDE = 36  # the smallest image that the network takes


class OneStep(gymnasium.Env[Any, Any]):
    """Shows bit 0 or 1, is answered once, pays, ends."""

    observation_space = Box(-1.0, 1.0, (1,), np.float32)
    action_space: gymnasium.Space[Any] = Discrete(2)

    def __init__(self, render_mode: str | None = None) -> None:
        self.bit = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.bit = int(self.np_random.integers(2))
        return self.show(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action), action
        return self.show(), self.pay(action), True, False, {}

    def show(self) -> Any:
        return np.array([2.0 * self.bit - 1.0], np.float32)

    def pay(self, action: Any) -> float:
        return float(action == self.bit)


class Image(OneStep):
    """The bit is the brightness of an image's left half."""

    observation_space = Box(0, 255, (SIDE, SIDE, 1), np.uint8)

    def show(self) -> Any:
        image = np.zeros((SIDE, SIDE, 1), np.uint8)
        image[:, : SIDE // 2] = 255 * self.bit
        return image


class Mixture(OneStep):
    """Pays for 1 when the image's bit or the vector's is 1, else for 0; one alone gives 0.75."""

    observation_space = Dict(
        {"camera": Image.observation_space, "lamp": Box(0.0, 1.0, (1,), np.float32)}
    )
    lamp = 0

    def reset(self, **arguments: Any) -> tuple[Any, dict[str, Any]]:
        super().reset(**arguments)
        self.lamp = int(self.np_random.integers(2))
        return self.show(), {}

    def show(self) -> Any:
        image = np.zeros((SIDE, SIDE, 1), np.uint8)
        image[:, : SIDE // 2] = 255 * self.bit
        return {"camera": image, "lamp": np.array([self.lamp], np.float32)}

    def pay(self, action: Any) -> float:
        return float(action == (self.bit | self.lamp))


class Target(OneStep):
    """Two numbers to hit: (0.5, −0.5) for bit 1, the other way round for bit 0."""

    action_space = Box(-1.0, 1.0, (2,), np.float32)

    def pay(self, action: Any) -> float:
        target = np.array([0.5, -0.5]) * (2 * self.bit - 1)
        return float(-np.square(action - target).sum())


class Several(OneStep):
    """Two choices at once: the bit, and always the last of three."""

    action_space = MultiDiscrete([2, 3])

    def pay(self, action: Any) -> float:
        return float(action[0] == self.bit) + float(action[1] == 2)


class Switches(OneStep):
    """Three switches: the bit, its opposite, and on."""

    action_space = MultiBinary(3)

    def pay(self, action: Any) -> float:
        return float((action == np.array([self.bit, 1 - self.bit, 1])).sum())


class MaskedByMethod(OneStep):
    """Four actions, of which only 1 and 2 are allowed; an allowed one pays the bit's way."""

    action_space = Discrete(4)
    allowed: ClassVar[list[bool]] = [False, True, True, False]

    def action_masks(self) -> np.ndarray:
        return np.array(self.allowed)

    def pay(self, action: Any) -> float:
        assert self.allowed[action], f"forbidden action {action}"
        return float(action == 1 + self.bit)


class MaskedByEntry(MaskedByMethod):
    """The same, told by an entry of the observation."""

    action_masks = None  # type: ignore[assignment]
    observation_space = Dict(
        {"bit": OneStep.observation_space, "action_mask": Box(0, 1, (4,), np.int8)}
    )

    def show(self) -> Any:
        return {"bit": super().show(), "action_mask": np.array(self.allowed, np.int8)}


ALL = (Image, Mixture, Target, Several, Switches, MaskedByMethod, MaskedByEntry)
