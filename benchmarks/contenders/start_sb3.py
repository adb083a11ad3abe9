"""Stable-Baselines3 from its first import to its first update, and then the end.

Started by the referee with .venv-bench's interpreter; says "updated" when the first update is done.
"""

from __future__ import annotations

import os
import sys

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env


class Start(BaseCallback):
    """Ends the process where the second rollout begins, which is after the first update."""

    rollouts = 0

    def _on_rollout_start(self) -> None:
        self.rollouts += 1
        if self.rollouts == 2:
            print("updated", flush=True)
            os._exit(0)

    def _on_step(self) -> bool:
        return True


if __name__ == "__main__":
    torch.set_num_threads(1)
    environments, steps, epochs, minibatch, seed = map(int, sys.argv[1:])
    PPO(
        "MlpPolicy", make_vec_env("CartPole-v1", n_envs=environments, seed=seed), n_steps=steps,
        n_epochs=epochs, batch_size=minibatch, seed=seed, device="cpu",
    ).learn(10 * environments * steps, callback=Start(), log_interval=None)  # fmt: skip
