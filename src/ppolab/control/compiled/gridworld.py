"""A grid world whose rewards, walls and exits can be changed, all copies in one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ppolab.control.compiled.copies import (
    CompiledEnvironment,
    Copies,
    count_step,
    new_copies,
    uniform,
)
from ppolab.errors import InvalidSettingError
from ppolab.machine_code.jit import compiled

Int64 = NDArray[np.int64]

# What the letters of a map mean.
FREE, WALL, START, GOAL, PIT = ".#SGP"
UP, RIGHT, DOWN, LEFT = 0, 1, 2, 3

CLIFF = (
    ".....",
    ".#.#.",
    ".#.P.",
    "...#.",
    "S.P.G",
)


class GridRules(NamedTuple):
    """What a kernel needs to know beside the copies."""

    rewards: NDArray[np.float64]  # [rows, columns], for entering a cell
    ends: NDArray[np.bool_]  # [rows, columns], cells that end the episode
    walls: NDArray[np.bool_]  # [rows, columns], cells that cannot be entered
    start: Int64  # [2], row and column
    slip: float  # probability that a step goes in a random direction
    limit: int  # steps after which an episode is cut off


class GridWorld(CompiledEnvironment):
    """A walker on a grid: up 0, right 1, down 2, left 3. Steps into walls and edges stay put.

    A map is drawn with letters: `S` start, `G` goal (reward 1, end), `P` pit (reward −1, end),
    `#` wall, `.` free. Every step costs `step_cost`. `set_reward` changes a cell while a run goes.

    Observation [rows × columns]: 1 at the walker's cell, 0 elsewhere.

    Raises:
        InvalidSettingError: the map is empty, ragged, has letters unknown or not one start.
    """

    environment_id = "GridWorld"
    action_count = 4

    def __init__(
        self,
        count: int,
        seed: int,
        rows: Sequence[str] = CLIFF,
        slip: float = 0.0,
        step_cost: float = 0.01,
        limit: int = 100,
    ) -> None:
        self.rules = _read_map(rows, slip, step_cost, limit)
        self.observation_size = self.rules.rewards.size
        states = np.zeros((count, 2), np.int64)
        super().__init__(new_copies(count, self.observation_size, states, seed))
        begin_all(self.copies, self.rules)

    def set_reward(self, row: int, column: int, reward: float) -> None:
        """Let entering a cell pay `reward` from the next step on."""
        self.rules.rewards[row, column] = reward

    def state(self) -> dict[str, Any]:
        """Everything needed to go on exactly here, as plain data."""
        return super().state() | {"cell_rewards": self.rules.rewards.tolist()}

    def restore(self, state: dict[str, Any]) -> bool:
        """Go back to a state that `state()` returned; always True, for such a state is whole."""
        self.rules.rewards[...] = state["cell_rewards"]
        return super().restore(state)

    def _advance(self, actions: Int64) -> None:
        advance(self.copies, self.rules, actions)


@compiled()
def begin_all(copies: Copies, rules: GridRules) -> None:
    """Begin an episode in every copy."""
    for i in range(copies.rewards.size):
        _move(copies, i, rules.start[0], rules.start[1], rules.rewards.shape[1])


@compiled()
def advance(copies: Copies, rules: GridRules, actions: Int64) -> None:
    """Take one step in every copy, and begin anew where an episode ends."""
    rows, columns = rules.rewards.shape
    for i in range(actions.size):
        direction = actions[i]
        if rules.slip > 0.0 and uniform(copies.chance, i) < rules.slip:
            direction = int(uniform(copies.chance, i) * 4)
        row, column = copies.states[i, 0], copies.states[i, 1]
        if direction == UP:
            row = max(row - 1, 0)
        elif direction == RIGHT:
            column = min(column + 1, columns - 1)
        elif direction == DOWN:
            row = min(row + 1, rows - 1)
        else:
            column = max(column - 1, 0)
        if rules.walls[row, column]:
            row, column = copies.states[i, 0], copies.states[i, 1]
        _move(copies, i, row, column, columns)
        if count_step(copies, i, rules.rewards[row, column], rules.ends[row, column], rules.limit):
            _move(copies, i, rules.start[0], rules.start[1], columns)


@compiled()
def _move(copies: Copies, i: int, row: int, column: int, columns: int) -> None:
    copies.observations[i, copies.states[i, 0] * columns + copies.states[i, 1]] = 0.0
    copies.states[i, 0], copies.states[i, 1] = row, column
    copies.observations[i, row * columns + column] = 1.0


def _read_map(rows: Sequence[str], slip: float, step_cost: float, limit: int) -> GridRules:
    def refuse(problem: str, mend: str) -> InvalidSettingError:
        return InvalidSettingError("map", list(rows), problem, mend)

    if not rows or not rows[0] or any(len(row) != len(rows[0]) for row in rows):
        raise refuse("has rows of different lengths, or none", "Give rows of one length")
    cells = np.array([list(row) for row in rows])
    unknown = sorted(set(cells.ravel()) - set(FREE + WALL + START + GOAL + PIT))
    if unknown:
        raise refuse(f"holds {' '.join(unknown)}", "Use the letters . # S G P")
    starts = np.argwhere(cells == START)
    if len(starts) != 1:
        raise refuse(f"has {len(starts)} starts", "Give exactly one S")
    if not 0.0 <= slip <= 1.0:
        raise InvalidSettingError("slip", slip, "is no probability", "Give a number from 0 to 1")
    pays = 1.0 * (cells == GOAL) - 1.0 * (cells == PIT)
    return GridRules(
        rewards=pays - step_cost,
        ends=(cells == GOAL) | (cells == PIT),
        walls=cells == WALL,
        start=starts[0].astype(np.int64),
        slip=float(slip),
        limit=int(limit),
    )
