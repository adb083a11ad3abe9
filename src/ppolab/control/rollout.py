"""Collecting experience: the policy acts, everything it saw is kept for the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppolab.control.acting import Actor
from ppolab.control.distributions import Distribution
from ppolab.control.environments import Finished
from ppolab.control.observations import ObservationLayout


class Environment(Protocol):
    """What a rollout needs of a vector environment."""

    layout: ObservationLayout
    distribution: Distribution
    observations: NDArray[Any]  # [environments, row]
    masks: NDArray[np.bool_] | None  # [environments, logits]
    present: NDArray[np.bool_] | None  # [environments], False for an agent that left; None: all
    agents: tuple[str, ...]  # who acts in each copy, a row each; empty where it is only one
    rewards: NDArray[np.float32]  # [environments]
    dones: NDArray[np.float32]  # [environments], 1 where what follows counts for nothing before
    finished: list[Finished]

    def __len__(self) -> int: ...

    def step(self, actions: NDArray[Any]) -> None:
        """Take one step in every copy."""
        ...

    def close(self) -> None:
        """Release what the copies hold."""
        ...

    def state(self) -> dict[str, Any] | None:
        """Everything needed to go on, or None."""
        ...

    def restore(self, state: dict[str, Any]) -> bool:
        """Go back to a state; say whether all of it could be restored."""
        ...


@dataclass(frozen=True)
class Rollout:
    """Preallocated storage of one rollout, overwritten by each iteration.

    Every array is a NumPy view of a torch tensor: acting writes through one, the update reads the
    other, nothing is copied.
    """

    observations: Tensor  # [time, environments, row], in the type that the layout gives
    actions: Tensor  # [time, environments, *action_shape]
    log_probs: Tensor  # [time, environments], nats, of the policy that acted
    rewards: Tensor  # [time, environments]; γ·V(final) is added where an episode was truncated
    dones: Tensor  # [time, environments], 1 where the episode ended after the step
    values: Tensor  # [time, environments], the critic's value before the step
    last_values: Tensor  # [environments], its value after the last step
    masks: Tensor | None = None  # [time, environments, logits] bool; None: all are allowed
    present: Tensor | None = None  # [time, environments] bool, False where nobody acted; None: all
    states: Tensor | None = None  # [environments, state], remembered before the first step
    last_states: Tensor | None = None  # [environments, state], remembered after the last step

    def samples(self, values: Tensor) -> Tensor:
        """Those of `values` [time, environments] where somebody acted."""
        return values if self.present is None else values[self.present]

    @classmethod
    def small(cls, steps: int, environments: int, observation_size: int) -> Rollout:
        """Make room for vectors of floats and choices of actions, without an environment."""
        shape = (steps, environments)
        return cls(
            observations=torch.zeros(*shape, observation_size),
            actions=torch.zeros(shape, dtype=torch.int64),
            log_probs=torch.zeros(shape),
            rewards=torch.zeros(shape),
            dones=torch.zeros(shape),
            values=torch.zeros(shape),
            last_values=torch.zeros(environments),
        )

    @classmethod
    def allocate(cls, steps: int, environment: Environment, state_size: int = 0) -> Rollout:
        """Make room for `steps` samples of each copy of an environment.

        `state_size` is that of the policy's memory, 0 for one without; it starts empty.
        """
        shape = (steps, len(environment))
        layout, distribution = environment.layout, environment.distribution
        logits = distribution.parameter_count
        return cls(
            observations=torch.zeros(*shape, layout.size, dtype=layout.dtype),
            actions=torch.zeros(
                *shape, *distribution.action_shape, dtype=distribution.action_dtype
            ),
            masks=None
            if environment.masks is None
            else torch.zeros(*shape, logits, dtype=torch.bool),
            present=None if environment.present is None else torch.zeros(shape, dtype=torch.bool),
            log_probs=torch.zeros(shape),
            rewards=torch.zeros(shape),
            dones=torch.zeros(shape),
            values=torch.zeros(shape),
            last_values=torch.zeros(len(environment)),
            states=torch.zeros(len(environment), state_size) if state_size else None,
            last_states=torch.zeros(len(environment), state_size) if state_size else None,
        )


def collect(
    rollout: Rollout, environment: Environment, actor: Actor, gamma: float
) -> list[Finished]:
    """Fill the rollout by letting the actor act; return the episodes that ended meanwhile.

    An episode cut off by its time limit did not fail, it was interrupted: the value of the state
    it was cut off in, discounted once, is added to its last reward. Otherwise the critic would
    learn that standing upright for 500 steps is as bad as falling (Pardo et al. 2018, "Time limits
    in reinforcement learning").

    What a policy remembers goes on from the end of the last rollout. It is kept as it was at the
    start, for the update to begin there again.
    """
    if rollout.states is not None and rollout.last_states is not None:
        rollout.states.copy_(rollout.last_states)
    observations, actions = rollout.observations.numpy(), rollout.actions.numpy()
    log_probs, values = rollout.log_probs.numpy(), rollout.values.numpy()
    rewards, dones = rollout.rewards.numpy(), rollout.dones.numpy()
    masks = None if rollout.masks is None else rollout.masks.numpy()
    present = None if rollout.present is None else rollout.present.numpy()
    finished: list[Finished] = []
    for t in range(len(observations)):
        observations[t] = environment.observations
        if masks is not None and environment.masks is not None:
            masks[t] = environment.masks
        if present is not None and environment.present is not None:
            present[t] = environment.present
        acted = actor.act(environment.observations, environment.masks)
        actions[t], log_probs[t], values[t] = acted
        environment.step(actions[t])
        rewards[t], dones[t] = environment.rewards, environment.dones
        if environment.finished:
            for episode in environment.finished:
                if episode.truncated:
                    final = np.expand_dims(episode.final_observation, 0)
                    value = actor.values(final, [episode.environment])[0]
                    rewards[t, episode.environment] += gamma * value
            finished.extend(environment.finished)
        if rollout.states is not None:
            over = dones[t] > 0
            if present is not None:
                over |= ~present[t]  # nobody saw what was shown there
            actor.forget(np.flatnonzero(over))
    rollout.last_values.numpy()[:] = actor.values(environment.observations)
    return finished
