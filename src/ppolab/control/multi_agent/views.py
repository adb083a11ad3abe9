"""What the shared networks see of each agent, as one row of numbers.

A row is `[own observation | which agent it is | what only the critic sees]`. The actor reads its
beginning, the critic all of it; without a central critic the last part is empty.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.spaces import Tuple as TupleSpace
from numpy.typing import NDArray

from ppolab.control.distributions import Categorical, Distribution, distribution_for
from ppolab.control.multi_agent.interface import ParallelEnvironment
from ppolab.control.observations import ObservationLayout
from ppolab.errors import InvalidSettingError


class AgentViews:
    """How the agents of one environment share one network.

    Agents of equal spaces share it as they are. Where vectors differ in length, shorter ones are
    filled up with zeros; where choices differ in number, the ones an agent lacks are forbidden to
    it (Terry et al. 2020, "Revisiting parameter sharing in multi-agent deep reinforcement
    learning"). Which agent is meant is told by a one-hot index, so that one network can treat
    each in its own way (Gupta et al. 2017, "Cooperative multi-agent control using deep
    reinforcement learning").

    Attributes:
        names: of the agents, in the order of their rows.
        layout: of a row.
        distribution: of their actions.
        allowed: [agents, logits] bool, what each may ever do; None where all may do everything.

    Raises:
        InvalidSettingError: spaces that cannot be brought together, or a central critic for what
            is not a vector.
    """

    def __init__(
        self, environment_id: str, environment: ParallelEnvironment, agent_index: bool,
        state_size: int | None, central: bool,
    ) -> None:  # fmt: skip
        agents = list(environment.possible_agents)
        self.names = tuple(str(agent) for agent in agents)
        spaces = [environment.observation_space(agent) for agent in agents]
        space = _common_observations(environment_id, self.names, spaces)
        self._own = ObservationLayout(environment_id, space)
        # One agent needs no index; its rows are those of a plain environment.
        self._index = agent_index and len(agents) > 1
        self._indices = np.eye(len(agents), dtype=np.float32)
        # Beginning with the next one, so that the order tells all agents the same.
        count = len(agents)
        self._others = (np.arange(count)[:, None] + np.arange(1, count)) % count
        part = self._own.parts[0]
        plain = self._own.flat and self._own.single and len(part.shape) == 1 and not part.one_hot
        self._plain_size = self._own.size if plain else None
        pieces = [space, Discrete(len(agents))] if self._index else [space]
        self._shown = ObservationLayout(environment_id, TupleSpace(pieces))
        self.layout = self._own if len(pieces) == 1 else self._shown
        self._state_size = state_size
        if central:
            self.layout = self._central_layout(environment_id, pieces)
        self.distribution, self.allowed = _common_actions(
            environment_id, self.names, [environment.action_space(agent) for agent in agents]
        )

    def write(self, rows: NDArray[Any], observations: dict[int, Any]) -> None:
        """Write what agents see into their rows [agents, row]; agents without one see zeros.

        Yu et al. (2022) do the same: of an agent that is gone, nothing is left but which it was.
        """
        size = self.layout.actor_size
        rows[:, :size] = 0
        for i, observation in observations.items():
            if self._plain_size is not None:
                rows[i, : len(observation)] = observation
            elif self._index:
                self._shown.write((observation, i), rows[i, :size])
            else:
                self._own.write(observation, rows[i, :size])
        if self._plain_size is not None and self._index:
            rows[:, self._plain_size : size] = self._indices

    def write_critics(self, rows: NDArray[Any], environment: ParallelEnvironment) -> None:
        """Write what only the critic sees, once the agents' own parts are in `rows`."""
        size = self.layout.actor_size
        if size == self.layout.size:
            return
        if self._state_size is not None:
            rows[:, size:] = state_of(environment)
            return
        rows[:, size:] = rows[self._others, : self._own.size].reshape(len(rows), -1)

    def _central_layout(self, environment_id: str, pieces: list[Any]) -> ObservationLayout:
        if not self._own.flat:
            raise InvalidSettingError(
                "critic", "central", "needs observations that are vectors of floats, and "
                f"{environment_id} shows images", "Take critic own",
            )  # fmt: skip
        more = self._state_size
        if more is None:
            more = self._own.size * (len(self.names) - 1)
        if more == 0:  # one agent that is all there is
            return self.layout
        bounds = Box(-np.inf, np.inf, (more,), np.float32)
        layout = ObservationLayout(environment_id, TupleSpace([*pieces, bounds]))
        layout.actor_size = layout.size - more
        return layout


def state_of(environment: ParallelEnvironment) -> NDArray[np.float32] | None:
    """The environment's whole state as a vector, or None where it does not tell.

    Raises:
        InvalidSettingError: an image.
    """
    try:
        state = np.asarray(environment.state())  # type: ignore[attr-defined]
    except (AttributeError, NotImplementedError):
        return None
    if state.ndim == 3:
        raise InvalidSettingError(
            "critic", "central", f"cannot take a state that is an image of shape {state.shape}",
            "Take critic own",
        )  # fmt: skip
    return state.astype(np.float32).reshape(-1)


def _common_observations(
    environment_id: str, names: tuple[str, ...], spaces: list[gymnasium.Space[Any]]
) -> gymnasium.Space[Any]:
    first = spaces[0]
    if all(space == first for space in spaces):
        return first
    # Boxes of one shape differ in their bounds alone, which no network here looks at.
    vectors = [space for space in spaces if isinstance(space, Box) and len(space.shape) == 1]
    if len(vectors) == len(spaces):
        return Box(-np.inf, np.inf, (max(space.shape[0] for space in vectors),), np.float32)
    raise _unequal(environment_id, "observations", names, spaces)


def _common_actions(
    environment_id: str, names: tuple[str, ...], spaces: list[gymnasium.Space[Any]]
) -> tuple[Distribution, NDArray[np.bool_] | None]:
    first = spaces[0]
    if all(space == first for space in spaces):
        return distribution_for(environment_id, first), None
    choices = [space for space in spaces if isinstance(space, Discrete) and space.start == 0]
    if len(choices) < len(spaces):
        raise _unequal(environment_id, "actions", names, spaces)
    counts = np.array([int(space.n) for space in choices])
    return Categorical(int(counts.max())), np.arange(counts.max()) < counts[:, None]


def _unequal(
    environment_id: str, what: str, names: tuple[str, ...], spaces: list[Any]
) -> InvalidSettingError:
    kinds: dict[str, list[str]] = {}
    for name, space in zip(names, spaces, strict=True):
        kinds.setdefault(str(space), []).append(name)
    told = "; ".join(f"{', '.join(group)}: {space}" for space, group in kinds.items())
    return InvalidSettingError(
        "environment", environment_id, f"has agents whose {what} one network cannot share ({told})",
        "Vectors may differ in length and choices in number; wrap the rest to be equal",
    )  # fmt: skip


def mask_of(observation: Any, info: Any) -> Any:
    """What an agent may do now, [actions], from where PettingZoo tells it, or None."""
    for told in (observation, info):
        if isinstance(told, dict) and "action_mask" in told:
            return told["action_mask"]
    return None
