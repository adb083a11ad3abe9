"""The recorder that writes a run folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ppolab.runs.checkpoints import save_checkpoint
from ppolab.runs.folder import RunFolder
from ppolab.runs.log import LogWriter
from ppolab.runs.monitors import Monitor, Watch, rows_of


class FolderRecorder:
    """Writes what a trainer tells into the log and the folders beside it (see `Recorder`).

    Monitors look at every number that comes, and what they find is an alert in the log.
    """

    def __init__(self, folder: RunFolder, monitors: Sequence[Monitor] = ()) -> None:
        self._folder = folder
        self._watch = Watch(monitors)
        fold = folder.fold()
        for step, scalars in rows_of(fold.columns) if monitors else ():
            self._watch.see(step, scalars)  # what it says of the past is in the log already
        self.log = LogWriter(folder.path, fold.t)
        self.step = fold.step
        if self.log.torn_bytes:
            self.alert(
                "torn log",
                {"bytes": self.log.torn_bytes, "kept_in": "events.torn",
                 "reason": "a process died while it wrote a line"},
            )  # fmt: skip

    def metrics(self, step: int, **scalars: float) -> None:
        """Record scalars and make everything up to here readable for others."""
        self.step = step
        self.log.append(step, "metrics", dict(scalars))
        for alert in self._watch.see(step, scalars):
            self.alert(alert.kind, alert.evidence())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage of the loop."""
        started = time.perf_counter()
        yield
        seconds = round(time.perf_counter() - started, 5)
        self.log.append(self.step, "stage", {"name": name, "seconds": seconds}, flush=False)

    def histogram(self, step: int, name: str, low: float, high: float, counts: np.ndarray) -> None:
        """Record counts [rows, bins] of equal bins on [low, high]."""
        data = {"name": name, "low": low, "high": high, "counts": counts.tolist()}
        self.log.append(step, "histogram", data)

    def tensors(self, step: int, name: str, **arrays: np.ndarray) -> None:
        """Write arrays to `traces/` and note their shapes in the log."""
        traces = self._folder.path / "traces"
        traces.mkdir(exist_ok=True)
        file = f"{name}-{step:09d}.npz"
        np.savez_compressed(traces / file, **arrays)  # type: ignore[arg-type]
        shapes = {key: list(value.shape) for key, value in arrays.items()}
        self.log.append(step, "tensors", {"name": name, "file": f"traces/{file}", "shapes": shapes})

    def sample(self, step: int, **data: Any) -> None:
        """Record an example for people to read."""
        self.log.append(step, "sample", data)

    def alert(self, kind: str, evidence: Mapping[str, Any]) -> None:
        """Record that something is wrong, with what was seen."""
        self.log.append(self.step, "alert", {"kind": kind, **evidence})

    def state(self, state: str, words: str) -> None:
        """Record what the run is doing now, as a word and a sentence."""
        self.log.append(self.step, "state", {"state": state, "words": words})

    def setting(self, name: str, value: float, before: float) -> None:
        """Record that a live setting changed."""
        self.log.append(self.step, "setting", {"name": name, "value": value, "from": before})

    def rewind(self, step: int) -> None:
        """Record that the run goes back to a step, or to `ANEW`; what follows is told again."""
        self.log.append(self.step, "rewind", {"to_step": step})
        self._watch.rewind(step)
        self.step = max(step, 0)

    def checkpoint(self, tensors: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
        """Write a checkpoint and note it in the log."""
        file = save_checkpoint(self._folder.path, self.step, tensors, extra)
        self.log.append(self.step, "checkpoint", {"file": file})

    def close(self) -> None:
        """Write out what is buffered."""
        self.log.close()
