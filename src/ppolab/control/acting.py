"""Choosing actions during a rollout: through torch for any policy, through NumPy for small ones."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ppolab.control.distributions import (
    LOG_2PI,
    Categorical,
    DiagonalGaussian,
    MultiCategorical,
)
from ppolab.control.networks import MLP, ActorCritic, Blinkered

Float32 = NDArray[np.float32]
Masks = NDArray[np.bool_] | None
Acted = tuple[NDArray[Any], Float32, Float32]  # actions, log-probabilities, values


class Actor(Protocol):
    """Whoever acts for the policy during a rollout."""

    def act(self, observations: NDArray[Any], masks: Masks = None) -> Acted:
        """Sample an action for each row of observations.

        Args:
            observations: [batch, row].
            masks: [batch, logits] bool, False for forbidden actions.

        Returns:
            Actions [batch, *action_shape], their log-probabilities [batch] in nats, and the
            critic's values [batch].
        """
        ...

    def values(self, observations: NDArray[Any], environments: list[int] | None = None) -> Float32:
        """The critic's value of each row, [batch]; nothing is remembered of them.

        `environments` are those that the rows come from, for an actor that remembers more of them
        than these; None: one row of each.
        """
        ...

    def forget(self, environments: NDArray[np.int64]) -> None:
        """Episodes ended in these: remember nothing of them."""
        ...


def actor_for(
    model: ActorCritic, generator: np.random.Generator, states: Tensor | None = None
) -> Actor:
    """The quickest actor that can act for a model.

    `states` [environments, state] is what a model with a memory remembers; it is overwritten at
    each step.
    """
    if model.memory is not None:
        assert states is not None
        return RememberingActor(model, generator, states)
    policy = model.actor.network if isinstance(model.actor, Blinkered) else model.actor
    small = isinstance(model.trunk, nn.Identity) and isinstance(policy, MLP)
    small = small and policy.activation is torch.tanh
    kinds = (Categorical, MultiCategorical, DiagonalGaussian)
    if small and isinstance(model.distribution, kinds):
        return NumpyActor(model, generator)
    return TorchActor(model, generator)


class TorchActor:
    """Acts for any model.

    Draws come from the NumPy generator, through a seed per call, so that a checkpoint needs to
    keep one generator whichever actor is at work.
    """

    def __init__(self, model: ActorCritic, generator: np.random.Generator) -> None:
        self._model = model
        self._generator = generator
        self._draws = torch.Generator()

    @torch.inference_mode()
    def act(self, observations: NDArray[Any], masks: Masks = None) -> Acted:
        """Sample an action for each row; see `Actor`."""
        allowed = None if masks is None else torch.from_numpy(masks)
        parameters, values = self._look(torch.from_numpy(observations), allowed)
        self._draws.manual_seed(int(self._generator.integers(2**63)))
        actions = self._model.distribution.sample(parameters, self._draws)
        log_probs, _ = self._model.distribution.evaluate(parameters, actions)
        return actions.numpy(), log_probs.numpy(), values.numpy()

    @torch.inference_mode()
    def values(self, observations: NDArray[Any], environments: list[int] | None = None) -> Float32:
        """The critic's value of each row, [batch]."""
        values: Float32 = self._model(torch.from_numpy(observations))[1].numpy()
        return values

    def forget(self, environments: NDArray[np.int64]) -> None:
        """Nothing, for nothing is remembered."""

    def _look(self, rows: Tensor, masks: Tensor | None) -> tuple[Tensor, Tensor]:
        """Parameters of the distribution and values of what is acted upon."""
        parameters, values = self._model(rows, masks)
        return parameters, values


class RememberingActor(TorchActor):
    """Acts for a model with a memory; each environment has a row of its own in `states`."""

    def __init__(self, model: ActorCritic, generator: np.random.Generator, states: Tensor) -> None:
        super().__init__(model, generator)
        self._states = states

    @torch.inference_mode()
    def values(self, observations: NDArray[Any], environments: list[int] | None = None) -> Float32:
        """The critic's value of each row, met with what is remembered, [batch]."""
        met = self._states if environments is None else self._states[environments]
        values: Float32 = self._model.step(torch.from_numpy(observations), met)[1].numpy()
        return values

    def forget(self, environments: NDArray[np.int64]) -> None:
        """Empty the memory of these (detail 34)."""
        self._states[torch.from_numpy(environments)] = 0.0

    def _look(self, rows: Tensor, masks: Tensor | None) -> tuple[Tensor, Tensor]:
        parameters, values, after = self._model.step(rows, self._states, masks)
        self._states.copy_(after)
        return parameters, values


class NumpyActor:
    """Acts for a handful of environments through NumPy views of the same weights.

    A forward pass for eight observations is all overhead in torch: NumPy takes a third of the
    time. The arrays share memory with the module, so an update is seen at once.
    """

    def __init__(self, model: ActorCritic, generator: np.random.Generator) -> None:
        actor = model.actor.network if isinstance(model.actor, Blinkered) else model.actor
        assert isinstance(actor, MLP)
        assert isinstance(model.critic, MLP)
        self._actor = _views(actor)
        self._seen = actor.first.in_features  # of each row; the rest is for the critic alone
        self._critic = _views(model.critic)
        self._log_std = None if model.log_std is None else model.log_std.detach().numpy()
        distribution = model.distribution
        self._shape = distribution.action_shape
        self._ends: NDArray[np.int64] | None = None
        if isinstance(distribution, MultiCategorical):
            self._ends = np.cumsum(distribution.counts)
        self._generator = generator

    def act(self, observations: NDArray[Any], masks: Masks = None) -> Acted:
        """Sample an action for each row; see `Actor`."""
        outputs = _forward(self._actor, observations[:, : self._seen])
        if self._log_std is not None:
            return (*self._draw_normal(outputs, self._log_std), self.values(observations))
        if masks is not None:
            outputs[~masks] = -np.inf
        draw = self._draw_choice if self._ends is None else self._draw_choices
        return (*draw(outputs), self.values(observations))

    def values(self, observations: NDArray[Any], environments: list[int] | None = None) -> Float32:
        """The critic's value of each row, [batch]."""
        return _forward(self._critic, observations)[:, 0]

    def forget(self, environments: NDArray[np.int64]) -> None:
        """Nothing, for nothing is remembered."""

    def _draw_choice(self, logits: Float32) -> tuple[NDArray[np.int64], Float32]:
        return _choose(logits, self._generator.random(len(logits), np.float32))

    def _draw_choices(self, logits: Float32) -> tuple[NDArray[np.int64], Float32]:
        assert self._ends is not None
        uniforms = self._generator.random((len(logits), len(self._ends)), np.float32)
        parts = np.split(logits, self._ends[:-1], axis=1)
        chosen = [_choose(part, uniforms[:, i]) for i, part in enumerate(parts)]
        actions, log_probs = zip(*chosen, strict=True)
        return np.stack(actions, axis=1), np.sum(log_probs, axis=0)

    def _draw_normal(self, mean: Float32, log_std: Float32) -> tuple[Float32, Float32]:
        noise = self._generator.standard_normal(mean.shape, np.float32)
        actions = (mean + np.exp(log_std) * noise).astype(np.float32)
        log_density = np.float32(-0.5) * (noise * noise + np.float32(LOG_2PI)) - log_std
        log_probs: Float32 = log_density.sum(axis=1)
        return actions.reshape(-1, *self._shape), log_probs


def _choose(logits: Float32, uniforms: Float32) -> tuple[NDArray[np.int64], Float32]:
    """Invert the cumulative distribution: the first action whose sum passes u·total.

    Args:
        logits: [batch, actions], overwritten.
        uniforms: [batch], in [0, 1).

    Returns:
        Actions and their log-probabilities, [batch] each, nats.
    """
    logits -= logits.max(axis=1, keepdims=True)
    probabilities = np.exp(logits)
    totals = probabilities.sum(axis=1)
    cumulative = probabilities.cumsum(axis=1)[:, :-1]
    actions = (cumulative <= (uniforms * totals)[:, None]).sum(axis=1)
    log_probs: Float32 = logits[np.arange(len(actions)), actions] - np.log(totals)
    return actions, log_probs


def _views(network: MLP) -> list[tuple[Float32, Float32]]:
    layers = (network.first, network.second, network.output)
    return [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in layers]


def _forward(layers: list[tuple[Float32, Float32]], x: Float32) -> Float32:
    (w1, b1), (w2, b2), (w3, b3) = layers
    x = np.tanh(x @ w1 + b1)
    x = np.tanh(x @ w2 + b2)
    output: Float32 = x @ w3 + b3
    return output
