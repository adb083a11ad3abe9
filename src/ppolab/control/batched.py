"""Environments that step all their copies in one call and answer with whole arrays.

Libraries differ in what happens when an episode ends. The step that ends it always shows its last
observation, which truncation needs; what comes next is one of three:

- The copy can be begun anew at once, before the next step. Nothing is lost.
- The same step begins it, and hands the last observation over beside the first of the next.
- The next step begins it, whatever the action. That step is nobody's: it has no reward and leads
  from the end of one episode to the start of another. Its row in the rollout is marked by
  `present`, and no update learns from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray

from ppolab.control.distributions import Categorical, MultiCategorical, distribution_for
from ppolab.control.environments import Finished
from ppolab.control.observations import MASK_KEY, ObservationLayout

Bools = NDArray[np.bool_]


class Stepped(NamedTuple):
    """What all copies answer to a step; `count` is how many there are."""

    observations: Any  # batched as the space is; what the next actions should answer
    rewards: NDArray[Any]  # [count], as the policy is paid
    terminated: Bools  # [count], what follows does not count for what came before
    truncated: Bools  # [count], cut off by a time limit
    final_observations: Any = None  # batched; of copies that ended, where begun anew already
    scores: NDArray[Any] | None = None  # [count], rewards as an episode's return counts them
    over: Bools | None = None  # [count], the episode ended, where not every end is that of one


class BatchedEnvironment(ABC):
    """Base of environments with one call for all copies; the interface of `VectorEnvironment`.

    Attributes:
        layout: how an observation lies in a row.
        distribution: what a policy for this action space samples from.
        observations: [count, row], what the next actions should answer.
        masks: [count, logits] bool, False for forbidden actions; None where all are allowed.
        present: [count] bool, False where the next step only begins an episode; None where that
            never happens.
        rewards: [count] float32, rewards of the last step.
        dones: [count] float32, 1 where what follows does not count for what came before.
        finished: episodes that ended in the last step.
    """

    agents: tuple[str, ...] = ()

    def __init__(
        self,
        environment_id: str,
        count: int,
        observation_space: gymnasium.Space[Any],
        action_space: gymnasium.Space[Any],
        begins_in_next_step: bool,
    ) -> None:
        self.environment_id = environment_id
        self.layout = ObservationLayout(environment_id, observation_space)
        self.distribution = distribution_for(environment_id, action_space)
        row = torch.empty(0, dtype=self.layout.dtype).numpy().dtype
        self.observations: NDArray[Any] = np.zeros((count, self.layout.size), row)
        self.rewards = np.zeros(count, np.float32)
        self.dones = np.zeros(count, np.float32)
        self.finished: list[Finished] = []
        self.present: Bools | None = np.ones(count, np.bool_) if begins_in_next_step else None
        self.masks: Bools | None = None
        self._action_type = action_space.dtype
        self._returns = np.zeros(count)
        self._lengths = np.zeros(count, np.int64)

    def __len__(self) -> int:
        return len(self.rewards)

    def step(self, actions: NDArray[Any]) -> None:
        """Take one step in every copy; `actions` is [count, *action_shape]."""
        chosen = self.distribution.to_environment(actions)
        stepped = self._advance(chosen.astype(self._action_type, copy=False))
        rewards, terminated, truncated = stepped.rewards, stepped.terminated, stepped.truncated
        scores = rewards if stepped.scores is None else stepped.scores
        ended = terminated | truncated
        over = ended if stepped.over is None else stepped.over
        if self.present is None:
            self._lengths += 1
        else:  # a step that begins an episode pays nothing and ends nothing
            acted = self.present
            rewards, scores = np.where(acted, rewards, 0.0), np.where(acted, scores, 0.0)
            ended, over = ended & acted, over & acted
            self._lengths += acted
        self._returns += scores
        self.rewards[:], self.dones[:] = rewards, ended
        self._book_ends(over, terminated, stepped)
        observations = stepped.observations
        if self.present is not None:
            self.dones[~self.present] = 1.0  # a memory of the last episode ends with it
            self.present[:] = ~ended
        elif ended.any() and stepped.final_observations is None:
            observations = self._begin_again(ended, observations)
        self._show(observations)

    def _book_ends(self, over: Bools, terminated: Bools, stepped: Stepped) -> None:
        self.finished = []
        if not over.any():
            return
        last = stepped.observations
        if stepped.final_observations is not None:
            last = stepped.final_observations
        rows = np.empty_like(self.observations)
        self.layout.write_batch(last, rows)
        for i in np.flatnonzero(over).tolist():
            truncated = bool(stepped.truncated[i] and not terminated[i])
            self.finished.append(
                Finished(
                    i, float(self._returns[i]), int(self._lengths[i]), truncated, rows[i].copy()
                )
            )
        self._returns[over] = 0.0
        self._lengths[over] = 0

    def _show(self, observations: Any) -> None:
        self.layout.write_batch(observations, self.observations)
        masks = self._masks_of(observations)
        if masks is None:
            return
        if self.masks is None:
            self.masks = np.ones((len(self), self.distribution.parameter_count), np.bool_)
        self.masks[:] = np.asarray(masks, np.bool_).reshape(len(self), -1)

    def _masks_of(self, observations: Any) -> Any:
        """Which actions are allowed, [count, …]; None where all are."""
        choices = isinstance(self.distribution, (Categorical, MultiCategorical))
        if choices and isinstance(observations, dict):
            return observations.get(MASK_KEY)
        return None

    @abstractmethod
    def _advance(self, actions: NDArray[Any]) -> Stepped:
        """Take the step."""

    @abstractmethod
    def _begin_again(self, ended: Bools, observations: Any) -> Any:
        """Begin an episode in the copies that `ended` marks; return all observations, batched.

        Args:
            ended: [count].
            observations: of the step that ended them.
        """

    @abstractmethod
    def close(self) -> None:
        """Release what the copies hold."""

    def state(self) -> dict[str, Any] | None:
        """Everything needed to go on exactly here, as plain data; None if that cannot be had."""
        return None

    def restore(self, state: dict[str, Any]) -> bool:
        """Go back to a state that `state()` returned."""
        raise AssertionError("there is no state to go back to")

    def _book_state(self) -> dict[str, Any]:
        """What this class itself remembers between steps."""
        return {
            "observations": self.observations.tolist(),
            "masks": None if self.masks is None else self.masks.tolist(),
            "present": None if self.present is None else self.present.tolist(),
            "returns": self._returns.tolist(),
            "lengths": self._lengths.tolist(),
        }

    def _restore_book(self, state: dict[str, Any]) -> None:
        self.observations[:] = state["observations"]
        if self.masks is not None:
            self.masks[:] = state["masks"]
        if self.present is not None:
            self.present[:] = state["present"]
        self._returns[:] = state["returns"]
        self._lengths[:] = state["lengths"]
