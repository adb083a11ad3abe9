"""Views of a log: series for a chart, and the state of a run at one step."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ppolab.errors import UnknownNameError
from ppolab.runs.events import Event
from ppolab.runs.fold import Column, RunFold, decimate
from ppolab.runs.folder import RunFolder


@dataclass(frozen=True)
class SeriesView:
    """Columns of metrics, and the cursor from which to follow for what comes next."""

    columns: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
    cursor: int


def fold_series(
    folder: RunFolder,
    keys: list[str] | None = None,
    from_step: int = 0,
    to_step: int | None = None,
    pixels: int = 800,
    early: Collection[str] = (),
) -> SeriesView:
    """Metrics over a span of steps, reduced to what `pixels` can show.

    Args:
        folder: the run.
        keys: metrics wanted; None for all.
        from_step: first step, inclusive.
        to_step: last step, inclusive; None for the newest.
        pixels: width of the chart.
        early: metrics that are empty, and not unknown, where none was recorded yet.

    Raises:
        UnknownNameError: a key that the run has not recorded.
    """
    with folder.folded() as (fold, cursor):
        known = sorted(fold.columns)
        empty = Column()
        found = {key: fold.columns.get(key, empty) for key in (known if keys is None else keys)}
        copies = {
            key: (np.array(column.steps, np.int64), np.array(column.values, np.float64))
            for key, column in found.items()
        }
    columns = {}
    for key, (steps, values) in copies.items():
        if key not in known and key not in early:
            raise UnknownNameError("keys", key, known)
        inside = steps >= from_step
        if to_step is not None:
            inside &= steps <= to_step
        columns[key] = decimate(steps[inside], values[inside], pixels)
    return SeriesView(columns, cursor)


@dataclass
class StateAt:
    """Everything a run had told when it reached a step."""

    step: int
    seq: int = 0
    state: str = "starting"
    metrics: dict[str, float | None] = field(default_factory=dict)
    settings: dict[str, float] = field(default_factory=dict)
    histograms: dict[str, Event] = field(default_factory=dict)
    alerts: list[Event] = field(default_factory=list)


def state_at(folder: RunFolder, step: int) -> StateAt:
    """Fold the log up to and including a step.

    A future that a rewind took back is left out, whether it has been told again or not.
    """
    told: list[Event] = []
    for event in folder.read():
        if event.type == "rewind":
            to_step = int(event.data["to_step"])
            told = [earlier for earlier in told if earlier.step <= to_step]
        elif event.step <= step:
            told.append(event)
    fold = RunFold()
    at = StateAt(step=max((event.step for event in told), default=0))
    for event in told:
        fold.apply(event)
        at.seq = event.seq
        if event.type == "histogram":
            at.histograms[event.data["name"]] = event
        elif event.type == "alert":
            at.alerts.append(event)
    at.state = fold.state
    at.metrics, at.settings = dict(fold.latest), dict(fold.settings)
    return at
