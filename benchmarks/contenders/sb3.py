"""Stable-Baselines3's PPO as a contender. Started by the referee, with .venv-bench's interpreter.

Every setting is taken from the job, so that both train with the same ones.
"""

from __future__ import annotations

from typing import Any

import stable_baselines3
import torch
from serving import Stopwatch, serve
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env


class Race(BaseCallback):
    """Notes when the mean return of the last 100 episodes reaches 475, after each rollout."""

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__()
        self.job = job
        self.watch = Stopwatch()
        self.solved: dict[str, Any] = {"seconds_to_475": None, "steps_to_475": None}
        self.enough = False

    def _on_training_start(self) -> None:
        self.watch = Stopwatch()

    def _on_rollout_end(self) -> None:
        seconds = self.watch.read()["seconds"]
        returns = [episode["r"] for episode in self.model.ep_info_buffer or ()]
        full = len(returns) == 100
        if self.solved["seconds_to_475"] is None and full and sum(returns) / 100 >= 475:
            self.solved = {"seconds_to_475": seconds, "steps_to_475": self.num_timesteps}
            self.enough = self.job["stop_when_solved"]
        self.enough = self.enough or seconds > self.job["most_seconds"]

    def _on_step(self) -> bool:
        return not self.enough


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Train with the job's settings; time starts once environments and networks are made."""
    config, whole = job["config"], job["schedule_steps"]

    def learning_rate(remaining: float) -> float:
        # SB3 counts what is left of this call of `learn`, the schedule what is left of the whole.
        done = (1.0 - remaining) * job["steps"]
        return float(config["learning_rate"]) * (1.0 - done / whole)

    model = PPO(
        "MlpPolicy",
        make_vec_env(config["environment"], n_envs=config["environments"], seed=job["seed"]),
        n_steps=config["rollout_steps"],
        batch_size=config["minibatch_size"],
        n_epochs=config["epochs"],
        learning_rate=learning_rate,
        gamma=config["gamma"],
        gae_lambda=config["gae_lambda"],
        clip_range=config["clip_range"],
        ent_coef=config["entropy_coef"],
        vf_coef=config["value_coef"] / 2,  # its value loss is the squared error, ours half of it
        max_grad_norm=config["max_gradient_norm"],
        policy_kwargs={"net_arch": [config["hidden_size"]] * 2},  # tanh, orthogonal, eps 1e-5
        seed=job["seed"],
        device="cpu",
    )
    race = Race(job)
    model.learn(job["steps"], callback=race, log_interval=None)
    return {"count": model.num_timesteps, **race.watch.read(), **race.solved}


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve({"stable-baselines3": stable_baselines3.__version__, "torch": torch.__version__}, train)
