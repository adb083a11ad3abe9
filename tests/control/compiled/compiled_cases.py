"""Models, settings and rollouts of made-up numbers for the tests of the compiled back end."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.spaces import Box
from torch import Tensor

from ppolab.control.compiled import CompiledBackend
from ppolab.control.config import PPOConfig
from ppolab.control.distributions import Categorical, DiagonalGaussian, Distribution
from ppolab.control.networks import ActorCritic
from ppolab.control.observations import ObservationLayout
from ppolab.control.optimizer import Adam
from ppolab.control.parameters import FlatParameters
from ppolab.control.rollout import Rollout
from ppolab.control.update import Parts, UpdateReport, update


def settings(**changes: object) -> PPOConfig:
    return PPOConfig.from_mapping(
        {"environments": 4, "rollout_steps": 32, "minibatch_size": 32, "epochs": 2,
         "total_steps": 1024, "entropy_coef": 0.02, **changes}
    )  # fmt: skip


def made_up_rollout(
    steps: int = 32, environments: int = 4, observation: int = 4, actions: int = 2, seed: int = 11
) -> Rollout:
    """Numbers of no environment, with episodes that end inside and ratios on both sides of 1."""
    generator = torch.Generator().manual_seed(seed)
    shape = (steps, environments)

    def normal(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator)

    return Rollout(
        observations=normal(*shape, observation),
        actions=torch.randint(actions, shape, generator=generator),
        log_probs=-torch.rand(shape, generator=generator) - 0.3,
        rewards=normal(*shape),
        dones=(torch.rand(shape, generator=generator) < 0.1).float(),
        values=normal(*shape),
        last_values=normal(environments),
    )


def numbers(count: int) -> DiagonalGaussian:
    """Actions of `count` numbers between -1 and 1."""
    return DiagonalGaussian(np.full(count, -1, np.float32), np.full(count, 1, np.float32))


def rollout_near(
    model: ActorCritic, steps: int = 32, environments: int = 4, masked: bool = False, seed: int = 11
) -> Rollout:
    """A made-up rollout of any policy's actions whose ratios lie around 1, on both sides.

    The policy that is said to have acted differs from the model by some 0.3 nats in each action.
    With masks, half of the choices are forbidden, never the first of a row of choices.
    """
    generator = torch.Generator().manual_seed(seed)
    rollout = made_up_rollout(steps, environments, model.actor.first.in_features, seed=seed)
    rows = rollout.observations.flatten(0, 1)
    distribution = model.distribution
    masks = None
    if masked:
        masks = torch.rand(len(rows), distribution.parameter_count, generator=generator) < 0.5
        counts = getattr(distribution, "counts", [distribution.parameter_count])
        masks[:, [sum(counts[:i]) for i in range(len(counts))]] = True
    with torch.no_grad():
        parameters, _ = model(rows, masks)
        actions = distribution.sample(parameters, generator)
        log_probs, _ = distribution.evaluate(parameters, actions)
    noise = 0.3 * torch.randn(len(rows), generator=generator)
    shape = (steps, environments)
    return dataclasses.replace(
        rollout,
        actions=actions.reshape(*shape, *distribution.action_shape),
        log_probs=(log_probs + noise).reshape(shape),
        masks=None if masks is None else masks.reshape(*shape, -1),
    )


@dataclass
class Side:
    """One of two back ends, with a model and an optimizer of its own."""

    model: ActorCritic
    parameters: FlatParameters
    optimizer: Adam
    generator: torch.Generator

    @classmethod
    def begin(
        cls,
        config: PPOConfig,
        observation: int = 4,
        actions: int | Distribution = 2,
        seed: int = 3,
    ) -> Side:
        torch.manual_seed(seed)
        distribution = Categorical(actions) if isinstance(actions, int) else actions
        space = Box(-np.inf, np.inf, (observation,), np.float32)
        model = ActorCritic(ObservationLayout("none", space), distribution, config.hidden_size)
        with torch.no_grad():  # a policy with opinions: at first all logits are nearly 0
            model.actor.output.weight.mul_(100.0 if model.log_std is None else 50.0)
            if model.log_std is not None:
                model.log_std.uniform_(-0.5, 0.25)
        parameters = FlatParameters(model)
        optimizer = Adam(parameters, config.learning_rate, config.adam_epsilon)
        return cls(model, parameters, optimizer, torch.Generator().manual_seed(5))

    @property
    def vector(self) -> Tensor:
        return self.parameters.vector.detach()

    def torch_update(self, rollout: Rollout, config: PPOConfig) -> tuple[UpdateReport, Tensor]:
        return update(
            self.model, self.parameters, self.optimizer, rollout, config, Parts(), self.generator
        )

    def backend(self, config: PPOConfig, threads: int = 1) -> CompiledBackend:
        return CompiledBackend(self.model, self.parameters, self.optimizer, config, threads)

    def compiled_update(
        self, rollout: Rollout, config: PPOConfig, threads: int = 1
    ) -> tuple[UpdateReport, Tensor]:
        backend = self.backend(config, threads)
        return backend.update(rollout, config, config.learning_rate, self.generator)


def relative_error(measured: Tensor, expected: Tensor) -> float:
    """Length of the difference over length of what is expected."""
    expected = expected.double()
    return float((measured.double() - expected).norm() / expected.norm())


def in_double(model: ActorCritic) -> ActorCritic:
    return copy.deepcopy(model).double()
