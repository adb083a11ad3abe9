"""Policies with opinions, and what they do by the way that training takes."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch

from ppolab.control.config import PPOConfig
from ppolab.control.evaluation import normalization_of
from ppolab.control.policy_graph import PolicyGraph
from ppolab.control.trainer import PPOTrainer

# Every kind of observation and action, with what goes in and comes out.
KINDS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "choices": ({"environment": "CartPole-v1"},
                ["observation"], ["action_probabilities", "action", "value"]),
    "numbers": ({"environment": "Pendulum-v1", "normalize_observations": True},
                ["observation"], ["action_mean", "action_std", "action", "value"]),
    "image": ({"environment": "ProbeImage-v0"},
              ["observation"], ["action_probabilities", "action", "value"]),
    "mixture": ({"environment": "ProbeMixture-v0"},
                ["observation_lamp", "observation_camera"],
                ["action_probabilities", "action", "value"]),
    "apart": ({"environment": "ProbeMixture-v0", "shared_encoder": False},
              ["observation_lamp", "observation_camera"],
              ["action_probabilities", "action", "value"]),
    "several": ({"environment": "ProbeSeveral-v0"},
                ["observation"], ["action_probabilities", "action", "value"]),
    "switches": ({"environment": "ProbeSwitches-v0", "shared_layers": True, "activation": "relu"},
                 ["observation"], ["action_probabilities", "action", "value"]),
    "masks": ({"environment": "ProbeMaskedByEntry-v0"},
              ["observation_bit", "action_mask"], ["action_probabilities", "action", "value"]),
    "tuple": ({"environment": "Blackjack-v1"},
              ["observation_0", "observation_1", "observation_2"],
              ["action_probabilities", "action", "value"]),
    "lstm": ({"environment": "Pendulum-v1", "normalize_observations": True, "memory": "lstm",
              "observation_clip": 1.0, "minibatch_size": 32},
             ["observation", "state"],
             ["action_mean", "action_std", "action", "value", "next_state"]),
}  # fmt: skip


def opinionated(kind: str) -> PPOTrainer:
    """A policy after one update, with weights moved so far that its actions differ."""
    settings = {"environments": 2, "rollout_steps": 32, "minibatch_size": 32, "epochs": 1,
                "hidden_size": 16, "memory_size": 8, "total_steps": 64, "backend": "torch",
                "precision": "float32"}  # fmt: skip
    trainer = PPOTrainer(PPOConfig.from_mapping(settings | KINDS[kind][0]))
    trainer.iterate()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        vector = trainer.parameters.vector
        vector += 0.3 * torch.randn(vector.shape, generator=generator)
    return trainer


def shown(trainer: PPOTrainer, count: int) -> list[Any]:
    """Observations as Gymnasium gives them, of an episode after another with random actions."""
    environment = gymnasium.make(trainer.config.environment, disable_env_checker=True)
    environment.action_space.seed(3)
    observation, _ = environment.reset(seed=3)
    found = []
    for _ in range(count):
        found.append(observation)
        action = 1 if "Masked" in trainer.config.environment else environment.action_space.sample()
        observation, _, ended, cut, _ = environment.step(action)
        if ended or cut:
            observation, _ = environment.reset()
    return found


def raw_inputs(graph: PolicyGraph, observations: list[Any], masks: Any, states: Any) -> list[Any]:
    """Observations as whoever runs an exported policy would pass them, an array per input."""
    arrays = []
    for port in graph.inputs:
        if port.name in ("action_mask", "state"):
            arrays.append(masks if port.name == "action_mask" else states)
            continue
        path = port.name.removeprefix("observation").removeprefix("_")
        values = [one[int(path) if path.isdecimal() else path] if path else one
                  for one in observations]  # fmt: skip
        kind = torch.empty(0, dtype=port.dtype).numpy().dtype
        arrays.append(np.array(values, kind).reshape(len(values), *port.shape))
    return arrays


def by_training(
    trainer: PPOTrainer, observations: list[Any], masks: Any, states: Any
) -> dict[str, np.ndarray]:
    """Actions for the environment, values and memory, by the functions that training uses."""
    layout = trainer.environment.layout
    row = torch.empty(0, dtype=layout.dtype).numpy().dtype
    rows = np.zeros((len(observations), layout.size), row)
    for i, observation in enumerate(observations):
        layout.write(observation, rows[i])
    normalize = normalization_of(trainer.environment)
    if normalize is not None:
        rows = normalize(rows)
    allowed = None if masks is None else torch.from_numpy(masks)
    with torch.inference_mode():
        parameters, values, after = trainer.model.step(
            torch.from_numpy(rows), torch.from_numpy(states), allowed
        )
        actions = trainer.model.distribution.mode(parameters).numpy()
    return {
        "action": trainer.model.distribution.to_environment(actions),
        "value": values.numpy(),
        "next_state": after.numpy(),
        "parameters": parameters.numpy(),
    }


def circumstances(trainer: PPOTrainer, count: int) -> tuple[list[Any], Any, Any]:
    """Observations, masks that forbid at random, and memories of something."""
    generator = np.random.default_rng(8)
    masks = None
    if trainer.environment.masks is not None:
        masks = generator.random((count, trainer.environment.masks.shape[1])) < 0.6
        masks[:, 2] = True
    states = generator.normal(size=(count, trainer.model.state_size)).astype(np.float32)
    return shown(trainer, count), masks, states
