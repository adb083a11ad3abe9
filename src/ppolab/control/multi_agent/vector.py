"""Many copies of an environment of several agents, every agent of every copy a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ppolab.control.distributions import Categorical, MultiCategorical
from ppolab.control.environments import Finished, Team
from ppolab.control.multi_agent.known import make_parallel
from ppolab.control.multi_agent.views import AgentViews, mask_of, state_of
from ppolab.control.snapshots import capture, restore
from ppolab.errors import InvalidSettingError


class MultiAgentEnvironment:
    """`count` copies with n agents each, as count × n rows of one vector environment.

    Row `copy · n + i` belongs to agent i of that copy, with its own observation, action, reward
    and end. To whoever collects and learns, an agent is one more copy, so advantages, losses and
    diagnostics need know nothing of teams: independent PPO with shared weights (de Witt et al.
    2020, "Is independent learning all you need in the StarCraft multi-agent challenge?"). With
    `central`, the critic sees besides the whole state or all agents' observations (MAPPO: Yu et
    al. 2022, "The surprising effectiveness of PPO in cooperative multi-agent games").

    An agent may leave before the others. Its row is then empty until the copy begins again:
    `present` is False, observation and reward are 0, `dones` is 1, and nothing learns from it.

    Attributes:
        agents: names, in the order of rows.
        layout, distribution, observations, masks, rewards, dones, finished: as in
            `VectorEnvironment`, by rows. The last agent of a copy to leave carries the `Team`.
        present: [rows] bool, who acts next; None where all leave together.

    Raises:
        InvalidSettingError: an environment that breaks the interface's promises.
    """

    def __init__(
        self, environment_id: str, count: int, seed: int,
        options: Mapping[str, Any] | None = None, central: bool = False, agent_index: bool = True,
    ) -> None:  # fmt: skip
        self.environment_id = environment_id
        self._copies = [make_parallel(environment_id, options) for _ in range(count)]
        # Seeds spread as those of a plain environment's copies are.
        children = np.random.SeedSequence(seed).generate_state(count)
        begun = [
            copy.reset(seed=int(child)) for copy, child in zip(self._copies, children, strict=True)
        ]
        first = self._copies[0]
        state = state_of(first) if central else None
        self.views = AgentViews(
            environment_id, first, agent_index, None if state is None else len(state), central
        )
        self.layout, self.distribution = self.views.layout, self.views.distribution
        self._who = list(first.possible_agents)
        self._index = {agent: i for i, agent in enumerate(self._who)}
        # One agent alone is reported as the agent of a plain environment is.
        self.agents = self.views.names if len(self._who) > 1 else ()
        self._together = len(self._who) == 1 or getattr(first, "agents_leave_together", False)

        n = len(self._who)
        rows = count * n
        dtype = torch.empty(0, dtype=self.layout.dtype).numpy().dtype
        self.observations: NDArray[Any] = np.zeros((rows, self.layout.size), dtype)
        self.rewards = np.zeros(rows, np.float32)
        self.dones = np.zeros(rows, np.float32)
        self.present = None if self._together else np.zeros(rows, np.bool_)
        self.masks: NDArray[np.bool_] | None = None
        seen, infos = begun[0]
        chooses = isinstance(self.distribution, (Categorical, MultiCategorical))
        masked = any(mask_of(seen[agent], infos.get(agent)) is not None for agent in seen)
        if chooses and (masked or self.views.allowed is not None):
            self.masks = np.ones((rows, self.distribution.parameter_count), np.bool_)
        self.finished: list[Finished] = []
        self._returns = [0.0] * rows
        self._lengths = [0] * rows
        self._left: list[dict[str, float]] = [{} for _ in range(count)]  # returns of who left
        self._team_lengths = [0] * count
        self._acting: list[list[int]] = [[] for _ in range(count)]
        for c, (observations, infos) in enumerate(begun):
            self._begin(c, observations, infos)

    def __len__(self) -> int:
        return len(self.rewards)

    def step(self, actions: NDArray[Any]) -> None:
        """Take one step in every copy; `actions` is [rows, *action_shape]."""
        self.finished.clear()
        chosen = self.distribution.to_environment(actions)
        if not self.distribution.action_shape:
            chosen = chosen.tolist()  # plain ints: environments index tables with them
        n = len(self._who)
        for c in range(len(self._copies)):
            self._step(c, chosen[c * n : (c + 1) * n])

    def close(self) -> None:
        """Release what the copies hold."""
        for copy in self._copies:
            if hasattr(copy, "close"):
                copy.close()

    def state(self) -> dict[str, Any] | None:
        """Everything needed to go on exactly here, as plain data; None if that cannot be had.

        The same environments can be captured as with one agent; see `VectorEnvironment.state`.
        """
        captured = [capture(copy) for copy in self._copies]
        if any(state is None for state in captured):
            return None
        return {
            "copies": captured,
            "observations": self.observations.tolist(),
            "masks": None if self.masks is None else self.masks.tolist(),
            "acting": [list(acting) for acting in self._acting],
            "returns": list(self._returns),
            "lengths": list(self._lengths),
            "left": [dict(left) for left in self._left],
            "team_lengths": list(self._team_lengths),
        }

    def restore(self, state: dict[str, Any]) -> bool:
        """Go back to a state that `state()` returned; always True, for such a state is whole."""
        for copy, captured in zip(self._copies, state["copies"], strict=True):
            restore(copy, captured)
        self.observations[:] = state["observations"]
        if self.masks is not None:
            self.masks[:] = state["masks"]
        self._acting = [list(acting) for acting in state["acting"]]
        for c in range(len(self._copies)):
            self._mark_present(c)
        self._returns, self._lengths = list(state["returns"]), list(state["lengths"])
        self._left = [dict(left) for left in state["left"]]
        self._team_lengths = list(state["team_lengths"])
        return True

    def _begin(self, c: int, observations: Mapping[Any, Any], infos: Mapping[Any, Any]) -> None:
        """Take in the first moment of an episode of copy `c`."""
        listed = self._listed(c)
        if not listed:
            raise self._broken("begins an episode without any agent", "Put them into `agents`")
        if self._together and len(listed) < len(self._who):
            raise self._broken("begins without all of its agents", _NOT_TOGETHER)
        self._left[c], self._team_lengths[c] = {}, 0
        self._await(c, listed, observations, infos)

    def _step(self, c: int, chosen: Any) -> None:
        copy, acting, base = self._copies[c], self._acting[c], c * len(self._who)
        moment = copy.step({self._who[i]: chosen[i] for i in acting})
        observations, rewards, terminations, truncations, infos = moment
        rows = self._rows(c)
        self.rewards[rows], self.dones[rows] = 0.0, 1.0
        self._team_lengths[c] += 1
        leaving: dict[int, bool] = {}  # agent → whether it was cut off
        for i in acting:
            agent, row = self._who[i], base + i
            self.rewards[row] = rewards[agent]
            self._returns[row] += float(rewards[agent])
            self._lengths[row] += 1
            if terminations[agent] or truncations[agent]:
                leaving[i] = not terminations[agent]
            else:
                self.dones[row] = 0.0
        listed = self._listed(c)
        for i in acting:
            if i not in leaving and i not in listed:
                raise self._broken(
                    f"lost agent {self.views.names[i]!r} without an end",
                    "Set its termination or truncation in the step with which it leaves",
                )
        staying = [i for i in listed if i not in leaving]
        if leaving:
            finals = np.empty_like(self.observations[rows])
            self._look(c, acting, observations, finals)
            self._part(c, leaving, finals, over=not staying)
        if not staying:
            self._begin(c, *copy.reset())
            return
        if self._together and len(staying) < len(self._who):
            raise self._broken("lets an agent leave before the others", _NOT_TOGETHER)
        self._await(c, staying, observations, infos)

    def _part(self, c: int, leaving: dict[int, bool], finals: NDArray[Any], over: bool) -> None:
        """Book the episodes of the agents that leave; the last of all carries the team's."""
        base, names = c * len(self._who), self.views.names
        for i in leaving:
            self._left[c][names[i]] = self._returns[base + i]
        for position, (i, truncated) in enumerate(leaving.items()):
            row, team = base + i, None
            if over and position == len(leaving) - 1 and self.agents:
                returns = self._left[c]
                total, length = sum(returns.values()), self._team_lengths[c]
                team = Team(c, total, length, truncated, returns)
            agent = names[i] if self.agents else ""
            length = self._lengths[row]
            self.finished.append(
                Finished(row, self._returns[row], length, truncated, finals[i], agent, team)
            )
            self._returns[row], self._lengths[row] = 0.0, 0

    def _await(
        self, c: int, who: list[int], observations: Mapping[Any, Any], infos: Mapping[Any, Any]
    ) -> None:
        """Make ready for the next actions of copy `c`, which the agents `who` will take."""
        self._acting[c] = who
        self._mark_present(c)
        self._look(c, who, observations, self.observations[self._rows(c)])
        if self.masks is None:
            return
        masks = self.masks[self._rows(c)]
        masks[:] = True if self.views.allowed is None else self.views.allowed
        for i in who:
            agent = self._who[i]
            told = mask_of(observations[agent], infos.get(agent))
            if told is not None:
                mask = np.asarray(told, np.bool_).reshape(-1)
                masks[i, : len(mask)] &= mask

    def _look(
        self, c: int, who: list[int], observations: Mapping[Any, Any], rows: NDArray[Any]
    ) -> None:
        """Write what the agents `who` of copy `c` see into rows [agents, row]."""
        self.views.write(rows, {i: observations[self._who[i]] for i in who})
        self.views.write_critics(rows, self._copies[c])

    def _mark_present(self, c: int) -> None:
        if self.present is not None:
            present = self.present[self._rows(c)]
            present[:] = False
            present[self._acting[c]] = True

    def _rows(self, c: int) -> slice:
        n = len(self._who)
        return slice(c * n, (c + 1) * n)

    def _listed(self, c: int) -> list[int]:
        """Who is present in copy `c`, by the environment's own list, in the order of rows."""
        try:
            return sorted(self._index[agent] for agent in self._copies[c].agents)
        except KeyError as error:
            raise self._broken(
                f"has an agent {error} that is not among its possible agents",
                "Name all agents in `possible_agents`",
            ) from error

    def _broken(self, problem: str, mend: str) -> InvalidSettingError:
        return InvalidSettingError("environment", self.environment_id, problem, mend)


_NOT_TOGETHER = "Do not promise agents_leave_together"
