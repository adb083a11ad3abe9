"""PureJaxRL's PPO on gymnax's CartPole. Started by the referee, with .venv-bench's interpreter.

Its code is taken as it is from .venv-bench/purejaxrl. It imports Brax for other tasks than this
one, which is put off by an empty module of that name.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
from compiling import serve_compiled

CHECKOUT = Path(sys.prefix) / "purejaxrl"
COMMIT = CHECKOUT / "COMMIT"

brax = types.ModuleType("brax")
brax.envs = types.ModuleType("brax.envs")  # type: ignore[attr-defined]
sys.modules |= {"brax": brax, "brax.envs": brax.envs}
sys.path.insert(0, str(CHECKOUT))

from purejaxrl.ppo import make_train  # noqa: E402


def make_training(config: dict[str, Any], steps: int) -> Callable[[jax.Array], Any]:
    """A training with these settings by PureJaxRL's names."""
    samples = config["environments"] * config["rollout_steps"]
    return make_train({
        "LR": config["learning_rate"], "NUM_ENVS": config["environments"],
        "NUM_STEPS": config["rollout_steps"], "TOTAL_TIMESTEPS": steps,
        "UPDATE_EPOCHS": config["epochs"], "NUM_MINIBATCHES": samples // config["minibatch_size"],
        "GAMMA": config["gamma"], "GAE_LAMBDA": config["gae_lambda"],
        "CLIP_EPS": config["clip_range"], "ENT_COEF": config["entropy_coef"],
        "VF_COEF": config["value_coef"], "MAX_GRAD_NORM": config["max_gradient_norm"],
        "ACTIVATION": "tanh", "ENV_NAME": "CartPole-v1", "ANNEAL_LR": True, "DEBUG": False,
    })  # fmt: skip


def episode_length(out: dict[str, Any]) -> float:
    return float(out["metrics"]["returned_episode_returns"][-1].mean())


if __name__ == "__main__":
    commit = COMMIT.read_text().strip() if COMMIT.exists() else "unknown"
    serve_compiled({"purejaxrl": commit}, make_training, episode_length)
