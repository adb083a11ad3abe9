"""The actor and the critic: two small networks that share nothing but the observation."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 – the field's own abbreviation
from numpy.typing import NDArray
from torch import Tensor, nn

Float32 = NDArray[np.float32]


class MLP(nn.Module):
    """Two hidden tanh layers and a linear output.

    Weights are orthogonal with gain √2, the output's gain is given (Huang et al. 2022, detail 2).
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, output_gain: float) -> None:
        super().__init__()
        self.first = _orthogonal(nn.Linear(inputs, hidden), math.sqrt(2))
        self.second = _orthogonal(nn.Linear(hidden, hidden), math.sqrt(2))
        self.output = _orthogonal(nn.Linear(hidden, outputs), output_gain)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs] to [batch, outputs]."""
        x = torch.tanh(F.linear(x, self.first.weight, self.first.bias))
        x = torch.tanh(F.linear(x, self.second.weight, self.second.bias))
        return F.linear(x, self.output.weight, self.output.bias)


class ActorCritic(nn.Module):
    """A policy over discrete actions and a value function, as separate networks (detail 13).

    The small output gain of the actor makes the first policy nearly uniform.
    """

    def __init__(self, observation_size: int, action_count: int, hidden_size: int) -> None:
        super().__init__()
        self.actor = MLP(observation_size, hidden_size, action_count, output_gain=0.01)
        self.critic = MLP(observation_size, hidden_size, 1, output_gain=1.0)

    def evaluate(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities of given actions, entropies and values.

        Args:
            observations: [batch, observation].
            actions: [batch], int64.

        Returns:
            Log-probabilities [batch] in nats, entropies [batch] in nats, values [batch].
        """
        log_probs = F.log_softmax(self.actor(observations), dim=1)  # [batch, actions]
        entropy = -(log_probs.exp() * log_probs).sum(1)
        chosen = log_probs.gather(1, actions.unsqueeze(1)).squeeze(1)
        return chosen, entropy, self.critic(observations).squeeze(1)


class NumpyActor:
    """Acts for a handful of environments through NumPy views of the same weights.

    A forward pass for eight observations is all overhead in torch: NumPy takes a third of the
    time. The arrays share memory with the module, so an update is seen at once.
    """

    def __init__(self, model: ActorCritic, generator: np.random.Generator) -> None:
        self._actor = _views(model.actor)
        self._critic = _views(model.critic)
        self._generator = generator

    def act(self, observations: Float32) -> tuple[NDArray[np.int64], Float32, Float32]:
        """Sample an action per observation from the policy.

        Args:
            observations: [batch, observation].

        Returns:
            Actions [batch] int64, their log-probabilities [batch] in nats, values [batch].
        """
        logits = _forward(self._actor, observations)
        logits -= logits.max(axis=1, keepdims=True)
        probabilities = np.exp(logits)
        totals = probabilities.sum(axis=1)
        # Inverse of the cumulative distribution: the first action whose sum passes u·total.
        thresholds = self._generator.random(len(observations), np.float32) * totals
        cumulative = probabilities.cumsum(axis=1)[:, :-1]
        actions = (cumulative <= thresholds[:, None]).sum(axis=1)
        log_probs = logits[np.arange(len(actions)), actions] - np.log(totals)
        return actions, log_probs, self.values(observations)

    def values(self, observations: Float32) -> Float32:
        """The critic's value of each observation, [batch]."""
        return _forward(self._critic, observations)[:, 0]


def _orthogonal(layer: nn.Linear, gain: float) -> nn.Linear:
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


def _views(network: MLP) -> list[tuple[Float32, Float32]]:
    layers = (network.first, network.second, network.output)
    return [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in layers]


def _forward(layers: list[tuple[Float32, Float32]], x: Float32) -> Float32:
    (w1, b1), (w2, b2), (w3, b3) = layers
    x = np.tanh(x @ w1 + b1)
    x = np.tanh(x @ w2 + b2)
    output: Float32 = x @ w3 + b3
    return output
