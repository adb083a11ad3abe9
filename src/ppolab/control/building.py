"""The networks that a run's settings ask for."""

from __future__ import annotations

import torch
from torch import nn

from ppolab.control.config import PPOConfig
from ppolab.control.networks import MLP, ActorCritic
from ppolab.control.rollout import Environment


def build_networks(config: PPOConfig, environment: Environment) -> ActorCritic:
    """Make actor and critic for an environment, with first weights drawn from the run's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = ActorCritic(
            environment.layout, environment.distribution, config.hidden_size,
            config.shared_encoder, config.memory, config.memory_size, config.shared_layers,
        )  # fmt: skip
        if config.initialization == "default":
            draw_default_weights(model)
    if config.activation == "relu":
        use_relu(model)
    return model


def draw_default_weights(model: nn.Module) -> None:
    """Give every layer the weights that torch begins with: uniform, and biases too.

    The actor's output then is no longer small, so the first policy has opinions.
    """
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.RNNBase)):
            module.reset_parameters()


def use_relu(model: nn.Module) -> None:
    """Put ReLU in the place of every tanh."""
    for module in list(model.modules()):
        if isinstance(module, MLP):
            module.activation = torch.relu
        for name, child in module.named_children():
            if isinstance(child, nn.Tanh):
                setattr(module, name, nn.ReLU())
