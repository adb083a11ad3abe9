"""Many copies of one Gymnasium environment, stepped in this process without costly wrappers."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import gymnasium
import gymnasium.error
import numpy as np
import torch
from numpy.typing import NDArray

from ppolab.control.distributions import (
    Categorical,
    Distribution,
    MultiCategorical,
    distribution_for,
)
from ppolab.control.observations import MASK_KEY, ObservationLayout
from ppolab.control.packages import is_atari, register_environments_of
from ppolab.control.snapshots import capture, restore
from ppolab.errors import InvalidSettingError, UnknownNameError


class Finished(NamedTuple):
    """An episode that ended in the last step."""

    environment: int
    episode_return: float  # sum of its rewards
    length: int  # steps
    truncated: bool  # cut off by the time limit, not ended by the task
    final_observation: NDArray[Any]  # [row], what the next action would have seen
    agent: str = ""  # whose, where several act in one copy; `environment` is its row then
    team: Team | None = None  # with the last agent to leave: what all of them did


class Team(NamedTuple):
    """An episode of several agents, from the first step to the last of them leaving."""

    environment: int  # the copy
    episode_return: float  # sum over the agents
    length: int  # steps
    truncated: bool  # the last to leave was cut off
    agent_returns: dict[str, float]  # of each agent that took part


def whole_episodes(finished: Sequence[Finished]) -> list[Finished | Team]:
    """One entry for each episode that ended: where several agents act, their team's."""
    return [episode.team or episode for episode in finished if not episode.agent or episode.team]


class VectorEnvironment:
    """`count` copies of an environment that share one step call.

    An episode that ends is reset in the same step: `observations` then holds the first
    observation of the next episode, and `finished` tells how the last one ended, final
    observation included, so that a truncated episode can be bootstrapped.

    Gymnasium's TimeLimit, OrderEnforcing and PassiveEnvChecker wrappers are taken off and the
    time limit is kept here: they cost a third of CartPole's step.

    Any observation and action space is covered that `ObservationLayout` and `distribution_for`
    cover. An environment may forbid actions: by a method `action_masks()` that returns a bool
    array, or by an entry "action_mask" in a Dict observation.

    Attributes:
        layout: how an observation lies in a row.
        distribution: what a policy for this action space samples from.
        observations: [count, row], what the next actions should answer.
        masks: [count, logits] bool, False for forbidden actions; None where all are allowed.
        rewards: [count] float32, rewards of the last step.
        dones: [count] float32, 1 where an episode ended in the last step.
        finished: episodes that ended in the last step.
    """

    present: NDArray[np.bool_] | None = None  # the one who acts never leaves
    agents: tuple[str, ...] = ()

    def __init__(
        self,
        environment_id: str,
        count: int,
        seed: int,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.environment_id = environment_id
        self._environments = [_make(environment_id, options or {}) for _ in range(count)]
        first = self._environments[0]
        self.layout = ObservationLayout(environment_id, first.observation_space)
        self.distribution = distribution_for(environment_id, first.action_space)
        limit = gymnasium.spec(environment_id).max_episode_steps
        self._time_limit = limit if limit is not None else np.iinfo(np.int64).max
        row = torch.empty(0, dtype=self.layout.dtype).numpy().dtype
        self.observations: NDArray[Any] = np.zeros((count, self.layout.size), row)
        self.rewards = np.zeros(count, np.float32)
        self.dones = np.zeros(count, np.float32)
        self.finished: list[Finished] = []
        self._returns = [0.0] * count
        self._lengths = [0] * count
        # The usual case, a vector of floats, needs no taking apart: one assignment a step.
        part = self.layout.parts[0]
        plain = self.layout.flat and self.layout.single and len(part.shape) == 1
        plain = plain and not part.one_hot
        self._write = _write_vector if plain else self.layout.write
        # Spread seeds far apart so that run seeds 1 and 2 do not share environments.
        children = np.random.SeedSequence(seed).generate_state(count)
        first_observations = [
            environment.reset(seed=int(seed))[0]
            for environment, seed in zip(self._environments, children, strict=True)
        ]
        for i, observation in enumerate(first_observations):
            self._write(observation, self.observations[i])
        self._mask = _mask_reader(first, first_observations[0], self.distribution)
        self.masks: NDArray[np.bool_] | None = None
        if self._mask is not None:
            self.masks = np.ones((count, self.distribution.parameter_count), np.bool_)
            for i, observation in enumerate(first_observations):
                self.masks[i] = self._mask(self._environments[i], observation)

    def __len__(self) -> int:
        return len(self._environments)

    def step(self, actions: NDArray[Any]) -> None:
        """Take one step in every copy; `actions` is [count, *action_shape]."""
        self.finished.clear()
        observations, returns, lengths = self.observations, self._returns, self._lengths
        chosen = self.distribution.to_environment(actions)
        if not self.distribution.action_shape:
            chosen = chosen.tolist()  # plain ints: environments index tables with them
        for i, environment in enumerate(self._environments):
            observation, reward, terminated, truncated, _ = environment.step(chosen[i])
            lengths[i] += 1
            returns[i] += float(reward)
            truncated = truncated or lengths[i] >= self._time_limit
            self.rewards[i] = reward
            done = terminated or truncated
            self.dones[i] = done
            if done:
                # A row of its own: `reset` may write the next episode into the same array.
                final = np.empty_like(observations[i])
                self._write(observation, final)
                only_truncated = truncated and not terminated
                self.finished.append(Finished(i, returns[i], lengths[i], only_truncated, final))
                returns[i], lengths[i] = 0.0, 0
                observation = environment.reset()[0]
            self._write(observation, observations[i])
            if self._mask is not None and self.masks is not None:
                self.masks[i] = self._mask(environment, observation)

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
        captured = [capture(environment) for environment in self._environments]
        if any(state is None for state in captured):
            return None
        return {
            "environments": captured,
            "observations": self.observations.tolist(),
            "masks": None if self.masks is None else self.masks.tolist(),
            "returns": list(self._returns),
            "lengths": list(self._lengths),
        }

    def restore(self, state: dict[str, Any]) -> bool:
        """Go back to a state that `state()` returned; always True, for such a state is whole."""
        for environment, captured in zip(self._environments, state["environments"], strict=True):
            restore(environment.unwrapped, captured)
        self.observations[:] = state["observations"]
        if self.masks is not None:
            self.masks[:] = state["masks"]
        self._returns = list(state["returns"])
        self._lengths = list(state["lengths"])
        return True


@contextmanager
def made(environment_id: str, options: Mapping[str, Any]) -> Iterator[None]:
    """Around the making of an environment: registers it, and says in words what goes wrong.

    Raises:
        UnknownNameError: no environment of that name.
        InvalidSettingError: one that cannot be made, or not with these options.
    """
    register_environments_of(environment_id)
    try:
        yield
    except gymnasium.error.UnregisteredEnv as error:
        raise unknown_environment(environment_id) from error
    except TypeError as error:
        if not options:
            raise
        raise InvalidSettingError(
            "environment_options", dict(options), f"do not fit {environment_id}: {error}",
            "Give the names that the environment's own documentation lists",
        ) from error  # fmt: skip
    except gymnasium.error.DependencyNotInstalled as error:
        raise InvalidSettingError(
            "environment", environment_id, "needs a package that is not installed", str(error)
        ) from error
    except (gymnasium.error.Error, ImportError) as error:
        raise InvalidSettingError(
            "environment", environment_id, "cannot be made", str(error)
        ) from error


def make_single(environment_id: str, **options: Any) -> gymnasium.Env[Any, Any]:
    """Make one environment with Gymnasium's wrappers on, an Atari game as policies see it.

    Errors as in `made`.
    """
    with made(environment_id, options):
        if is_atari(environment_id):
            from ppolab.control.atari import Atari

            return Atari(environment_id, options)
        return gymnasium.make(environment_id, disable_env_checker=True, **options)


def _make(environment_id: str, options: Mapping[str, Any]) -> gymnasium.Env[Any, Any]:
    environment = make_single(environment_id, **options)
    wrappers = (
        gymnasium.wrappers.TimeLimit,
        gymnasium.wrappers.OrderEnforcing,
        gymnasium.wrappers.PassiveEnvChecker,
    )
    while isinstance(environment, wrappers):
        environment = environment.env
    return environment


def unknown_environment(environment_id: str) -> UnknownNameError:
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


def _write_vector(observation: Any, row: NDArray[Any]) -> None:
    row[:] = observation


def _mask_reader(
    environment: gymnasium.Env[Any, Any], observation: Any, distribution: Distribution
) -> Callable[[Any, Any], NDArray[np.bool_]] | None:
    """How this environment tells which actions are allowed, or None where it does not."""
    if not isinstance(distribution, (Categorical, MultiCategorical)):
        return None
    if callable(getattr(environment.unwrapped, "action_masks", None)):
        return lambda env, _: np.asarray(env.unwrapped.action_masks(), np.bool_).reshape(-1)
    if isinstance(observation, dict) and MASK_KEY in observation:
        return lambda _, seen: np.asarray(seen[MASK_KEY], np.bool_).reshape(-1)
    return None
