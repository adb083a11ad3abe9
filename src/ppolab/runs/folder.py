"""A run as a folder: what it is, where it stands, and who is at work on it."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ppolab.errors import ConflictError, StorageError
from ppolab.runs.checkpoints import checkpoint_steps
from ppolab.runs.events import Event
from ppolab.runs.fold import RunFold
from ppolab.runs.log import LOG_NAME, LogTail, LogWriter

MANIFEST_NAME = "run.json"
LOCK_NAME = "run.lock"
LIVE_STATES = ("waiting", "starting", "running", "paused")
STARTING_GRACE = 30.0  # seconds between "starting" and the lock of the process that starts


@dataclass(frozen=True)
class Manifest:
    """What a run is; written once, when it is created."""

    id: str
    title: str
    kind: str
    environment: str
    preset: str | None
    seed: int
    total_steps: int
    config: dict[str, Any]
    created_at: str  # ISO 8601, UTC
    versions: dict[str, str] = field(default_factory=dict)
    # Stages that are to follow once it has finished: kind and config of each.
    then: list[dict[str, Any]] = field(default_factory=list)
    # Of the arithmetic, where they were asked for: another number gives other rounding.
    threads: int | None = None


@dataclass(frozen=True)
class RunStatus:
    """Where a run stands."""

    state: str
    words: str  # the state as a sentence
    step: int
    head: int  # events in the log
    updated_at: float  # Unix time of the last event
    resumable_step: int | None  # step of the newest checkpoint
    latest: dict[str, float | None]  # newest value of each metric


class RunFolder:
    """One run on disk. Reading is safe from any thread and while the run goes."""

    def __init__(self, path: Path, recorded: bool = False) -> None:
        self.path = path
        self.recorded = recorded
        self.manifest = _read_manifest(path)
        self._fold = RunFold()
        self._tail = LogTail(path)
        self._mutex = threading.Lock()

    @property
    def id(self) -> str:
        """The run's name, which is the folder's."""
        return self.path.name

    def read(self, cursor: int = 0, limit: int | None = None) -> list[Event]:
        """Complete events beyond a cursor, oldest first."""
        tail = LogTail(self.path)
        tail.skip_to(cursor)
        return tail.read(limit)

    def fold(self) -> RunFold:
        """Everything the log tells so far; grows as the log does."""
        with self.folded() as (fold, _):
            return fold

    @contextmanager
    def folded(self) -> Iterator[tuple[RunFold, int]]:
        """The same with the cursor up to which it tells; within, it stays as it is.

        Each line of the log is read once. Where the log is no longer the one that was read, it is
        read anew.
        """
        with self._mutex:
            if self._tail.is_of_another_log():
                self._fold, self._tail = RunFold(), LogTail(self.path)
            for event in self._tail.read():
                self._fold.apply(event)
            yield self._fold, self._tail.cursor

    def status(self) -> RunStatus:
        """Where the run stands, with the truth about processes that went away."""
        fold = self.fold()
        state, words = fold.state, fold.state_words
        if state in LIVE_STATES and not self.is_live() and not self._may_still_start(state):
            state = "interrupted"
            words = _went_away(fold.step)
        steps = [] if self.recorded else checkpoint_steps(self.path)
        return RunStatus(
            state, words, fold.step, self._tail.cursor, self._updated_at(),
            steps[-1] if steps else None, dict(fold.latest),
        )  # fmt: skip

    def is_live(self) -> bool:
        """Whether a process is at work on the run now."""
        try:
            descriptor = os.open(self.path / LOCK_NAME, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process.

        Raises:
            ConflictError: another process holds it.
            StorageError: the folder cannot be written.
        """
        try:
            descriptor = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StorageError(
                "run folder", str(self.path), f"cannot be written ({error.strerror})",
                "Check the folder's permissions",
            ) from error  # fmt: skip
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ConflictError(
                    "run", self.id, "is already going in another process",
                    "Wait for it, or stop it first",
                ) from error  # fmt: skip
            yield
        finally:
            os.close(descriptor)

    def note_state(self, state: str, words: str) -> None:
        """Append a state to the log from outside the run's own process, which must be gone."""
        fold = self.fold()
        writer = LogWriter(self.path, fold.t)
        writer.append(fold.step, "state", {"state": state, "words": words})
        writer.close()

    def settle(self, surely_gone: bool = False) -> None:
        """Write "interrupted" into the log of a run whose process went away.

        Args:
            surely_gone: the caller saw the process end, so "starting" is no longer true either.
        """
        fold = self.fold()
        gone = fold.state in LIVE_STATES and not self.is_live()
        if gone and (surely_gone or not self._may_still_start(fold.state)):
            with self.locked():
                self.note_state("interrupted", _went_away(fold.step))

    def _may_still_start(self, state: str) -> bool:
        return state == "starting" and time.time() - self._updated_at() < STARTING_GRACE

    def _updated_at(self) -> float:
        log = self.path / LOG_NAME
        return (log if log.exists() else self.path).stat().st_mtime


def _went_away(step: int) -> str:
    return f"interrupted at step {step:,}: its process went away"


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write `run.json` so that it is there whole or not at all."""
    unfinished = path / f".{MANIFEST_NAME}.unfinished"
    unfinished.write_text(json.dumps(asdict(manifest), indent=2) + "\n", "utf-8")
    unfinished.replace(path / MANIFEST_NAME)


def _read_manifest(path: Path) -> Manifest:
    file = path / MANIFEST_NAME
    try:
        data = json.loads(file.read_text("utf-8"))
        return Manifest(**data)
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(
            "run folder", str(path), f"has no readable {MANIFEST_NAME} ({error})",
            "Restore the file, or delete the folder",
        ) from error  # fmt: skip
