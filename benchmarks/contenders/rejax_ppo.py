"""rejax's PPO on gymnax's CartPole. Started by the referee, with .venv-bench's interpreter."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
from compiling import serve_compiled
from rejax import PPO


def make_training(config: dict[str, Any], steps: int) -> Callable[[jax.Array], Any]:
    """A training with these settings by rejax's names, with an evaluation that does nothing."""
    samples = config["environments"] * config["rollout_steps"]
    algorithm = PPO.create(
        env="CartPole-v1",
        agent_kwargs={
            "activation": "tanh",
            "hidden_layer_sizes": (config["hidden_size"], config["hidden_size"]),
        },
        num_envs=config["environments"],
        num_steps=config["rollout_steps"],
        num_epochs=config["epochs"],
        num_minibatches=samples // config["minibatch_size"],
        learning_rate=config["learning_rate"],
        max_grad_norm=config["max_gradient_norm"],
        total_timesteps=steps,
        eval_freq=steps // samples * samples,
        skip_initial_evaluation=True,
        gamma=config["gamma"],
        gae_lambda=config["gae_lambda"],
        clip_eps=config["clip_range"],
        vf_coef=config["value_coef"],
        ent_coef=config["entropy_coef"],
    )
    # By default it plays 128 episodes.
    quiet = algorithm.replace(eval_callback=lambda algorithm, state, key: jnp.zeros(()))
    return quiet.train


if __name__ == "__main__":
    serve_compiled({"rejax": version("rejax")}, make_training, lambda out: None)
