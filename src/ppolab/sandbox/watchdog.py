"""Stands in for a memory control group where none can be had.

It adds up the memory of a box many times a second and ends the box when the sum passes the limit.
Between two looks a box can overshoot: by several hundred megabytes when it tries hard.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

PERIOD = 0.03  # seconds between two looks
COUNTED = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")


class Watchdog(threading.Thread):
    """Watches the process tree under `first` (the box's own process 1) until it is told to stop."""

    def __init__(self, first: int, limit: int, kill: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="sandbox-watchdog")
        self.first = first
        self.limit = limit
        self.kill = kill
        self.peak = 0
        self.fired = False
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        while not self._stop_asked.wait(PERIOD):
            used = self.measure()
            self.peak = max(self.peak, used)
            if used > self.limit:
                self.fired = True
                self.kill()
                return

    def stop(self) -> None:
        """Stop looking and wait for the thread."""
        self._stop_asked.set()
        if self.is_alive():
            self.join()

    def measure(self) -> int:
        """Sum the proportional share of anonymous, shared and swapped memory, in bytes.

        Proportional, because a forked child shares most pages with its parent: plain resident
        sizes would count them twice. Who hides his memory is counted as over the limit.
        """
        total = 0
        for pid in descendants(self.first):
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except PermissionError:
                return self.limit + 1
            except OSError:  # gone meanwhile
                continue
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(COUNTED))
        return total


def descendants(pid: int) -> list[int]:
    """List a process's children, their children and so on, without the process itself.

    Orphans in a process namespace become children of its process 1, so none is missed.
    """
    found: list[int] = []
    todo = [pid]
    while todo:
        current = todo.pop()
        for children in Path(f"/proc/{current}/task").glob("*/children"):
            try:
                born = [int(child) for child in children.read_text().split()]
            except OSError:
                continue
            found += born
            todo += born
    return found
