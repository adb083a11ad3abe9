"""What `ppolab sweep` and `ppolab ablate` share: who works, and how far they are."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from ppolab.errors import InvalidSettingError

if TYPE_CHECKING:
    from ppolab.runs.studies.crews import Crew

Interval = tuple[float, float]


class Bar:
    """One bar for all runs of a study, counted in environment steps.

    Args:
        progress: where it is drawn.
        total: environment steps of the whole study.
    """

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total, note="starting")
        self._steps: dict[str, int] = {}

    def at(self, name: str, steps: int) -> None:
        """A run, or a team of runs, has taken so many steps in all."""
        self._steps[name] = steps
        self._progress.update(self._task, completed=sum(self._steps.values()))

    def note(self, words: str) -> None:
        """Say something beside the bar."""
        self._progress.update(self._task, note=words)


@contextmanager
def bar(console: Console, total: int) -> Iterator[Bar]:
    """A bar that is drawn while the study goes."""
    with Progress(
        BarColumn(bar_width=None), TaskProgressColumn(), TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(), console=console,
    ) as progress:  # fmt: skip
        yield Bar(progress, total)


@contextmanager
def crew_at_work(jobs: int, ray: bool) -> Iterator[Crew]:
    """Who trains the runs; whatever happens, nothing of it goes on afterwards."""
    import torch

    from ppolab.runs.studies.crews import crew_for

    torch.set_num_threads(1)  # networks this small lose time on a second thread
    crew = crew_for(jobs, ray or bool(os.environ.get("RAY_ADDRESS")))
    try:
        yield crew
    finally:
        crew.close()


def require_seeds(seeds: int, first: int) -> list[int]:
    """The seeds of the runs: so many, counted from the first."""
    if seeds < 1:
        raise InvalidSettingError("seeds", seeds, "is too few", "Give 1 or more")
    if first + seeds > 2**31:
        raise InvalidSettingError("seed", first, "is too large for that many seeds", "Give less")
    return list(range(first, first + seeds))


def number(value: float | None, digits: int = 1) -> str:
    """A number for a table; a dash where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def span(interval: Interval | None, digits: int = 1) -> str:
    """An interval for a table."""
    if interval is None:
        return "–"
    return f"{interval[0]:,.{digits}f} to {interval[1]:,.{digits}f}"


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Rounded to a millisecond."""
        return round(time.perf_counter() - self._started, 3)
