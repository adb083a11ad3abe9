"""Observations and rewards brought to a common scale while training goes (details 28 to 31)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppolab.control.environments import Finished
from ppolab.control.rollout import Environment
from ppolab.errors import InvalidSettingError

EPSILON = 1e-8


class RunningMoments:
    """Mean and variance of everything seen so far, one per entry.

    Two sets of n and m samples are merged by the formula of Chan et al. (1979), so that the result
    does not depend on how the samples were batched.
    """

    def __init__(self, size: int) -> None:
        self.mean = np.zeros(size)
        self.variance = np.ones(size)
        self.count = 1e-4  # a prior of next to nothing, so that the first batch decides

    def update(self, batch: NDArray[Any]) -> None:
        """Take in samples [batch, size], none at all where nobody acted."""
        if len(batch) == 0:
            return
        mean, variance, count = batch.mean(0), batch.var(0), len(batch)
        total = self.count + count
        delta = mean - self.mean
        squares = self.variance * self.count + variance * count
        squares += delta * delta * (self.count * count / total)
        self.mean += delta * (count / total)
        self.variance = squares / total
        self.count = total

    def state(self) -> dict[str, Any]:
        """Plain data from which `restore` goes on."""
        return {
            "mean": self.mean.tolist(), "variance": self.variance.tolist(), "count": self.count,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state that `state()` returned."""
        self.mean, self.variance = np.array(state["mean"]), np.array(state["variance"])
        self.count = state["count"]


class Scale(NamedTuple):
    """How observations are brought to the common scale: (x − mean) / spread, cut off at ± clip."""

    mean: NDArray[np.float64]  # [row]
    spread: NDArray[np.float64]  # [row]
    clip: float


class NormalizedEnvironment:
    """A vector environment whose observations have mean 0 and standard deviation 1, and whose
    rewards are divided by the spread of discounted returns. Both are cut off at ± a clip, if any.

    Rewards are scaled, never shifted: a shift would change which behaviour is best. The returns of
    finished episodes stay in the environment's own units.
    """

    def __init__(
        self, inner: Environment, gamma: float, observations: bool, rewards: bool,
        observation_clip: float | None = 10.0, reward_clip: float | None = 10.0,
    ) -> None:  # fmt: skip
        if observations and not inner.layout.flat:
            raise InvalidSettingError(
                "normalize_observations", True, "needs observations of floats",
                "Leave it off for images, whose pixels are divided by 255 anyway",
            )  # fmt: skip
        self._inner = inner
        self._gamma = gamma
        self._observation_clip = np.inf if observation_clip is None else observation_clip
        self._reward_clip = np.inf if reward_clip is None else reward_clip
        self._moments = RunningMoments(inner.layout.size) if observations else None
        self._return_moments = RunningMoments(1) if rewards else None
        self._discounted = np.zeros(len(inner))
        self.layout, self.distribution = inner.layout, inner.distribution
        self.dones, self.masks = inner.dones, inner.masks
        self.present, self.agents = inner.present, inner.agents
        self.finished: list[Finished] = []
        self.rewards = inner.rewards.copy()
        self.observations = inner.observations.copy()
        self._look()

    def __len__(self) -> int:
        return len(self._inner)

    def step(self, actions: NDArray[Any]) -> None:
        """Take one step in every copy; `actions` is [count, *action_shape]."""
        acted = None if self.present is None else self.present.copy()
        self._inner.step(actions)
        self._scale_rewards(acted)
        self._look()
        self.finished = [
            episode._replace(final_observation=self.normalize(episode.final_observation))
            for episode in self._inner.finished
        ]

    def normalize(self, observations: NDArray[Any]) -> NDArray[Any]:
        """Observations on the common scale, [..., row]; the moments stay as they are."""
        scale = self.scale
        if scale is None:
            return observations
        scaled = (observations - scale.mean) / scale.spread
        return np.clip(scaled, -scale.clip, scale.clip).astype(np.float32)

    @property
    def scale(self) -> Scale | None:
        """How `normalize` does it at present; None where observations stay as they are."""
        if self._moments is None:
            return None
        spread = np.sqrt(self._moments.variance + EPSILON)
        return Scale(self._moments.mean.copy(), spread, self._observation_clip)

    def close(self) -> None:
        """Release what the copies hold."""
        self._inner.close()

    def state(self) -> dict[str, Any] | None:
        """Everything needed to go on, as plain data; "inner" is None where that cannot be had."""
        return {
            "inner": self._inner.state(),
            "moments": self._moments and self._moments.state(),
            "return_moments": self._return_moments and self._return_moments.state(),
            "discounted": self._discounted.tolist(),
        }

    def restore(self, state: dict[str, Any]) -> bool:
        """Go back to a state that `state()` returned; say whether the environment did too.

        What was learned about scales is restored in any case.
        """
        if self._moments is not None:
            self._moments.restore(state["moments"])
        if self._return_moments is not None:
            self._return_moments.restore(state["return_moments"])
        exact = state["inner"] is not None and self._inner.restore(state["inner"])
        if exact:
            self._discounted[:] = state["discounted"]
        self.observations[:] = self.normalize(self._inner.observations)
        return exact

    def _look(self) -> None:
        if self._moments is not None:
            self._moments.update(_of(self._inner.observations, self.present))
        self.observations[:] = self.normalize(self._inner.observations)

    def _scale_rewards(self, acted: NDArray[np.bool_] | None) -> None:
        if self._return_moments is None:
            self.rewards[:] = self._inner.rewards
            return
        self._discounted = self._discounted * self._gamma + self._inner.rewards
        self._return_moments.update(_of(self._discounted, acted)[:, None])
        self._discounted[self._inner.dones > 0] = 0.0
        scale = np.sqrt(self._return_moments.variance[0] + EPSILON)
        limit = self._reward_clip
        np.clip(self._inner.rewards / scale, -limit, limit, out=self.rewards)


def _of(rows: NDArray[Any], present: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Rows [batch, …] of those who are there: zeros of agents that left are no observations."""
    return rows if present is None else rows[present]
