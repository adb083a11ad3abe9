"""MinAtar's five games as Gymnasium environments (Young & Tian 2019)."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from ppolab.control.snapshots import from_plain, to_plain

CELL = 16  # pixels of a cell's side in a picture
# Colours of the channels, told apart by colour-blind eyes too (Okabe & Ito 2008), then lighter.
COLOURS = np.array([
    (0, 0, 0), (86, 180, 233), (240, 228, 66), (204, 121, 167), (0, 158, 115), (230, 159, 0),
    (0, 114, 178), (213, 94, 0), (190, 220, 245), (150, 220, 195), (245, 200, 130),
], np.uint8)  # fmt: skip


class MinAtar(gymnasium.Env[Any, Any]):
    """One game on a grid of 10×10 cells.

    Shows bits [10, 10, channels], a channel for each kind of thing. With a probability of
    `sticky_action_prob` the last action is repeated instead of the one given. Episodes have no
    time limit.

    The package's own Gymnasium class is not used: its module draws in matplotlib and seaborn and,
    where they are missing, writes to the log; and it keeps chance where no checkpoint finds it.

    Args:
        game: such as "breakout".
        minimal_actions: only the actions that mean something in this game, instead of all six.
        sticky_action_prob: 0.1 in the paper.
        difficulty_ramping: whether the game gets harder with time.
        render_mode: "rgb_array" for pictures.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012 – Gymnasium's way

    def __init__(
        self,
        game: str,
        minimal_actions: bool,
        sticky_action_prob: float = 0.1,
        difficulty_ramping: bool = True,
        render_mode: str | None = None,
    ) -> None:
        self.render_mode = render_mode
        self._game = _module(game).Env(ramping=difficulty_ramping)
        self._actions = self._game.minimal_action_set() if minimal_actions else list(range(6))
        self._sticky = sticky_action_prob
        self._last_action = 0
        self._chance = np.random.RandomState()  # the kind that the games draw from
        self.action_space = Discrete(len(self._actions))
        bits: Any = np.bool_  # which Box's annotations do not know
        self.observation_space = Box(0, 1, self._game.state_shape(), bits)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.bool_], dict[str, Any]]:
        """Begin a game."""
        super().reset(seed=seed)
        if seed is not None:
            self._chance = np.random.RandomState(seed)
        self._game.random = self._chance
        self._game.reset()
        return self._game.state(), {}

    def step(self, action: int) -> tuple[NDArray[np.bool_], float, bool, bool, dict[str, Any]]:
        """Take one step; it ends where the game does, never by a time limit."""
        chosen = self._actions[action]
        if self._chance.rand() < self._sticky:
            chosen = self._last_action
        self._last_action = chosen
        reward, over = self._game.act(chosen)
        return self._game.state(), float(reward), bool(over), False, {}

    def render(self) -> NDArray[np.uint8]:
        """A picture [160, 160, 3]; of things in one cell the one of the highest channel shows."""
        state = self._game.state()
        highest = (state * np.arange(1, state.shape[2] + 1)).max(2)
        cells: NDArray[np.uint8] = COLOURS[highest]
        return cells.repeat(CELL, 0).repeat(CELL, 1)

    def take_snapshot(self) -> dict[str, Any]:
        """All that changes, as JSON can hold it."""
        return {
            "game": {k: to_plain(v) for k, v in vars(self._game).items() if k != "random"},
            "chance": to_plain(self._chance.get_state(legacy=False)),
            "last_action": self._last_action,
        }

    def go_back(self, snapshot: dict[str, Any]) -> None:
        """Be as when the snapshot was taken."""
        for name, value in snapshot["game"].items():
            setattr(self._game, name, from_plain(value))
        self._chance.set_state(from_plain(snapshot["chance"]))
        self._game.random = self._chance
        self._last_action = snapshot["last_action"]


@lru_cache
def _module(game: str) -> ModuleType:
    """A game's module, without the package around it, which would import its drawing."""
    package = importlib.util.find_spec("minatar")
    assert package is not None
    assert package.submodule_search_locations is not None
    file = Path(package.submodule_search_locations[0]) / "environments" / f"{game}.py"
    found = importlib.util.spec_from_file_location(f"ppolab_minatar_{game}", file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
