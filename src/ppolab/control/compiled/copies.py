"""What compiled environments have in common: copies in arrays, chance, and the end of episodes."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple, Self

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from ppolab.control.distributions import Categorical, Distribution
from ppolab.control.environments import Finished
from ppolab.control.observations import ObservationLayout
from ppolab.machine_code.jit import compiled

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]


class Copies(NamedTuple):
    """All that changes in `count` copies of an environment. Kernels write, Python reads."""

    states: NDArray[Any]  # [count, …], of the environment's own kind
    chance: NDArray[np.uint64]  # [count], state of each copy's random numbers
    lengths: Int64  # [count], steps of the running episode
    returns: NDArray[np.float64]  # [count], rewards of the running episode
    observations: Float32  # [count, observation], what the next actions should answer
    rewards: Float32  # [count], of the last step
    dones: Float32  # [count], 1 where an episode ended in the last step
    truncated: NDArray[np.bool_]  # [count], it was cut off by the time limit
    final_observations: Float32  # [count, observation], of episodes that ended in the last step
    final_lengths: Int64  # [count], of episodes that ended in the last step
    final_returns: NDArray[np.float64]  # [count], likewise


def new_copies(count: int, observation_size: int, states: NDArray[Any], seed: int) -> Copies:
    """Make room for copies, each with random numbers of its own."""
    return Copies(
        states=states,
        chance=np.random.SeedSequence(seed).generate_state(count, np.uint64).astype(np.uint64),
        lengths=np.zeros(count, np.int64),
        returns=np.zeros(count, np.float64),
        observations=np.zeros((count, observation_size), np.float32),
        rewards=np.zeros(count, np.float32),
        dones=np.zeros(count, np.float32),
        truncated=np.zeros(count, np.bool_),
        final_observations=np.zeros((count, observation_size), np.float32),
        final_lengths=np.zeros(count, np.int64),
        final_returns=np.zeros(count, np.float64),
    )


@compiled()
def some_of(copies: Copies, first: int, last: int) -> Copies:
    """See the copies from `first` to before `last`."""
    return Copies(
        copies.states[first:last], copies.chance[first:last], copies.lengths[first:last],
        copies.returns[first:last], copies.observations[first:last], copies.rewards[first:last],
        copies.dones[first:last], copies.truncated[first:last],
        copies.final_observations[first:last], copies.final_lengths[first:last],
        copies.final_returns[first:last],
    )  # fmt: skip


@compiled()
def uniform(chance: NDArray[np.uint64], i: int) -> float:
    """A random number in [0, 1) for copy `i`, with 53 random bits.

    Source: Steele, Lea & Flood (2014), "Fast splittable pseudorandom number generators".
    """
    chance[i] += np.uint64(0x9E3779B97F4A7C15)
    z = chance[i]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * 2.0**-53


@compiled()
def count_step(copies: Copies, i: int, reward: float, terminated: bool, limit: int) -> bool:
    """Book one step of copy `i`; its observation must be that after the step.

    Returns:
        Whether its episode is over, and the caller should begin another.
    """
    copies.lengths[i] += 1
    copies.returns[i] += reward
    copies.rewards[i] = reward
    truncated = not terminated and copies.lengths[i] >= limit
    done = terminated or truncated
    copies.dones[i] = 1.0 if done else 0.0
    copies.truncated[i] = truncated
    if done:
        for j in range(copies.observations.shape[1]):
            copies.final_observations[i, j] = copies.observations[i, j]
        copies.final_lengths[i], copies.lengths[i] = copies.lengths[i], 0
        copies.final_returns[i], copies.returns[i] = copies.returns[i], 0.0
    return done


class CompiledEnvironment:
    """Base of the compiled environments, with the interface of `VectorEnvironment`.

    Attributes:
        copies: everything that changes.
        observations: [count, observation] float32, what the next actions should answer.
        rewards: [count] float32, rewards of the last step.
        dones: [count] float32, 1 where an episode ended in the last step.
        finished: episodes that ended in the last step.
    """

    environment_id: str
    observation_size: int
    action_count: int

    masks: NDArray[np.bool_] | None = None  # every action is allowed
    present: NDArray[np.bool_] | None = None  # nobody leaves before the end
    agents: tuple[str, ...] = ()
    distribution: Distribution

    def __init__(self, copies: Copies) -> None:
        self.copies = copies
        space = Box(-np.inf, np.inf, (copies.observations.shape[1],), np.float32)
        self.layout = ObservationLayout(self.environment_id, space)
        self.distribution = Categorical(self.action_count)
        self.observations = copies.observations
        self.rewards = copies.rewards
        self.dones = copies.dones
        self.finished: list[Finished] = []

    def __len__(self) -> int:
        return len(self.rewards)

    def step(self, actions: Int64) -> None:
        """Take one step in every copy; `actions` is [count]."""
        self._advance(actions)
        copies = self.copies
        self.finished = [
            Finished(
                int(i), float(copies.final_returns[i]), int(copies.final_lengths[i]),
                bool(copies.truncated[i]), copies.final_observations[i].copy(),
            )
            for i in np.flatnonzero(copies.dones)
        ]  # fmt: skip

    def twin(self) -> Self:
        """One with the same rules and state in memory of its own."""
        return copy.deepcopy(self)

    def close(self) -> None:
        """Nothing to release."""

    def state(self) -> dict[str, Any]:
        """Everything needed to go on exactly here, as plain data."""
        return {name: array.tolist() for name, array in self.copies._asdict().items()}

    def restore(self, state: dict[str, Any]) -> bool:
        """Go back to a state that `state()` returned; always True, for such a state is whole."""
        for name, array in self.copies._asdict().items():
            array[...] = np.asarray(state[name], array.dtype)
        return True

    def _advance(self, actions: Int64) -> None:
        raise NotImplementedError
