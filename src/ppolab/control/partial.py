"""CartPole of which the velocities are not shown: a task that what is seen now cannot solve.

Where the cart and the pole are tells nothing about whether they are moving left or right; two
positions one after the other do. A policy without a memory balances for some dozen steps only.

The motion, the rewards and the limit of 500 steps are those of Gymnasium's CartPole-v1. What is
shown is [position, angle] instead of [position, velocity, angle, angular velocity].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.spaces import Box
from numpy.typing import NDArray

SHOWN = [0, 2]  # of CartPole's four numbers


class CartPoleNoVelocity(CartPoleEnv):
    """CartPole that shows positions alone."""

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode=render_mode)
        whole = self.observation_space
        assert isinstance(whole, Box)
        self.observation_space = Box(whole.low[SHOWN], whole.high[SHOWN], dtype=np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode; the arguments are CartPole's."""
        observation, told = super().reset(seed=seed, options=options)
        return observation[SHOWN], told

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Push left (0) or right (1)."""
        observation, reward, over, cut_off, told = super().step(action)  # type: ignore[no-untyped-call]
        return observation[SHOWN], reward, over, cut_off, told
