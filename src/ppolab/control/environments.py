"""Many copies of one Gymnasium environment, stepped in this process without costly wrappers."""

from __future__ import annotations

import difflib
from typing import Any, NamedTuple

import gymnasium
import gymnasium.error
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from ppolab.errors import InvalidSettingError, PPOLabError, UnknownNameError

Float32 = NDArray[np.float32]


class Finished(NamedTuple):
    """An episode that ended in the last step."""

    environment: int
    episode_return: float  # sum of its rewards
    length: int  # steps
    truncated: bool  # cut off by the time limit, not ended by the task
    final_observation: Float32  # [observation], what the next action would have seen


class VectorEnvironment:
    """`count` copies of an environment that share one step call.

    An episode that ends is reset in the same step: `observations` then holds the first
    observation of the next episode, and `finished` tells how the last one ended, final
    observation included, so that a truncated episode can be bootstrapped.

    Gymnasium's TimeLimit, OrderEnforcing and PassiveEnvChecker wrappers are taken off and the
    time limit is kept here: they cost a third of CartPole's step.

    Attributes:
        observations: [count, observation] float32, what the next actions should answer.
        rewards: [count] float32, rewards of the last step.
        dones: [count] float32, 1 where an episode ended in the last step.
        finished: episodes that ended in the last step.
    """

    def __init__(self, environment_id: str, count: int, seed: int) -> None:
        self.environment_id = environment_id
        self._environments = [_make(environment_id) for _ in range(count)]
        first = self._environments[0]
        self.observation_size = _flat_observation_size(environment_id, first.observation_space)
        self.action_count = _discrete_action_count(environment_id, first.action_space)
        limit = gymnasium.spec(environment_id).max_episode_steps
        self._time_limit = limit if limit is not None else np.iinfo(np.int64).max
        self.observations = np.empty((count, self.observation_size), np.float32)
        self.rewards = np.zeros(count, np.float32)
        self.dones = np.zeros(count, np.float32)
        self.finished: list[Finished] = []
        self._returns = [0.0] * count
        self._lengths = [0] * count
        # Spread seeds far apart so that run seeds 1 and 2 do not share environments.
        children = np.random.SeedSequence(seed).generate_state(count)
        for i, environment in enumerate(self._environments):
            self.observations[i] = environment.reset(seed=int(children[i]))[0]

    def __len__(self) -> int:
        return len(self._environments)

    def step(self, actions: NDArray[np.int64]) -> None:
        """Take one step in every copy; `actions` is [count]."""
        self.finished.clear()
        observations, returns, lengths = self.observations, self._returns, self._lengths
        chosen = actions.tolist()  # plain ints: environments index tables with them
        for i, environment in enumerate(self._environments):
            observation, reward, terminated, truncated, _ = environment.step(chosen[i])
            lengths[i] += 1
            returns[i] += float(reward)
            truncated = truncated or lengths[i] >= self._time_limit
            self.rewards[i] = reward
            done = terminated or truncated
            self.dones[i] = done
            if done:
                # A copy: `reset` may write the next episode into the same array.
                final = np.array(observation, np.float32)
                only_truncated = truncated and not terminated
                self.finished.append(Finished(i, returns[i], lengths[i], only_truncated, final))
                returns[i], lengths[i] = 0.0, 0
                observation = environment.reset()[0]
            observations[i] = observation

    def close(self) -> None:
        """Release what the copies hold."""
        for environment in self._environments:
            environment.close()

    def state(self) -> dict[str, Any] | None:
        """Everything needed to go on exactly here, as plain data; None if that cannot be had.

        An environment can be captured when all its changing attributes are plain numbers, text,
        arrays or containers of them. Physics engines that keep their state in C are not, nor are
        wrappers that were left on, for they may remember things of their own.
        """
        captured = [_capture(environment) for environment in self._environments]
        if any(state is None for state in captured):
            return None
        return {
            "environments": captured,
            "observations": self.observations.tolist(),
            "returns": list(self._returns),
            "lengths": list(self._lengths),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state that `state()` returned."""
        for environment, captured in zip(self._environments, state["environments"], strict=True):
            _restore(environment.unwrapped, captured)
        self.observations[:] = np.asarray(state["observations"], np.float32)
        self._returns = list(state["returns"])
        self._lengths = list(state["lengths"])


def _make(environment_id: str) -> gymnasium.Env[Any, Any]:
    try:
        environment = gymnasium.make(environment_id, disable_env_checker=True)
    except gymnasium.error.UnregisteredEnv as error:
        raise _unknown(environment_id) from error
    except gymnasium.error.DependencyNotInstalled as error:
        raise InvalidSettingError(
            "environment", environment_id, "needs a package that is not installed", str(error)
        ) from error
    except (gymnasium.error.Error, ImportError) as error:
        raise InvalidSettingError(
            "environment", environment_id, "cannot be made", str(error)
        ) from error
    wrappers = (
        gymnasium.wrappers.TimeLimit,
        gymnasium.wrappers.OrderEnforcing,
        gymnasium.wrappers.PassiveEnvChecker,
    )
    while isinstance(environment, wrappers):
        environment = environment.env
    return environment


def _unknown(environment_id: str) -> UnknownNameError:
    """Suggest what may have been meant: other versions of the same name, and names spelt alike."""
    known = sorted(name for name in gymnasium.registry if "/" not in name)
    bare = {name.lower(): name for name in known}
    alike = difflib.get_close_matches(environment_id.lower(), bare, n=3, cutoff=0.6)
    stem = environment_id.lower().split("-v")[0]
    suggested = [name for name in known if name.lower().split("-v")[0] == stem]
    suggested += [bare[name] for name in alike if bare[name] not in suggested]
    mend = f"Did you mean {' or '.join(suggested)}? " if suggested else ""
    mend += f"Of {len(known)} known ones, CartPole-v1, Acrobot-v1 and MountainCar-v0 always work"
    return UnknownNameError("environment", environment_id, known, mend)


def _flat_observation_size(environment_id: str, space: gymnasium.Space[Any]) -> int:
    if isinstance(space, Box) and len(space.shape) == 1:
        return int(space.shape[0])
    raise InvalidSettingError(
        "environment",
        environment_id,
        f"has observations of {space}, which need other networks",
        "Choose an environment with flat Box observations, such as CartPole-v1",
    )


def _discrete_action_count(environment_id: str, space: gymnasium.Space[Any]) -> int:
    if isinstance(space, Discrete) and space.start == 0:
        return int(space.n)
    raise InvalidSettingError(
        "environment",
        environment_id,
        f"has actions of {space}, which need another policy",
        "Choose an environment with discrete actions, such as CartPole-v1",
    )


# Attributes of every environment that never change after construction, and its generator, which
# is captured by its own state.
_NOT_STATE = {
    "spec", "metadata", "action_space", "observation_space", "reward_range", "_np_random",
}  # fmt: skip


class _NotPlainError(PPOLabError):
    def __init__(self, value: object) -> None:
        super().__init__("environment state", type(value).__name__, "is not plain data", "")


def _capture(environment: Any) -> dict[str, Any] | None:
    try:
        attributes = {
            name: _to_plain(value)
            for name, value in vars(environment).items()
            if name not in _NOT_STATE
        }
    except _NotPlainError:
        return None
    generator = environment.np_random.bit_generator
    return {"attributes": attributes, "generator": _to_plain(generator.state)}


def _restore(environment: Any, captured: dict[str, Any]) -> None:
    for name, value in captured["attributes"].items():
        setattr(environment, name, _from_plain(value))
    environment.np_random.bit_generator.state = _from_plain(captured["generator"])


def _to_plain(value: Any) -> Any:
    """Write a value as JSON can hold it, keeping the difference between tuples and arrays."""
    if isinstance(value, np.generic):  # first, for np.float64 is a float too
        return {"scalar": value.dtype.str, "value": value.item()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"array": value.dtype.str, "shape": value.shape, "value": value.ravel().tolist()}
    if isinstance(value, tuple):
        return {"tuple": [_to_plain(item) for item in value]}
    if isinstance(value, list):
        return [_to_plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _to_plain(item) for key, item in value.items()}}
    raise _NotPlainError(value)


def _from_plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "scalar" in value:
        return np.dtype(value["scalar"]).type(value["value"])
    if "array" in value:
        return np.array(value["value"], value["array"]).reshape(value["shape"])
    if "tuple" in value:
        return tuple(_from_plain(item) for item in value["tuple"])
    return {key: _from_plain(item) for key, item in value["dict"].items()}
