"""PPO's update of an image policy in torch as most tutorials write it. Started by the referee.

Everything in float32 and in torch's default layout: observations kept as floats, pixels divided by
255 in the network, torch.distributions, the default Adam. The arithmetic is PPO Lab's: the same
network, loss and settings on the same samples.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from samples import ACTIONS, SHAPE, make_samples
from serving import Stopwatch, serve
from torch import Tensor, nn
from torch.distributions import Categorical


def layer(made: Any, gain: float = math.sqrt(2)) -> Any:
    nn.init.orthogonal_(made.weight, gain)
    nn.init.zeros_(made.bias)
    return made


class Agent(nn.Module):
    """NatureCNN with a head each for actor and critic."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(
            layer(nn.Conv2d(SHAPE[0], 32, 8, stride=4)), nn.ReLU(),
            layer(nn.Conv2d(32, 64, 4, stride=2)), nn.ReLU(),
            layer(nn.Conv2d(64, 64, 3, stride=1)), nn.ReLU(),
            nn.Flatten(), layer(nn.Linear(64 * 7 * 7, 512)), nn.ReLU(),
        )  # fmt: skip
        self.actor = layer(nn.Linear(512, ACTIONS), 0.01)
        self.critic = layer(nn.Linear(512, 1), 1.0)

    def forward(self, images: Tensor, actions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = self.network(images / 255.0)
        policy = Categorical(logits=self.actor(hidden))
        return policy.log_prob(actions), policy.entropy(), self.critic(hidden).squeeze(1)


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Time one update of the job's epochs on samples of its seed."""
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    agent = Agent()
    optimizer = torch.optim.Adam(agent.parameters(), lr=job["learning_rate"], eps=1e-5)
    samples = make_samples(job["seed"], job["steps"], job["environments"])
    images = samples["observations"].float().reshape(-1, *SHAPE)
    watch = Stopwatch()
    epochs(agent, optimizer, images, samples, job)
    return {"count": job["epochs"] * len(images), **watch.read()}


def epochs(
    agent: Agent,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    samples: dict[str, Tensor],
    job: dict[str, Any],
) -> None:
    """All gradient steps of one update."""
    advantages = torch.zeros_like(samples["rewards"])
    last, next_values = torch.zeros(job["environments"]), samples["last_values"]
    for t in reversed(range(job["steps"])):
        going_on = 1.0 - samples["dones"][t]
        delta = samples["rewards"][t] + 0.99 * next_values * going_on - samples["values"][t]
        last = delta + 0.99 * 0.95 * going_on * last
        advantages[t], next_values = last, samples["values"][t]
    returns = (advantages + samples["values"]).reshape(-1)
    advantages = advantages.reshape(-1)
    actions, old_log_probs = samples["actions"].reshape(-1), samples["log_probs"].reshape(-1)
    for _ in range(job["epochs"]):
        order = torch.randperm(len(images))
        for start in range(0, len(order), job["minibatch_size"]):
            batch = order[start : start + job["minibatch_size"]]
            log_probs, entropy, values = agent(images[batch], actions[batch])
            ratio = (log_probs - old_log_probs[batch]).exp()
            chosen = advantages[batch]
            chosen = (chosen - chosen.mean()) / (chosen.std() + 1e-8)
            clipped = ratio.clamp(1 - job["clip_range"], 1 + job["clip_range"])
            policy_loss = -torch.min(ratio * chosen, clipped * chosen).mean()
            value_loss = 0.5 * ((values - returns[batch]) ** 2).mean()
            loss = policy_loss + 0.5 * value_loss - 0.01 * entropy.mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()


if __name__ == "__main__":
    serve({"torch": torch.__version__}, train)
