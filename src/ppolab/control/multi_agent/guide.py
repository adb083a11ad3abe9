"""A walker that cannot see where to go, and a guide that can only talk."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.utils import seeding
from numpy.typing import NDArray

from ppolab.errors import InvalidSettingError

SIDE = 5  # cells of the square's side
WORDS = 5  # as many as moves, so that both agents choose among equally many actions
LIMIT = 30  # steps
PIXELS = 24  # of a cell's side in pictures

# Stay, up, down, left, right, as changes of (row, column).
_MOVES = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
_PLACE = 2 * SIDE  # numbers that tell a cell: its row and its column, one-hot each
_SIZE = 2 * _PLACE + WORDS
_COLOURS = np.array(
    [(148, 163, 184), (59, 130, 246), (249, 115, 22), (168, 85, 247), (234, 179, 8)], np.uint8
)
_PAPER, _GOAL, _WALKER = (248, 250, 252), (34, 197, 94), (15, 23, 42)


class Guide:
    """Two agents, "guide" and "walker", in a square of 5×5 cells; neither can do it alone.

    The guide sees the goal and cannot move; the walker moves and cannot see the goal. All the
    guide can do is to say one of five words, which the walker hears before its next move. What a
    word means is for them to find out: a word helps only once the walker follows it, and
    following helps only once the guide means something by it.

    Observations, [25] float32 of 0 and 1 for both: the walker's row (5) and column (5), the goal's
    row (5) and column (5), the word said last (5, all 0 before the first). The walker's show no
    goal: those ten are 0.

    Actions, one of 5 for both: the guide says that word; the walker stays, goes up, down, left or
    right (a wall holds it).

    Rewards, the same for both: −0.05 a step, +1 with the step that reaches the goal, which ends
    the episode. After 30 steps it is cut off. So the team's return, the sum over both, lies
    between −3 and 1.9 (without `luck`).

    With `luck` above 0 there is weather: a number drawn from −luck to luck for each episode, which
    every step pays to both. Neither sees it and nothing they do depends on it, so the same
    behaviour stays best; but their returns now vary by something that no agent can know. Only a
    critic that sees the state can tell it from what they did.

    `state()` is the guide's view, and the weather where there is any: [25] or [26].

    Example:
        >>> environment = Guide()
        >>> observations, _ = environment.reset(seed=1)
        >>> observations, rewards, *_ = environment.step({"guide": 2, "walker": 0})
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "Guide", "render_modes": ["rgb_array"]}
    agents_leave_together = True

    def __init__(self, render_mode: str | None = None, luck: float = 0.0) -> None:
        if not 0 <= luck < math.inf:
            raise InvalidSettingError(
                "luck", luck, "is out of range", "Give 0 for none, or a positive number"
            )
        self.render_mode = render_mode
        self.luck = luck
        self.possible_agents: list[Any] = ["guide", "walker"]
        self.agents: list[Any] = []
        self._np_random, _ = seeding.np_random()
        self._walker = (0, 0)
        self._goal = (0, 1)
        self._word: int | None = None
        self._weather = 0.0
        self._steps = 0

    @property
    def np_random(self) -> np.random.Generator:
        """Its chance."""
        return self._np_random

    def observation_space(self, agent: Any) -> Box:
        """The same for both."""
        return Box(0.0, 1.0, (_SIZE,), np.float32)

    def action_space(self, agent: Any) -> Discrete:
        """The same for both."""
        return Discrete(WORDS)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Put the walker and the goal into two different cells."""
        if seed is not None:
            self._np_random, _ = seeding.np_random(seed)
        cells = self._np_random.choice(SIDE * SIDE, 2, replace=False)
        self._walker, self._goal = (divmod(int(cell), SIDE) for cell in cells)
        self._weather = float(self._np_random.uniform(-self.luck, self.luck)) if self.luck else 0.0
        self._word, self._steps = None, 0
        self.agents = list(self.possible_agents)
        return self._observations(), {agent: {} for agent in self.agents}

    def step(
        self, actions: Any
    ) -> tuple[dict[Any, Any], dict[Any, float], dict[Any, bool], dict[Any, bool], dict[Any, Any]]:
        """Say a word and make a move, both at once; the word is heard after the move."""
        (row, column), (down, right) = self._walker, _MOVES[int(actions["walker"])]
        self._walker = min(max(row + down, 0), SIDE - 1), min(max(column + right, 0), SIDE - 1)
        self._word = int(actions["guide"])
        self._steps += 1
        there = self._walker == self._goal
        late = self._steps >= LIMIT and not there
        if there or late:
            self.agents = []
        reward = (0.95 if there else -0.05) + self._weather
        both = self.possible_agents
        return (
            self._observations(),
            dict.fromkeys(both, reward),
            dict.fromkeys(both, there),
            dict.fromkeys(both, late),
            {agent: {} for agent in both},
        )

    def state(self) -> NDArray[np.float32]:
        """Everything there is, [25], or [26] with weather."""
        view = self._view()
        return np.append(view, np.float32(self._weather)) if self.luck else view

    def _view(self) -> NDArray[np.float32]:
        state = np.zeros(_SIZE, np.float32)
        for offset, (row, column) in ((0, self._walker), (_PLACE, self._goal)):
            state[offset + row] = state[offset + SIDE + column] = 1.0
        if self._word is not None:
            state[2 * _PLACE + self._word] = 1.0
        return state

    def render(self) -> NDArray[np.uint8]:
        """The square, and under it a bar in the colour of the word said last, [144, 120, 3]."""
        picture = np.empty(((SIDE + 1) * PIXELS, SIDE * PIXELS, 3), np.uint8)
        picture[:] = _PAPER
        for (row, column), colour, margin in ((self._goal, _GOAL, 1), (self._walker, _WALKER, 6)):
            top, left = row * PIXELS, column * PIXELS
            cell = picture[top : top + PIXELS, left : left + PIXELS]
            cell[margin:-margin, margin:-margin] = colour
        if self._word is not None:
            picture[-PIXELS + 4 : -4, 4:-4] = _COLOURS[self._word]
        return picture

    def close(self) -> None:
        """Nothing to release."""

    def _observations(self) -> dict[Any, NDArray[np.float32]]:
        seen = self._view()
        blind = seen.copy()
        blind[_PLACE : 2 * _PLACE] = 0.0
        return {"guide": seen, "walker": blind}
