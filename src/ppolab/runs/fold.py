"""Folding a log into a state: what is known after reading events up to some point."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppolab.runs.events import Event

ANEW = -1  # to which a run goes back that has no checkpoint: what it told at step 0 goes as well


@dataclass
class Column:
    """One metric over steps; NaN where a value was not finite."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def append(self, step: int, value: float | None) -> None:
        """Add one point."""
        self.steps.append(step)
        self.values.append(float("nan") if value is None else value)

    def forget_after(self, step: int) -> None:
        """Drop the points of later steps."""
        keep = bisect_right(self.steps, step)
        del self.steps[keep:]
        del self.values[keep:]


@dataclass
class RunFold:
    """All that a log tells: state, settings, newest values and every metric as a column.

    A run that resumed from an older checkpoint says "rewind": what lay after that step will be
    told again, so it is forgotten here.
    """

    state: str = "starting"
    state_words: str = "created"
    step: int = 0
    t: float = 0.0
    latest: dict[str, float | None] = field(default_factory=dict)
    settings: dict[str, float] = field(default_factory=dict)
    changes: list[tuple[int, str, float]] = field(default_factory=list)  # of settings, by step
    columns: dict[str, Column] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        self.t = max(self.t, event.t)
        if event.type == "metrics":
            self.step = event.step
            for key, value in event.data.items():
                self.columns.setdefault(key, Column()).append(event.step, value)
                self.latest[key] = value
        elif event.type == "state":
            self.state, self.state_words = event.data["state"], event.data["words"]
        elif event.type == "setting":
            self.settings[event.data["name"]] = event.data["value"]
            self.changes.append((event.step, event.data["name"], event.data["value"]))
        elif event.type == "rewind":
            self._rewind(int(event.data["to_step"]))

    def _rewind(self, step: int) -> None:
        self.step = max(step, 0)
        self.changes = [change for change in self.changes if change[0] <= step]
        self.settings = {name: value for _, name, value in self.changes}
        for key, column in self.columns.items():
            column.forget_after(step)
            last = column.values[-1] if column.values else float("nan")
            self.latest[key] = last if np.isfinite(last) else None


def decimate(
    steps: NDArray[np.int64], values: NDArray[np.float64], pixels: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keep the smallest and the largest value of each pixel, and one gap where there was one.

    A line drawn through the kept points covers the same pixels as one drawn through all of them.

    Args:
        steps: [points], ascending.
        values: [points], NaN for a gap.
        pixels: width of the drawing.

    Returns:
        Steps and values of the points kept, at most three a pixel, in their order.
    """
    if len(steps) <= 2 * pixels:
        return steps, values
    span = max(int(steps[-1] - steps[0]), 1)
    pixel = ((steps - steps[0]) * (pixels - 1)) // span
    starts = np.flatnonzero(np.diff(pixel, prepend=-1))
    gaps = np.isnan(values)
    low = _arg_extreme(np.where(gaps, np.inf, values), starts, np.minimum)
    high = _arg_extreme(np.where(gaps, -np.inf, values), starts, np.maximum)
    first_gap = _arg_extreme(gaps.astype(float), starts, np.maximum)
    kept = np.unique(np.concatenate([low, high, first_gap[gaps[first_gap]]]))
    return steps[kept], values[kept]


def _arg_extreme(
    values: NDArray[np.float64], starts: NDArray[np.intp], extreme: Any
) -> NDArray[np.intp]:
    """Index of the first extreme value in each group that begins at `starts`."""
    counts = np.diff(np.append(starts, len(values)))
    matches = values == np.repeat(extreme.reduceat(values, starts), counts)
    positions = np.flatnonzero(matches)
    group = np.repeat(np.arange(len(starts)), counts)[positions]
    _, first = np.unique(group, return_index=True)
    return np.asarray(positions[first])
