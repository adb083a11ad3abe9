"""Environments of EnvPool, which steps many copies in C++ threads (Weng et al. 2022)."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppolab.control.batched import BatchedEnvironment, Bools, Stepped
from ppolab.control.packages import require_package
from ppolab.errors import InvalidSettingError, UnknownNameError


class EnvPool(BatchedEnvironment):
    """Copies of one of EnvPool's environments.

    EnvPool begins an episode in the step after its end and throws that step's action away. It can
    also be told to begin some copies at once, which is done here: no step is lost.

    Atari's rewards may be clipped and its games cut into lives (`reward_clip` and `episodic_life`
    among the options). The policy then is paid and cut off that way, while finished episodes tell
    of whole games in the game's own points. With lives a step is lost at each end after all: told
    to begin at once, EnvPool would begin another game while lives are left.

    The state lies in C++ and cannot be captured.
    """

    def __init__(
        self, environment_id: str, count: int, seed: int, options: Mapping[str, Any]
    ) -> None:
        self._environment = _make(environment_id, count, seed, options)
        super().__init__(
            f"envpool/{environment_id}", count, self._environment.observation_space,
            self._environment.action_space,
            begins_in_next_step=bool(options.get("episodic_life", False)),
        )  # fmt: skip
        self._show(self._environment.reset()[0])

    def close(self) -> None:
        """Release what the copies hold."""
        self._environment.close()

    def _advance(self, actions: NDArray[Any]) -> Stepped:
        seen, rewards, terminated, truncated, told = self._environment.step(actions)
        if "reward" not in told:
            return Stepped(seen, rewards, terminated, truncated)
        # Atari: what the game itself says, before rewards are clipped and lives are counted.
        over = told["terminated"].astype(np.bool_) | truncated
        return Stepped(seen, rewards, terminated, truncated, scores=told["reward"], over=over)

    def _begin_again(self, ended: Bools, observations: Any) -> Any:
        which = np.flatnonzero(ended).astype(np.int32)
        begun, told = self._environment.reset(which)
        return _replaced(observations, told["env_id"], begun)


def _make(environment_id: str, count: int, seed: int, options: Mapping[str, Any]) -> Any:
    require_package("envpool", "envpool", f"envpool/{environment_id}")
    import envpool

    known = envpool.list_all_envs()
    if environment_id not in known:
        alike = difflib.get_close_matches(environment_id, known, n=3)
        mend = f"Did you mean {' or '.join(f'envpool/{name}' for name in alike)}? " if alike else ""
        mend += f"EnvPool knows {len(known):,}; envpool.list_all_envs() names them"
        raise UnknownNameError("environment", f"envpool/{environment_id}", known, mend)
    try:
        return envpool.make(
            environment_id, env_type="gymnasium", num_envs=count, seed=seed, **options
        )
    except TypeError as error:
        raise InvalidSettingError(
            "environment_options", dict(options), f"do not fit envpool/{environment_id}: {error}",
            "Give names that envpool.make_spec(…).config lists",
        ) from error  # fmt: skip


def _replaced(observations: Any, which: NDArray[Any], rows: Any) -> Any:
    """Observations with some copies' rows exchanged."""
    if isinstance(observations, dict):
        return {key: _replaced(observations[key], which, rows[key]) for key in observations}
    exchanged = np.array(observations)
    exchanged[which] = rows
    return exchanged
