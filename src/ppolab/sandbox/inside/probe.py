"""Runs inside a box and tries what a submission must not be able to do; prints what it could.

Usage: probe.py escape FOREIGN_FILE PROCESSES   prints one JSON object
       probe.py memory BYTES                    takes memory, and says so if it gets it all
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

AF_VSOCK = 40  # sockets to the hypervisor; no network namespace covers them
OUTSIDE = ("/", "/usr", "/dev", "/opt", "/opt/box")


def main() -> None:
    """Run the probe that the first argument names."""
    if sys.argv[1] == "memory":
        take_memory(int(sys.argv[2]))
        return
    foreign_file, processes = Path(sys.argv[2]), int(sys.argv[3])
    report = {
        "network": succeeds(lambda: socket.socket(socket.AF_INET).close()),
        "vsock": succeeds(lambda: socket.socket(AF_VSOCK).close()),
        "foreign_file": succeeds(lambda: foreign_file.open("rb").close()),
        "accounts": succeeds(lambda: Path("/etc/passwd").open("rb").close()),
        "write_outside": any(can_write(Path(folder)) for folder in OUTSIDE),
        "processes": count_forks(processes + 8),
    }
    print(json.dumps(report))


def succeeds(action: Callable[[], None]) -> bool:
    """Say whether the system lets an action happen."""
    try:
        action()
    except OSError:
        return False
    return True


def can_write(folder: Path) -> bool:
    """Say whether a file can be created in a folder."""
    return succeeds(lambda: (folder / "probe").open("wb").close())


def count_forks(enough: int) -> int:
    """Fork sleeping children until it fails or there are enough; return how many there were."""
    children = 0
    while children < enough:
        try:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
        except OSError:
            break
        children += 1
    return children


def take_memory(count: int) -> None:
    """Write to every page, so that the memory is really taken, then stay."""
    taken = [b"x" * (1 << 20) for _ in range(count >> 20)]
    print(f"took {len(taken)} MB", flush=True)
    time.sleep(60)


if __name__ == "__main__":
    main()
