"""Runs that are trained side by side in one process, up to the same steps.

A sweep judges settings by the mean over several seeds. Were one seed trained after the other, that
mean would be known only when most of the work is done; so the seeds take turns.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ppolab.runs.folder import RunFolder
from ppolab.runs.session import Controls, Session
from ppolab.runs.studies.metric import Metric


@dataclass(frozen=True)
class Job:
    """What a team is to do. Plain data, the same for this process, another one and Ray.

    Attributes:
        name: unique within the study.
        folders: paths of the runs.
        stops: steps to report at, ascending; the last one stands for the runs' end.
        metric: see `Metric.parse`.
    """

    name: str
    folders: tuple[str, ...]
    stops: tuple[int, ...]
    metric: str

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data from which `from_mapping` builds the same job."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Job:
        """Build from what `to_mapping` returned, possibly by way of JSON."""
        return cls(data["name"], tuple(data["folders"]), tuple(data["stops"]), data["metric"])


@dataclass(frozen=True)
class Report:
    """Where a team stands.

    Attributes:
        job: the job's name.
        step: the stop that was reached.
        values: `Metric.so_far` of each run, in the job's order.
        state: "going", "finished", "stopped", "failed", or "lost" when the process is gone.
        words: what went wrong, if anything did.
    """

    job: str
    step: int
    values: tuple[float, ...]
    state: str
    words: str = ""


class Team:
    """Runs that take turns.

    Args:
        job: what to do.
        controls: asked between two iterations; raises EOFError when nobody waits any more.

    Raises:
        ConflictError: another process holds one of the runs.
    """

    def __init__(self, job: Job, controls: Controls) -> None:
        self._job = job
        self._orders = _Orders(controls)
        self._metric = Metric.parse(job.metric)
        self._stops = list(job.stops)
        self._folders = [RunFolder(Path(path)) for path in job.folders]
        self._locks = ExitStack()
        self._walks: list[Generator[int, None, str] | None] = []
        for folder in self._folders:
            self._locks.enter_context(folder.locked())
            over = folder.status().state == "finished"  # in an earlier sitting
            self._walks.append(None if over else Session(folder, self._orders).walk())

    def advance(self) -> Report:
        """Train every run up to the next stop.

        Raises:
            KeyboardInterrupt: from the terminal, or because nobody waits any more. All runs have
                written "interrupted" and can be resumed.
        """
        step = self._stops.pop(0)
        last = not self._stops
        for i, folder in enumerate(self._folders):
            state = self._walk(i, math.inf if last else step)
            if state == "interrupted":
                self.close()
                raise KeyboardInterrupt
            if state == "failed":
                self.close()
                return Report(self._job.name, step, (), "failed", folder.status().words)
        if last:
            self.close()
        values = tuple(self._metric.so_far(folder.fold(), step) for folder in self._folders)
        return Report(self._job.name, step, values, "finished" if last else "going")

    def stop(self) -> Report:
        """End all runs here; each keeps a checkpoint."""
        self._orders.stopping = True
        for i in range(len(self._folders)):
            self._walk(i, math.inf)
        self.close()
        return Report(self._job.name, 0, (), "stopped")

    def close(self) -> None:
        """Interrupt what still goes and let go of the runs."""
        for walk in self._walks:
            if walk is not None:
                walk.close()
        self._walks = [None] * len(self._walks)
        self._locks.close()

    def _walk(self, index: int, until: float) -> str:
        """Train one run until it has taken `until` steps or is over; return its state."""
        walk = self._walks[index]
        folder = self._folders[index]
        if walk is None or folder.fold().step >= until:
            return "going"
        try:
            while next(walk) < until:
                pass
        except StopIteration as end:
            self._walks[index] = None
            return str(end.value)
        return "going"


class _Orders:
    """The order to stop, for every run of a team; other orders come from outside."""

    def __init__(self, outside: Controls) -> None:
        self._outside = outside
        self.stopping = False

    def poll(self, block: bool) -> dict[str, Any] | None:
        if self.stopping:
            return {"action": "stop"}
        return self._outside.poll(block)
