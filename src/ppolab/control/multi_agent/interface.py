"""What an environment of several agents must offer: PettingZoo's parallel interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import gymnasium


class ParallelEnvironment(Protocol):
    """An environment in which all agents that are present act at once.

    Any of PettingZoo's parallel environments fits, and so does a class of one's own that imports
    nothing of it. Agents have names; what belongs to each travels in dictionaries by name.

    Besides, these are used where they exist:
        `state()`: the whole state as one vector, for a central critic; without it that critic sees
            the observations of all agents.
        an entry "action_mask" in an agent's Dict observation or in its info: [actions], 0 or False
            for what it must not do now.
        `agents_leave_together`: True promises that all agents are present from the first step of
            an episode to the last, which spares the book-keeping and opens the compiled back end.
        `render()`, of environments made with `render_mode="rgb_array"`, for recorded episodes.
        `close()`.
    """

    possible_agents: list[Any]  # all that may ever be present, in an order that stays
    agents: list[Any]  # those that are present now and will act in the next step

    def observation_space(self, agent: Any) -> gymnasium.Space[Any]:
        """What an agent sees."""
        ...

    def action_space(self, agent: Any) -> gymnasium.Space[Any]:
        """What an agent can do."""
        ...

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Mapping[Any, Any], Mapping[Any, Any]]:
        """Begin an episode; the observations and infos of those who are present."""
        ...

    def step(
        self, actions: Mapping[Any, Any]
    ) -> tuple[
        Mapping[Any, Any],
        Mapping[Any, float],
        Mapping[Any, bool],
        Mapping[Any, bool],
        Mapping[Any, Any],
    ]:
        """Let all who are present act.

        Returns:
            Observations, rewards, terminations, truncations and infos of all who acted. One whose
            termination or truncation is set has seen its last observation and is in `agents` no
            more; the episode is over when nobody is.
        """
        ...
