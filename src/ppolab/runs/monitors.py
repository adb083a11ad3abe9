"""Watching a run's numbers, and saying what is wrong with them.

A monitor is a pure function of the numbers recorded so far: the same series gives the same alerts,
and what comes later changes none of them. A watch remembers which alerts are up, so that each is
raised once until its reason has gone for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ppolab.runs.fold import Column

Series = Mapping[str, Column]
_CALM = 3  # sound judgements in a row before the same alert may come again: none flickers


@dataclass(frozen=True)
class Finding:
    """What a monitor saw."""

    found: str  # a sentence with the numbers
    advice: str  # what to try
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Alert:
    """A finding, when it is news."""

    step: int
    kind: str
    finding: Finding

    def evidence(self) -> dict[str, Any]:
        """As a log keeps it."""
        return {"found": self.finding.found, "try": self.finding.advice, **self.finding.numbers}


class Monitor(Protocol):
    """Somebody who looks at some of the numbers."""

    @property
    def kind(self) -> str:
        """What it warns of, in a few words."""
        ...

    @property
    def keys(self) -> tuple[str, ...]:
        """The numbers by which it judges; it is asked when any of them is new."""
        ...

    def judge(self, series: Series) -> Finding | None:
        """What is wrong by the newest numbers; None where nothing is, or nothing can be said."""
        ...


class Watch:
    """Some monitors, following one run."""

    def __init__(self, monitors: Sequence[Monitor]) -> None:
        self._monitors = tuple(monitors)
        self._keys = frozenset(key for monitor in monitors for key in monitor.keys)
        self._forget()

    def see(self, step: int, scalars: Mapping[str, float | None]) -> list[Alert]:
        """Take in what was recorded at a step; return what is wrong and was not before."""
        fresh = self._keys & scalars.keys()
        for key in sorted(fresh):
            self._series.setdefault(key, Column()).append(step, scalars[key])
        alerts = []
        for monitor in self._monitors:
            if fresh.isdisjoint(monitor.keys):
                continue
            finding = monitor.judge(self._series)
            calm = self._calm.get(monitor.kind, _CALM)
            if finding is not None and calm >= _CALM:
                alerts.append(Alert(step, monitor.kind, finding))
            self._calm[monitor.kind] = 0 if finding is not None else calm + 1
        return alerts

    def rewind(self, step: int) -> None:
        """Forget what came after a step, and with it the alerts."""
        past = [row for row in self._rows() if row[0] <= step]
        self._forget()
        for at, scalars in past:
            self.see(at, scalars)

    def _forget(self) -> None:
        self._series: dict[str, Column] = {}
        self._calm: dict[str, int] = {}  # sound judgements since each kind's last finding

    def _rows(self) -> list[tuple[int, dict[str, float | None]]]:
        return rows_of(self._series)


def rows_of(series: Series) -> list[tuple[int, dict[str, float | None]]]:
    """Columns as one mapping for each step, in order."""
    rows: dict[int, dict[str, float | None]] = {}
    for key, column in series.items():
        for step, value in zip(column.steps, column.values, strict=True):
            rows.setdefault(step, {})[key] = value
    return sorted(rows.items(), key=lambda row: row[0])


def alerts_of(
    monitors: Sequence[Monitor], rows: Iterable[tuple[int, Mapping[str, float | None]]]
) -> list[Alert]:
    """All alerts of a whole series, each at the step where it came."""
    watch = Watch(monitors)
    return [alert for step, scalars in rows for alert in watch.see(step, scalars)]
