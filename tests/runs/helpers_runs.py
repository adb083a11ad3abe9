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


Order = dict[str, Any]


class Script:
    """Gives orders at polls counted from the start; a blocking poll takes the next order."""

    def __init__(self, orders: dict[int, Order], when_blocked: list[Order | float]) -> None:
        self._orders = orders
        self._when_blocked = when_blocked
        self._iteration = -1
        self._given = True

    def poll(self, block: bool) -> Order | None:
        if block:
            while isinstance(self._when_blocked[0], float):
                time.sleep(self._when_blocked.pop(0))  # type: ignore[arg-type]
            return self._when_blocked.pop(0)  # type: ignore[return-value]
        if self._given:
            self._given = False
            self._iteration += 1
            order = self._orders.get(self._iteration)
            if order is not None:
                return order
        self._given = True
        return None


def order(action: str, **more: Any) -> Order:
    return {"action": action, "name": None, "value": None, **more}
