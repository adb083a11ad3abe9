"""Gymnasium's vector environments: vectorised ones, and copies in processes of their own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import load_env_creator
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from ppolab.control.batched import BatchedEnvironment, Bools, Stepped
from ppolab.control.distributions import Categorical, MultiCategorical
from ppolab.control.environments import made, make_single
from ppolab.control.snapshots import capture, restore
from ppolab.errors import InvalidSettingError


class GymnasiumVector(BatchedEnvironment):
    """A vector environment of Gymnasium's, in whichever of the three modes it begins episodes.

    It can be captured as `VectorEnvironment` can: where all its changing attributes are plain.
    """

    def __init__(
        self, environment_id: str, environment: VectorEnv[Any, Any, Any], seed: int,
        asks_for_masks: bool = False,
    ) -> None:  # fmt: skip
        self._environment = environment
        self._mode = _mode_of(environment_id, environment)
        super().__init__(
            environment_id, environment.num_envs, environment.single_observation_space,
            environment.single_action_space, self._mode is AutoresetMode.NEXT_STEP,
        )  # fmt: skip
        choices = isinstance(self.distribution, (Categorical, MultiCategorical))
        self._asks_for_masks = asks_for_masks and choices
        # Seeded far apart like `VectorEnvironment`; copies get consecutive seeds from there on.
        first = int(np.random.SeedSequence(seed).generate_state(1)[0]) >> 1
        self._show(environment.reset(seed=first)[0])

    def close(self) -> None:
        """Release what the copies hold, processes too."""
        self._environment.close()

    def state(self) -> dict[str, Any] | None:
        """Everything needed to go on exactly here, as plain data; None if that cannot be had."""
        captured = capture(self._environment)
        return None if captured is None else {"environment": captured, **self._book_state()}

    def restore(self, state: dict[str, Any]) -> bool:
        """Go back to a state that `state()` returned; always True, for such a state is whole."""
        restore(self._environment, state["environment"])
        self._restore_book(state)
        return True

    def _advance(self, actions: NDArray[Any]) -> Stepped:
        seen, rewards, terminated, truncated, told = self._environment.step(actions)
        final = None
        if self._mode is AutoresetMode.SAME_STEP:
            # Not every environment says whose last observations it hands over.
            which = told.get("_final_obs", terminated | truncated)
            final = _stacked(told.get("final_obs"), which, seen)
        return Stepped(seen, rewards, terminated, truncated, final)

    def _begin_again(self, ended: Bools, observations: Any) -> Any:
        return self._environment.reset(options={"reset_mask": ended.copy()})[0]

    def _masks_of(self, observations: Any) -> Any:
        if self._asks_for_masks:
            return np.stack(self._environment.call("action_masks"))  # type: ignore[attr-defined]
        return super()._masks_of(observations)


def native_vector(
    environment_id: str, count: int, seed: int, options: Mapping[str, Any]
) -> GymnasiumVector:
    """Copies stepped by an environment's own vectorised implementation.

    Args:
        environment_id: Gymnasium's name, without our prefix.
        count: copies.
        seed: of all of them.
        options: passed to the implementation.

    Raises:
        UnknownNameError: no environment of that name.
        InvalidSettingError: it has no such implementation, or does not take these options.
    """
    with made(environment_id, options):
        specification = gymnasium.spec(environment_id)
        entry = specification.vector_entry_point
        if entry is None:
            raise InvalidSettingError(
                "environment", f"vector/{environment_id}", "has no vectorised implementation",
                f"Take {environment_id}, or async/{environment_id} for a process each",
            )  # fmt: skip
        creator = load_env_creator(entry) if isinstance(entry, str) else entry
        accepted = inspect.signature(creator).parameters
        arguments = dict(options)
        if "reward_clipping" in accepted:
            # Atari's engine clips rewards unless told otherwise, and returns would be clipped too.
            arguments.setdefault("reward_clipping", False)
        if "autoreset_mode" in accepted and "autoreset_mode" not in arguments:
            environment = _losing_no_step(environment_id, count, arguments)
        else:
            environment = gymnasium.make_vec(
                environment_id, count, vectorization_mode="vector_entry_point", **arguments
            )
    return GymnasiumVector(f"vector/{environment_id}", environment, seed)


def _losing_no_step(
    environment_id: str, count: int, arguments: Mapping[str, Any]
) -> VectorEnv[Any, Any, Any]:
    """Made in a mode that spends no step on beginning an episode; some know only one of the two."""
    for mode in (AutoresetMode.DISABLED, AutoresetMode.SAME_STEP):
        try:
            return gymnasium.make_vec(
                environment_id, count, vectorization_mode="vector_entry_point",
                autoreset_mode=mode, **arguments,
            )  # fmt: skip
        except ValueError as error:
            if "autoreset" not in str(error):
                raise
    return gymnasium.make_vec(
        environment_id, count, vectorization_mode="vector_entry_point", **arguments
    )


def async_vector(
    environment_id: str, count: int, seed: int, options: Mapping[str, Any]
) -> GymnasiumVector:
    """Copies in a process each; arguments and errors as in `native_vector`.

    For environments so slow that sending observations between processes does not matter: a step
    costs about 0.1 ms more. The processes are spawned, for a fork would copy torch's threads in
    whatever state they are.
    """
    single = make_single(environment_id, **options)
    asks_for_masks = callable(getattr(single.unwrapped, "action_masks", None))
    single.close()
    with made(environment_id, options):
        environment = gymnasium.make_vec(
            environment_id, count, vectorization_mode="async",
            vector_kwargs={"context": "spawn", "autoreset_mode": AutoresetMode.DISABLED},
            **options,
        )  # fmt: skip
    return GymnasiumVector(f"async/{environment_id}", environment, seed, asks_for_masks)


def _mode_of(environment_id: str, environment: VectorEnv[Any, Any, Any]) -> AutoresetMode:
    told = environment.metadata.get("autoreset_mode")
    try:
        return AutoresetMode(told)
    except ValueError:
        known = ", ".join(mode.value for mode in AutoresetMode)
        raise InvalidSettingError(
            "environment", environment_id,
            f"does not say when it begins episodes anew (its autoreset_mode is {told!r})",
            f"Set metadata['autoreset_mode'] in it to one of {known}",
        ) from None  # fmt: skip


def _stacked(final: Any, which: Bools | None, seen: Any) -> Any:
    """Last observations as one batch; of copies that go on, what they show now.

    Args:
        final: an array of one observation for each copy that ended and None for the others, or a
            batch; None where nothing ended.
        which: [count], the copies that ended.
        seen: all observations, batched.
    """
    if final is None or which is None or not which.any():
        return None
    if isinstance(seen, dict):
        parts = final if isinstance(final, dict) else _by_key(final, which, seen)
        return {key: _stacked(parts[key], which, seen[key]) for key in seen}
    batch = np.array(seen)
    for i in np.flatnonzero(which):
        batch[i] = final[i]
    return batch


def _by_key(final: Any, which: Bools, seen: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {
        key: [row[key] if there else None for row, there in zip(final, which, strict=True)]
        for key in seen
    }
