"""Control groups: memory, processes and cores of a box, limited and counted by the kernel.

Version 1 has one tree per controller, version 2 a single tree. Boxes live directly under the top
of each tree, because in version 2 a group that holds processes cannot have limited children, and
the top is the one exception.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from pathlib import Path

from ppolab.sandbox.limits import Limits

TOP = Path("/sys/fs/cgroup")
PARENT = "ppolab"
PERIOD_US = 100_000  # of the scheduler's bandwidth control
ABANDONED_SECONDS = 60.0  # an empty group older than this is nobody's
CONTROLLERS = ("memory", "pids", "cpu")
_numbers = itertools.count()


class Cgroup:
    """A fresh control group with the limits set and no process in it."""

    def __init__(self, limits: Limits, version: int, top: Path = TOP) -> None:
        self.version = version
        name = f"{os.getpid()}-{next(_numbers)}"
        if version == 1:
            self.folders = [top / controller / PARENT / name for controller in CONTROLLERS]
        else:
            _enable_controllers(top)
            self.folders = [top / PARENT / name]
        try:
            for folder in self.folders:
                _make(folder)
                if version == 2 and folder.parent.name == PARENT:
                    _enable_controllers(folder.parent)
            for file, value in self._settings(limits).items():
                self._write(file, value)
            for file, value in self._swap_settings(limits).items():
                with contextlib.suppress(OSError):  # absent where swap is not accounted for
                    self._write(file, value)
        except OSError:
            self.remove()
            raise

    def add(self, pid: int) -> None:
        """Move a process in; all it forks from now on is born here."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def processes(self) -> list[int]:
        """List the processes in the group."""
        return [int(pid) for pid in (self._pids_folder / "cgroup.procs").read_text().split()]

    def kill(self, seconds: float = 3.0) -> None:
        """Kill until nobody is left; a process that forks meanwhile is caught the next time."""
        deadline = time.monotonic() + seconds
        while (pids := self.processes()) and time.monotonic() < deadline:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)

    def memory_peak(self) -> int | None:
        """Most memory the group ever held, in bytes, file cache included."""
        name = "memory.max_usage_in_bytes" if self.version == 1 else "memory.peak"
        try:
            return int((self.folders[0] / name).read_text())
        except OSError:  # memory.peak came with Linux 5.19
            return None

    def out_of_memory(self) -> bool:
        """Whether the kernel killed a process of the group for want of memory."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        lines = (self.folders[0] / name).read_text().splitlines()
        counts = dict(line.split() for line in lines)
        return int(counts.get("oom_kill", 0)) > 0

    def remove(self) -> None:
        """Remove the group, and the folder of all groups when it was the last."""
        for folder in self.folders:
            _remove(folder)
            with contextlib.suppress(OSError):  # others are using it
                folder.parent.rmdir()

    @property
    def _pids_folder(self) -> Path:
        return self.folders[CONTROLLERS.index("pids")] if self.version == 1 else self.folders[0]

    def _settings(self, limits: Limits) -> dict[str, str]:
        quota = str(limits.cores * PERIOD_US)
        if self.version == 1:
            return {
                "memory.limit_in_bytes": str(limits.memory),
                "pids.max": str(limits.processes),
                "cpu.cfs_period_us": str(PERIOD_US),
                "cpu.cfs_quota_us": quota,
            }
        return {
            "memory.max": str(limits.memory),
            "pids.max": str(limits.processes),
            "cpu.max": f"{quota} {PERIOD_US}",
        }

    def _swap_settings(self, limits: Limits) -> dict[str, str]:
        if self.version == 1:  # memory and swap together
            return {"memory.memsw.limit_in_bytes": str(limits.memory)}
        return {"memory.swap.max": "0"}

    def _write(self, file: str, value: str) -> None:
        controller = file.split(".")[0]
        index = CONTROLLERS.index(controller) if self.version == 1 else 0
        (self.folders[index] / file).write_text(value)


def find_version(limits: Limits, top: Path = TOP) -> int | None:
    """Find the version of control groups that works here by making one; None for neither."""
    for version in (1, 2):
        if version == 1 and not all((top / name / "tasks").exists() for name in CONTROLLERS):
            continue
        if version == 2 and not (top / "cgroup.controllers").exists():
            continue
        try:
            Cgroup(limits, version, top).remove()
        except OSError:
            continue
        return version
    return None


def sweep(version: int, top: Path = TOP) -> None:
    """Remove groups left by a server that was killed.

    A group that holds a process cannot be removed, and a new one gets its first process at once.
    """
    parents = [top / name / PARENT for name in CONTROLLERS] if version == 1 else [top / PARENT]
    for parent in parents:
        for folder in parent.glob("*-*"):
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > ABANDONED_SECONDS:
                    folder.rmdir()
        with contextlib.suppress(OSError):  # others are using it
            parent.rmdir()


def _make(folder: Path) -> None:
    """Make a group; another server may be removing the folder of all groups at this moment."""
    for _ in range(5):
        with contextlib.suppress(FileNotFoundError):
            folder.mkdir(parents=True)
            return
    folder.mkdir(parents=True)


def _enable_controllers(folder: Path) -> None:
    (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in CONTROLLERS))


def _remove(folder: Path) -> None:
    """Remove a group; for a moment after its last process it still counts as busy."""
    for _ in range(100):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return
