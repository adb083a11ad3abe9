"""Capturing an environment's state as plain data, and going back to it."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np

from ppolab.errors import PPOLabError

# Attributes of every environment that never change after construction, and its generator, which
# is captured by its own state.
_NOT_STATE = {
    "spec", "metadata", "action_space", "observation_space", "reward_range", "np_random",
    "_np_random", "single_action_space", "single_observation_space",
}  # fmt: skip


class NotPlainError(PPOLabError):
    """A value that JSON cannot hold."""

    def __init__(self, value: object) -> None:
        super().__init__("environment state", type(value).__name__, "is not plain data", "")


@runtime_checkable
class Snapshotting(Protocol):
    """An environment that knows best what of it changes."""

    def take_snapshot(self) -> dict[str, Any]:
        """All that changes, as JSON can hold it."""
        ...

    def go_back(self, snapshot: dict[str, Any]) -> None:
        """Be as when the snapshot was taken."""
        ...


def capture(environment: Any) -> dict[str, Any] | None:
    """Everything of an environment that changes, as JSON can hold it; None if that cannot be had.

    That needs an environment that takes snapshots itself, or attributes which are plain numbers,
    text, arrays or containers of them. Physics engines that keep their state in C are not, nor are
    wrappers that were left on, for they may remember things of their own.
    """
    if isinstance(environment, Snapshotting):
        return {"snapshot": environment.take_snapshot()}
    if not hasattr(environment, "np_random"):
        return None
    try:
        attributes = {
            name: to_plain(value)
            for name, value in vars(environment).items()
            if name not in _NOT_STATE
        }
    except NotPlainError:
        return None
    generator = environment.np_random.bit_generator
    return {"attributes": attributes, "generator": to_plain(generator.state)}


def restore(environment: Any, captured: dict[str, Any]) -> None:
    """Go back to a state that `capture` returned."""
    if "snapshot" in captured:
        environment.go_back(captured["snapshot"])
        return
    for name, value in captured["attributes"].items():
        setattr(environment, name, from_plain(value))
    environment.np_random.bit_generator.state = from_plain(captured["generator"])


def to_plain(value: Any) -> Any:
    """Write a value as JSON can hold it, keeping the difference between tuples and arrays.

    Raises:
        NotPlainError: it holds something else than numbers, text, arrays and containers of them.
    """
    if isinstance(value, np.generic):  # first, for np.float64 is a float too
        return {"scalar": value.dtype.str, "value": value.item()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"array": value.dtype.str, "shape": value.shape, "value": value.ravel().tolist()}
    if isinstance(value, tuple):
        return {"tuple": [to_plain(item) for item in value]}
    if isinstance(value, list):
        return [to_plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: to_plain(item) for key, item in value.items()}}
    raise NotPlainError(value)


def from_plain(value: Any) -> Any:
    """Read what `to_plain` wrote."""
    if isinstance(value, list):
        return [from_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "scalar" in value:
        return np.dtype(value["scalar"]).type(value["value"])
    if "array" in value:
        return np.array(value["value"], value["array"]).reshape(value["shape"])
    if "tuple" in value:
        return tuple(from_plain(item) for item in value["tuple"])
    return {key: from_plain(item) for key, item in value["dict"].items()}
