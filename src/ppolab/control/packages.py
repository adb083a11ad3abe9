"""Environments of packages and of our own, registered when one of them is asked for."""

from __future__ import annotations

import importlib
import importlib.util

import gymnasium

from ppolab.errors import InvalidSettingError

OURS = "ppolab/"
CARTPOLE_NO_VELOCITY = f"{OURS}CartPole-no-velocity"
MINATAR = "MinAtar/"
MINATAR_GAMES = ("asterix", "breakout", "freeway", "seaquest", "space_invaders")


def register_environments_of(environment_id: str) -> None:
    """Make an id known to Gymnasium, if it is ours or belongs to a package that we know.

    Raises:
        InvalidSettingError: that package is not installed; the message names the extra.
    """
    if is_atari(environment_id):
        require_package("ale_py", "atari", environment_id)
        ale = importlib.import_module("ale_py")  # registers its games
        ale.ALEInterface.setLoggerMode(ale.LoggerMode.Error)  # no banner for each copy
    if environment_id.startswith(MINATAR):
        require_package("minatar", "minatar", environment_id)
        _register_minatar()
    if environment_id.startswith(OURS) and CARTPOLE_NO_VELOCITY not in gymnasium.registry:
        gymnasium.register(
            CARTPOLE_NO_VELOCITY, "ppolab.control.partial:CartPoleNoVelocity",
            max_episode_steps=500,
        )  # fmt: skip


def is_atari(environment_id: str) -> bool:
    """Whether this is a game of the Arcade Learning Environment, by either of its two names."""
    return environment_id.startswith("ALE/") or "NoFrameskip-v" in environment_id


def require_package(module: str, extra: str, environment_id: str) -> None:
    """Make sure that a module is there, without importing it.

    Raises:
        InvalidSettingError: it is not.
    """
    if importlib.util.find_spec(module) is None:
        raise InvalidSettingError(
            "environment", environment_id, "needs a package that is not installed",
            f'Install it: pip install "ppolab[{extra}]"',
        )  # fmt: skip


def _register_minatar() -> None:
    for game in MINATAR_GAMES:
        name = game.title().replace("_", "")
        for version, minimal_actions in (("v0", False), ("v1", True)):
            environment_id = f"{MINATAR}{name}-{version}"
            if environment_id not in gymnasium.registry:
                gymnasium.register(
                    environment_id,
                    "ppolab.control.minatar:MinAtar",
                    kwargs={"game": game, "minimal_actions": minimal_actions},
                )
