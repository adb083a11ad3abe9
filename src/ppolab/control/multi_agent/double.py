"""A second copy of an environment, made to render, that repeats an episode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppolab.control.multi_agent.interface import ParallelEnvironment
from ppolab.control.multi_agent.known import make_parallel
from ppolab.control.multi_agent.vector import MultiAgentEnvironment
from ppolab.control.multi_agent.views import AgentViews


class ParallelDouble:
    """One copy outside the vector environment, which would begin anew before its last picture."""

    def __init__(self, environment: ParallelEnvironment, views: AgentViews, rows: Any) -> None:
        self._environment = environment
        self._views = views
        self._agents = list(environment.possible_agents)
        self._rows: NDArray[Any] = np.zeros_like(rows)
        self._scalar = not views.distribution.action_shape

    @classmethod
    def made_for(
        cls, environment_id: str, options: Mapping[str, Any], original: MultiAgentEnvironment
    ) -> ParallelDouble | None:
        """A double, or None of an environment that does not render."""
        plain = make_parallel(environment_id, options)
        if "rgb_array" not in (getattr(plain, "metadata", {}).get("render_modes") or ()):
            return None
        made = make_parallel(environment_id, options, "rgb_array")
        return cls(made, original.views, original.observations[: len(original.views.names)])

    def reset(self, seed: int) -> NDArray[Any]:
        """Begin an episode; what the agents see, [agents, row], but for the critic's own part."""
        return self._written(self._environment.reset(seed=seed)[0])

    def step(self, actions: NDArray[Any], acted: NDArray[np.bool_]) -> NDArray[Any]:
        """Let the agents that `acted` [agents] act; what they saw then, [agents, row]."""
        chosen = actions.tolist() if self._scalar else actions
        given = {self._agents[i]: chosen[i] for i in np.flatnonzero(acted)}
        return self._written(self._environment.step(given)[0])

    def render(self) -> Any:
        """The picture of now."""
        return self._environment.render()  # type: ignore[attr-defined]

    def close(self) -> None:
        """Release it."""
        if hasattr(self._environment, "close"):
            self._environment.close()

    def _written(self, observations: Any) -> NDArray[Any]:
        seen = {i: observations[a] for i, a in enumerate(self._agents) if a in observations}
        self._views.write(self._rows, seen)
        return self._rows
