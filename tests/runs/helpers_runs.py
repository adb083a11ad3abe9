"""Small runs, and waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ppolab.control.config import PPOConfig
from ppolab.runs import RunFolder, fold_series
from ppolab.runs.session import NoControls, Session

BATCH = 64  # samples in one rollout of `quick_config`


def quick_config(iterations: int = 12, **changes: Any) -> PPOConfig:
    """A run of a second or less."""
    return PPOConfig.from_mapping(
        {"environments": 2, "rollout_steps": 32, "minibatch_size": 32, "epochs": 2,
         "hidden_size": 16, "learning_rate": 0.003, "total_steps": iterations * BATCH, **changes}
    )  # fmt: skip


def train(folder: RunFolder) -> str:
    """Run to the end in this process; return the last state."""
    with folder.locked():
        return Session(folder, NoControls()).run()


def series(folder: RunFolder) -> dict[str, tuple[list[int], list[float | None]]]:
    """Every metric as the log tells it, but the speed; None for a gap."""
    columns = fold_series(folder, pixels=1 << 30).columns
    return {
        key: (steps.tolist(), [None if np.isnan(v) else v for v in values.tolist()])
        for key, (steps, values) in columns.items()
        if key != "steps_per_second"
    }


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class Orders:
    """Gives each order once so many iterations are done, and none before the first has begun."""

    def __init__(self, orders: dict[int, dict[str, Any]]) -> None:
        self._orders = dict(orders)
        self._done = 0

    def poll(self, block: bool) -> dict[str, Any] | None:
        return self._orders.pop(self._done, None)

    def note(self, step: int, metrics: dict[str, float]) -> None:
        """One more iteration is done."""
        self._done += 1
