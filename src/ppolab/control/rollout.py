"""Collecting experience: the policy acts, everything it saw is kept for the update."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ppolab.control.environments import Finished, VectorEnvironment
from ppolab.control.networks import NumpyActor


@dataclass(frozen=True)
class Rollout:
    """Preallocated storage of one rollout, overwritten by each iteration.

    Every array is a NumPy view of a torch tensor: acting writes through one, the update reads the
    other, nothing is copied.
    """

    observations: Tensor  # [time, environments, observation]
    actions: Tensor  # [time, environments], int64
    log_probs: Tensor  # [time, environments], nats, of the policy that acted
    rewards: Tensor  # [time, environments]; γ·V(final) is added where an episode was truncated
    dones: Tensor  # [time, environments], 1 where the episode ended after the step
    values: Tensor  # [time, environments], the critic's value before the step
    last_values: Tensor  # [environments], its value after the last step

    @classmethod
    def allocate(cls, steps: int, environments: int, observation_size: int) -> Rollout:
        """Make room for `steps` × `environments` samples."""
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


def collect(
    rollout: Rollout, environment: VectorEnvironment, actor: NumpyActor, gamma: float
) -> list[Finished]:
    """Fill the rollout by letting the actor act; return the episodes that ended meanwhile.

    An episode cut off by its time limit did not fail, it was interrupted: the value of the state
    it was cut off in, discounted once, is added to its last reward. Otherwise the critic would
    learn that standing upright for 500 steps is as bad as falling (Pardo et al. 2018, "Time limits
    in reinforcement learning").
    """
    observations, actions = rollout.observations.numpy(), rollout.actions.numpy()
    log_probs, values = rollout.log_probs.numpy(), rollout.values.numpy()
    rewards, dones = rollout.rewards.numpy(), rollout.dones.numpy()
    finished: list[Finished] = []
    for t in range(len(observations)):
        observations[t] = environment.observations
        actions[t], log_probs[t], values[t] = actor.act(environment.observations)
        environment.step(actions[t])
        rewards[t], dones[t] = environment.rewards, environment.dones
        if environment.finished:
            for episode in environment.finished:
                if episode.truncated:
                    value = actor.values(np.expand_dims(episode.final_observation, 0))[0]
                    rewards[t, episode.environment] += gamma * value
            finished.extend(environment.finished)
    rollout.last_values.numpy()[:] = actor.values(environment.observations)
    return finished
