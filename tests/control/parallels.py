"""Environments of several agents whose numbers can be worked out by hand."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from ppolab.control.multi_agent import register

Moment = tuple[dict[Any, Any], dict[Any, float], dict[Any, bool], dict[Any, bool], dict[Any, Any]]


class Alone:
    """A Gymnasium environment as one agent's, its time limit kept by Gymnasium's own wrapper."""

    def __init__(self, environment_id: str) -> None:
        self._environment = gymnasium.make(environment_id, disable_env_checker=True)
        self.possible_agents: list[Any] = ["it"]
        self.agents: list[Any] = []

    def observation_space(self, agent: Any) -> Any:
        return self._environment.observation_space

    def action_space(self, agent: Any) -> Any:
        return self._environment.action_space

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[Any, Any], dict[Any, Any]]:
        self.agents = ["it"]
        observation, info = self._environment.reset(seed=seed)
        return {"it": observation}, {"it": info}

    def step(self, actions: Any) -> Moment:
        observation, reward, terminated, truncated, info = self._environment.step(actions["it"])
        if terminated or truncated:
            self.agents = []
        return (
            {"it": observation}, {"it": float(reward)}, {"it": terminated}, {"it": truncated},
            {"it": info},
        )  # fmt: skip


class Leavers:
    """Three agents. `a` ends after step 2, `b` is cut off after step 3, `c` ends after step 4.

    Each sees [its number from 1, steps taken]; rewards are 1, 10 and 100, plus the action times
    1000. Chance plays a part in nothing but what `draw` shows.
    """

    last = {"a": 2, "b": 3, "c": 4}  # noqa: RUF012 – never changed
    cut_off = ("b",)
    space: Any = Box(-np.inf, np.inf, (2,), np.float32)

    def __init__(self, render_mode: str | None = None) -> None:
        self.possible_agents: list[Any] = list(self.last)
        self.agents: list[Any] = []
        self.np_random = np.random.default_rng(0)
        self.steps = 0
        self.acted: list[Any] = []

    def observation_space(self, agent: Any) -> Any:
        return self.space

    def action_space(self, agent: Any) -> Any:
        return Discrete(2)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[Any, Any], dict[Any, Any]]:
        self.steps, self.agents = 0, list(self.last)
        return self.seen(self.agents), {}

    def step(self, actions: Any) -> Moment:
        acted = list(self.agents)
        assert sorted(actions) == acted
        self.acted = acted
        self.steps += 1
        ends = {agent: self.steps == self.last[agent] for agent in acted}
        self.agents = [agent for agent in acted if not ends[agent]]
        return (
            self.seen(acted),
            {agent: 10.0 ** "abc".index(agent) + 1000.0 * actions[agent] for agent in acted},
            {agent: ends[agent] and agent not in self.cut_off for agent in acted},
            {agent: ends[agent] and agent in self.cut_off for agent in acted},
            {},
        )

    def seen(self, agents: list[Any]) -> dict[Any, Any]:
        return {
            agent: np.array([1 + "abc".index(agent), self.steps], np.float32) for agent in agents
        }


class Told(Leavers):
    """The same, with a state: steps taken and how many are present."""

    def state(self) -> np.ndarray:
        return np.array([self.steps, len(self.agents)], np.float64)


class Together(Leavers):
    """All are cut off after step 3, and that is promised."""

    last = {"a": 3, "b": 3, "c": 3}  # noqa: RUF012
    cut_off = ("a", "b", "c")
    agents_leave_together = True


class BreaksItsPromise(Leavers):
    """Promises that all leave together, and `a` does not."""

    agents_leave_together = True


class Loses(Leavers):
    """Drops `c` from its list in the first step, without an end."""

    def step(self, actions: Any) -> Moment:
        moment = super().step(actions)
        self.agents = [agent for agent in self.agents if agent != "c"]
        return moment


class Stranger(Leavers):
    """Has somebody who is not among its possible agents."""

    def reset(self, **arguments: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
        begun = super().reset(**arguments)
        self.agents = [*self.agents, "z"]
        return begun


class Unequal(Together):
    """`a` sees one number and has two actions; `b` sees three and has four; `c` one and four."""

    sizes = {"a": 1, "b": 3, "c": 1}  # noqa: RUF012
    counts = {"a": 2, "b": 4, "c": 4}  # noqa: RUF012

    def observation_space(self, agent: Any) -> Any:
        return Box(-1.0, 1.0, (self.sizes[agent],), np.float32)

    def action_space(self, agent: Any) -> Any:
        return Discrete(self.counts[agent])

    def seen(self, agents: list[Any]) -> dict[Any, Any]:
        return {agent: np.full(self.sizes[agent], 0.5, np.float32) for agent in agents}


class CannotShare(Unequal):
    """`b` acts by numbers instead."""

    def action_space(self, agent: Any) -> Any:
        return Box(-1.0, 1.0, (2,), np.float32) if agent == "b" else Discrete(2)


class Masked(Together):
    """May do action 1 alone: `a` is told by its observation, `b` by its info, `c` may do both."""

    space = Dict({"observation": Leavers.space, "action_mask": Box(0, 1, (2,), np.int8)})

    def reset(self, **arguments: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
        observations, _ = super().reset(**arguments)
        return observations, self.infos()

    def step(self, actions: Any) -> Moment:
        assert actions["a"] == 1
        return (*super().step(actions)[:4], self.infos())

    def infos(self) -> dict[Any, Any]:
        return {agent: {} for agent in self.last}

    def seen(self, agents: list[Any]) -> dict[Any, Any]:
        return {
            agent: {
                "observation": vector,
                "action_mask": np.array([agent != "a", True], np.int8),
            }
            for agent, vector in super().seen(agents).items()
        }


class MaskedByInfo(Together):
    """`b` may do action 1 alone, as its info tells."""

    def reset(self, **arguments: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
        return super().reset(**arguments)[0], {"b": {"action_mask": np.array([0, 1], np.int8)}}

    def step(self, actions: Any) -> Moment:
        assert actions["b"] == 1
        return (*super().step(actions)[:4], {"b": {"action_mask": np.array([0, 1], np.int8)}})


class Pictures(Together):
    """Shows images."""

    space = Box(0, 255, (36, 36, 1), np.uint8)

    def seen(self, agents: list[Any]) -> dict[Any, Any]:
        return {
            agent: np.full((36, 36, 1), 50 * ("abc".index(agent) + 1), np.uint8) for agent in agents
        }


ALL = (
    Leavers, Told, Together, BreaksItsPromise, Loses, Stranger, Unequal, CannotShare, Masked,
    MaskedByInfo, Pictures,
)  # fmt: skip


def register_all() -> None:
    for kind in ALL:
        register(f"multi/{kind.__name__}", kind)
    for name in ("CartPole-v1", "Pendulum-v1"):
        register(f"multi/{name}", lambda render_mode=None, name=name: Alone(name))
