"""Who does the arithmetic: torch for every policy, compiled kernels for small ones on a CPU.

Both work on the same memory – one parameter vector, Adam's running means, one rollout – and draw
the same random numbers, so a run may even change from one to the other at a checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ppolab.control.acting import actor_for
from ppolab.control.config import PPOConfig
from ppolab.control.environments import Finished
from ppolab.control.networks import ActorCritic
from ppolab.control.optimizer import Adam
from ppolab.control.parameters import FlatParameters
from ppolab.control.rollout import Environment, Rollout, collect
from ppolab.control.update import Parts, UpdateReport, update
from ppolab.errors import InvalidSettingError

Progress = Callable[[str, int, int], None]  # what is compiled, how many are done, how many


class Backend(Protocol):
    """Acts during rollouts and learns from them."""

    name: str

    def collect(
        self,
        rollout: Rollout,
        environment: Environment,
        generator: np.random.Generator,
        gamma: float,
    ) -> list[Finished]:
        """Fill the rollout; return the episodes that ended meanwhile."""
        ...

    def update(
        self, rollout: Rollout, config: PPOConfig, learning_rate: float, generator: torch.Generator
    ) -> tuple[UpdateReport, Tensor]:
        """Learn from the rollout; return the report and the critic's targets."""
        ...


class TorchBackend:
    """The readable back end: `collect` and `update` as the lessons show them."""

    name = "torch"

    def __init__(
        self,
        model: ActorCritic,
        parameters: FlatParameters,
        optimizer: Adam,
        parts: Parts,
    ) -> None:
        self._model = model
        self._parameters = parameters
        self._optimizer = optimizer
        self._parts = parts

    def collect(
        self,
        rollout: Rollout,
        environment: Environment,
        generator: np.random.Generator,
        gamma: float,
    ) -> list[Finished]:
        """Fill the rollout; see `ppolab.control.rollout.collect`."""
        actor = actor_for(self._model, generator, rollout.last_states)
        return collect(rollout, environment, actor, gamma)

    def update(
        self, rollout: Rollout, config: PPOConfig, learning_rate: float, generator: torch.Generator
    ) -> tuple[UpdateReport, Tensor]:
        """Learn from the rollout; see `ppolab.control.update.update`."""
        self._optimizer.learning_rate = learning_rate
        return update(
            self._model, self._parameters, self._optimizer, rollout, config, self._parts, generator
        )


def choose_backend(
    config: PPOConfig,
    model: ActorCritic,
    parameters: FlatParameters,
    optimizer: Adam,
    parts: Parts,
    environment: Environment,
    progress: Progress | None = None,
) -> Backend:
    """The back end that the settings ask for; "auto" takes the compiled one where it can serve.

    Args:
        progress: told what is being compiled, when the disk holds no machine code yet.

    Raises:
        InvalidSettingError: the compiled one is asked for and cannot train this policy.
    """
    if config.backend != "torch":
        # Numba takes a second to import, which the torch back end need not wait for.
        from ppolab.control.compiled import CompiledBackend, supports

        reason = supports(model, config, parts)
        if environment.present is not None:
            reason = "it trains on every row, and here some hold no step of the policy"
        if reason is None:
            backend = CompiledBackend(model, parameters, optimizer, config, config.threads)
            backend.warm_up(config, environment, progress)
            return backend
        if config.backend == "compiled":
            raise InvalidSettingError(
                "backend", config.backend, f"cannot be used: {reason}", "Take torch, or auto"
            )
    return TorchBackend(model, parameters, optimizer, parts)
