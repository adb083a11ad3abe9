"""PufferLib's PPO on its own CartPole. Started by the referee, with .venv-bench's interpreter."""

from __future__ import annotations

import os
import tempfile
import warnings
from typing import Any

from serving import Stopwatch, serve

os.chdir(tempfile.mkdtemp(prefix="pufferlib-"))  # it leaves a link and checkpoints where it runs
warnings.filterwarnings("ignore")

import pufferlib.models  # noqa: E402
import pufferlib.pufferl  # noqa: E402
import pufferlib.vector  # noqa: E402
import torch  # noqa: E402
from pufferlib.ocean.cartpole.cartpole import Cartpole  # noqa: E402
from torch import Tensor, nn  # noqa: E402


class TwoNetworks(nn.Module):
    """The networks of the other contenders, as PufferLib takes a policy of one's own."""

    def __init__(self, hidden: int) -> None:
        super().__init__()

        def network(outputs: int, gain: float) -> nn.Module:
            layers = (nn.Linear(4, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, outputs))
            for layer, own in zip(layers, (2**0.5, 2**0.5, gain), strict=True):
                nn.init.orthogonal_(layer.weight, own)
                nn.init.zeros_(layer.bias)
            return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])

        self.actor, self.critic = network(2, 0.01), network(1, 1.0)

    def forward(self, observations: Tensor, state: Any = None) -> tuple[Tensor, Tensor]:
        return self.actor(observations), self.critic(observations)

    forward_eval = forward


def settings(job: dict[str, Any]) -> dict[str, Any]:
    """The job's settings by PufferLib's names; what it alone has is switched off or neutral."""
    config = job["config"]
    return {
        "device": "cpu", "seed": job["seed"], "torch_deterministic": True, "cpu_offload": False,
        "optimizer": "adam", "adam_beta1": 0.9, "adam_beta2": 0.999,
        "adam_eps": config["adam_epsilon"], "learning_rate": config["learning_rate"],
        "anneal_lr": True, "precision": "float32", "total_timesteps": 10**9,
        "gamma": config["gamma"], "gae_lambda": config["gae_lambda"],
        "update_epochs": config["epochs"], "clip_coef": config["clip_range"],
        "vf_coef": config["value_coef"], "vf_clip_coef": config["value_clip_range"],
        "max_grad_norm": config["max_gradient_norm"], "ent_coef": config["entropy_coef"],
        "batch_size": config["environments"] * config["rollout_steps"],
        "bptt_horizon": config["rollout_steps"], "minibatch_size": config["minibatch_size"],
        "max_minibatch_size": config["minibatch_size"], "use_rnn": False, "compile": False,
        "checkpoint_interval": 10**9, "data_dir": "runs", "env": "cartpole",
        "vtrace_rho_clip": 1e9, "vtrace_c_clip": 1e9,  # unclipped: what GAE would give
        "prio_alpha": 0.0, "prio_beta0": 0.0,  # every stretch as likely as any other
    }  # fmt: skip


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Train for the job's steps; time starts once environments and networks are made."""
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    environments, hidden = job["config"]["environments"], job["config"]["hidden_size"]
    vector = pufferlib.vector.make(
        Cartpole, backend=pufferlib.PufferEnv, env_kwargs={"num_envs": environments}
    )
    own = job["network"] == "own"
    policy = (
        pufferlib.models.Default(vector.driver_env, hidden_size=hidden)
        if own
        else TwoNetworks(hidden)
    )
    # Its screen is drawn four times a second; the others draw none.
    pufferlib.pufferl.PuffeRL.print_dashboard = lambda *_, **__: None
    trainer = pufferlib.pufferl.PuffeRL(settings(job), vector, policy)
    trainer.utilization.stop()
    watch = Stopwatch()
    while trainer.global_step < job["steps"]:
        trainer.evaluate()
        trainer.train()
    answer = {"count": trainer.global_step, **watch.read()}
    lengths = trainer.stats.get("episode_length") or [0.0]
    vector.close()
    return {**answer, "episode_length": float(lengths[-1])}


if __name__ == "__main__":
    serve({"pufferlib": "3.0.0", "torch": torch.__version__}, train)
